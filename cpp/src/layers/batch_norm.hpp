// Batch normalization (Ioffe and Szegedy, "Batch normalization", 2015): each channel is brought to
// mean 0 and variance 1 over the positions of a batch, y = (x - mean) / sqrt(variance + epsilon) *
// weights + bias. In inference, and while the layer is frozen, mean and variance are running means
// of those of earlier batches.
#pragma once

#include "foxnn/layer.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

template <class T>
class BatchNorm final : public Layer<T> {
 public:
  /// Options: epsilon, momentum (the share of a running mean that a step keeps).
  BatchNorm(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<BatchNorm>(*this); }
  double flops() const override;
  bool goes_step_by_step() const override { return true; }
  LaneUse lane_use() const override { return LaneUse::follows; }
  void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) override;
  index kept_size(index batch) const override;
  ScratchSize scratch_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  bool applies_next() const override { return true; }
  bool has_backward() const override { return true; }
  void backward(Share share, index batch, const Back<T>& back, Scratch<T> scratch) const override;
  bool passes_in_place() const override { return true; }
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  void backward_parameters(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;
  void settle(Share share, index batch, const T* kept) const override;

 private:
  // An array of the layer, or one of the arrays that it keeps of a batch: a number for each
  // channel.
  enum Parameter : index { kGain, kShift, kRunningMean, kRunningVariance };
  enum Kept : index { kMean, kFactor, kVariance, kSumOfDeltas, kSumAlong, kKeptArrays };

  T* parameter(Parameter which) const {
    return this->own_parameters() + static_cast<index>(which) * columns_;
  }
  T* kept(T* all, Kept which) const { return all + static_cast<index>(which) * columns_; }
  const T* kept(const T* all, Kept which) const {
    return all + static_cast<index>(which) * columns_;
  }
  // Where a flag is kept, after the arrays: whether mean and variance are those of the batch.
  index measured_at() const { return kKeptArrays * columns_; }
  // And of how many numbers of a channel they are; then that number less 1.
  index count_at() const { return measured_at() + 1; }
  // Of a position; a panel may have more, which rows without gaps do not.
  index lines() const { return (channels_ + kLineWidth<T> - 1) / kLineWidth<T>; }
  // The lines of a panel that a worker goes through together.
  static constexpr index kMostLines = kPanelWidth<T> / kLineWidth<T>;
  struct Lines {
    index first, count;
    index channel() const { return first * kLineWidth<T>; }
    index width() const { return count * kLineWidth<T>; }
  };
  // The two sums of KernelTable::column_sums.
  struct Sums {
    alignas(64) T first[kColumnSums * kLineWidth<T>] = {};
    alignas(64) T second[kColumnSums * kLineWidth<T>] = {};
  };
  template <class Function>
  void each_lines(Share share, const Function& f) const;
  // Calls f(rows at a position, channel) for the panels of the worker's share.
  template <class Function>
  void each_share(Share share, index batch, const std::uint32_t* with_step,
                  const Function& f) const;
  index ahead(index batch, const Rows<const T>& values) const;
  void measure(Lines lines, index batch, const std::uint32_t* with_step, const Rows<const T>& x,
               bool in_lanes, T* all) const;
  void normalize(Lines lines, index batch, const Rows<const T>& x, const Outputs<T>& out) const;
  void add_sums(Lines lines, index positions, index batch, const std::uint32_t* with_step,
                const Rows<const T>& x, const Rows<const T>* other, const T* mean,
                Sums* sums) const;

  // The same over a batch in lanes.
  void add_sums_in_lanes(Lines lines, index positions, index batch, const Rows<const T>& x,
                         const Rows<const T>* other, const T* mean, Sums* sums) const;
  void normalize_in_lanes(Lines lines, index batch, const Rows<const T>& x,
                          const Outputs<T>& out) const;
  void answer_in_lanes(Share share, index batch, const Rows<const T>& x, const T* factor,
                       const Outputs<T>& out, const Scratch<T>& scratch) const;
  void backward_input_in_lanes(Share share, index batch, const Back<T>& back, const T* gain,
                               const T* along, const T* constant, const Rows<T>& delta_below,
                               const typename Layer<T>::Below& below,
                               const Scratch<T>& scratch) const;

  index channels_, positions_;
  index panels_;   // of a position
  index columns_;  // channels, padded to panels
  T epsilon_, momentum_;
};

extern template class BatchNorm<float>;
extern template class BatchNorm<double>;

}  // namespace foxnn
