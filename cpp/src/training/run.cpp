// One team of workers serves all steps of an epoch. The phases of a step are separated by barriers.
// The next batch is gathered before the last updates of a step.
#include "training/run.hpp"

#include <algorithm>
#include <limits>

#include "base/parallel.hpp"
#include "base/pieces.hpp"
#include "base/subnormals.hpp"
#include "network/cost.hpp"

namespace foxnn {
namespace {

// Seconds of one worker. This is far below the 0.2 s that a user may wait, and long enough that
// storing the gradient, and polling for a stop, cost little in comparison.
constexpr double kLongStep = 0.02;

template <class T>
Cost cost_of_step(const Network<T>& network, const Samples& samples, index batch) {
  if (!network.goes_by_stored(network.scaled_inputs(samples.inputs))) {
    return training_cost(network, batch);
  }
  return training_cost(network, batch, stored_per_row(samples.inputs));
}

// Whether a batch's outputs take more memory than the parameters.
template <class T>
bool is_wider_than_deep(const Network<T>& network, index batch) {
  index width = 0;
  for (index i = 0; i < network.size(); ++i) {
    width += rounded_up(network.layer(i).output().layout.columns(), kLineWidth<T>);
  }
  return batch * width >= network.parameters().size();
}

template <class T>
std::unique_ptr<NarrowStep<T>> narrow_step_of(const Network<T>& network, index batch) {
  if (!network.is_chain()) return nullptr;
  std::vector<const Layer<T>*> layers;
  std::vector<index> offsets;
  for (index i = 0; i < network.size(); ++i) {
    layers.push_back(&network.layer(i));
    offsets.push_back(network.offset(i));
  }
  return narrow_step(layers, offsets, network.parameters().size(), batch);
}

// In place: another thread may be reading the network, so its buffers must remain valid.
template <class T>
void copy(const Buffer<T>& from, Buffer<T>& to) {
  std::copy_n(from.data(), from.size(), to.data());
}

}  // namespace

// A long step is dropped on a stop request, up to the first change of a parameter. If the gradient
// is small compared with the batch, it is stored, so that the whole backward pass comes before that
// change.
template <class T>
Run<T>::Run(Network<T>& network, const Samples& samples, const TrainingPlan& plan, bool in_pieces,
            const Outside<T>& outside, const Shards<T>& shards)
    : network_(network),
      plan_(plan),
      is_long_(cost_of_step(network, samples, std::min(plan.batch_size, samples.size())).alone >
               kLongStep),
      is_at_once_(
          goes_at_once(network, samples, plan.batch_size, shards, static_cast<bool>(outside.loss))),
      workers_(
          workers_for(cost_of_step(network, samples,
                                   rows_at_once(samples, plan.batch_size, shards, is_at_once_)),
                      plan.threads)),
      batches_(network, samples, rows_at_once(samples, plan.batch_size, shards, is_at_once_),
               in_pieces, plan.label_smoothing),
      tally_(network, plan, batches_.size(), in_pieces || samples.inputs.lengths != nullptr,
             static_cast<bool>(outside.loss), shards.are_used()),
      update_(network, plan,
              shards.are_used() || (is_long_ && is_wider_than_deep(network, batches_.size()))),
      step_(network, plan, batches_, tally_, workers_, outside) {
  if (shards.are_used()) {
    shards_ = std::make_unique<ShardSteps<T>>(network, shards, plan.batch_size, update_,
                                              is_at_once_, workers_);
    return;
  }
  if (workers_ == 1 && !step_.draws() && !in_pieces && !step_.asks_outside()) {
    narrow_ = narrow_step_of(network, batches_.size());
  }
}

template <class T>
void Run<T>::set_optimizer(const Optimizer& rule) {
  plan_.optimizer = rule;
  OptimizerState<T>& state = network_.optimizer();
  const bool has_its_moments = state.rule.kind == rule.kind &&
                               state.rule.remembers(0) == rule.remembers(0) &&
                               state.rule.remembers(1) == rule.remembers(1);
  if (state.step > 0 && has_its_moments) state.rule = rule;
}

template <class T>
void Run<T>::set_clock(PhaseClock* clock) {
  clock_ = clock;
  narrow_.reset();
}

template <class T>
bool Run<T>::begin_epoch() {
  const index n = batches_.samples().size();
  const auto rows = batches_.samples().rows;
  epoch = StepReport();
  draw_of_epoch_ = network_.draw();
  if (shards_) {
    const std::uint32_t draw = network_.draw();
    if (!shards_->order.draw(network_.seed(), draw, plan_.shuffle, order_, rows,
                             dropped_.request())) {
      return false;
    }
    if (plan_.shuffle) network_.set_draw(draw + shards_->order.draws());
  } else if (plan_.shuffle) {
    const Random random(network_.seed(), RandomStream::shuffle, network_.draw());
    if (!order_.shuffle(random, n, rows, dropped_.request())) return false;
    network_.next_draw();
  } else {
    order_.take_in_order(n, rows);
  }
  sort_batches();
  step_.begin_epoch();
  return true;
}

template <class T>
void Run<T>::sort_batches() {
  const Samples& samples = batches_.samples();
  if (samples.inputs.lengths && shards_) {
    shards_->order.sort(order_, samples.inputs.lengths);
  } else if (samples.inputs.lengths) {
    order_.sort_batches(samples.size(), batches_.size(), samples.inputs.lengths);
  }
}

// Moments are not saved, because that would take twice as much memory: after a divergence they are
// reset.
template <class T>
auto Run<T>::saving_within_epoch() const -> Saving {
  const bool begins = is_between_epochs() || (epoch.steps == 0 && spot().piece == 0);
  return begins || saved_parameters_.size() == 0 ? Saving::now : Saving::earlier;
}

template <class T>
StepReport Run<T>::steps(index count, const StopRequest& stop, Saving saving, StepReport report) {
  try {
    // Not on `stop`, which may be the end of a time in which at least one step is made.
    network_.use_optimizer(plan_.optimizer, dropped_.request());
    if (saving == Saving::now) save_parameters();
  } catch (const Stopped&) {
    report.stopped = true;
    return report;
  }
  const index end = report.steps + count;
  report.stopped = false;
  poll_.restart();
  while (report.steps < end && !report.stopped && !report.diverged) {
    if (is_between_epochs() && !begin_epoch()) {
      report.stopped = true;
      break;
    }
    if (shards_) {
      steps_of_shards(end - report.steps, stop, report);
    } else if (narrow_) {
      steps_of_narrow(end - report.steps, stop, report);
    } else {
      steps_of_team(end - report.steps, stop, report);
    }
  }
  if (update_.has_late_steps()) make_late_steps();
  const Buffer<T>& parameters = network_.parameters();
  if (!report.diverged && !kernels<T>().all_finite(parameters.size(), parameters.data(), T(1))) {
    report.diverged = true;
  }
  // Divided here, because a division per step would be noticeable in tiny steps.
  report.last_loss = tally_.last_loss();
  if (report.diverged) {
    copy(saved_parameters_, network_.parameters());
    network_.reset_optimizer();
  }
  return report;
}

template <class T>
void Run<T>::make_late_steps() {
  run_team(workers_, [&](const Team& team) {
    const SubnormalsAsZero subnormals;
    update_.make_late_steps(team.share());
  });
  update_.forget_late_steps();
}

template <class T>
void Run<T>::save_parameters() {
  const Buffer<T>& from = network_.parameters();
  // Taken away meanwhile, so that none are left if this is stopped.
  Buffer<T> to = std::move(saved_parameters_);
  if (to.size() != from.size()) to = Buffer<T>(from.size());
  copy_in_pieces(from.data(), from.size(), to.data(), dropped_.request());
  saved_parameters_ = std::move(to);
}

template <class T>
index Run<T>::positions_before(const Spot& spot) const {
  if (const SequencePieces<T>* const pieces = batches_.pieces()) {
    const std::uint32_t* const next = order_.from(spot.first);
    return pieces->positions(order_.from(0), spot.first) +
           pieces->positions(next, batches_.count_from(spot.first), spot.piece);
  }
  const std::int64_t* const lengths = batches_.samples().inputs.lengths;
  const bool varies = lengths && network_.outputs_vary();
  if (!varies) return spot.first * network_.output_shape().positions();
  index count = 0;
  for (index i = 0; i < spot.first; ++i) count += network_.steps_after(lengths[order_.from(0)[i]]);
  return count;
}

template <class T>
index Run<T>::pieces_at(index first) const {
  return batches_.pieces() ? batches_.pieces()->count(order_.from(first)) : 1;
}

template <class T>
void Run<T>::set_samples(const Samples& samples) {
  const Samples before = batches_.samples();
  batches_.set_samples(network_.scaled(samples));
  try {
    step_.make_room();
  } catch (...) {
    batches_.set_samples(before);
    throw;
  }
}

template <class T>
void Run<T>::take_all(const Samples& samples) {
  set_samples(samples);
  order_.take_in_order(batches_.size(), samples.rows);
  sort_batches();
}

template <class T>
StepReport Run<T>::step_on(const Samples& samples) {
  take_all(samples);
  if (!step_.draws()) return steps(1, {}, Saving::now);
  const std::uint32_t draw = network_.draw();
  step_.begin_epoch();
  const StepReport report = steps(1, {}, Saving::now);
  if (report.steps == 0) network_.set_draw(draw);
  return report;
}

template <class T>
bool Run<T>::back_on(const Samples& samples) {
  take_all(samples);
  const index rows = batches_.count_from(0);
  step_.forget_refusal();
  dropped_.begin();
  run_team(workers_, [&](const Team& team) {
    const SubnormalsAsZero subnormals;
    DroppedStep::View view(dropped_, team.is_first());
    Leaving* const leaving = is_long_ && dropped_.can_be() ? &view : nullptr;
    step_.gather(team, order_, {}, 0, leaving);
    team.wait();
    step_.forward(team, {}, rows, 0, leaving);
    step_.loss(team, 0, batches_.drawn(order_, {}, 0), rows, 0, leaving);
    if (!step_.is_refused()) step_.back_to_inputs(team, rows, 0, leaving);
  });
  StepReport report;
  tally_.count_step(rows, batches_.samples(), order_.from(0), report);
  return !report.diverged;
}

template <class T>
void Run<T>::read_input_gradient(T* out) const {
  const Rows<T> from = step_.gradient_of_inputs();
  const Scaling& scaling = network_.input_scaling();
  const index width = network_.inputs(), rows = batches_.count_from(0);
  const std::uint32_t* const sample = order_.from(0);
  for (index r = 0; r < rows; ++r) {
    T* const to = out + sample[r] * width;
    for (index i = 0; i < width; ++i) {
      const T value = from.at(r, i / kPanelWidth<T>)[i % kPanelWidth<T>];
      to[i] = scaling.empty() ? value
                              : static_cast<T>(static_cast<double>(value) *
                                               scaling.factor[static_cast<std::size_t>(i)]);
    }
    const MatrixView& inputs = batches_.samples().inputs;
    const index there = inputs.columns_of(sample[r]);
    std::fill(to + there, to + width, T(0));
  }
}

template <class T>
std::span<const std::uint32_t> Run<T>::next_batch() const {
  if (is_between_epochs()) return {};
  const index first = spot().first;
  return {order_.from(first), static_cast<std::size_t>(batches_.count_from(first))};
}

template <class T>
void Run<T>::give_inputs(const MatrixView* x) {
  narrow_.reset();
  if (!x) return batches_.give_inputs(nullptr);
  MatrixView scaled = *x;
  scaled.scaling = batches_.samples().inputs.scaling;
  batches_.give_inputs(&scaled);
}

// Inlined: a step of a tiny network takes a fifth of a microsecond.
template <class T>
[[gnu::always_inline]] inline void Run<T>::gradient_of_block(const Samples& samples,
                                                             const std::uint32_t* sample,
                                                             index first, index count, T scale) {
  read_rows(samples.inputs, sample + first, count, narrow_->inputs());
  if (!samples.labels) {
    read_rows(samples.outputs, sample + first, count, narrow_->target().data);
  } else {
    for (index r = 0; r < count; ++r) {
      read_target(samples, sample[first + r], network_.outputs(), narrow_->target().from_row(r));
    }
  }
  if (plan_.label_smoothing > 0.0) {
    for (index r = 0; r < count; ++r) batches_.smooth(narrow_->target().at(r));
  }
  narrow_->forward(count, tally_.takes_raw());
  tally_.judge(first, count, scale, samples, sample, narrow_->outputs(), narrow_->target(),
               narrow_->error());
  narrow_->backward(count, !tally_.takes_raw(), first > 0);
}

template <class T>
bool Run<T>::gradient_of_blocks(const Samples& samples, const std::uint32_t* sample, index rows,
                                T scale) {
  DroppedStep::View view(dropped_, true);
  const bool can_be_left = is_long_ && dropped_.can_be();
  for (index first = 0; first < rows; first += NarrowStep<T>::kBlock) {
    if (can_be_left && view.now()) return false;
    gradient_of_block(samples, sample, first, std::min(NarrowStep<T>::kBlock, rows - first), scale);
  }
  return true;
}

template <class T>
void Run<T>::steps_of_narrow(index count, const StopRequest& stop, StepReport& report) {
  const SubnormalsAsZero subnormals;
  const Samples& samples = batches_.samples();
  dropped_.begin();
  go_on_ = true;
  index position = spot().first;
  for (index left = count; go_on_; --left) {
    const index rows = batches_.count_from(position);
    const std::uint32_t* sample = order_.from(position);
    update_.begin_step(plan_.learning_rate);
    const T scale = tally_.scale(rows, samples.weights, sample);
    if (rows <= NarrowStep<T>::kBlock) {
      gradient_of_block(samples, sample, 0, rows, scale);
    } else if (!gradient_of_blocks(samples, sample, rows, scale)) {
      return drop(report);
    }
    update_.step_along(narrow_->gradient().data());
    tally_.count_step(rows, samples, sample, report);
    position += rows;
    order_.set_spot({position});
    report.stopped = poll_.after_step(stop);
    go_on_ = left > 1 && position < samples.size() && !report.stopped && !report.diverged;
  }
}

template <class T>
void Run<T>::drop(StepReport& report) {
  report.stopped = true;
  update_.drop_step();
}

template <class T>
void Run<T>::steps_of_team(index count, const StopRequest& stop, StepReport& report) {
  go_on_ = true;
  update_.begin_step(plan_.learning_rate);
  step_.forget_refusal();
  dropped_.begin();
  run_team(workers_, [&](const Team& team) {
    const SubnormalsAsZero subnormals;
    DroppedStep::View view(dropped_, team.is_first());
    Leaving* const leaving = is_long_ && dropped_.can_be() ? &view : nullptr;
    Spot at = spot();
    index left = count;
    int slot = 0;
    if (clock_ && team.is_first()) clock_->start();
    step_.gather(team, order_, at, slot, leaving);
    team.wait();
    mark(team, Phase::gather);
    while (go_on_) {
      const Spot next = batches_.after(order_, at);
      if (next.piece == 0) --left;
      const bool more = left > 0 && next.first < batches_.samples().size();
      bool is_dropped = false;
      step_of_worker(team, at, next, slot, more, leaving, is_dropped);
      if (is_dropped) break;
      team.wait();
      mark(team, Phase::backward);
      if (team.is_first()) {
        count_step(at, next, slot, report);
        report.stopped = poll_.after_step(stop);
        order_.set_spot(next);
        go_on_ = more && !report.stopped && !report.diverged;
        if (go_on_) update_.begin_step(plan_.learning_rate);
      }
      team.wait();
      at = next;
      slot = 1 - slot;
    }
  });
  if (dropped_.is() || step_.is_refused()) drop(report);
}

template <class T>
void Run<T>::steps_of_shards(index count, const StopRequest& stop, StepReport& report) {
  go_on_ = true;
  update_.begin_step(plan_.learning_rate);
  step_.forget_refusal();
  dropped_.begin();
  shards_->begin();
  bool is_dropped = false;  // written by the first worker
  run_team(workers_, [&](const Team& team) {
    const SubnormalsAsZero subnormals;
    DroppedStep::View view(dropped_, team.is_first());
    Leaving* const leaving = is_long_ && dropped_.can_be() && shards_->can_drop() ? &view : nullptr;
    index done = spot().first, together = 0, rows = 0;
    typename ShardSteps<T>::Gathered gathered;
    for (index left = count; go_on_; --left) {
      const index next = done + shards_->order.count_after(done);
      const bool is_last = ++together == shards_->steps_together() || next == samples();
      const bool more = next < samples() && (left > 1 || !is_last);
      rows += next - done;
      const bool is_made = shards_->step(
          team, step_, batches_, tally_, order_, done, more, is_last, gathered, dropped_, leaving,
          plan_.reduction == Reduction::sum, [&] { return poll_.after_step(stop); },
          [&](const ShardSums& sums, bool ends) {
            tally_.count_sums(together, rows, sums, report);
            report.stopped = ends;
          });
      if (!is_made) {
        if (team.is_first()) is_dropped = true;
        return;
      }
      team.wait();
      if (team.is_first()) {
        if (is_last) {
          order_.set_spot({next});
          go_on_ = more && !report.stopped && !report.diverged;
          shards_->begin();
        }
        if (go_on_) update_.begin_step(plan_.learning_rate);
      }
      team.wait();
      done = next;
      if (is_last) together = rows = 0;
    }
  });
  if (is_dropped) drop(report);
}

template <class T>
void Run<T>::count_step(const Spot& spot, const Spot& next, int slot, StepReport& report) {
  const index rows = count_at(spot);
  const Drawn drawn = batches_.drawn(order_, spot, slot);
  const SequencePieces<T>* const pieces = batches_.pieces();
  if (!pieces) return tally_.count_step(rows, drawn.samples, drawn.sample, report);
  const index ended = next.piece == 0 ? batches_.count_from(spot.first) : 0;
  tally_.count_piece(rows, drawn, pieces->shares(slot), ended, report);
}

template <class T>
void Run<T>::step_of_worker(const Team& team, const Spot& spot, const Spot& next, int slot,
                            bool more, Leaving* leaving, bool& is_dropped) {
  const index rows = count_at(spot);
  step_.forward(team, spot, rows, slot, leaving, update_.needs());
  mark(team, Phase::forward);
  step_.loss(team, spot.first / batches_.size(), batches_.drawn(order_, spot, slot), rows, slot,
             leaving);
  mark(team, Phase::loss);
  is_dropped = step_.is_refused();
  if (is_dropped) return;
  PhaseClock* const own_clock = team.is_first() ? clock_ : nullptr;
  RowsToFetch to_fetch;
  if (more) {
    to_fetch = batches_.rows_to_fetch(team.share(), order_.from(next.first), count_at(next));
  }
  const auto gather_next = [&](Leaving* leaves) {
    const PhaseClock::Detour detour(own_clock, Phase::gather);
    if (more) step_.gather(team, order_, next, 1 - slot, leaves);
  };
  if (update_.stores_gradient()) {
    step_.backward(
        team, rows, slot, to_fetch, [&](index node) { return update_.into_store(node); },
        gather_next, leaving, [](Leaving*&) { return true; });
    team.wait();
    is_dropped = dropped_.is();  // the same for all workers: none polls before the update
    if (is_dropped) return;
    update_.step_along_stored(team);
    step_.settle(team, rows);
    return;
  }
  is_dropped = !step_.backward(
      team, rows, slot, to_fetch, [&](index node) { return update_.into_step(node, own_clock); },
      gather_next, leaving,
      [&](Leaving*& leaves) {
        // After a barrier, so that all workers get the same answer. From here on the step is
        // finished.
        if (leaves && dropped_.is()) return false;
        leaves = nullptr;
        return true;
      });
  if (!is_dropped) step_.settle(team, rows);
}

template <class T>
double Run<T>::gradient(T* out) {
  if (!begin_epoch()) return std::numeric_limits<double>::quiet_NaN();
  step_.draw_nothing();
  const index rows = batches_.size();
  step_.forget_refusal();
  dropped_.begin();
  run_team(workers_, [&](const Team& team) {
    DroppedStep::View view(dropped_, team.is_first());
    Leaving* const leaving = is_long_ && dropped_.can_be() ? &view : nullptr;
    step_.gather(team, order_, {}, 0, leaving);
    team.wait();
    step_.forward(team, {}, rows, 0, leaving);
    step_.loss(team, 0, batches_.drawn(order_, {}, 0), rows, 0, leaving);
    if (step_.is_refused()) return;
    step_.backward(
        team, rows, 0, {}, [&](index node) { return StoreSink<T>(network_, node, out); },
        [](Leaving*) {}, leaving, [](Leaving*&) { return true; });
  });
  if (dropped_.is() || step_.is_refused()) return std::numeric_limits<double>::quiet_NaN();
  StepReport report;
  tally_.count_step(rows, batches_.samples(), order_.from(0), report);
  return report.loss / report.weight;
}

template class Run<float>;
template class Run<double>;

}  // namespace foxnn
