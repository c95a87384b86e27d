// A training run: steps over epochs, by a team or on the narrow path; stopping, dropping a step,
// and resetting after a divergence.
#pragma once

#include <memory>
#include <span>

#include "base/stop_poll.hpp"
#include "layers/narrow.hpp"
#include "training/shard_steps.hpp"
#include "training/step.hpp"

namespace foxnn {

template <class T>
class Run {
 public:
  /// `in_pieces`: the network is planned for pieces of the samples, which are scaled already.
  Run(Network<T>& network, const Samples& samples, const TrainingPlan& plan, bool in_pieces,
      const Outside<T>& outside, const Shards<T>& shards);

  const TrainingPlan& plan() const { return plan_; }
  void set_learning_rate(double rate) { plan_.learning_rate = rate; }
  /// Sets other constants. The network's moments are kept if they are those of such a rule.
  void set_optimizer(const Optimizer& rule);
  const Batches<T>& batches() const { return batches_; }
  int workers() const { return workers_; }
  DroppedStep& dropped() { return dropped_; }
  Network<T>& network() { return network_; }
  /// Sets a clock for worker 0; null: no clock. The narrow path is switched off, because its parts
  /// are too short for a clock.
  void set_clock(PhaseClock* clock);

  /// The number of samples of an epoch, and of a whole batch.
  index samples() const { return shards_ ? shards_->order.samples() : batches_.samples().size(); }
  index batch() const { return shards_ ? shards_->order.batch() : batches_.size(); }
  bool is_sharded() const { return shards_ != nullptr; }
  bool is_between_epochs() const { return order_.is_over(samples()); }
  /// Returns false if stopped; the epoch has then not begun.
  bool begin_epoch();
  std::uint32_t draw_of_epoch() const { return draw_of_epoch_; }
  /// Where the next step of the epoch is.
  const Spot& spot() const { return order_.spot(); }
  void set_spot(const Spot& spot) { order_.set_spot(spot); }
  /// How many pieces the batch there has.
  index pieces_at(index first) const;
  /// Of the piece there, how many samples take part in it.
  index count_at(const Spot& spot) const { return batches_.count_at(order_, spot); }
  /// The states before it.
  auto states(index piece) const { return step_.states(piece); }
  /// The positions of the outputs up to a place in the epoch.
  index positions_before(const Spot& spot) const;
  /// What `Trainer::run_epoch` and `run_batch` have done so far in the epoch.
  StepReport epoch;

  /// Whether the weights to which a diverging run is reset are saved now, or were saved earlier.
  enum class Saving { now, earlier };
  /// A diverging epoch is reset to the weights at its start, if they are known.
  Saving saving_within_epoch() const;
  /// Makes `count` steps, and adds their sums to `report`.
  StepReport steps(index count, const StopRequest& stop, Saving saving, StepReport report = {});
  /// Whether training can continue on other samples: they must be dense, or stored, or sequences of
  /// different lengths, as these are.
  bool holds(const Samples& samples) {
    return step_.goes_by_stored() ==
               network_.goes_by_stored(network_.scaled_inputs(samples.inputs)) &&
           step_.takes_lengths() == (samples.inputs.lengths != nullptr);
  }
  /// Continues on other samples, for which `holds` must be true.
  void set_samples(const Samples& samples);
  /// One step on other samples, in their order.
  StepReport step_on(const Samples& samples);
  /// Takes samples back to their inputs without a step. Returns whether their outputs are finite.
  bool back_on(const Samples& samples);
  /// d loss / d inputs of the samples of the last `step_on` or `back_on`, in their order.
  void read_input_gradient(T* out) const;
  /// The samples of the next step; none between epochs.
  std::span<const std::uint32_t> next_batch() const;
  /// Trains on these inputs of the samples of the next step, until they are null. The narrow path
  /// is switched off.
  void give_inputs(const MatrixView* x);
  /// The mean loss over all samples in one batch, and its gradient.
  double gradient(T* out);

 private:
  // Up to `count` steps of the current epoch.
  void steps_of_team(index count, const StopRequest& stop, StepReport& report);
  void steps_of_narrow(index count, const StopRequest& stop, StepReport& report);
  void steps_of_shards(index count, const StopRequest& stop, StepReport& report);
  void gradient_of_block(const Samples& samples, const std::uint32_t* sample, index first,
                         index count, T scale);
  // Returns false if the step is dropped.
  bool gradient_of_blocks(const Samples& samples, const std::uint32_t* sample, index rows, T scale);
  // Afterwards no row of parameters is behind.
  void make_late_steps();
  // Lets the next step take all samples, in their order.
  void take_all(const Samples& samples);
  // Brings sequences of different lengths into the order in which passes take them.
  void sort_batches();
  // Takes back what a step has begun.
  void drop(StepReport& report);
  void save_parameters();
  void step_of_worker(const Team& team, const Spot& spot, const Spot& next, int slot, bool more,
                      Leaving* leaving, bool& is_dropped);
  // Adds a step to a report; `next` follows it.
  void count_step(const Spot& spot, const Spot& next, int slot, StepReport& report);
  void mark(const Team& team, Phase phase) {
    if (clock_ && team.is_first()) clock_->mark(phase);
  }

  Network<T>& network_;
  TrainingPlan plan_;
  const bool is_long_;     // whether a step is so long that a stop must not wait for its end
  const bool is_at_once_;  // whether all shards of this process go through the network together
  const int workers_;
  Batches<T> batches_;
  Tally<T> tally_;
  Update<T> update_;
  Step<T> step_;
  std::unique_ptr<ShardSteps<T>> shards_;  // set if steps go by shards
  std::unique_ptr<NarrowStep<T>> narrow_;  // set if one worker trains a narrow network
  EpochOrder order_;
  std::uint32_t draw_of_epoch_ = 0;  // the network's draw when the epoch began
  DroppedStep dropped_;
  Buffer<T> saved_parameters_;
  PhaseClock* clock_ = nullptr;

  // Written by worker 0 between two barriers, and read by all workers.
  bool go_on_ = true;
  StopPoll poll_;
};

extern template class Run<float>;
extern template class Run<double>;

}  // namespace foxnn
