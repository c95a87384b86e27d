// Vectors of 16 bytes for NEON (AArch64): the struct that the kernels are written against. Every
// operation is one or a few instructions; fma is fused. kernels-inl.hpp says what a Vec promises.
#pragma once

#include <arm_neon.h>

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

constexpr const char* kKernelSetName = "neon";
// 14 x 2 accumulators, 2 columns of B and 1 element of A fill 31 of the 32 registers.
constexpr int kTileRows = 12;

// Loads are intrinsics here, which compilers do not combine.
template <class T>
[[gnu::always_inline]] inline void hide_from_vectorizer(const T*&) {}

template <class T>
struct Vec;

template <>
struct Vec<float> {
  static constexpr index lanes = 4;
  struct Mask {
    uint32x4_t m;
  };
  float32x4_t v;

  static Vec load(const float* p) { return {vld1q_f32(p)}; }
  static Vec all(float x) { return {vdupq_n_f32(x)}; }
  static Mask first(index n) {
    const int count = n < 0 ? 0 : n > lanes ? int(lanes) : int(n);
    const int32x4_t places = {0, 1, 2, 3};
    return {vcltq_s32(places, vdupq_n_s32(count))};
  }
  void store(float* p) const { vst1q_f32(p, v); }

  friend Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
  friend Mask operator<(Vec a, Vec b) { return {vcltq_f32(a.v, b.v)}; }
  friend Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
  friend Vec fnma(Vec a, Vec b, Vec c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
  friend Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
  // NEON's own would return what is not a number, whichever operand it is.
  friend Vec max(Vec a, Vec b) { return select(b < a, a, b); }
  friend Vec min(Vec a, Vec b) { return select(a < b, a, b); }
  friend Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
  friend Vec round(Vec a) { return {vrndnq_f32(a.v)}; }
  friend Vec floor(Vec a) { return {vrndmq_f32(a.v)}; }
  friend Vec select(Mask m, Vec yes, Vec no) { return {vbslq_f32(m.m, yes.v, no.v)}; }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.v, magnitude.v)};
  }
  // In two factors, each of them a normal number, so that a subnormal result is rounded once.
  friend Vec scale(Vec a, Vec n) {
    const Vec half = floor(n * all(0.5f));
    return a * power(half) * power(n - half);
  }
  friend Vec bits_below(int bits, Vec a) {
    return {vreinterpretq_f32_s32(vsubq_s32(vdupq_n_s32(bits), vreinterpretq_s32_f32(a.v)))};
  }
  friend Vec exponent(Vec a) {
    const uint32x4_t bits = vshrq_n_u32(vreinterpretq_u32_f32(a.v), 23);
    return Vec{vcvtq_f32_u32(bits)} - all(127.0f);
  }
  friend Vec mantissa(Vec a) {
    return {vbslq_f32(vdupq_n_u32(0x007fffff), a.v, vdupq_n_f32(1.0f))};
  }
  static void transpose(const float* source, index lds, float* target, index ldt) {
    float64x2_t r[4];
    for (int i = 0; i < 2; ++i) {
      const float32x4_t upper = vld1q_f32(source + 2 * i * lds);
      const float32x4_t lower = vld1q_f32(source + (2 * i + 1) * lds);
      r[i] = vreinterpretq_f64_f32(vtrn1q_f32(upper, lower));
      r[2 + i] = vreinterpretq_f64_f32(vtrn2q_f32(upper, lower));
    }
    for (int j = 0; j < 2; ++j) {
      const float64x2_t left = r[2 * j], right = r[2 * j + 1];
      vst1q_f32(target + j * ldt, vreinterpretq_f32_f64(vtrn1q_f64(left, right)));
      vst1q_f32(target + (j + 2) * ldt, vreinterpretq_f32_f64(vtrn2q_f64(left, right)));
    }
  }

 private:
  // 2^n for an integral n in the range of the normal numbers: adding 2^23 + 127 leaves the biased
  // exponent in the lowest bits.
  static Vec power(Vec n) {
    const uint32x4_t bits = vreinterpretq_u32_f32((n + all(8388608.0f + 127.0f)).v);
    return {vreinterpretq_f32_u32(vshlq_n_u32(bits, 23))};
  }
};

template <>
struct Vec<double> {
  static constexpr index lanes = 2;
  struct Mask {
    uint64x2_t m;
  };
  float64x2_t v;

  static Vec load(const double* p) { return {vld1q_f64(p)}; }
  static Vec all(double x) { return {vdupq_n_f64(x)}; }
  static Mask first(index n) {
    const int64x2_t places = {0, 1};
    return {vcltq_s64(places, vdupq_n_s64(n < 0 ? 0 : n))};
  }
  void store(double* p) const { vst1q_f64(p, v); }

  friend Vec operator+(Vec a, Vec b) { return {vaddq_f64(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {vsubq_f64(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {vmulq_f64(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {vdivq_f64(a.v, b.v)}; }
  friend Mask operator<(Vec a, Vec b) { return {vcltq_f64(a.v, b.v)}; }
  friend Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
  friend Vec fnma(Vec a, Vec b, Vec c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
  friend Vec sqrt(Vec a) { return {vsqrtq_f64(a.v)}; }
  friend Vec max(Vec a, Vec b) { return select(b < a, a, b); }
  friend Vec min(Vec a, Vec b) { return select(a < b, a, b); }
  friend Vec abs(Vec a) { return {vabsq_f64(a.v)}; }
  friend Vec round(Vec a) { return {vrndnq_f64(a.v)}; }
  friend Vec floor(Vec a) { return {vrndmq_f64(a.v)}; }
  friend Vec select(Mask m, Vec yes, Vec no) { return {vbslq_f64(m.m, yes.v, no.v)}; }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return {vbslq_f64(vdupq_n_u64(std::uint64_t{1} << 63), sign.v, magnitude.v)};
  }
  // In two factors, each of them a normal number, so that a subnormal result is rounded once.
  friend Vec scale(Vec a, Vec n) {
    const Vec half = floor(n * all(0.5));
    return a * power(half) * power(n - half);
  }
  friend Vec bits_below(long long bits, Vec a) {
    return {vreinterpretq_f64_s64(vsubq_s64(vdupq_n_s64(bits), vreinterpretq_s64_f64(a.v)))};
  }
  friend Vec exponent(Vec a) {
    const uint64x2_t bits = vshrq_n_u64(vreinterpretq_u64_f64(a.v), 52);
    return Vec{vcvtq_f64_u64(bits)} - all(1023.0);
  }
  friend Vec mantissa(Vec a) {
    return {vbslq_f64(vdupq_n_u64(0x000fffffffffffff), a.v, vdupq_n_f64(1.0))};
  }
  static void transpose(const double* source, index lds, double* target, index ldt) {
    const float64x2_t upper = vld1q_f64(source), lower = vld1q_f64(source + lds);
    vst1q_f64(target, vtrn1q_f64(upper, lower));
    vst1q_f64(target + ldt, vtrn2q_f64(upper, lower));
  }

 private:
  // 2^n for an integral n in the range of the normal numbers, as for float.
  static Vec power(Vec n) {
    const uint64x2_t bits = vreinterpretq_u64_f64((n + all(4503599627370496.0 + 1023.0)).v);
    return {vreinterpretq_f64_u64(vshlq_n_u64(bits, 52))};
  }
};

inline std::uint32_t bits_of(Vec<float>::Mask mask) {
  const uint32x4_t places = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(mask.m, places));
}
inline std::uint32_t bits_of(Vec<double>::Mask mask) {
  const uint64x2_t places = {1, 2};
  return static_cast<std::uint32_t>(vaddvq_u64(vandq_u64(mask.m, places)));
}
inline bool any(Vec<float>::Mask mask) { return vmaxvq_u32(mask.m) != 0; }
inline bool any(Vec<double>::Mask mask) { return bits_of(mask) != 0; }

// Half a line takes whole registers (half-inl.hpp).
template <class T>
using HalfVec = Vec<T>;

}  // namespace
}  // namespace foxnn
