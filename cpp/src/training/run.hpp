// A training run: steps over epochs, by a team or the narrow way, stopped, dropped, set back.
#pragma once

#include <memory>

#include "base/stop_poll.hpp"
#include "layers/narrow.hpp"
#include "training/step.hpp"

namespace foxnn {

template <class T>
class Run {
 public:
  Run(Network<T>& network, const Samples& samples, const TrainingPlan& plan);

  const TrainingPlan& plan() const { return plan_; }
  void set_learning_rate(double rate) { plan_.learning_rate = rate; }
  const Batches<T>& batches() const { return batches_; }
  int workers() const { return workers_; }
  DroppedStep& dropped() { return dropped_; }
  Network<T>& network() { return network_; }
  /// A clock for worker 0, and no narrow way, whose parts are too small for it; null: no clock.
  void set_clock(PhaseClock* clock);

  bool is_between_epochs() const { return order_.is_over(batches_.samples().size()); }
  /// False: stopped, as if it had not begun.
  bool begin_epoch();
  std::uint32_t draw_of_epoch() const { return draw_of_epoch_; }
  /// Goes on behind the first `samples` samples of the epoch.
  void skip(index samples) { order_.set_position(samples); }
  /// What whole epochs and batches have done of the epoch.
  StepReport epoch;

  /// The weights before some steps, for the case that they diverge: those saved earlier may do.
  enum class Saving { now, earlier };
  /// The weights that a diverging epoch is set back to are those of its start, where they are
  /// known.
  Saving saving_within_epoch() const;
  /// So many steps, whose sums are added to those of steps before.
  StepReport steps(index count, const StopRequest& stop, Saving saving, StepReport report = {});
  /// One step on other samples, in their order.
  StepReport step_on(const Samples& samples);
  /// The mean loss over all samples in one batch, and its gradient.
  double gradient(T* out);

 private:
  // Up to `count` steps of the running epoch.
  void steps_of_team(index count, const StopRequest& stop, StepReport& report);
  void steps_of_narrow(index count, const StopRequest& stop, StepReport& report);
  void step_of_worker(const Team& team, index first, index rows, int slot, bool more,
                      Leaving* leaving, bool& is_dropped);
  void mark(const Team& team, Phase phase) {
    if (clock_ && team.is_first()) clock_->mark(phase);
  }

  Network<T>& network_;
  TrainingPlan plan_;
  const bool is_long_;  // a step: nobody should wait for its end
  const int workers_;
  Batches<T> batches_;
  Tally<T> tally_;
  Update<T> update_;
  Step<T> step_;
  std::unique_ptr<NarrowStep<T>> narrow_;  // where one worker trains a narrow network
  EpochOrder order_;
  std::uint32_t draw_of_epoch_ = 0;  // the network's, when the epoch began
  DroppedStep dropped_;
  Buffer<T> saved_parameters_;
  PhaseClock* clock_ = nullptr;

  // Written by worker 0 between two barriers, read by all.
  bool go_on_ = true;
  StopPoll poll_;
};

extern template class Run<float>;
extern template class Run<double>;

}  // namespace foxnn
