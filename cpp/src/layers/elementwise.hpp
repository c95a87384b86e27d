// Layers that work element by element, in any layout: an activation as a layer of its own, dropout,
// and the sum of two values.
#pragma once

#include "layers/activated.hpp"
#include "layers/dropout_masks.hpp"

namespace foxnn {

/// f(x). Options: activation, parameters.
template <class T>
class ActivationLayer final : public Activated<T> {
 public:
  ActivationLayer(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override {
    return std::make_unique<ActivationLayer>(*this);
  }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  LaneUse lane_use() const override { return LaneUse::follows; }
  bool takes_parts() const override { return true; }
  bool works_in_place() const override { return !this->finishes_rows(); }
  void apply(index rows, index width, index row, index panel,
             const Outputs<T>& out) const override {
    this->activate(rows, width, row, panel, out);
  }
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  bool passes_in_place() const override { return true; }
};

/// x times a mask in training, x itself otherwise. Option: rate.
template <class T>
class DropoutLayer final : public Layer<T> {
 public:
  DropoutLayer(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<DropoutLayer>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  bool takes_parts() const override { return true; }
  int draws() const override { return 1; }
  index kept_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  bool passes_in_place() const override { return true; }

 private:
  DropoutMasks<T> masks_;
};

/// The sum of two values of the same shape.
template <class T>
class Add final : public Layer<T> {
 public:
  Add(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Add>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  LaneUse lane_use() const override { return LaneUse::follows; }
  bool takes_parts() const override { return true; }
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
};

extern template class ActivationLayer<float>;
extern template class ActivationLayer<double>;
extern template class DropoutLayer<float>;
extern template class DropoutLayer<double>;
extern template class Add<float>;
extern template class Add<double>;

}  // namespace foxnn
