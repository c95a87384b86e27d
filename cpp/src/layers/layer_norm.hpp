// Layer normalization (Ba, Kiros and Hinton, "Layer normalization", 2016) over the channels of each
// position: y = (x - mean) / sqrt(variance + epsilon) * weights + bias.
#pragma once

#include "foxnn/layer.hpp"

namespace foxnn {

template <class T>
class LayerNorm final : public Layer<T> {
 public:
  /// Option: epsilon.
  LayerNorm(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<LayerNorm>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) override;
  index kept_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  void backward_parameters(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;

 private:
  index channels_, positions_;
  index panels_;  // of a position
  T epsilon_;
};

extern template class LayerNorm<float>;
extern template class LayerNorm<double>;

}  // namespace foxnn
