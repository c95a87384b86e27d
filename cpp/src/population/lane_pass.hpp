// A pass of a batch through a group of networks in the lanes of a vector, forward and back. Every
// member has its own samples, so its inputs are lines, too: rows of a batch are [numbers][members],
// and end with a line of ones, whose products are the gradient of the biases.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "foxnn/buffer.hpp"
#include "kernels/member_table.hpp"
#include "population/lane_layout.hpp"

namespace foxnn {

/// Numbers of some members in some rows of a batch that are not theirs: rows that they do not have,
/// because their last batch is shorter.
struct LaneGap {
  index member, first, last;  ///< rows first ... last - 1
};

/// What a pass writes for a node, and what it reads on the way back.
template <class T>
struct LaneStage {
  index node, inputs, outputs;
  bool is_dense = false, has_bias = false;
  bool drops = false;  ///< it is a dropout layer
  index line = 0;      ///< of its parameters
  index width = 0;     ///< lines of the weights of an input
  Activation activation;
  bool keeps_slope = false;
  Buffer<T> y, slope;
  /// Of a dropout layer, or of outputs that drop out in training; and these outputs.
  Buffer<T> mask, dropped;

  /// What the next stage reads.
  const T* result() const { return dropped.size() ? dropped.data() : y.data(); }
  T* result() { return dropped.size() ? dropped.data() : y.data(); }
};

template <class T>
class LanePass {
 public:
  /// For batches of up to `batch` rows, out of `rows_ahead` rows of inputs that are read together.
  /// `dropout`: which outputs drop out, by node; it may be empty. Without `backward`, there is only
  /// memory for the way forward. The gradient comes in pieces of about `piece` lines.
  LanePass(const Network<T>& network, const LaneLayout<T>& layout, index batch, index rows_ahead,
           const std::vector<bool>& dropout, bool backward, index piece = 0);

  /// Lines of a row of n numbers. With its ones it is never a power of two, at which columns of
  /// many rows would compete for the same places in the cache.
  static constexpr index pitch(index n) { return n + 1; }
  index inputs() const { return inputs_; }
  index outputs() const { return stages_.back().outputs; }
  T* input() { return x_.data(); }
  /// Lets the batch begin with a row of the inputs.
  void begin_with(index row) { first_ = x_.data() + row * pitch(inputs_) * kLine; }
  std::vector<LaneStage<T>>& stages() { return stages_; }
  const std::vector<LaneStage<T>>& stages() const { return stages_; }
  const T* output() const { return stages_.back().y.data(); }
  /// Memory for d loss / d outputs, or d loss / d preactivations, from which `backward` starts.
  T* delta() { return deltas_[0].data(); }

  /// The outputs; `raw`: without the last activation. A softmax is left to the caller.
  void forward(index rows, const T* parameters, bool raw, const std::vector<LaneGap>& gaps);
  /// The outputs of several groups, of so many rows each, one after the other. Stage by stage: so
  /// that a group does not wait for the end of its own chains, and functions are called once.
  void forward(index rows, std::span<const T* const> parameters);
  /// Calls take(line, weights, biases, gradient) for pieces of the gradient, from the last node to
  /// the first: so many lines of weights, followed by biases. The node's parameters may be changed
  /// then.
  /// `through_activation`: delta is that of the outputs. `whole`, if given, becomes the gradient of
  /// all parameters; otherwise the memory of a piece is used again for the next.
  template <class Take>
  void backward(index rows, const T* parameters, bool through_activation,
                const std::vector<LaneGap>& gaps, T* whole, const Take& take);

 private:
  static constexpr index kLine = kLineWidth<T>;

  // The inputs whose weights' gradient is a piece: whole tiles.
  static index rows_of_piece(const LaneStage<T>& stage, index piece) {
    constexpr index kTile = 4;
    return std::max<index>(kTile, piece / stage.width / kTile * kTile);
  }
  void multiply(LaneStage<T>& stage, index rows, const T* x, const T* parameters, T* y);
  void activate(LaneStage<T>& stage, index rows);
  void apply_slope(const LaneStage<T>& stage, index rows, T* delta);
  // c = a * b on rows of n lines.
  static void multiply_rows(index rows, index n, const T* a, const T* b, T* c);
  /// From the gradient of a stage's inputs to that of the preactivations before.
  void pass_on(const LaneStage<T>& stage, index rows, const T* parameters, const T* delta,
               T* below);
  // A zero in all rows that a member does not have: products with the gradient there, which is -0,
  // are then -0, and change no sum.
  static void blank(const std::vector<LaneGap>& gaps, index n, T* values, T with);
  // Memory for rows of n numbers that end with ones.
  static Buffer<T> with_ones(index rows, index n);

  index inputs_, piece_;
  Buffer<T> x_;
  T* first_;  // of the batch
  std::vector<LaneStage<T>> stages_;
  Buffer<T> deltas_[2];
  Buffer<T> gradient_;
};

template <class T>
template <class Take>
void LanePass<T>::backward(index rows, const T* parameters, bool through_activation,
                           const std::vector<LaneGap>& gaps, T* whole, const Take& take) {
  const MemberKernels<T>& k = member_kernels<T>();
  T *delta = deltas_[0].data(), *below = deltas_[1].data();
  if (through_activation) apply_slope(stages_.back(), rows, delta);
  for (std::size_t i = stages_.size(); i-- > 0;) {
    const LaneStage<T>& stage = stages_[i];
    const T* x = i > 0 ? stages_[i - 1].result() : first_;
    blank(gaps, stage.outputs, delta, T(-0.0));
    if (i > 0) {
      pass_on(stage, rows, parameters, delta, below);
      const LaneStage<T>& source = stages_[i - 1];
      apply_slope(source, rows, below);
      if (source.dropped.size()) {
        multiply_rows(rows, source.outputs, below, source.mask.data(), below);
      }
    }
    if (stage.is_dense) {
      const index n = stage.outputs, width = stage.width * kLine;
      const index height = rows_of_piece(stage, piece_);
      const index lines = stage.inputs + (stage.has_bias ? 1 : 0);
      MemberProduct<T> product{.m = 0,
                               .n = n,
                               .k = rows,
                               .a = x,
                               .a_row = kLine,
                               .a_step = pitch(stage.inputs) * kLine,
                               .b = delta,
                               .b_step = pitch(n) * kLine,
                               .b_column = kLine,
                               .init = nullptr,
                               .c = gradient_.data(),
                               .c_row = width};
      for (index first = 0; first < lines; first += product.m) {
        product.m = std::min(height, lines - first);
        product.a = x + first * kLine;
        const index line = stage.line + first * stage.width;
        if (whole) product.c = whole + line * kLine;
        k.multiply(product);
        const index weights = std::min(product.m, stage.inputs - first);
        take(line, weights * stage.width, (product.m - weights) * stage.width, product.c);
      }
    }
    std::swap(delta, below);
  }
}

extern template class LanePass<float>;
extern template class LanePass<double>;

}  // namespace foxnn
