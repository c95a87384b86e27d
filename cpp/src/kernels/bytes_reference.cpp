// Products of bytes in plain C++, for every processor.
#include <cstring>

#include "kernels/byte_rounding.hpp"
#include "kernels/byte_table.hpp"
//
#include "kernels/bytes-inl.hpp"

namespace foxnn {
namespace {

struct Dot {
  static constexpr int kColumns = 4, kSums = 1;
  // Without signs: what is between the bias and the end of a sum may wrap around.
  struct Sum {
    std::uint32_t v[kColumns];
  };
  struct Left {
    std::uint8_t v[kByteGroup];
  };
  using Weights = const std::int8_t*;

  static Sum start(const std::int32_t* bias) {
    Sum sum;
    std::memcpy(sum.v, bias, sizeof sum.v);
    return sum;
  }
  static Left left(const std::uint8_t* at) {
    Left left;
    std::memcpy(left.v, at, sizeof left.v);
    return left;
  }
  static Weights weights(const std::int8_t* at) { return at; }
  static void add(Sum& sum, Left left, Weights at) {
    for (int c = 0; c < kColumns; ++c) {
      std::int32_t products = 0;
      for (int k = 0; k < kByteGroup; ++k) products += left.v[k] * at[c * kByteGroup + k];
      sum.v[c] += static_cast<std::uint32_t>(products);
    }
  }
  static void put(const Sum* sum, std::int32_t* to) { std::memcpy(to, sum->v, sizeof sum->v); }
};

struct Ends {
  static constexpr index lanes = 1;
  static void to_floats(const std::int32_t* sums, const float* factors, float* out) {
    *out = static_cast<float>(*sums) * *factors;
  }
  static void to_bytes(const std::int32_t* sums, const float* factors, float lowest, float highest,
                       std::int32_t offset, std::uint8_t* out) {
    const float scaled = static_cast<float>(*sums) * *factors;
    *out = static_cast<std::uint8_t>(whole(scaled, lowest, highest) + offset);
  }
};

void multiply(const ByteProduct& product) {
  const index last = (product.columns - 1) / Dot::kColumns * Dot::kColumns;
  for (index column = last; column >= 0; column -= Dot::kColumns) {
    const index left = product.columns - column;
    multiply_columns<Dot, Ends, 4, 1>(product, column, left < Dot::kColumns ? left : Dot::kColumns);
  }
}

}  // namespace

const ByteKernels& reference_byte_kernels() {
  static constexpr ByteKernels kernels{"reference", 12e-9, multiply, quantize_numbers};
  return kernels;
}

}  // namespace foxnn
