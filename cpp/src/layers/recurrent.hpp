// The recurrent layers: a plain recurrent network (Elman), the GRU and the LSTM, over a sequence in
// one direction or both. What they compute is in recurrence.hpp.
#pragma once

#include "foxnn/layer.hpp"
#include "layers/recurrence.hpp"

namespace foxnn {

template <class T>
class Recurrent final : public Layer<T> {
 public:
  /// Options: units; return_sequences, bidirectional, reverse, bias, init. The kind names the cell:
  /// rnn, gru or lstm. Throws std::invalid_argument unless the input is (steps, features).
  Recurrent(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Recurrent>(*this); }
  double flops() const override;
  index state_size() const override;
  bool goes_step_by_step() const override {
    return shape_.directions == 1 && !shape_.reverse && shape_.sequences;
  }
  void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) override;
  void unpack(const Array& array, const T* packed, T* values, Order order,
              const StopRequest& stop) const override;
  void pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const override;
  ScratchSize scratch_size(index batch) const override { return scratch_of(shape_, batch); }
  index kept_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  bool has_backward() const override { return true; }
  bool spends_kept() const override { return true; }
  bool needs_no_zeros() const override { return true; }
  void backward(Share share, index batch, const Back<T>& back, Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  void backward_parameters(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;

 private:
  index place_of(index lines, index line, index column) const;

  Recurrence<T> shape_;
};

extern template class Recurrent<float>;
extern template class Recurrent<double>;

}  // namespace foxnn
