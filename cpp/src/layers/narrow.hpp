// A training step of a network whose layers all have at most a cache line of neurons. There the
// calls between the parts of a step cost more than the arithmetic, and padding more than both: so
// one worker does the step in few calls, on rows that stand close together. The bits are those of
// the way through the layers.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/network.hpp"

namespace foxnn {

template <class T>
class NarrowStep {
 public:
  /// True for networks of dense layers that are narrow enough, and whose sums are not sorted.
  static bool fits(const Network<T>& network);

  NarrowStep(const Network<T>& network, index batch);

  /// Takes in samples order[0] ... order[rows - 1].
  void gather(const Samples& samples, const std::uint32_t* order, index rows);
  /// The network's outputs for them; `raw`: before the activation.
  void forward(index rows, bool raw);
  /// From `error()`, which is d loss / d outputs, or d loss / d preactivations where not
  /// `through_activation`, to the gradient.
  void backward(index rows, bool through_activation);

  Rows<T> outputs() { return {layers_.back().y.data(), layers_.back().stride}; }
  Rows<T> error() { return {layers_.back().delta.data(), layers_.back().stride}; }
  Rows<T> target() { return {target_.data(), network_.outputs()}; }
  /// Laid out as the parameters.
  Buffer<T>& gradient() { return gradient_; }

 private:
  struct NarrowLayer {
    const Dense<T>* dense;
    index stride;               // from a row of y, slope and delta to the next
    Buffer<T> y, slope, delta;  // a slope only where one is kept
    Buffer<T> transposed;       // weights, [neurons][line of inputs]
  };

  void backward_activation(NarrowLayer& layer, index rows);

  const Network<T>& network_;
  std::vector<NarrowLayer> layers_;
  Buffer<T> x_, target_, gradient_;
};

extern template class NarrowStep<float>;
extern template class NarrowStep<double>;

}  // namespace foxnn
