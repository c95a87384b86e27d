// A training step of a network whose layers all have at most a cache line of neurons. There the
// calls between the parts of a step cost more than the arithmetic, and padding more than both: so
// one worker does the step in few calls, on rows that stand close together. The bits are those of
// the way through the layers.
#pragma once

#include <memory>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/layer.hpp"

namespace foxnn {

template <class T>
class NarrowStep {
 public:
  /// Of the parts of a network, whose parameters begin at `offsets`; see narrow_step.
  NarrowStep(const std::vector<NarrowPart<T>>& parts, const std::vector<index>& offsets,
             index parameters, index batch);

  /// Where so many samples go, one behind the other, and the outputs that they should have.
  T* inputs() { return x_.data(); }
  Rows<T> target() { return {target_.data(), parts_.back().part.neurons}; }
  /// The network's outputs for them; `raw`: before the activation.
  void forward(index rows, bool raw);
  /// From `error()`, which is d loss / d outputs, or d loss / d preactivations where not
  /// `through_activation`, to the gradient.
  void backward(index rows, bool through_activation);

  Rows<T> outputs() { return {parts_.back().y.data(), parts_.back().stride}; }
  Rows<T> error() { return {parts_.back().delta.data(), parts_.back().stride}; }
  /// Laid out as the parameters.
  Buffer<T>& gradient() { return gradient_; }

 private:
  struct PartInUse {
    NarrowPart<T> part;
    index offset;
    index stride;               // from a row of y, slope and delta to the next
    Buffer<T> y, slope, delta;  // a slope only where one is kept
    Buffer<T> transposed;       // weights, [neurons][line of inputs]
  };

  void backward_activation(PartInUse& in_use, index rows);

  std::vector<PartInUse> parts_;
  Buffer<T> x_, target_, gradient_;
};

/// The short way through these layers, each behind the one before, with their offsets in all of the
/// parameters; null where they are too wide for it, or of another kind.
template <class T>
std::unique_ptr<NarrowStep<T>> narrow_step(const std::vector<const Layer<T>*>& layers,
                                           const std::vector<index>& offsets, index parameters,
                                           index batch);

extern template class NarrowStep<float>;
extern template class NarrowStep<double>;

}  // namespace foxnn
