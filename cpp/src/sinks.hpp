// What becomes of a gradient, piece by piece: an optimizer's step, or a copy.
#pragma once

#include <algorithm>

#include "foxnn/layer.hpp"
#include "foxnn/network.hpp"
#include "foxnn/optimizer.hpp"
#include "kernels/kernel_table.hpp"
#include "phases.hpp"

namespace foxnn {

template <class T>
using UpdateKernel = void (*)(index, T*, const T*, T*, T*, UpdateArguments<T>);

/// The kernel of a rule.
template <class T>
UpdateKernel<T> update_kernel(OptimizerKind kind) {
  const KernelTable<T>& k = active_kernels().table<T>();
  switch (kind) {
    case OptimizerKind::sgd:
      return k.update_sgd;
    case OptimizerKind::momentum:
      return k.update_momentum;
    case OptimizerKind::nesterov:
      return k.update_nesterov;
    case OptimizerKind::adam:
      return k.update_adam;
  }
  return nullptr;
}

/// Applies the optimizer to each piece of gradient while it is in the first-level cache.
template <class T>
class UpdateSink final : public GradientSink<T> {
 public:
  UpdateSink(Network<T>& network, OptimizerKind kind)
      : network_(network), update_(update_kernel<T>(kind)) {}

  void set_step(const UpdateCoefficients& c) {
    arguments_ = {.rate = static_cast<T>(c.rate),
                  .decay = static_cast<T>(c.decay),
                  .gain = static_cast<T>(c.gain),
                  .decay_squares = static_cast<T>(c.decay_squares),
                  .gain_squares = static_cast<T>(c.gain_squares),
                  .square_scale = static_cast<T>(c.square_scale),
                  .epsilon = static_cast<T>(c.epsilon)};
  }
  /// The same for a layer's parameters alone; the time goes to the clock, where there is one.
  UpdateSink of_layer(index layer, PhaseClock* clock) const {
    UpdateSink sink = *this;
    sink.base_ = network_.offset(layer);
    sink.clock_ = clock;
    return sink;
  }
  void take(index offset, index count, const T* gradient) override {
    const index at = base_ + offset;
    Buffer<T>* moments = network_.optimizer().moments;
    const PhaseClock::Detour detour(clock_, Phase::update);
    update_(count, network_.parameters().data() + at, gradient,
            moments[0].size() ? moments[0].data() + at : nullptr,
            moments[1].size() ? moments[1].data() + at : nullptr, arguments_);
  }
  typename GradientSink<T>::Targets targets(index offset) const override {
    const index at = base_ + offset;
    const Buffer<T>* moments = network_.optimizer().moments;
    return {{network_.parameters().data() + at,
             moments[0].size() ? moments[0].data() + at : nullptr,
             moments[1].size() ? moments[1].data() + at : nullptr}};
  }

 private:
  Network<T>& network_;
  UpdateKernel<T> update_;
  PhaseClock* clock_ = nullptr;
  UpdateArguments<T> arguments_{};
  index base_ = 0;
};

/// Keeps the gradient, for those who want to see it.
template <class T>
class StoreSink final : public GradientSink<T> {
 public:
  explicit StoreSink(T* gradient) : gradient_(gradient) {}
  void take(index offset, index count, const T* gradient) override {
    std::copy_n(gradient, count, gradient_ + offset);
  }
  typename GradientSink<T>::Targets targets(index) const override { return {}; }

 private:
  T* gradient_;
};

}  // namespace foxnn
