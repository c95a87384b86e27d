// The embedding: each number of a sample, a whole one, is replaced by a row of a table. It reads
// the network's inputs, so it passes no gradient on.
#pragma once

#include "foxnn/layer.hpp"

namespace foxnn {

template <class T>
class Embedding final : public Layer<T> {
 public:
  /// Options: count (rows of the table), size (numbers of a row). Throws std::invalid_argument for
  /// a count whose indices a T does not hold exactly.
  Embedding(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Embedding>(*this); }
  index step_parameters(index batch) const override;
  double flops() const override;
  bool goes_step_by_step() const override { return this->input().shape.is_flat(); }
  index index_limit() const override { return count_; }
  void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) override;
  void unpack(const Array& array, const T* packed, T* values, Order order,
              const StopRequest& stop) const override;
  void pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const override;
  index kept_items(index batch) const override;
  ScratchSize scratch_size(index batch) const override;
  index row_count() const override { return count_; }
  void need_rows(Share share, index batch, const Rows<const T>* x, RowNeeds& needs) const override;
  /// A number that is no index gives a row of NaN.
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  void backward_parameters(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;

 private:
  class Named;  // the rows that a batch names

  index groups() const;

  // The row of the table that a number names; -1 if there is none.
  index row_of(T number) const {
    return number >= T(0) && number < static_cast<T>(count_) ? static_cast<index>(number) : -1;
  }
  bool is_own(Share share, index row) const;
  // Calls f(row) for the rows of groups [first, last) that are the worker's.
  template <class Function>
  void each_own_row(Share share, index first, index last, const Function& f) const;
  void add_up(const Named& named, index row, const Rows<T>& delta, T* gradient) const;

  index count_, size_;
  index pitch_ = 0;   // the size, padded to cache lines: no two workers write to the same one
  index positions_;   // numbers of a sample
  index panels_ = 0;  // of a position of the output
};

extern template class Embedding<float>;
extern template class Embedding<double>;

}  // namespace foxnn
