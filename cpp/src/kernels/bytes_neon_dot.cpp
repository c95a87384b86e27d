// Products of bytes for ARM processors with dot products of bytes (sdot). Both of its sides have
// signs, and the bytes on the left have none: 128 is subtracted from them, by flipping a bit, and
// what that takes from the sums is in the bias.
#include <arm_neon.h>

#include <cstring>

#include "kernels/byte_rounding.hpp"
#include "kernels/byte_table.hpp"
//
#include "kernels/bytes-inl.hpp"

namespace foxnn {
namespace {

constexpr std::int32_t kSubtracted = 128;

struct Dot {
  static constexpr int kColumns = 4, kSums = 1;
  struct Sum {
    int32x4_t v;
  };
  using Left = int8x16_t;
  using Weights = int8x16_t;

  static Sum start(const std::int32_t* bias) { return {vld1q_s32(bias)}; }
  static Left left(const std::uint8_t* at) {
    std::uint32_t four;
    std::memcpy(&four, at, sizeof four);
    return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
  }
  static Weights weights(const std::int8_t* at) { return vld1q_s8(at); }
  static void add(Sum& sum, Left left, Weights weights) { sum.v = vdotq_s32(sum.v, left, weights); }
  static void put(const Sum* sum, std::int32_t* to) { vst1q_s32(to, sum->v); }
};

struct Ends {
  static constexpr index lanes = 8;

  static float32x4_t scaled(const std::int32_t* sums, const float* factors) {
    return vmulq_f32(vcvtq_f32_s32(vld1q_s32(sums)), vld1q_f32(factors));
  }
  static void to_floats(const std::int32_t* sums, const float* factors, float* out) {
    vst1q_f32(out, scaled(sums, factors));
    vst1q_f32(out + 4, scaled(sums + 4, factors + 4));
  }
  static void to_bytes(const std::int32_t* sums, const float* factors, float lowest, float highest,
                       std::int32_t offset, std::uint8_t* out) {
    const auto rounded = [&](index i) {
      const float32x4_t above = vmaxq_f32(scaled(sums + i, factors + i), vdupq_n_f32(lowest));
      const float32x4_t within = vminq_f32(above, vdupq_n_f32(highest));
      return vmovn_s32(vaddq_s32(vcvtnq_s32_f32(within), vdupq_n_s32(offset)));
    };
    vst1_u8(out, vqmovun_s16(vcombine_s16(rounded(0), rounded(4))));
  }
};

void multiply(const ByteProduct& product) {
  index end = product.columns;
  if (const index rest = end % kByteColumns; rest > 0) {
    end -= rest;
    // 12 x 2 sums, or 6 x 4, with two or four vectors of weights and 4 bytes of a row: of 32
    // registers 27 or 29.
    if (rest <= 2 * Dot::kColumns) {
      multiply_columns<Dot, Ends, 12, 2>(product, end, rest);
    } else {
      multiply_columns<Dot, Ends, 6, 4>(product, end, rest);
    }
  }
  while ((end -= kByteColumns) >= 0) {
    multiply_columns<Dot, Ends, 6, 4>(product, end, kByteColumns);
  }
}

}  // namespace

const ByteKernels& neon_dot_byte_kernels() {
  static constexpr ByteKernels kernels{"neon_dot", 0.5e-9, multiply, quantize_numbers, kSubtracted};
  return kernels;
}

}  // namespace foxnn
