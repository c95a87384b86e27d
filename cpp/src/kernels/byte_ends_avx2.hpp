// What becomes of sums of bytes, eight at a time: for the sets with vectors of 256 bits.
#pragma once

#include <immintrin.h>

#include "kernels/byte_table.hpp"

namespace foxnn {
namespace {

struct Ends8 {
  static constexpr index lanes = 8;

  static __m256 scaled(const std::int32_t* sums, const float* factors) {
    const __m256i whole = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(whole), _mm256_loadu_ps(factors));
  }
  static void to_floats(const std::int32_t* sums, const float* factors, float* out) {
    _mm256_storeu_ps(out, scaled(sums, factors));
  }
  static void to_bytes(const std::int32_t* sums, const float* factors, float lowest, float highest,
                       std::int32_t offset, std::uint8_t* out) {
    const __m256 above = _mm256_max_ps(scaled(sums, factors), _mm256_set1_ps(lowest));
    const __m256 within = _mm256_min_ps(above, _mm256_set1_ps(highest));
    const __m256i all = _mm256_add_epi32(_mm256_cvtps_epi32(within), _mm256_set1_epi32(offset));
#ifdef __AVX512VL__
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm256_cvtepi32_epi8(all));
#else
    const __m128i halves =
        _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(halves, halves));
#endif
  }
};

}  // namespace
}  // namespace foxnn
