// A network of bytes, which answers only: weights and values between layers have 8 bits, sums 32.
// Every kernel set and every number of threads gives the same bits. How a network becomes one (the
// ranges of its values) is not decided here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "foxnn/dataset.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// Windows over positions along three axes, of which the first have length 1 where there are fewer.
struct ByteWindows {
  using Axes = std::array<index, 3>;
  Axes in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1};
  Axes before{0, 0, 0};  ///< padded positions before the first
  index channels = 1;    ///< at each position

  static index count(const Axes& axes) { return axes[0] * axes[1] * axes[2]; }
};

/// How numbers become bytes: x * factor, rounded to the nearest whole number (ties to the even one)
/// within limits, plus an offset.
struct ByteRounding {
  float factor = 1.0f;
  float lowest = 0.0f, highest = 255.0f;
  std::int32_t offset = 0;
};

/// One stage: what it does with bytes.
struct ByteStage {
  enum class Kind {
    product,  ///< weighted sums over windows and channels: a dense layer, a convolution
    largest,  ///< of each window, by channel
    average,  ///< of each window, by channel, rounded
    table,    ///< each byte becomes that of a table, one for all channels or one for each
    numbers,  ///< (byte - zero) * factor as float; only as the last stage
  };
  Kind kind = Kind::product;
  ByteWindows windows;

  /// Of a product: (kernel..., channels, filters), by C's order.
  std::vector<std::int8_t> weights;
  std::vector<std::int32_t> bias;
  /// Of a product: of each filter, by which its sum is multiplied. Of numbers: one.
  std::vector<float> factors;
  std::int32_t zero = 0;  ///< the byte that stands for 0 among those it reads
  /// Of a product: how it becomes a byte, or the place in the table if there is one. (The factor is
  /// not used.)
  ByteRounding rounding;
  std::vector<std::uint8_t> table;
  bool gives_numbers = false;  ///< a product that is the last stage: its sums times the factors

  index filters() const { return static_cast<index>(bias.size()); }
};

class QuantizedNetwork {
 public:
  /// `kernels`: the name of byte kernels; empty: the fastest that the kernel set in use allows.
  /// Throws std::invalid_argument if the stages do not fit each other, or if a product could leave
  /// 32 bits.
  QuantizedNetwork(index inputs, ByteRounding input, std::vector<ByteStage> stages,
                   std::string_view kernels = {});
  ~QuantizedNetwork();
  QuantizedNetwork(QuantizedNetwork&&) noexcept;

  index inputs() const;
  index outputs() const;
  std::string_view kernels() const;

  enum class Outcome { done, stopped, not_finite };
  /// out[rows x outputs]. Many threads may call it at once. `x` must have as many columns as there
  /// are inputs.
  Outcome predict(const MatrixView& x, float* out, int threads, const StopRequest& stop) const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

}  // namespace foxnn
