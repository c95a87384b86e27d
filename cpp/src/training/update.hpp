// The optimizer's step: its coefficients, and storage for the whole gradient if it is needed.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "foxnn/trainer.hpp"
#include "training/clipping.hpp"
#include "training/late_rows.hpp"
#include "training/mean_decays.hpp"
#include "training/sinks.hpp"

namespace foxnn {

template <class T>
class Update {
 public:
  /// The gradient is stored before the first parameter changes if `stores` is true, or if it is
  /// clipped by norm.
  Update(Network<T>& network, const TrainingPlan& plan, bool stores)
      : network_(network),
        rules_{static_cast<T>(plan.l1), static_cast<T>(plan.l2), static_cast<T>(plan.clip_value)},
        sink_(network, plan.optimizer.kind,
              stores || plan.clip_norm > 0.0 ? GradientRules<T>() : rules_) {
    constexpr double kNoClip = std::numeric_limits<double>::infinity();
    if (stores || plan.clip_norm > 0.0) {
      stored_.emplace(network, plan.clip_norm > 0.0 ? plan.clip_norm : kNoClip);
      return;
    }
    const OptimizerTraits& rule = plan.optimizer.traits();
    const bool remembers = rule.steps != Remembers::never || rule.squares != Remembers::never;
    // What penalties and decay pull at in every step would not be done faster later.
    if (!remembers || rule.shrinks_weights || rules_.penalises()) return;
    late_ = std::make_unique<LateRows<T>>(network, sink_);
    if (!late_->is_used()) late_.reset();
  }

  bool stores_gradient() const { return stored_.has_value(); }

  /// Must be called before each step.
  void begin_step(double learning_rate) {
    OptimizerState<T>& state = network_.optimizer();
    const std::uint64_t restart = state.rule.restart_after;
    if (restart > 0 && state.step >= restart) {
      make_late_steps({});
      forget_late_steps();
      for (Buffer<T>& m : state.moments) std::fill_n(m.data(), m.size(), T(0));
      state.step = 0;
    }
    ++state.step;
    const MeanCorrections corrections = decays_.at(state.rule, state.step);
    sink_.set_step(update_coefficients(state.rule, learning_rate, corrections));
    if (late_) late_->begin_step(sink_.step());
  }
  /// Takes back a step that has changed no parameter.
  void drop_step() {
    --network_.optimizer().step;
    if (late_) late_->drop_step();
  }

  /// What brings rows of parameters up to date, by node; null if none is ever behind.
  RowNeeds* const* needs() const { return late_ ? late_->needs() : nullptr; }
  bool has_late_steps() const { return late_ != nullptr; }
  /// Makes all late steps of the worker's share of rows.
  void make_late_steps(Share share) {
    if (late_) late_->finish(share);
  }
  /// Must be called once they are made, or are not to be made.
  void forget_late_steps() {
    if (late_) late_->restart();
  }

  /// The sink for a layer's gradient: into the step, or into the store.
  UpdateSink<T> into_step(index node, PhaseClock* clock) const {
    UpdateSink<T> sink = sink_.of_layer(node, clock);
    sink.set_waits(late_ && late_->has(node));
    return sink;
  }
  StoreSink<T> into_store(index node) {
    return StoreSink<T>(network_, node, stored_->gradient(), rules_);
  }
  /// Makes the step with the stored gradient once it is complete. Must be called by every worker.
  void step_along_stored(const Team& team) {
    hand_on(team, [](index, index, index, T*) {});
  }
  /// The memory of the stored gradient; null if it is not stored.
  T* stored_gradient() { return stored_ ? stored_->gradient() : nullptr; }
  /// Makes the step with `factor` times the stored gradient, to which no rule has been applied.
  /// Must be called by every worker.
  void step_along_sum(const Team& team, T factor) {
    hand_on(team, [&](index layer, index offset, index count, T* gradient) {
      kernels<T>().scale(count, gradient, factor);
      const T* const parameters = network_.parameters().data() + network_.offset(layer) + offset;
      rules_.apply(count, gradient, parameters, is_penalised(network_.layer(layer), offset));
    });
  }
  /// Makes the step with a gradient of all layers, in the layout of the parameters. All layers must
  /// be trained.
  void step_along(T* gradient) {
    if (!stores_gradient()) return sink_.take_all(gradient);
    for (index i = 0; i < network_.size(); ++i) {
      StoreSink<T> sink = into_store(i);
      take_arrays(network_.layer(i), gradient + network_.offset(i), sink);
    }
    step_along_stored(Team({}, nullptr));
  }

 private:
  template <class Change>
  void hand_on(const Team& team, const Change& change) {
    stored_->hand_on(team, change, [&](index layer, index offset, index count, T* gradient) {
      sink_.of_layer(layer, nullptr).take(offset, count, gradient);
    });
  }

  Network<T>& network_;
  GradientRules<T> rules_;
  UpdateSink<T> sink_;
  MeanDecays decays_;
  std::optional<NormClip<T>> stored_;
  std::unique_ptr<LateRows<T>> late_;  // set if rows of parameters can wait for their steps
};

}  // namespace foxnn
