// Products of bytes for AVX2 without dot products of bytes. maddubs would saturate: two products of
// 255 and 127 are beyond 16 bits. So bytes are widened to 16 bits, of which pmaddwd adds two
// products in 32 bits; a column has two sums, which are added at the end.
#include <cstring>

#include "kernels/byte_ends_avx2.hpp"
#include "kernels/byte_rounding.hpp"
//
#include "kernels/bytes-inl.hpp"

namespace foxnn {
namespace {

struct Dot {
  static constexpr int kColumns = 4, kSums = 2;
  struct Sum {
    __m256i v;
  };
  using Left = __m256i;
  using Weights = __m256i;

  // The bias in the first of a column's sums, zero in the second.
  static Sum start(const std::int32_t* bias) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bias));
    return {_mm256_cvtepu32_epi64(four)};
  }
  static Left left(const std::uint8_t* at) {
    int four;
    std::memcpy(&four, at, sizeof four);
    return _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
  }
  static Weights weights(const std::int8_t* at) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  static void add(Sum& sum, Left left, Weights weights) {
    sum.v = _mm256_add_epi32(sum.v, _mm256_madd_epi16(left, weights));
  }
  static void put(const Sum* sums, std::int32_t* to) {
    const __m256i added = _mm256_hadd_epi32(sums[0].v, sums[1].v);  // columns 0 1 4 5 2 3 6 7
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute4x64_epi64(added, 0xd8));
  }
};

// 6 x 2 sums, 2 x 4 columns of weights, 4 bytes of a row and their products: 16 registers.
constexpr int kRows = 6, kSpan = 8;

void multiply(const ByteProduct& product) {
  for (index column = (product.columns - 1) / kSpan * kSpan; column >= 0; column -= kSpan) {
    const index left = product.columns - column;
    multiply_columns<Dot, Ends8, kRows, 2>(product, column, left < kSpan ? left : kSpan);
  }
}

}  // namespace

const ByteKernels& avx2_byte_kernels() {
  static constexpr ByteKernels kernels{"avx2", 1.5e-9, multiply, quantize_numbers};
  return kernels;
}

}  // namespace foxnn
