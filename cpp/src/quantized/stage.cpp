// The stages of quantized networks: what is checked and laid out when one is made.
#include "quantized/stage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace foxnn {
namespace {

using Axes = ByteWindows::Axes;
using Kind = ByteStage::Kind;

// Above this, a count of bytes could overflow where it is multiplied by that of samples.
constexpr index kMostBytes = index{1} << 40;
// Positions that the windows of a pool read in all, and those that a window reaches along an axis:
// files that claim more must not take the memory.
constexpr index kMostReads = 1 << 24;
// Positions of one window of an average, whose sum of bytes stays within 32 bits.
constexpr index kMostAveraged = 1 << 23;
// Rounding is exact below 2^22 (byte_rounding.hpp); no table is nearly so long.
constexpr index kLongestTable = 1 << 16;

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("a stage must have ") + what);
}

index product_of(std::initializer_list<index> factors) {
  index product = 1;
  for (const index factor : factors) {
    require(factor >= 1 && factor <= kMostBytes / product, "sizes that memory can hold");
    product *= factor;
  }
  return product;
}

index positions_of(const Axes& axes) { return product_of({axes[0], axes[1], axes[2]}); }

// Positions that windows reach along an axis, padding included.
index reach(const ByteWindows& at, std::size_t a) {
  return (at.out[a] - 1) * at.stride[a] + (at.kernel[a] - 1) * at.dilation[a] + 1;
}

void check_windows(const ByteWindows& at) {
  for (std::size_t a = 0; a < 3; ++a) {
    require(at.in[a] >= 1 && at.out[a] >= 1 && at.kernel[a] >= 1 && at.stride[a] >= 1 &&
                at.dilation[a] >= 1 && at.before[a] >= 0,
            "windows of positive lengths");
    require(at.in[a] < kMostBytes && at.out[a] < kMostBytes && at.kernel[a] < kMostBytes &&
                at.stride[a] < kMostBytes && at.dilation[a] < kMostBytes &&
                at.before[a] < kMostBytes,
            "windows of sizes that memory can hold");
    product_of({at.out[a], at.stride[a]});
    const index span = (product_of({at.kernel[a], at.dilation[a]}) - at.dilation[a]) + 1;
    const index after = reach(at, a) - at.in[a] - at.before[a];
    require(span <= kMostReads && at.before[a] < span && after < span,
            "windows that are not padding alone");
  }
}

void check_rounding(const ByteRounding& rounding, index values) {
  const auto offset = static_cast<float>(rounding.offset);
  require(std::abs(static_cast<double>(rounding.offset)) <= static_cast<double>(kLongestTable) &&
              rounding.lowest <= rounding.highest && rounding.lowest >= -offset &&
              rounding.highest <= static_cast<float>(values - 1) - offset &&
              rounding.lowest == std::floor(rounding.lowest) &&
              rounding.highest == std::floor(rounding.highest),
          "limits of rounding within what it is rounded to");
}

void check_factors(const std::vector<float>& factors) {
  for (const float factor : factors) {
    require(factor > 0.0f && std::isfinite(factor), "finite factors above 0");
  }
}

}  // namespace

void check_input(const ByteRounding& rounding) {
  check_factors({rounding.factor});
  check_rounding(rounding, 256);
}

RunningStage::RunningStage(ByteStage stage, index inputs, std::int32_t subtracted)
    : stage_(std::move(stage)), inputs_(inputs) {
  const ByteWindows& at = stage_.windows;
  check_windows(at);
  require(stage_.zero >= 0 && stage_.zero <= 255, "a zero from 0 to 255");
  require(!stage_.gives_numbers || stage_.kind == Kind::product || stage_.kind == Kind::numbers,
          "bytes, unless it is a product, or gives the numbers of its bytes");
  require(product_of({positions_of(at.in), at.channels}) == inputs,
          "as many inputs as the stage before it has outputs");
  if (stage_.kind == Kind::product) {
    prepare_product(subtracted);
  } else if (stage_.kind == Kind::largest || stage_.kind == Kind::average) {
    list_windows();
  } else {
    outputs_ = inputs_;
    if (stage_.kind == Kind::numbers) {
      require(stage_.factors.size() == 1, "one factor");
      check_factors(stage_.factors);
    } else {
      const auto size = static_cast<index>(stage_.table.size());
      require(size == 256 || size == 256 * at.channels, "a table of 256 bytes, or one a channel");
    }
  }
}

void RunningStage::prepare_product(std::int32_t subtracted) {
  const ByteWindows& at = stage_.windows;
  const index filters = stage_.filters(), channels = at.channels;
  require(filters >= 1 && stage_.factors.size() == stage_.bias.size(),
          "factors and bias by filter");
  check_factors(stage_.factors);
  const index taps = positions_of(at.kernel);
  require(product_of({taps, channels, filters}) == static_cast<index>(stage_.weights.size()),
          "as many weights as its windows have");
  outputs_ = product_of({positions_of(at.out), filters});
  if (!stage_.gives_numbers) {
    const auto size = static_cast<index>(stage_.table.size());
    require(size <= kLongestTable, "a table of at most 65,536 bytes");
    check_rounding(stage_.rounding, size > 0 ? size : 256);
  }

  for (std::size_t a = 0; a < 3; ++a) {
    padded_[a] = std::max(reach(at, a), at.in[a] + at.before[a]);
    is_padded_ = is_padded_ || padded_[a] != at.in[a];
  }
  padded_count_ = product_of({positions_of(padded_), channels});
  // A single window reads the sample as it is, so that samples are rows.
  is_by_sample_ = is_padded_ || positions_of(at.out) > 1;

  // Taps side by side are one run.
  const bool is_close = at.dilation[2] == 1;
  const index side = is_close ? at.kernel[2] : 1;
  const index length = side * channels;
  groups_ = (length + kByteGroup - 1) / kByteGroup;
  std::vector<index> first_taps;
  for (index i = 0; i < at.kernel[0]; ++i) {
    for (index j = 0; j < at.kernel[1]; ++j) {
      for (index k = 0; k < at.kernel[2]; k += side) {
        const index row = i * at.dilation[0] * padded_[1] + j * at.dilation[1];
        runs_.push_back((row * padded_[2] + k * at.dilation[2]) * channels);
        first_taps.push_back((i * at.kernel[1] + j) * at.kernel[2] + k);
      }
    }
  }

  const index panels = (filters + kByteColumns - 1) / kByteColumns;
  const auto run_count = static_cast<index>(runs_.size());
  panels_ = Buffer<std::int8_t>(product_of({panels, run_count, groups_, kByteLine}));
  bias_ = Buffer<std::int32_t>(panels * kByteColumns);
  factors_ = Buffer<float>(panels * kByteColumns);
  std::copy(stage_.factors.begin(), stage_.factors.end(), factors_.data());
  for (index f = 0; f < filters; ++f) {
    std::int64_t sum = 0, most = 0;
    for (index run = 0; run < run_count; ++run) {
      for (index b = 0; b < length; ++b) {
        const index tap = first_taps[static_cast<std::size_t>(run)];
        const std::int8_t weight =
            stage_.weights[static_cast<std::size_t>((tap * channels + b) * filters + f)];
        const index line = ((f / kByteColumns * run_count + run) * groups_ + b / kByteGroup);
        panels_.data()[line * kByteLine + f % kByteColumns * kByteGroup + b % kByteGroup] = weight;
        sum += weight;
        most += std::abs(std::int64_t{weight});
      }
    }
    const std::int64_t bias = stage_.bias[static_cast<std::size_t>(f)];
    require(most * 255 + std::abs(bias) <= std::numeric_limits<std::int32_t>::max(),
            "sums within 32 bits");
    // What bytes that stand for 0 add to the sums is taken away in advance. This may wrap around,
    // as sums may before their end.
    const std::int64_t first = bias - sum * (stage_.zero - subtracted);
    bias_.data()[f] = static_cast<std::int32_t>(static_cast<std::uint32_t>(first));
  }
  stage_.weights = {};
}

void RunningStage::list_windows() {
  const ByteWindows& at = stage_.windows;
  is_by_sample_ = true;
  outputs_ = product_of({positions_of(at.out), at.channels});
  require(product_of({positions_of(at.out), positions_of(at.kernel)}) <= kMostReads,
          "pools that read at most 16,777,216 positions");
  require(stage_.kind == Kind::largest || positions_of(at.kernel) <= kMostAveraged,
          "averages of at most 8,388,608 positions");
  for (index p = 0; p < at.out[0]; ++p) {
    for (index q = 0; q < at.out[1]; ++q) {
      for (index r = 0; r < at.out[2]; ++r) {
        first_.push_back(static_cast<index>(reads_.size()));
        const Axes from{p * at.stride[0] - at.before[0], q * at.stride[1] - at.before[1],
                        r * at.stride[2] - at.before[2]};
        const auto begin = [&](std::size_t a) { return from[a] < 0 ? -from[a] : 0; };
        const auto end = [&](std::size_t a) { return std::min(at.kernel[a], at.in[a] - from[a]); };
        for (index i = begin(0); i < end(0); ++i) {
          for (index j = begin(1); j < end(1); ++j) {
            for (index k = begin(2); k < end(2); ++k) {
              const index row = (from[0] + i) * at.in[1] + from[1] + j;
              reads_.push_back((row * at.in[2] + from[2] + k) * at.channels);
            }
          }
        }
        require(first_.back() < static_cast<index>(reads_.size()), "windows that read something");
      }
    }
  }
  first_.push_back(static_cast<index>(reads_.size()));
  for (std::size_t a = 0; a < 3; ++a) require(at.dilation[a] == 1, "pools without dilation");
}

double RunningStage::lines() const {
  const auto windows = static_cast<double>(ByteWindows::count(stage_.windows.out));
  const double written = 0.25 * static_cast<double>(outputs_);
  if (stage_.kind != Kind::product) return written * 2;
  const index panels = bias_.size() / kByteColumns;
  return windows * static_cast<double>(static_cast<index>(runs_.size()) * groups_ * panels) +
         written;
}

}  // namespace foxnn
