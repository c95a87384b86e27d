// The dense layer: f(x W + b), with the weights kept in panels for the kernels.
#pragma once

#include <vector>

#include "foxnn/activation.hpp"
#include "foxnn/layer.hpp"

namespace foxnn {

template <class T>
class Dense final : public Layer<T> {
 public:
  /// Throws std::invalid_argument for sizes below 1 or above kLargestSize.
  Dense(index inputs, index neurons, Activation activation);

  /// Sizes beyond are refused by name rather than by the allocator.
  static constexpr index kLargestSize = 2147483647;

  void set_activation(Activation activation) { activation_ = activation; }

  /// Panels of weights, then the padded bias.
  const T* parameters() const { return parameters_; }

  /// The weights as (inputs x neurons), row by row, out and in.
  void get_weights(T* weights) const;
  void set_weights(const T* weights);
  void get_bias(T* bias) const;
  void set_bias(const T* bias);
  /// Weights and bias into numbers that lie as the parameters do; the padding is left.
  void pack(const T* weights, const T* bias, T* parameters) const;
  /// A gradient (or moment) that lies as the parameters do, as weights and bias.
  void unpack(const T* parameters, T* weights, T* bias) const;
  /// The same with the weights as (neurons x inputs), as files have them.
  void unpack_by_neuron(const T* parameters, T* weights, T* bias) const;

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Dense>(*this); }
  index inputs() const override { return inputs_; }
  index outputs() const override { return neurons_; }
  index output_width() const override { return padded_; }
  index parameter_count() const override { return (inputs_ + 1) * padded_; }
  index weight_count() const override { return inputs_ * padded_; }
  const Activation& activation() const override { return activation_; }
  void attach(T* parameters) override { parameters_ = parameters; }
  bool keeps_slope() const override;
  bool finishes_rows() const override { return activation_.kind == ActivationKind::softmax; }
  void set_sorted_summation(bool sorted) override { sorted_ = sorted; }
  ScratchSize scratch_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void finish_rows(index rows, const Rows<T>& y) const override;
  void backward_activation(index first_row, index rows, index first_column, index width,
                           const Rows<T>& delta, const Rows<const T>& y,
                           const Rows<const T>& slope) const override;
  void backward_input(Share share, index batch, const Rows<const T>& delta,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  void backward_parameters(Share share, index batch, const Rows<const T>& x,
                           const Rows<const T>& delta, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;

 private:
  void pack_weights(const T* weights, T* parameters) const;
  void activate(index rows, index width, index row, index panel, const Outputs<T>& out) const;
  /// Rows of a tile: what workers divide between them.
  index tile_rows() const;
  /// Where the terms of a sorted sum go; null where sums are not sorted.
  T* terms(const Scratch<T>& scratch) const {
    return sorted_ ? scratch.numbers + kPanelWidth<T> * neurons_ : nullptr;
  }

  index inputs_, neurons_;
  index padded_;  // neurons, padded to a line of the cache
  Activation activation_;
  bool sorted_ = false;
  T* parameters_ = nullptr;  // panels of weights, then the padded bias; owned by the network
};

extern template class Dense<float>;
extern template class Dense<double>;

}  // namespace foxnn
