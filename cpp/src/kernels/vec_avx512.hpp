// Vectors of 64 bytes for AVX-512 (F, DQ, BW, VL): the struct that the kernels are written
// against. Every operation is one or a few instructions; fma is fused. kernels-inl.hpp says what a
// Vec promises.
#pragma once

#include <immintrin.h>

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

constexpr const char* kKernelSetName = "avx512";
// 14 x 2 accumulators, 2 columns of B and 1 broadcast of A fill 31 of the 32 registers.
constexpr int kTileRows = 14;

// Loads are intrinsics here, which compilers do not combine.
template <class T>
[[gnu::always_inline]] inline void hide_from_vectorizer(const T*&) {}

template <class T>
struct Vec;

template <>
struct Vec<float> {
  static constexpr index lanes = 16;
  using Mask = __mmask16;
  __m512 v;

  static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec all(float x) { return {_mm512_set1_ps(x)}; }
  static Mask first(index n) {
    return n >= lanes ? Mask(0xffff) : n <= 0 ? Mask(0) : Mask((1u << n) - 1u);
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }

  friend Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
  friend Mask operator<(Vec a, Vec b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
  friend Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  friend Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
  friend Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
  friend Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  friend Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  friend Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
  friend Vec round(Vec a) { return {_mm512_roundscale_ps(a.v, kNearest)}; }
  friend Vec floor(Vec a) { return {_mm512_roundscale_ps(a.v, kDown)}; }
  friend Vec select(Mask m, Vec yes, Vec no) { return {_mm512_mask_blend_ps(m, no.v, yes.v)}; }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return {_mm512_or_ps(magnitude.v, _mm512_and_ps(sign.v, _mm512_set1_ps(-0.0f)))};
  }
  friend Vec scale(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
  friend Vec bits_below(int bits, Vec a) {
    return {
        _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_set1_epi32(bits), _mm512_castps_si512(a.v)))};
  }
  friend Vec exponent(Vec a) { return {_mm512_getexp_ps(a.v)}; }
  friend Vec mantissa(Vec a) {
    return {_mm512_getmant_ps(a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src)};
  }
  static void transpose(const float* source, index lds, float* target, index ldt) {
    __m512 r[16], t[16];
    for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_ps(source + i * lds);
    for (int i = 0; i < 16; i += 2) {
      t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
      for (int j = 0; j < 2; ++j) {
        const __m512d low = _mm512_castps_pd(t[i + j]), high = _mm512_castps_pd(t[i + j + 2]);
        r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
        r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
      }
    }
    for (int j = 0; j < 4; ++j) {
      t[j] = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x88);
      t[4 + j] = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xdd);
      t[8 + j] = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x88);
      t[12 + j] = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xdd);
    }
    for (int j = 0; j < 4; ++j) {
      _mm512_storeu_ps(target + j * ldt, _mm512_shuffle_f32x4(t[j], t[8 + j], 0x88));
      _mm512_storeu_ps(target + (8 + j) * ldt, _mm512_shuffle_f32x4(t[j], t[8 + j], 0xdd));
      _mm512_storeu_ps(target + (4 + j) * ldt, _mm512_shuffle_f32x4(t[4 + j], t[12 + j], 0x88));
      _mm512_storeu_ps(target + (12 + j) * ldt, _mm512_shuffle_f32x4(t[4 + j], t[12 + j], 0xdd));
    }
  }

 private:
  static constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  static constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
};

template <>
struct Vec<double> {
  static constexpr index lanes = 8;
  using Mask = __mmask8;
  __m512d v;

  static Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static Vec all(double x) { return {_mm512_set1_pd(x)}; }
  static Mask first(index n) {
    return n >= lanes ? Mask(0xff) : n <= 0 ? Mask(0) : Mask((1u << n) - 1u);
  }
  void store(double* p) const { _mm512_storeu_pd(p, v); }

  friend Vec operator+(Vec a, Vec b) { return {_mm512_add_pd(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_pd(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_pd(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm512_div_pd(a.v, b.v)}; }
  friend Mask operator<(Vec a, Vec b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ); }
  friend Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
  friend Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
  friend Vec sqrt(Vec a) { return {_mm512_sqrt_pd(a.v)}; }
  friend Vec max(Vec a, Vec b) { return {_mm512_max_pd(a.v, b.v)}; }
  friend Vec min(Vec a, Vec b) { return {_mm512_min_pd(a.v, b.v)}; }
  friend Vec abs(Vec a) { return {_mm512_abs_pd(a.v)}; }
  friend Vec round(Vec a) { return {_mm512_roundscale_pd(a.v, kNearest)}; }
  friend Vec floor(Vec a) { return {_mm512_roundscale_pd(a.v, kDown)}; }
  friend Vec select(Mask m, Vec yes, Vec no) { return {_mm512_mask_blend_pd(m, no.v, yes.v)}; }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return {_mm512_or_pd(magnitude.v, _mm512_and_pd(sign.v, _mm512_set1_pd(-0.0)))};
  }
  friend Vec scale(Vec a, Vec n) { return {_mm512_scalef_pd(a.v, n.v)}; }
  friend Vec bits_below(long long bits, Vec a) {
    return {
        _mm512_castsi512_pd(_mm512_sub_epi64(_mm512_set1_epi64(bits), _mm512_castpd_si512(a.v)))};
  }
  friend Vec exponent(Vec a) { return {_mm512_getexp_pd(a.v)}; }
  friend Vec mantissa(Vec a) {
    return {_mm512_getmant_pd(a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src)};
  }
  static void transpose(const double* source, index lds, double* target, index ldt) {
    __m512d r[8], t[8];
    for (int i = 0; i < 8; ++i) r[i] = _mm512_loadu_pd(source + i * lds);
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
      t[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
    }
    for (int j = 0; j < 2; ++j) {
      r[j] = _mm512_shuffle_f64x2(t[j], t[2 + j], 0x88);
      r[2 + j] = _mm512_shuffle_f64x2(t[j], t[2 + j], 0xdd);
      r[4 + j] = _mm512_shuffle_f64x2(t[4 + j], t[6 + j], 0x88);
      r[6 + j] = _mm512_shuffle_f64x2(t[4 + j], t[6 + j], 0xdd);
    }
    for (int j = 0; j < 2; ++j) {
      _mm512_storeu_pd(target + j * ldt, _mm512_shuffle_f64x2(r[j], r[4 + j], 0x88));
      _mm512_storeu_pd(target + (4 + j) * ldt, _mm512_shuffle_f64x2(r[j], r[4 + j], 0xdd));
      _mm512_storeu_pd(target + (2 + j) * ldt, _mm512_shuffle_f64x2(r[2 + j], r[6 + j], 0x88));
      _mm512_storeu_pd(target + (6 + j) * ldt, _mm512_shuffle_f64x2(r[2 + j], r[6 + j], 0xdd));
    }
  }

 private:
  static constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  static constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
};

// The lower half of a register, for half a line (half-inl.hpp).
template <class T>
struct HalfVec;

template <>
struct HalfVec<float> {
  static constexpr index lanes = 8;
  __m256 v;

  static HalfVec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static HalfVec all(float x) { return {_mm256_set1_ps(x)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  friend HalfVec operator+(HalfVec a, HalfVec b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend HalfVec max(HalfVec a, HalfVec b) { return {_mm256_max_ps(a.v, b.v)}; }
  friend HalfVec fma(HalfVec a, HalfVec b, HalfVec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
};

template <>
struct HalfVec<double> {
  static constexpr index lanes = 4;
  __m256d v;

  static HalfVec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static HalfVec all(double x) { return {_mm256_set1_pd(x)}; }
  void store(double* p) const { _mm256_storeu_pd(p, v); }
  friend HalfVec operator+(HalfVec a, HalfVec b) { return {_mm256_add_pd(a.v, b.v)}; }
  friend HalfVec max(HalfVec a, HalfVec b) { return {_mm256_max_pd(a.v, b.v)}; }
  friend HalfVec fma(HalfVec a, HalfVec b, HalfVec c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
};

inline std::uint32_t bits_of(unsigned mask) { return mask; }
inline bool any(unsigned mask) { return mask != 0; }

}  // namespace
}  // namespace foxnn
