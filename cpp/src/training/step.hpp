// The phases of a training step by a team: gather, forward, loss, and backward with update.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "base/stop_poll.hpp"
#include "layers/columns.hpp"
#include "training/dropout.hpp"
#include "training/epoch.hpp"
#include "training/gather.hpp"
#include "training/outside.hpp"
#include "training/phases.hpp"
#include "training/tally.hpp"
#include "training/update.hpp"

namespace foxnn {

template <class T>
class Step {
 public:
  Step(Network<T>& network, const TrainingPlan& plan, Batches<T>& batches, Tally<T>& tally,
       int workers, const Outside<T>& outside)
      : network_(network),
        batches_(batches),
        tally_(tally),
        pass_(network, batches.size(),
              {.backward = true,
               .gradient_of_input = outside.reaches_inputs,
               .slots = 2,
               // With one panel of inputs, looking for zeros does not pay off.
               .looks_for_zeros = panel_count<T>(network.inputs()) > 1,
               .stored = network.goes_by_stored(batches.samples().inputs),
               .lengths = batches.pieces() || batches.samples().inputs.lengths != nullptr,
               .states = batches.pieces() != nullptr}),
        dropout_(network, plan.dropout, batches.size()) {
    make_room();
    for (index i = 0; i < network.size(); ++i) layer_draws_ += network.layer(i).draws();
    for (int w = 0; w < workers; ++w) scratch_.emplace_back(network, batches.size());
    dropout_.apply_to(pass_, true);
    if (outside.loss) outside_.emplace(network, outside.loss, batches.size());
    if (outside.reaches_inputs) draw_nothing();
  }

  /// Makes room for batches of the present samples, if they go by their stored numbers.
  void make_room() { pass_.make_room(batches_.most_stored()); }
  /// Whether the samples go by their stored numbers.
  bool goes_by_stored() { return pass_.stored() != nullptr; }
  /// Whether the samples are sequences of different lengths.
  bool takes_lengths() const { return pass_.takes_lengths(); }
  /// Whether anything besides the order of the samples is random.
  bool draws() const { return is_training_ && (dropout_.is_used() || layer_draws_ > 0); }
  /// Whether the losses are computed outside the engine.
  bool asks_outside() const { return outside_.has_value(); }
  /// Whether the loss outside has refused the batch.
  bool is_refused() const { return outside_ && outside_->is_refused(); }
  void forget_refusal() {
    if (outside_) outside_->begin();
  }
  /// Takes the numbers of the sub-streams that the epoch, or a single step, draws from.
  void begin_epoch() {
    dropout_.begin_epoch(network_);
    occasion_ = {.seed = network_.seed(), .draw = network_.draw()};
    for (int i = 0; i < layer_draws_; ++i) network_.next_draw();
  }
  /// From now on there is no dropout, and layers compute as in inference.
  void draw_nothing() {
    dropout_.apply_to(pass_, false);
    is_training_ = false;
  }

  /// Reads the worker's share of the batch of a step.
  void gather(const Team& team, const EpochOrder& order, const Spot& spot, int slot,
              Leaving* leaving) {
    const index rows = batches_.count_at(order, spot);
    gather_rows(team, order, spot, rows, spot.first, slot, leaving);
  }
  /// The same of so many samples, from `first` on in the order, whose place in the epoch is
  /// another.
  void gather_part(const Team& team, const EpochOrder& order, index first, index rows, index place,
                   int slot, Leaving* leaving) {
    gather_rows(team, order, {first, 0}, rows, place, slot, leaving);
  }

  /// `needs`: of rows of parameters that may be behind, by node; null if there are none.
  void forward(const Team& team, const Spot& spot, index rows, int slot, Leaving* leaving,
               RowNeeds* const* needs = nullptr) {
    Scratch<T> lent = scratch_of(team);
    lent.leaving = leaving;
    Occasion occasion = occasion_;
    occasion.first = spot.first + spot.piece * batches_.samples().size();
    pass_.forward(team.share(), rows,
                  {.slot = slot,
                   .training = is_training_ ? &occasion : nullptr,
                   .raw = tally_.takes_raw(),
                   .needs = needs,
                   .piece = spot.piece},
                  lent, [&] { team.wait(); });
  }

  /// Computes the losses of the worker's rows of a batch, and d loss / d preactivations of the
  /// output layer.
  /// `number`: of the batch in its epoch.
  void loss(const Team& team, index number, const Drawn& drawn, index rows, int slot,
            Leaving* leaving) {
    if (outside_) return loss_outside(team, number, drawn, rows, slot);
    const Layer<T>& top = network_.top();
    const auto& [samples, sample] = drawn;
    const index end = team.share().last(rows);
    // In a long step, in blocks: one of a million outputs takes a few milliseconds.
    constexpr index kMostRows = 1024, kMostOutputs = 1 << 20;
    const index fitting = std::clamp<index>(kMostOutputs / network_.outputs(), 1, kMostRows);
    const index block = leaving ? fitting : rows;
    const T scale = tally_.scale(rows, samples.weights, sample);
    for (index first = team.share().first(rows); first < end; first += block) {
      if (leaving && leaving->now()) break;
      const index count = std::min(block, end - first);
      const Rows<T> out = pass_.output().from_row(first);
      const Rows<T> error = pass_.delta_of_output().from_row(first);
      tally_.judge(first, count, scale, samples, sample, out, batches_.target(slot).from_row(first),
                   error, pass_.rows_of_output(slot));
      if (tally_.takes_raw()) continue;
      const Rows<T> slope = pass_.slope_of_output();
      top.backward_outputs(count, error, out, slope.data ? slope.from_row(first) : slope);
    }
    team.wait();
  }

  /// d loss / d inputs of a batch that has been back at its inputs.
  Rows<T> gradient_of_inputs() const { return pass_.delta_of_input(); }
  /// Goes back to the inputs without any gradient of parameters.
  void back_to_inputs(const Team& team, index rows, int slot, Leaving* leaving) {
    Scratch<T> lent = scratch_of(team);
    lent.leaving = leaving;
    pass_.backward(
        team.share(), rows, slot, lent, [&] { team.wait(); },
        [](index, const Back<T>&) { return true; });
  }

  /// The states before a piece of sequences.
  auto states(index piece) const { return pass_.states(piece); }

  /// Must be called by every worker once the step is made.
  void settle(const Team& team, index rows) {
    if (is_training_) pass_.settle(team.share(), rows);
  }

  // A layer's parameters are changed only after all workers have passed its inputs' gradient on. So
  // backward_input(i) and the barrier come before backward_parameters(i). No other barrier is
  // needed between that and backward_input(i - 1).
  //
  // `gather_next` is called after the last product that can prefetch rows meanwhile, and before the
  // updates, which would evict these rows from the cache. `may_go_on` is called once, after a
  // barrier and before the first parameters change. If it returns false, the step is dropped.
  template <class SinkOf, class GatherNext, class MayGoOn>
  bool backward(const Team& team, index rows, int slot, RowsToFetch to_fetch, SinkOf sink_of,
                GatherNext gather_next, Leaving* leaving, MayGoOn may_go_on) {
    Scratch<T> lent = scratch_of(team);
    lent.fetch = &to_fetch;
    lent.leaving = leaving;
    const index top = network_.size() - 1;
    return pass_.backward(
        team.share(), rows, slot, lent, [&] { team.wait(); },
        [&](index i, const Back<T>& back) {
          if (i == top && !may_go_on(lent.leaving)) return false;
          if (i == pass_.last_to_pass()) gather_next(lent.leaving);
          if (!network_.layer(i).is_trained()) return true;
          auto sink = sink_of(i);
          network_.layer(i).backward_parameters(team.share(), rows, back, sink, lent);
          return true;
        });
  }

 private:
  void gather_rows(const Team& team, const EpochOrder& order, const Spot& spot, index rows,
                   index place, int slot, Leaving* leaving) {
    batches_.gather(team.share(), order, spot, rows, pass_, slot, leaving);
    if (dropout_.is_used() && is_training_) {
      dropout_.draw(place, team.share().first(rows), team.share().last(rows), slot, leaving);
    }
  }
  void loss_outside(const Team& team, index number, const Drawn& drawn, index rows, int slot) {
    const Layer<T>& top = network_.top();
    const Samples& samples = drawn.samples;
    const std::uint32_t* const sample = drawn.sample;
    const index first = team.share().first(rows), count = team.share().last(rows) - first;
    const Rows<T> out = pass_.output().from_row(first);
    top.finish_rows(count, out);
    team.wait();
    if (team.is_first()) {
      outside_->ask(rows, number, sample, pass_.output(), tally_.losses());
    }
    team.wait();
    if (outside_->is_refused()) return;
    const T scale = tally_.scale(rows, samples.weights, sample);
    const Rows<T> error = pass_.delta_of_output().from_row(first);
    outside_->put(
        first, count, error,
        [&](index r) {
          return samples.weights ? static_cast<T>(samples.weights[sample[r]]) * scale : scale;
        },
        pass_.rows_of_output(slot));
    const Rows<T> slope = pass_.slope_of_output();
    top.backward_outputs(count, error, out, slope.data ? slope.from_row(first) : slope);
    team.wait();
  }
  Scratch<T> scratch_of(const Team& team) {
    return scratch_[static_cast<std::size_t>(team.share().worker)].get();
  }

  Network<T>& network_;
  Batches<T>& batches_;
  Tally<T>& tally_;
  Pass<T> pass_;
  HiddenDropout<T> dropout_;
  std::optional<OutsideErrors<T>> outside_;
  std::vector<ScratchSpace<T>> scratch_;  // one per worker
  int layer_draws_ = 0;
  Occasion occasion_;
  bool is_training_ = true;
};

}  // namespace foxnn
