// The optimizer's step: its coefficients, and the gradient stored as a whole where it must be.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>

#include "foxnn/trainer.hpp"
#include "training/clipping.hpp"
#include "training/sinks.hpp"

namespace foxnn {

template <class T>
class Update {
 public:
  /// Where `stores`, or clipping by norm asks for it, the gradient is stored before the first
  /// parameter changes.
  Update(Network<T>& network, const TrainingPlan& plan, bool stores)
      : network_(network),
        rules_{static_cast<T>(plan.l1), static_cast<T>(plan.l2), static_cast<T>(plan.clip_value)},
        sink_(network, plan.optimizer.kind,
              stores || plan.clip_norm > 0.0 ? GradientRules<T>() : rules_) {
    constexpr double kNoClip = std::numeric_limits<double>::infinity();
    if (stores || plan.clip_norm > 0.0) {
      stored_.emplace(network, plan.clip_norm > 0.0 ? plan.clip_norm : kNoClip);
    }
  }

  bool stores_gradient() const { return stored_.has_value(); }

  /// To be called before each step.
  void begin_step(double learning_rate) {
    OptimizerState<T>& state = network_.optimizer();
    const std::uint64_t restart = state.rule.restart_after;
    if (restart > 0 && state.step >= restart) {
      for (Buffer<T>& m : state.moments) std::fill_n(m.data(), m.size(), T(0));
      state.step = 0;
    }
    ++state.step;
    sink_.set_step(update_coefficients(state.rule, learning_rate, state.step));
  }

  /// Where a layer's gradient goes: into the step, or into the store.
  UpdateSink<T> into_step(index node, PhaseClock* clock) const {
    return sink_.of_layer(node, clock);
  }
  StoreSink<T> into_store(index node) {
    return StoreSink<T>(network_, node, stored_->gradient(), rules_);
  }
  /// The step along the stored gradient, when all of it is there: by every worker.
  void step_along_stored(const Team& team) {
    stored_->hand_on(team, [&](index layer, index offset, index count, T* gradient) {
      sink_.of_layer(layer, nullptr).take(offset, count, gradient);
    });
  }
  /// The step along a gradient of all layers, which are all trained, laid out as the parameters.
  void step_along(T* gradient) {
    if (!stores_gradient()) return sink_.take_all(gradient);
    for (index i = 0; i < network_.size(); ++i) {
      StoreSink<T> sink = into_store(i);
      take_arrays(network_.layer(i), gradient + network_.offset(i), sink);
    }
    step_along_stored(Team({}, nullptr));
  }

 private:
  Network<T>& network_;
  GradientRules<T> rules_;
  UpdateSink<T> sink_;
  std::optional<NormClip<T>> stored_;
};

}  // namespace foxnn
