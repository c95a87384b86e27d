// Vectors of 32 bytes for AVX2 with FMA: the struct that the kernels are written against. Every
// operation is one or a few instructions; fma is fused. kernels-inl.hpp says what a Vec promises.
#pragma once

#include <immintrin.h>

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

constexpr const char* kKernelSetName = "avx2";
// 6 x 2 accumulators, 2 columns of B and 1 broadcast of A fill 15 of the 16 registers.
constexpr int kTileRows = 6;

// Loads are intrinsics here, which compilers do not combine.
template <class T>
[[gnu::always_inline]] inline void hide_from_vectorizer(const T*&) {}

template <class T>
struct Vec;

template <>
struct Vec<float> {
  static constexpr index lanes = 8;
  struct Mask {
    __m256 m;
  };
  __m256 v;

  static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec all(float x) { return {_mm256_set1_ps(x)}; }
  static Mask first(index n) {
    const float count = n < 0 ? 0.0f : n > lanes ? float(lanes) : float(n);
    return Vec{_mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7)} < all(count);
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }

  friend Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
  friend Mask operator<(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
  friend Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  friend Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
  friend Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
  friend Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  friend Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  friend Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
  friend Vec round(Vec a) { return {_mm256_round_ps(a.v, kNearest)}; }
  friend Vec floor(Vec a) { return {_mm256_floor_ps(a.v)}; }
  friend Vec select(Mask m, Vec yes, Vec no) { return {_mm256_blendv_ps(no.v, yes.v, m.m)}; }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return {_mm256_or_ps(magnitude.v, _mm256_and_ps(sign.v, _mm256_set1_ps(-0.0f)))};
  }
  // In two factors, each of them a normal number, so that a subnormal result is rounded once.
  friend Vec scale(Vec a, Vec n) {
    const Vec half = floor(n * all(0.5f));
    return a * power(half) * power(n - half);
  }
  friend Vec bits_below(int bits, Vec a) {
    return {
        _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_set1_epi32(bits), _mm256_castps_si256(a.v)))};
  }
  friend Vec exponent(Vec a) {
    const __m256i bits = _mm256_srli_epi32(_mm256_castps_si256(a.v), 23);
    return Vec{_mm256_cvtepi32_ps(bits)} - all(127.0f);
  }
  friend Vec mantissa(Vec a) {
    const __m256 digits = _mm256_castsi256_ps(_mm256_set1_epi32(0x007fffff));
    return {_mm256_or_ps(_mm256_and_ps(a.v, digits), _mm256_set1_ps(1.0f))};
  }
  static void transpose(const float* source, index lds, float* target, index ldt) {
    __m256 r[8], t[8];
    for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(source + i * lds);
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      for (int j = 0; j < 2; ++j) {
        r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
        r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
      }
    }
    for (int j = 0; j < 4; ++j) {
      _mm256_storeu_ps(target + j * ldt, _mm256_permute2f128_ps(r[j], r[4 + j], 0x20));
      _mm256_storeu_ps(target + (4 + j) * ldt, _mm256_permute2f128_ps(r[j], r[4 + j], 0x31));
    }
  }

 private:
  static constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  // 2^n for an integral n in the range of the normal numbers: adding 2^23 + 127 leaves the biased
  // exponent in the lowest bits.
  static Vec power(Vec n) {
    const __m256i bits = _mm256_castps_si256((n + all(8388608.0f + 127.0f)).v);
    return {_mm256_castsi256_ps(_mm256_slli_epi32(bits, 23))};
  }
};

template <>
struct Vec<double> {
  static constexpr index lanes = 4;
  struct Mask {
    __m256d m;
  };
  __m256d v;

  static Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static Vec all(double x) { return {_mm256_set1_pd(x)}; }
  static Mask first(index n) {
    const double count = n < 0 ? 0.0 : n > lanes ? double(lanes) : double(n);
    return Vec{_mm256_setr_pd(0, 1, 2, 3)} < all(count);
  }
  void store(double* p) const { _mm256_storeu_pd(p, v); }

  friend Vec operator+(Vec a, Vec b) { return {_mm256_add_pd(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_pd(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_pd(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm256_div_pd(a.v, b.v)}; }
  friend Mask operator<(Vec a, Vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
  friend Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
  friend Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }
  friend Vec sqrt(Vec a) { return {_mm256_sqrt_pd(a.v)}; }
  friend Vec max(Vec a, Vec b) { return {_mm256_max_pd(a.v, b.v)}; }
  friend Vec min(Vec a, Vec b) { return {_mm256_min_pd(a.v, b.v)}; }
  friend Vec abs(Vec a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
  friend Vec round(Vec a) { return {_mm256_round_pd(a.v, kNearest)}; }
  friend Vec floor(Vec a) { return {_mm256_floor_pd(a.v)}; }
  friend Vec select(Mask m, Vec yes, Vec no) { return {_mm256_blendv_pd(no.v, yes.v, m.m)}; }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return {_mm256_or_pd(magnitude.v, _mm256_and_pd(sign.v, _mm256_set1_pd(-0.0)))};
  }
  // In two factors, each of them a normal number, so that a subnormal result is rounded once.
  friend Vec scale(Vec a, Vec n) {
    const Vec half = floor(n * all(0.5));
    return a * power(half) * power(n - half);
  }
  friend Vec bits_below(long long bits, Vec a) {
    return {
        _mm256_castsi256_pd(_mm256_sub_epi64(_mm256_set1_epi64x(bits), _mm256_castpd_si256(a.v)))};
  }
  // OR-ing the bits of 2^52 to an integer makes it a double: AVX2 cannot convert 64-bit integers.
  friend Vec exponent(Vec a) {
    const __m256i bits = _mm256_srli_epi64(_mm256_castpd_si256(a.v), 52);
    const __m256i shifted = _mm256_or_si256(bits, _mm256_castpd_si256(all(kTwo52).v));
    return Vec{_mm256_castsi256_pd(shifted)} - all(kTwo52 + 1023.0);
  }
  friend Vec mantissa(Vec a) {
    const __m256d digits = _mm256_castsi256_pd(_mm256_set1_epi64x(0x000fffffffffffff));
    return {_mm256_or_pd(_mm256_and_pd(a.v, digits), _mm256_set1_pd(1.0))};
  }
  static void transpose(const double* source, index lds, double* target, index ldt) {
    __m256d r[4], t[4];
    for (int i = 0; i < 4; ++i) r[i] = _mm256_loadu_pd(source + i * lds);
    for (int i = 0; i < 4; i += 2) {
      t[i] = _mm256_unpacklo_pd(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_pd(r[i], r[i + 1]);
    }
    for (int j = 0; j < 2; ++j) {
      _mm256_storeu_pd(target + j * ldt, _mm256_permute2f128_pd(t[j], t[2 + j], 0x20));
      _mm256_storeu_pd(target + (2 + j) * ldt, _mm256_permute2f128_pd(t[j], t[2 + j], 0x31));
    }
  }

 private:
  static constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  static constexpr double kTwo52 = 4503599627370496.0;
  // 2^n for an integral n in the range of the normal numbers, as for float.
  static Vec power(Vec n) {
    const __m256i bits = _mm256_castpd_si256((n + all(kTwo52 + 1023.0)).v);
    return {_mm256_castsi256_pd(_mm256_slli_epi64(bits, 52))};
  }
};

inline std::uint32_t bits_of(Vec<float>::Mask mask) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(mask.m));
}
inline std::uint32_t bits_of(Vec<double>::Mask mask) {
  return static_cast<std::uint32_t>(_mm256_movemask_pd(mask.m));
}
inline bool any(Vec<float>::Mask mask) { return _mm256_movemask_ps(mask.m) != 0; }
inline bool any(Vec<double>::Mask mask) { return _mm256_movemask_pd(mask.m) != 0; }

// Half a line takes whole registers (half-inl.hpp).
template <class T>
using HalfVec = Vec<T>;

}  // namespace
}  // namespace foxnn
