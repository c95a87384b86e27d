// The stages of quantized networks: how they are computed.
#include <algorithm>
#include <cstring>

#include "kernels/byte_rounding.hpp"
#include "quantized/stage.hpp"

namespace foxnn {

void RunningStage::run(const ByteKernels& kernels, index samples, const std::uint8_t* in,
                       std::uint8_t* bytes, float* numbers, std::uint8_t* padded,
                       Leaving* leaving) const {
  switch (stage_.kind) {
    case ByteStage::Kind::product:
      return multiply(kernels, samples, in, bytes, numbers, padded, leaving);
    case ByteStage::Kind::largest:
    case ByteStage::Kind::average:
      return pool(in, bytes);
    case ByteStage::Kind::table:
      return look_up(samples, in, bytes);
    case ByteStage::Kind::numbers:
      for (index i = 0; i < samples * inputs_; ++i) {
        numbers[i] = static_cast<float>(in[i] - stage_.zero) * stage_.factors[0];
      }
  }
}

void RunningStage::multiply(const ByteKernels& kernels, index samples, const std::uint8_t* in,
                            std::uint8_t* bytes, float* numbers, std::uint8_t* padded,
                            Leaving* leaving) const {
  const ByteWindows& at = stage_.windows;
  const ByteRounding& rounding = stage_.rounding;
  const index filters = stage_.filters(), channels = at.channels;
  ByteProduct product{
      .from = in,
      .step = inputs_,
      .rows = samples,
      .runs = runs_.data(),
      .run_count = static_cast<index>(runs_.size()),
      .groups = groups_,
      .weights = panels_.data(),
      .bias = bias_.data(),
      .columns = filters,
      .finish = {factors_.data(), rounding.lowest, rounding.highest, rounding.offset,
                 stage_.table.empty() ? nullptr : stage_.table.data()},
      .bytes = stage_.gives_numbers ? nullptr : bytes,
      .numbers = numbers,
  };
  if (!is_by_sample_) return kernels.multiply(product);

  if (is_padded_) {
    const auto row = static_cast<std::size_t>(at.in[2] * channels);
    for (index i = 0; i < at.in[0]; ++i) {
      for (index j = 0; j < at.in[1]; ++j) {
        const index to = ((i + at.before[0]) * padded_[1] + j + at.before[1]) * padded_[2];
        std::memcpy(padded + (to + at.before[2]) * channels, in, row);
        in += row;
      }
    }
  }
  const std::uint8_t* const begin = is_padded_ ? padded : in;
  product.step = at.stride[2] * channels;
  product.rows = at.out[2];
  for (index p = 0; p < at.out[0]; ++p) {
    for (index q = 0; q < at.out[1]; ++q) {
      const index line = p * at.stride[0] * padded_[1] + q * at.stride[1];
      product.from = begin + line * padded_[2] * channels;
      kernels.multiply(product);
      if (leaving && leaving->now()) return;
      if (product.bytes) product.bytes += at.out[2] * filters;
      if (product.numbers) product.numbers += at.out[2] * filters;
    }
  }
}

namespace {

// Channels that are taken together: a vector that every processor has.
constexpr index kTogether = 16;

}  // namespace

// Of a window, 16 channels at once; what is written after the last channel is the next window's,
// which comes later.
void RunningStage::pool(const std::uint8_t* in, std::uint8_t* out) const {
  const index channels = stage_.windows.channels;
  const auto windows = static_cast<index>(first_.size()) - 1;
  const bool is_average = stage_.kind == ByteStage::Kind::average;
  for (index window = 0; window < windows; ++window, out += channels) {
    const index* const begin = reads_.data() + first_[static_cast<std::size_t>(window)];
    const index* const end = reads_.data() + first_[static_cast<std::size_t>(window) + 1];
    const float share = 1.0f / static_cast<float>(end - begin);
    for (index c = 0; c < channels; c += kTogether) {
      if (!is_average) {
        std::uint8_t most[kTogether] = {};
        for (const index* read = begin; read < end; ++read) {
          std::uint8_t own[kTogether];
          std::memcpy(own, in + *read + c, sizeof own);
          for (index k = 0; k < kTogether; ++k) most[k] = std::max(most[k], own[k]);
        }
        std::memcpy(out + c, most, sizeof most);
        continue;
      }
      std::int32_t sums[kTogether] = {};
      for (const index* read = begin; read < end; ++read) {
        for (index k = 0; k < kTogether; ++k) sums[k] += in[*read + c + k];
      }
      std::uint8_t means[kTogether];
      for (index k = 0; k < kTogether; ++k) {
        const float mean = static_cast<float>(sums[k]) * share;
        means[k] = static_cast<std::uint8_t>(whole(mean, 0.0f, 255.0f));
      }
      std::memcpy(out + c, means, sizeof means);
    }
  }
}

void RunningStage::look_up(index samples, const std::uint8_t* in, std::uint8_t* out) const {
  const std::uint8_t* const table = stage_.table.data();
  const index count = samples * inputs_, channels = stage_.windows.channels;
  if (stage_.table.size() == 256) {
    for (index i = 0; i < count; ++i) out[i] = table[in[i]];
    return;
  }
  for (index i = 0; i < count; i += channels) {
    for (index c = 0; c < channels; ++c) out[i + c] = table[c * 256 + in[i + c]];
  }
}

}  // namespace foxnn
