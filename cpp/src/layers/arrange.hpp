// Layers that copy columns. They change no numbers, only the layout, the shape, or which values are
// joined into one sample.
#pragma once

#include "foxnn/layer.hpp"

namespace foxnn {

/// Copies its input into another layout, or from rows into lanes, or back.
template <class T>
class Arrange : public Layer<T> {
 public:
  Arrange(const LayerSpec& spec, const std::vector<Form>& inputs, const Form& output);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Arrange>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  bool keeps_numbers() const override { return true; }
  LaneUse lane_use() const override { return LaneUse::turns; }
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;

 private:
  template <class Function>
  void each_copy(const Function& f) const;
  template <class Function>
  void each_turn(Share share, index batch, const Layout& rows, const Scratch<T>& scratch,
                 const Function& f) const;
};

/// The same numbers in another shape. Option: shape; without it, the result is flat.
template <class T>
class Reshape final : public Arrange<T> {
 public:
  Reshape(const LayerSpec& spec, const std::vector<Form>& inputs);
  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Reshape>(*this); }
  bool goes_step_by_step() const override { return false; }
};

/// Concatenates values with the same positions along the channels.
template <class T>
class Concatenate final : public Layer<T> {
 public:
  Concatenate(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Concatenate>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  LaneUse lane_use() const override { return LaneUse::follows; }
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;

 private:
  /// Calls f(column of the input, column of the output, count).
  template <class Function>
  void each_copy(std::size_t which, const Function& f) const;
  /// The same in lanes: f(panel of samples, row of the input, row of the output, count, width).
  template <class Function>
  void each_lane_copy(Share share, index batch, std::size_t which, const Scratch<T>& scratch,
                      const Function& f) const;

  std::vector<index> first_channels_;  // of each input, within the output
};

extern template class Arrange<float>;
extern template class Arrange<double>;
extern template class Reshape<float>;
extern template class Reshape<double>;
extern template class Concatenate<float>;
extern template class Concatenate<double>;

}  // namespace foxnn
