// Products of bytes for AVX-512 VNNI (with BW, DQ, VL): 512 bits, and 256 where there are at most
// eight columns.
#define FOXNN_DOT "vpdpbusd"
#define FOXNN_DOT_REGISTERS "v"
#include "kernels/byte_ends_avx2.hpp"
#include "kernels/byte_rounding.hpp"
#include "kernels/dot_vnni.hpp"
//
#include "kernels/bytes-inl.hpp"

namespace foxnn {
namespace {

struct Dot16 {
  static constexpr int kColumns = 16, kSums = 1;
  struct Sum {
    __m512i v;
  };
  using Left = __m512i;
  using Weights = __m512i;

  static Sum start(const std::int32_t* bias) { return {_mm512_loadu_si512(bias)}; }
  static Left left(const std::uint8_t* at) {
    int four;
    std::memcpy(&four, at, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Weights weights(const std::int8_t* at) { return _mm512_loadu_si512(at); }
  static void add(Sum& sum, Left left, Weights weights) {
    asm(FOXNN_DOT " %2, %1, %0" : "+v"(sum.v) : "v"(left), "v"(weights));
  }
  static void put(const Sum* sum, std::int32_t* to) { _mm512_storeu_si512(to, sum->v); }
};

struct Ends {
  static constexpr index lanes = 16;

  static __m512 scaled(const std::int32_t* sums, const float* factors) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)), _mm512_loadu_ps(factors));
  }
  static void to_floats(const std::int32_t* sums, const float* factors, float* out) {
    _mm512_storeu_ps(out, scaled(sums, factors));
  }
  static void to_bytes(const std::int32_t* sums, const float* factors, float lowest, float highest,
                       std::int32_t offset, std::uint8_t* out) {
    const __m512 above = _mm512_max_ps(scaled(sums, factors), _mm512_set1_ps(lowest));
    const __m512 within = _mm512_min_ps(above, _mm512_set1_ps(highest));
    const __m512i all = _mm512_add_epi32(_mm512_cvtps_epi32(within), _mm512_set1_epi32(offset));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(all));
  }
};

// 14 x 2 sums, 2 columns of weights and 4 bytes of a row fill 31 of the 32 registers.
constexpr int kRows = 14;

void multiply(const ByteProduct& product) {
  constexpr index kPair = 2 * kByteColumns;
  index end = product.columns;
  if (const index rest = end % kPair; rest > 0) {
    end -= rest;
    if (rest <= Dot8::kColumns) {
      multiply_columns<Dot8, Ends8, kRows, 1>(product, end, rest);
    } else if (rest <= Dot16::kColumns) {
      multiply_columns<Dot16, Ends, kRows, 1>(product, end, rest);
    } else {
      multiply_columns<Dot16, Ends, kRows, 2>(product, end, rest);
    }
  }
  while ((end -= kPair) >= 0) multiply_columns<Dot16, Ends, kRows, 2>(product, end, kPair);
}

}  // namespace

const ByteKernels& avx512_vnni_byte_kernels() {
  static constexpr ByteKernels kernels{"avx512_vnni", 0.35e-9, multiply, quantize_numbers};
  return kernels;
}

}  // namespace foxnn
