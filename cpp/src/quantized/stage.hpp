// A stage of a quantized network as it is computed: checked, with its weights in panels and lists
// of what its windows read.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/quantized.hpp"
#include "foxnn/stop_request.hpp"
#include "kernels/byte_table.hpp"

namespace foxnn {

/// Throws std::invalid_argument for a rounding to something other than bytes.
void check_input(const ByteRounding& rounding);

class RunningStage {
 public:
  /// `inputs`: how many bytes a sample has; `subtracted`: as of the kernels that `run` will take.
  /// Throws std::invalid_argument if they do not fit.
  RunningStage(ByteStage stage, index inputs, std::int32_t subtracted);

  index inputs() const { return inputs_; }
  index outputs() const { return outputs_; }
  bool gives_numbers() const {
    return stage_.gives_numbers || stage_.kind == ByteStage::Kind::numbers;
  }
  /// Whether it computes samples one by one, which have positions.
  bool is_by_sample() const { return is_by_sample_; }
  /// Lines of weights times rows for a sample.
  double lines() const;
  /// Bytes of the memory that a worker needs; it must begin as the byte that stands for 0.
  index padded_size() const { return is_padded_ ? padded_count_ + kByteSlack : 0; }
  /// Bytes that its windows take although no array of it is so long: lists, and padding.
  index windows_size() const {
    return static_cast<index>((reads_.size() + first_.size()) * sizeof(index)) +
           (is_padded_ ? padded_count_ - inputs_ : 0);
  }
  std::uint8_t zero() const { return static_cast<std::uint8_t>(stage_.zero); }

  /// Computes so many samples; of those by sample, one. What is behind `in` and `bytes` may be read
  /// and written: kByteSlack bytes. If it is left, what it gives is of no use.
  void run(const ByteKernels& kernels, index samples, const std::uint8_t* in, std::uint8_t* bytes,
           float* numbers, std::uint8_t* padded, Leaving* leaving) const;

 private:
  void prepare_product(std::int32_t subtracted);
  void list_windows();
  void multiply(const ByteKernels& kernels, index samples, const std::uint8_t* in,
                std::uint8_t* bytes, float* numbers, std::uint8_t* padded, Leaving* leaving) const;
  void pool(const std::uint8_t* in, std::uint8_t* out) const;
  void look_up(index samples, const std::uint8_t* in, std::uint8_t* out) const;

  ByteStage stage_;
  index inputs_ = 0, outputs_ = 0;
  bool is_by_sample_ = false;

  // Of a product.
  Buffer<std::int8_t> panels_;
  Buffer<std::int32_t> bias_;
  Buffer<float> factors_;
  std::vector<index> runs_;
  index groups_ = 0;
  ByteWindows::Axes padded_{1, 1, 1};
  index padded_count_ = 0;
  bool is_padded_ = false;

  // Of a pool: the bytes that a window reads begin at `reads_` from number first_[window] on.
  std::vector<index> reads_, first_;
};

}  // namespace foxnn
