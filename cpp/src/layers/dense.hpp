// The dense layer: f(x W + b), with the weights stored in panels for the kernels. It is applied to
// a sample as a whole, or to each position separately with the same weights.
#pragma once

#include "kernels/kernel_table.hpp"
#include "layers/activated.hpp"

namespace foxnn {

template <class T>
class Dense final : public Activated<T> {
 public:
  /// Options: units, activation, parameters (of the activation), init, bias, each_position. Throws
  /// std::invalid_argument for sizes below 1 or above kLargestSize.
  Dense(const LayerSpec& spec, const std::vector<Form>& inputs);

  /// Larger sizes are refused by name rather than by the allocator.
  static constexpr index kLargestSize = 2147483647;

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Dense>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return this->spec().flag("each_position", false); }
  bool takes_masks() const override { return positions_ == 1; }
  void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) override;
  void unpack(const Array& array, const T* packed, T* values, Order order,
              const StopRequest& stop) const override;
  void pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const override;
  void set_sorted_summation(bool sorted) override { sorted_ = sorted; }
  double sorted_products() const override;
  ScratchSize scratch_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  bool skips_zeros() const override { return true; }
  bool takes_stored_rows() const override { return positions_ == 1; }
  void forward_stored(Share share, index batch, const StoredRows<T>& x, const Outputs<T>& out,
                      Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  bool takes_parts() const override { return positions_ == 1; }
  void backward_parameters(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;
  std::optional<NarrowPart<T>> narrow_part() const override;

 private:
  // The same for samples of several positions.
  void forward_positions(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                         Scratch<T> scratch) const;
  // The same for one position, or for samples that have only one.
  void forward_position(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                        Scratch<T> scratch) const;
  void backward_input_position(Share share, index batch, const Rows<const T>& delta,
                               const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                               Scratch<T> scratch) const;

  // The gradient of the weights for stored rows (dense_stored.cpp); `backward_parameters` adds that
  // of the bias.
  void gradient_of_stored(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                          Scratch<T> scratch) const;

  // The gradients of the parts of a batch (dense_parts.cpp).
  void gradients_of_parts(Share share, const Back<T>& back, GradientSink<T>& sink,
                          Scratch<T> scratch) const;

  // Two whole panels at a time (dense_pairs.cpp): whether products with so many columns take them,
  // and whether those from `first` to `last` of `padded` columns are such; the products forward,
  // and for the gradient of the inputs.
  bool takes_pairs(index columns) const;
  static bool are_pairs(index first, index last, index padded, index batch,
                        const Rows<const T>& from, const Rows<const T>& to);
  static index tiles_of_pairs(index batch);
  void forward_in_pairs(index first, index last, bool has_news, index batch, const Rows<const T>& x,
                        const Outputs<T>& out, const Scratch<T>& scratch) const;
  void backward_input_in_pairs(index first, index last, bool has_news, index batch,
                               const Rows<const T>& delta, const Rows<T>& delta_below,
                               const typename Layer<T>::Below& below, Scratch<T> scratch) const;
  void turn_weights(index q, T* turned) const;

  // The gradient of two whole panels of neurons, p and the next, for a panel of inputs.
  struct PairLists {
    static constexpr index kMostParts = 16;  // of the samples of a batch
    List of[kMostParts][kMostTiles];
  };
  // How many panels may be taken so: all whole ones, or none.
  index panels_in_pairs(const Back<T>& back) const;
  void list_pair_samples(index input, index batch, const Rows<const T>& x, std::uint32_t* items,
                         PairLists& lists) const;
  void gradient_of_pair(index p, index input, index batch, const Back<T>& back,
                        const PairLists* lists, GradientSink<T>& sink) const;

  void pack_weights(const T* weights, T* parameters, const StopRequest& stop) const;
  void unpack_weights(const T* parameters, T* weights, const StopRequest& stop) const;
  void unpack_by_neuron(const T* parameters, T* weights, const StopRequest& stop) const;
  /// Whether half a line has all neurons, as of most networks that answer with a few numbers: the
  /// other half is then not computed.
  bool fills_half() const { return neurons_ <= kLineWidth<T> / 2 && !sorted_; }
  /// What its product reads of panels of inputs, up to kPartsOfHalf of them: beyond that, the
  /// general tile, which prefetches weights, is as fast. Returns their number; 0: too many.
  static constexpr index kPartsOfHalf = 8;
  index parts_of_half(const Rows<const T>& x, Stretch* parts) const;
  /// Rows of a tile, the unit of work that is divided between workers.
  index tile_rows() const;
  /// Memory for the terms of a sorted sum; null if sums are not sorted.
  T* terms(const Scratch<T>& scratch) const {
    return sorted_ ? scratch.numbers + kPanelWidth<T> * neurons_ : nullptr;
  }
  // The parameters: panels of weights, followed by the padded bias.
  const T* weights() const { return this->parameters(); }
  const T* bias() const {
    return no_bias_.size() > 0 ? no_bias_.data() : this->parameters() + inputs_ * padded_;
  }
  index panels_of_input() const { return panel_count<T>(inputs_); }
  index panels_of_output() const { return panel_count<T>(padded_); }

  index inputs_ = 0, neurons_ = 0, positions_ = 1;
  index padded_ = 0;  // neurons, padded to a cache line
  bool sorted_ = false;
  Buffer<T> no_bias_;  // zeros, used if the layer has no bias
};

extern template class Dense<float>;
extern template class Dense<double>;

}  // namespace foxnn
