// What a training run holds, and the phases of a step on it. One team of workers stays together
// over the steps of an epoch; the phases are parted by barriers, and the next batch is gathered
// before the last updates of a step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "base/parallel.hpp"
#include "base/stop_poll.hpp"
#include "base/subnormals.hpp"
#include "foxnn/random.hpp"
#include "foxnn/trainer.hpp"
#include "layers/narrow.hpp"
#include "network/batch.hpp"
#include "network/cost.hpp"
#include "network/passes.hpp"
#include "training/clipping.hpp"
#include "training/dropout.hpp"
#include "training/phases.hpp"
#include "training/sinks.hpp"

namespace foxnn {

template <class T>
struct Trainer<T>::Work {
  Network<T>& network;
  Samples samples;
  TrainingPlan plan;
  const index batch;    // samples of a full batch
  const bool raw_loss;  // the loss takes the output layer's preactivations
  const Judge<T> judge;
  const int workers;
  // Nobody should wait for its end: it is dropped where the user wants to stop, up to the first
  // change of a parameter. Where the gradient is small beside the batch, it is stored, so that all
  // of the backward pass comes before.
  const bool is_long, stores_gradient;
  DroppedStep dropped;

  std::vector<std::uint32_t> order;
  index position = 0;               // samples of the epoch done
  StepReport epoch;                 // what whole epochs and batches have done of it
  std::uint32_t draw_of_epoch = 0;  // the network's, when it began

  // x and targets twice: the next batch is gathered while this one trains.
  Batch<T> x[2], target[2];
  std::vector<std::uint32_t> nonzero[2];  // of x, as Rows has it; none where it would not pay
  std::vector<Batch<T>> y, delta, slope;
  std::vector<Dropout<T>> dropout;  // one a hidden layer, where there is any
  bool drops;
  std::vector<ScratchSpace<T>> scratch;  // one a worker
  std::vector<double> losses;
  double last_sum = 0.0, last_weight = 0.0;  // of the last batch whose loss was finite
  std::vector<std::uint8_t> matches;
  GradientRules<T> rules;
  UpdateSink<T> update;
  std::optional<NormClip<T>> norm_clip;
  std::optional<NarrowStep<T>> narrow;  // where one worker trains a narrow network
  Buffer<T> saved_parameters;

  PhaseClock* clock = nullptr;  // of worker 0, where somebody wants to know

  // Written by worker 0 between two barriers, read by all.
  bool go_on = true;
  StopPoll poll;

  Work(Network<T>& network_, const Samples& samples_, const TrainingPlan& plan_)
      : network(network_),
        samples(network_.scaled(samples_)),
        plan(plan_),
        batch(std::min(plan_.batch_size, samples_.size())),
        raw_loss(network_.loss_takes_preactivations()),
        judge(network_),
        workers(training_workers(network_, batch, plan_.threads)),
        is_long(training_cost(network_, batch).alone > kLongStep),
        stores_gradient(plan_.clip_norm > 0.0 || (is_long && is_wider_than_deep())),
        drops(std::any_of(plan_.dropout.begin(), plan_.dropout.end(),
                          [](double p) { return p > 0; })),
        losses(static_cast<std::size_t>(batch)),
        matches(static_cast<std::size_t>(batch)),
        rules{static_cast<T>(plan_.l1), static_cast<T>(plan_.l2), static_cast<T>(plan_.clip_value)},
        update(network_, plan_.optimizer.kind, stores_gradient ? GradientRules<T>() : rules) {
    constexpr double kNoClip = std::numeric_limits<double>::infinity();
    if (stores_gradient)
      norm_clip.emplace(network, plan.clip_norm > 0.0 ? plan.clip_norm : kNoClip);
    if (workers == 1 && !drops && !is_long && NarrowStep<T>::fits(network)) {
      narrow.emplace(network, batch);
    }
    for (std::size_t i = 0; drops && i < plan.dropout.size(); ++i) {
      dropout.emplace_back(plan.dropout[i], network.layer(static_cast<index>(i)).outputs(), batch);
    }
    for (int i = 0; i < 2; ++i) {
      x[i] = Batch<T>::panels(batch, network.inputs());
      target[i] = Batch<T>::plain(batch, network.outputs());
      // One panel of inputs is too little work to look for zeros in.
      const index panels = panel_count<T>(network.inputs());
      if (panels > 1) nonzero[i].resize(static_cast<std::size_t>(panels * batch));
    }
    for (index i = 0; i < network.size(); ++i) {
      const Layer<T>& layer = network.layer(i);
      // Losses work on whole rows of the output layer.
      const auto make = i + 1 < network.size() ? Batch<T>::panels : Batch<T>::plain;
      y.push_back(make(batch, layer.output_width()));
      delta.push_back(make(batch, layer.output_width()));
      slope.push_back(layer.keeps_slope() ? make(batch, layer.output_width()) : Batch<T>());
    }
    for (int w = 0; w < workers; ++w) scratch.emplace_back(network, batch);
  }

  // Seconds of one worker: far below the fifth that a user waits, and so much that storing the
  // gradient, and asking now and then, are not felt.
  static constexpr double kLongStep = 0.02;

  // Whether a batch's outputs take more memory than the parameters.
  bool is_wider_than_deep() const {
    index width = 0;
    for (index i = 0; i < network.size(); ++i) width += network.layer(i).output_width();
    return batch * width >= network.parameters().size();
  }

  index count_from(index first) const { return std::min(batch, samples.size() - first); }

  // False: stopped, as if it had not begun.
  bool begin_epoch() {
    const index n = samples.size();
    epoch = StepReport();
    draw_of_epoch = network.draw();
    if (plan.shuffle) {
      const Random random(network.seed(), Stream::shuffle, network.draw());
      if (!shuffled_indices(random, static_cast<std::size_t>(n), order, dropped.request())) {
        order.clear();
        return false;
      }
      network.next_draw();
    } else if (order.empty()) {
      order.resize(static_cast<std::size_t>(n));
      std::iota(order.begin(), order.end(), 0u);
    }
    position = 0;
    for (Dropout<T>& of_layer : dropout) {
      if (of_layer.is_used()) of_layer.begin_epoch(network.seed(), network.next_draw());
    }
    return true;
  }

  void gather(const Team& team, index first, int into, Leaving* leaving = nullptr) {
    const index rows = count_from(first), outputs = network.outputs();
    const index begin = team.share().first(rows), end = team.share().last(rows);
    const std::uint32_t* sample = order.data() + first;
    const Rows<T> inputs = x[into].rows(), targets = target[into].rows();
    std::uint32_t* bits = nonzero[into].empty() ? nullptr : nonzero[into].data();
    for (index r = begin; r < end; ++r) {
      if (leaving && r % 64 == 0 && leaving->now()) return;
      // Rows lie anywhere in memory: the next one travels while this one is converted.
      if (r + 1 < end) fetch_row(samples.inputs, sample[r + 1]);
      read_row(samples.inputs, sample[r], inputs.from_row(r), bits ? bits + r : nullptr);
      read_target(samples, sample[r], outputs, targets.from_row(r));
    }
    for (Dropout<T>& of_layer : dropout) {
      if (drops && of_layer.is_used()) of_layer.draw(first, begin, end, into);
    }
  }

  Dropout<T>* dropout_of(index layer) {
    const auto at = static_cast<std::size_t>(layer);
    return drops && at < dropout.size() && dropout[at].is_used() ? &dropout[at] : nullptr;
  }

  // What `gather` will read.
  RowsToFetch rows_to_fetch(const Team& team, index first) const {
    const index rows = count_from(first);
    const std::uint32_t* sample = order.data() + first;
    return {samples.inputs.data, samples.inputs.row_bytes, sample + team.share().first(rows),
            sample + team.share().last(rows)};
  }

  Scratch<T> scratch_of(const Team& team) {
    return scratch[static_cast<std::size_t>(team.share().worker)].get();
  }

  Rows<T> input_of(index layer, int half) {
    if (Dropout<T>* below = layer > 0 ? dropout_of(layer - 1) : nullptr) return below->dropped();
    if (layer > 0) return y[static_cast<std::size_t>(layer - 1)].rows();
    Rows<T> rows = x[half].rows();
    if (!nonzero[half].empty()) rows.nonzero = nonzero[half].data();
    return rows;
  }

  void forward(const Team& team, index rows, int half, Leaving* leaving = nullptr) {
    Scratch<T> lent = scratch_of(team);
    lent.leaving = leaving;
    for (index i = 0; i < network.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      Outputs<T> out{.y = y[at].rows(), .slope = slope[at].rows()};
      out.raw = raw_loss && i + 1 == network.size();
      if (Dropout<T>* of_layer = dropout_of(i)) {
        out.mask = of_layer->mask(half);
        out.dropped = of_layer->dropped();
      }
      network.layer(i).forward(team.share(), rows, input_of(i, half), out, lent);
      team.wait();
    }
  }

  // The losses of the worker's rows of the batch from sample `begin` on, and d loss /
  // d preactivations of the output layer.
  void loss(const Team& team, index begin, index rows, int half, Leaving* leaving = nullptr) {
    const Layer<T>& top = network.layer(network.size() - 1);
    const index end = team.share().last(rows);
    // Of a long step in blocks: of a thousand outputs, some milliseconds each.
    const index block = leaving ? 1024 : rows;
    const T scale = loss_scale(begin, rows);
    for (index first = team.share().first(rows); first < end; first += block) {
      if (leaving && leaving->now()) break;
      const index count = std::min(block, end - first);
      const Rows<T> out = y.back().rows().from_row(first);
      const Rows<T> error = delta.back().rows().from_row(first);
      const Rows<T> wanted = target[half].rows().from_row(first);
      output_loss(top, begin, first, count, scale, out, wanted, error);
      if (raw_loss) continue;
      const Rows<T> kept = top.keeps_slope() ? slope.back().rows().from_row(first) : Rows<T>();
      top.backward_activation(0, count, 0, top.output_width(), error, out, kept);
    }
    team.wait();
  }

  // What the gradient of a loss is multiplied by, in the batch of `rows` from sample `begin` on.
  T loss_scale(index begin, index rows) const {
    const T together = static_cast<T>(total_weight(rows, samples.weights, order.data() + begin));
    // Samples that all count nothing pull nowhere.
    return plan.reduction == Reduction::sum ? T(1) : together > T(0) ? T(1) / together : T(0);
  }

  // Losses, and d loss / d outputs, of rows first ... first + count - 1 of the batch from sample
  // `begin` on.
  void output_loss(const Layer<T>& top, index begin, index first, index count, T scale,
                   const Rows<T>& out, const Rows<T>& wanted, const Rows<T>& error) {
    if (!raw_loss) top.finish_rows(count, out);
    const std::uint32_t* sample = order.data() + begin;
    judge(count, out, wanted, scale, error, losses.data() + first,
          plan.count_matches ? matches.data() + first : nullptr);
    for (index r = 0; samples.weights && r < count; ++r) {
      const T weight = static_cast<T>(samples.weights[sample[first + r]]);
      for (index i = 0; i < top.outputs(); ++i) error.at(r)[i] *= weight;
    }
  }

  // A layer's parameters are changed only when all workers have passed its inputs' gradient on:
  // so backward_input(i) and the barrier come before backward_parameters(i), which then runs into
  // backward_input(i - 1) without another.
  //
  // `gather_next` is called between the last product that can fetch rows by the way and the
  // updates, which would push the rows out of the cache again. False: the step is dropped, before
  // the first parameters.
  template <class SinkOf, class GatherNext>
  bool backward(const Team& team, index rows, int half, RowsToFetch to_fetch, SinkOf sink_of,
                GatherNext gather_next, Leaving* leaving = nullptr) {
    Scratch<T> lent = scratch_of(team);
    lent.fetch = &to_fetch;
    lent.leaving = leaving;
    for (index i = network.size() - 1; i >= 0; --i) {
      const auto at = static_cast<std::size_t>(i);
      if (i > 0) {
        const auto under = at - 1;
        typename Layer<T>::Below below{&network.layer(i - 1), y[under].rows(), slope[under].rows()};
        if (Dropout<T>* of_layer = dropout_of(i - 1)) below.mask = of_layer->mask(half);
        network.layer(i).backward_input(team.share(), rows, delta[at].rows(), delta[under].rows(),
                                        below, lent);
        team.wait();
      }
      if (leaving && !stores_gradient && i + 1 == network.size()) {
        // Behind a barrier, so that all have the same answer; from here on the step is finished.
        if (dropped.is()) return false;
        lent.leaving = nullptr;
      }
      if (i == std::min<index>(1, network.size() - 1)) gather_next(lent.leaving);
      auto sink = sink_of(i);
      network.layer(i).backward_parameters(team.share(), rows, input_of(i, half), delta[at].rows(),
                                           sink, lent);
    }
    return true;
  }

  // Of the batch from sample `begin` on.
  void count_step(index begin, index rows, StepReport& report) {
    const std::uint32_t* sample = order.data() + begin;
    const double sum = weighted_sum(losses, rows, samples.weights, sample);
    const double weight = total_weight(rows, samples.weights, sample);
    if (plan.count_matches) {
      for (index r = 0; r < rows; ++r) report.correct += matches[static_cast<std::size_t>(r)];
    }
    report.loss += sum;
    report.weight += weight;
    report.samples += rows;
    ++report.steps;
    if (!std::isfinite(sum)) {
      report.diverged = true;
    } else if (weight > 0.0) {
      last_sum = sum, last_weight = weight;
    }
  }

  void next_update_step() {
    OptimizerState<T>& state = network.optimizer();
    const std::uint64_t restart = state.rule.restart_after;
    if (restart > 0 && state.step >= restart) {
      for (Buffer<T>& m : state.moments) std::fill_n(m.data(), m.size(), T(0));
      state.step = 0;
    }
    ++state.step;
    update.set_step(update_coefficients(state.rule, plan.learning_rate, state.step));
  }

  // The step along the stored gradient, when all of it is there.
  void clip_and_update(const Team& team) {
    norm_clip->hand_on(team, [&](index layer, index offset, index count, T* gradient) {
      update.of_layer(layer, nullptr).take(offset, count, gradient);
    });
  }

  void mark(const Team& team, Phase phase) {
    if (clock && team.is_first()) clock->mark(phase);
  }

  // The same as run_within_epoch, for narrow networks.
  void run_narrow_within_epoch(index steps, const StopRequest& stop, StepReport& report) {
    const SubnormalsAsZero subnormals;
    const Layer<T>& top = network.layer(network.size() - 1);
    go_on = true;
    for (index left = steps; go_on; --left) {
      const index rows = count_from(position);
      next_update_step();
      narrow->gather(samples, order.data() + position, rows);
      narrow->forward(rows, raw_loss);
      output_loss(top, position, 0, rows, loss_scale(position, rows), narrow->outputs(),
                  narrow->target(), narrow->error());
      narrow->backward(rows, !raw_loss);
      T* gradient = narrow->gradient().data();
      if (norm_clip) {
        for (index i = 0; i < network.size(); ++i) {
          StoreSink<T> sink(network, i, norm_clip->gradient(), rules);
          const Layer<T>& layer = network.layer(i);
          const index weights = layer.weight_count();
          T* of_layer = gradient + network.offset(i);
          sink.take(0, weights, of_layer);
          sink.take(weights, layer.parameter_count() - weights, of_layer + weights);
        }
        clip_and_update(Team({}, nullptr));
      } else {
        update.take_all(gradient);
      }
      count_step(position, rows, report);
      position += rows;
      report.stopped = poll.after_step(stop);
      go_on = left > 1 && position < samples.size() && !report.stopped && !report.diverged;
    }
  }

  // Up to `steps` steps of the running epoch.
  void run_within_epoch(index steps, const StopRequest& stop, StepReport& report) {
    go_on = true;
    next_update_step();
    dropped.begin();
    run_team(workers, [&](const Team& team) {
      const SubnormalsAsZero subnormals;
      DroppedStep::View view(dropped, team.is_first());
      Leaving* const leaving = is_long && dropped.can_be() ? &view : nullptr;
      index first = position, left = steps;
      int half = 0;
      if (clock && team.is_first()) clock->start();
      gather(team, first, half, leaving);
      team.wait();
      mark(team, Phase::gather);
      while (go_on) {
        const index rows = count_from(first), next = first + rows;
        const bool more = left > 1 && next < samples.size();
        forward(team, rows, half, leaving);
        mark(team, Phase::forward);
        loss(team, first, rows, half, leaving);
        mark(team, Phase::loss);
        PhaseClock* const own_clock = team.is_first() ? clock : nullptr;
        const RowsToFetch to_fetch = more ? rows_to_fetch(team, next) : RowsToFetch();
        const auto gather_next = [&](Leaving* leaves) {
          const PhaseClock::Detour detour(own_clock, Phase::gather);
          if (more) gather(team, next, 1 - half, leaves);
        };
        if (norm_clip) {
          T* gradient = norm_clip->gradient();
          backward(
              team, rows, half, to_fetch,
              [&](index layer) { return StoreSink<T>(network, layer, gradient, rules); },
              gather_next, leaving);
          team.wait();
          if (dropped.is()) break;  // all have the same answer, for nobody asks before the update
          clip_and_update(team);
        } else if (!backward(
                       team, rows, half, to_fetch,
                       [&](index layer) { return update.of_layer(layer, own_clock); }, gather_next,
                       leaving)) {
          break;
        }
        team.wait();
        mark(team, Phase::backward);
        if (team.is_first()) {
          count_step(first, rows, report);
          report.stopped = poll.after_step(stop);
          position = next;
          go_on = more && !report.stopped && !report.diverged;
          if (go_on) next_update_step();
        }
        team.wait();
        first = next;
        half = 1 - half;
        --left;
      }
    });
    if (dropped.is()) {
      report.stopped = true;
      --network.optimizer().step;
    }
  }

  // In place: whoever reads the network meanwhile must not find its buffers gone.
  static void copy(const Buffer<T>& from, Buffer<T>& to) {
    if (to.size() != from.size()) to = Buffer<T>(from.size());
    std::copy_n(from.data(), from.size(), to.data());
  }

  // The weights before some steps, for the case that they diverge: those saved earlier may do.
  // Moments are not saved, which would take twice as much memory: they are forgotten.
  enum class Saving { now, earlier };

  void save(Saving saving) {
    if (saving == Saving::now) copy(network.parameters(), saved_parameters);
  }

  void restore() {
    copy(saved_parameters, network.parameters());
    network.reset_optimizer();
  }

  bool is_between_epochs() const { return order.empty() || position >= samples.size(); }

  // The weights that a diverging epoch is set back to are those of its start, where they are known.
  Saving saving_within_epoch() const {
    const bool begins = is_between_epochs() || epoch.steps == 0;
    return begins || saved_parameters.size() == 0 ? Saving::now : Saving::earlier;
  }

  // So many steps, whose sums are added to those of steps before.
  StepReport run(index steps, const StopRequest& stop, Saving saving, StepReport report = {}) {
    network.use_optimizer(plan.optimizer);
    save(saving);
    const index end = report.steps + steps;
    report.stopped = false;
    poll.restart();
    while (report.steps < end && !report.stopped && !report.diverged) {
      if (is_between_epochs() && !begin_epoch()) {
        report.stopped = true;
        break;
      }
      if (narrow) {
        run_narrow_within_epoch(end - report.steps, stop, report);
      } else {
        run_within_epoch(end - report.steps, stop, report);
      }
    }
    const Buffer<T>& parameters = network.parameters();
    if (!report.diverged &&
        !active_kernels().table<T>().all_finite(parameters.size(), parameters.data(), T(1))) {
      report.diverged = true;
    }
    // Divided here, since a division is felt in a tiny step.
    report.last_loss = last_sum / last_weight;
    if (report.diverged) restore();
    return report;
  }
};

}  // namespace foxnn
