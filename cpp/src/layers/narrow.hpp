// A training step of a network whose layers all have at most a cache line of neurons. For such a
// network the calls between the parts of a step cost more than the arithmetic, and padding costs
// more than both. So a single worker does the step in a few calls, on rows stored without padding.
// The bits are the same as in a step through the layers. A large batch is taken block by block,
// which needs little memory, and lets a step be dropped between two blocks.
#pragma once

#include <memory>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/layer.hpp"

namespace foxnn {

template <class T>
class NarrowStep {
 public:
  /// Samples at a time: what a block of the widest layers needs (64 bytes a row for outputs,
  /// gradients and slopes) stays in a second-level cache of 1 MB if there are few layers.
  static constexpr index kBlock = 2048;

  /// For the parts of a network, whose parameters begin at `offsets`; see narrow_step.
  NarrowStep(const std::vector<NarrowPart<T>>& parts, const std::vector<index>& offsets,
             index parameters, index batch);

  /// Memory for a block of samples, one after another, and for their targets.
  T* inputs() { return x_.data(); }
  Rows<T> target() { return {target_.data(), parts_.back().part.neurons}; }
  /// Computes the network's outputs for them; `raw`: without the last activation.
  void forward(index rows, bool raw);
  /// Computes the gradient from `error()`, which is d loss / d outputs, or d loss / d
  /// preactivations unless `through_activation`. `goes_on`: adds to the gradient of the blocks
  /// before.
  void backward(index rows, bool through_activation, bool goes_on);

  Rows<T> outputs() { return {parts_.back().y.data(), parts_.back().stride}; }
  Rows<T> error() { return {parts_.back().delta.data(), parts_.back().stride}; }
  /// Has the same layout as the parameters.
  Buffer<T>& gradient() { return gradient_; }

 private:
  struct PartInUse {
    NarrowPart<T> part;
    index offset;
    index stride;               // from one row of y, slope and delta to the next
    Buffer<T> y, slope, delta;  // slope only if the layer keeps one
    Buffer<T> transposed;       // weights, [neurons][line of inputs]
  };

  void backward_activation(PartInUse& in_use, index rows);

  std::vector<PartInUse> parts_;
  Buffer<T> x_, target_, gradient_;
};

/// The fast path for these layers, each of which reads the one before it. `offsets` are their
/// positions in the flat buffer of all parameters. Null if a layer is too wide for it, or of
/// another kind.
template <class T>
std::unique_ptr<NarrowStep<T>> narrow_step(const std::vector<const Layer<T>*>& layers,
                                           const std::vector<index>& offsets, index parameters,
                                           index batch);

extern template class NarrowStep<float>;
extern template class NarrowStep<double>;

}  // namespace foxnn
