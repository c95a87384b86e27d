// How a gradient is used, piece by piece: in an optimizer's step, or as a copy.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "foxnn/layer.hpp"
#include "foxnn/network.hpp"
#include "foxnn/optimizer.hpp"
#include "kernels/kernel_table.hpp"
#include "training/phases.hpp"

namespace foxnn {

/// What is applied to a gradient before the step: penalties on the weights, and clipping by value.
template <class T>
struct GradientRules {
  T l1 = T(0), l2 = T(0), clip_value = T(0);  ///< 0: none

  void apply(index count, T* gradient, const T* parameters, bool is_penalised) const {
    const KernelTable<T>& k = kernels<T>();
    if (is_penalised && penalises()) k.add_penalty(count, gradient, parameters, l1, l2);
    if (clip_value > T(0)) k.clip(count, gradient, clip_value);
  }
  bool penalises() const { return l1 > T(0) || l2 > T(0); }
  bool any() const { return l1 > T(0) || l2 > T(0) || clip_value > T(0); }
};

/// Whether penalties apply to a layer's parameters at this offset.
template <class T>
bool is_penalised(const Layer<T>& layer, index offset) {
  for (const Array& array : layer.arrays()) {
    if (offset < array.offset + array.count) return array.is_penalised();
  }
  return false;
}

/// Passes a gradient in the layout of the layer's parameters to a sink, array by array.
template <class T>
void take_arrays(const Layer<T>& layer, T* gradient, GradientSink<T>& sink) {
  for (const Array& array : layer.arrays()) {
    if (array.is_trained()) sink.take(array.offset, array.count, gradient + array.offset);
  }
}

/// Applies the optimizer to each piece of gradient while it is in the first-level cache.
template <class T>
class UpdateSink final : public GradientSink<T> {
 public:
  UpdateSink(Network<T>& network, OptimizerKind kind, const GradientRules<T>& rules)
      : network_(network), update_(kernels<T>().update[static_cast<int>(kind)]), rules_(rules) {}

  /// The coefficients of a step, as the kernels take them.
  struct StepNumbers {
    UpdateArguments<T> arguments{};
    T shrink = T(0);
  };
  void set_step(const UpdateCoefficients& c) {
    step_.shrink = static_cast<T>(c.shrink);
    distinguishes_arrays_ = rules_.any() || step_.shrink != T(0);
    step_.arguments = {.rate = static_cast<T>(c.rate),
                       .decay = static_cast<T>(c.decay),
                       .gain = static_cast<T>(c.gain),
                       .decay_squares = static_cast<T>(c.decay_squares),
                       .gain_squares = static_cast<T>(c.gain_squares),
                       .square_scale = static_cast<T>(c.square_scale),
                       .epsilon = static_cast<T>(c.epsilon)};
  }
  const StepNumbers& step() const { return step_; }
  /// Goes back to another step of the same rule.
  void set_step(const StepNumbers& step) { step_ = step; }
  /// The same for the parameters of one layer. If there is a clock, it measures the time.
  UpdateSink of_layer(index layer, PhaseClock* clock) const {
    UpdateSink sink = *this;
    sink.base_ = network_.offset(layer);
    sink.layer_ = &network_.layer(layer);
    sink.clock_ = clock;
    return sink;
  }
  /// Lets rows without a gradient wait: their steps are made later.
  void set_waits(bool waits) { waits_ = waits; }
  /// Takes the gradient of all layers, in the layout of the parameters. All layers must be trained.
  void take_all(T* gradient) {
    if (!distinguishes_arrays_) return take(0, network_.parameters().size(), gradient);
    for (index i = 0; i < network_.size(); ++i) {
      UpdateSink sink = of_layer(i, nullptr);
      take_arrays(network_.layer(i), gradient + network_.offset(i), sink);
    }
  }
  void take(index offset, index count, T* gradient) override {
    const index at = base_ + offset;
    Buffer<T>* moments = network_.optimizer().moments;
    T* parameters = network_.parameters().data() + at;
    const PhaseClock::Detour detour(clock_, Phase::update);
    if (distinguishes_arrays_) prepare(count, gradient, parameters, is_penalised(*layer_, offset));
    update_(count, parameters, gradient, moments[0].size() ? moments[0].data() + at : nullptr,
            moments[1].size() ? moments[1].data() + at : nullptr, step_.arguments);
  }
  typename GradientSink<T>::Targets targets(index offset) const override {
    const index at = base_ + offset;
    const Buffer<T>* moments = network_.optimizer().moments;
    return {{network_.parameters().data() + at,
             moments[0].size() ? moments[0].data() + at : nullptr,
             moments[1].size() ? moments[1].data() + at : nullptr}};
  }
  // Without penalties, all rules leave a parameter as it is if its gradient and moments are zero.
  bool ignores_zeros(index offset) const override {
    const Buffer<T>* moments = network_.optimizer().moments;
    return waits_ || (moments[0].size() == 0 && moments[1].size() == 0 && !pulls(offset));
  }
  bool ignores_zeros(index offset, index count) const override {
    const Buffer<T>* moments = network_.optimizer().moments;
    return !pulls(offset) && is_zero(moments[0], offset, count) &&
           is_zero(moments[1], offset, count);
  }
  /// Whether parameters without penalties stay as they are if their gradient is zero: their mean of
  /// steps is, too. Only the mean of squares changes then, as `forget` changes it.
  bool stays(index offset, index count) const {
    return is_zero(network_.optimizer().moments[0], offset, count);
  }
  void forget(index offset, index count) {
    T* const squares = network_.optimizer().moments[1].data() + base_ + offset;
    kernels<T>().scale(count, squares, step_.arguments.decay_squares);
  }

 private:
  // Whether penalties or decay change the parameters at this offset.
  bool pulls(index offset) const {
    return distinguishes_arrays_ && (rules_.penalises() || step_.shrink != T(0)) &&
           is_penalised(*layer_, offset);
  }
  // A zero below 0 would become one above it in a step.
  bool is_zero(const Buffer<T>& moment, index offset, index count) const {
    if (moment.size() == 0) return true;
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    const T* first = moment.data() + base_ + offset;
    return std::all_of(first, first + count,
                       [](T value) { return std::bit_cast<Bits>(value) == 0; });
  }
  void prepare(index count, T* gradient, T* parameters, bool is_penalised) const {
    rules_.apply(count, gradient, parameters, is_penalised);
    if (is_penalised && step_.shrink != T(0)) {
      kernels<T>().shrink(count, parameters, step_.shrink);
    }
  }

  Network<T>& network_;
  UpdateKernel<T> update_;
  GradientRules<T> rules_;
  StepNumbers step_;
  bool distinguishes_arrays_ = false;
  bool waits_ = false;
  PhaseClock* clock_ = nullptr;
  index base_ = 0;  // offset of the layer
  const Layer<T>* layer_ = nullptr;
};

/// Stores a layer's gradient.
template <class T>
class StoreSink final : public GradientSink<T> {
 public:
  /// `gradient` is the memory for the gradient of the whole network.
  StoreSink(const Network<T>& network, index layer, T* gradient, const GradientRules<T>& rules = {})
      : gradient_(gradient + network.offset(layer)),
        parameters_(network.parameters().data() + network.offset(layer)),
        layer_(network.layer(layer)),
        rules_(rules) {}
  void take(index offset, index count, T* gradient) override {
    rules_.apply(count, gradient, parameters_ + offset, is_penalised(layer_, offset));
    std::copy_n(gradient, count, gradient_ + offset);
  }
  typename GradientSink<T>::Targets targets(index) const override { return {}; }

 private:
  T* gradient_;
  const T* parameters_;
  const Layer<T>& layer_;
  GradientRules<T> rules_;
};

}  // namespace foxnn
