// Vectors of 16 bytes in plain C++: the oracle of the other kernel sets, and the set for old or
// other processors. Before it, a file includes what multiplies and adds: for a kernel set
// fused.hpp, which takes many times as long where the processor has no instruction for it.
// kernels-inl.hpp says what a Vec promises.
#pragma once

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

constexpr const char* kKernelSetName = "reference";
// 4 x 2 accumulators and 2 columns of B fit the 16 registers of any x86-64.
constexpr int kTileRows = 4;

// If a tile reads few columns of each row, g++ 12 at -O3 combines the loads of two rows, and so
// reads beyond the last row. It does not if it cannot know the distance between rows.
template <class T>
[[gnu::always_inline]] inline void hide_from_vectorizer(const T*& row) {
  __asm__("" : "+r"(row));
}

template <class T>
struct FloatBits;
template <>
struct FloatBits<float> {
  using Unsigned = unsigned;
  using Register = FourFloats;
  static constexpr int digits = 23, bias = 127;
};
template <>
struct FloatBits<double> {
  using Unsigned = unsigned long long;
  using Register = TwoDoubles;
  static constexpr int digits = 52, bias = 1023;
};

template <class T>
struct Vec {
  static constexpr index lanes = 16 / sizeof(T);
  using Bits = FloatBits<T>;
  using Unsigned = typename Bits::Unsigned;
  struct Mask {
    bool m[lanes];
  };
  T v[lanes];

  static Vec load(const T* p) {
    return each([p](index i) { return p[i]; });
  }
  static Vec all(T x) {
    return each([x](index) { return x; });
  }
  static Mask first(index n) {
    Mask mask;
    for (index i = 0; i < lanes; ++i) mask.m[i] = i < n;
    return mask;
  }
  void store(T* p) const {
    for (index i = 0; i < lanes; ++i) p[i] = v[i];
  }

  friend Vec operator+(Vec a, Vec b) {
    return each([&](index i) { return a.v[i] + b.v[i]; });
  }
  friend Vec operator-(Vec a, Vec b) {
    return each([&](index i) { return a.v[i] - b.v[i]; });
  }
  friend Vec operator*(Vec a, Vec b) {
    return each([&](index i) { return a.v[i] * b.v[i]; });
  }
  friend Vec operator/(Vec a, Vec b) {
    return each([&](index i) { return a.v[i] / b.v[i]; });
  }
  friend Mask operator<(Vec a, Vec b) {
    Mask mask;
    for (index i = 0; i < lanes; ++i) mask.m[i] = a.v[i] < b.v[i];
    return mask;
  }
  friend Vec fma(Vec a, Vec b, Vec c) {
    return from_register(multiply_add(a.as_register(), b.as_register(), c.as_register()));
  }
  friend Vec fnma(Vec a, Vec b, Vec c) {
    return from_register(multiply_add(-a.as_register(), b.as_register(), c.as_register()));
  }
  friend Vec sqrt(Vec a) {
    return each([&](index i) { return root(a.v[i]); });
  }
  // Like the x86 instructions: the second operand if either is not a number.
  friend Vec max(Vec a, Vec b) { return select(b < a, a, b); }
  friend Vec min(Vec a, Vec b) { return select(a < b, a, b); }
  friend Vec abs(Vec a) {
    return each([&](index i) { return from_bits(to_bits(a.v[i]) & ~kSign); });
  }
  friend Vec round(Vec a) {
    return each([&](index i) { return nearest(a.v[i]); });
  }
  friend Vec floor(Vec a) {
    return each([&](index i) {
      const T whole = nearest(a.v[i]);
      return whole > a.v[i] ? whole - T(1) : whole;
    });
  }
  friend Vec select(Mask m, Vec yes, Vec no) {
    return each([&](index i) { return m.m[i] ? yes.v[i] : no.v[i]; });
  }
  friend Vec copysign(Vec magnitude, Vec sign) {
    return each(
        [&](index i) { return from_bits(to_bits(magnitude.v[i]) | (to_bits(sign.v[i]) & kSign)); });
  }
  // In two factors, each of them a normal number, so that a subnormal result is rounded once.
  friend Vec scale(Vec a, Vec n) {
    const Vec half = floor(n * all(T(0.5)));
    return a * power(half) * power(n - half);
  }
  friend Vec bits_below(Unsigned bits, Vec a) {
    return each([&](index i) { return from_bits(bits - to_bits(a.v[i])); });
  }
  friend Vec exponent(Vec a) {
    return each([&](index i) { return T(int(to_bits(a.v[i]) >> Bits::digits) - Bits::bias); });
  }
  friend Vec mantissa(Vec a) {
    constexpr Unsigned digits = (Unsigned(1) << Bits::digits) - 1;
    return each([&](index i) {
      return from_bits((to_bits(a.v[i]) & digits) | (Unsigned(Bits::bias) << Bits::digits));
    });
  }
  static void transpose(const T* source, index lds, T* target, index ldt) {
    for (index i = 0; i < lanes; ++i) {
      for (index j = 0; j < lanes; ++j) target[j * ldt + i] = source[i * lds + j];
    }
  }

 private:
  static constexpr Unsigned kSign = Unsigned(1) << (8 * sizeof(T) - 1);

  template <class Function>
  static Vec each(Function f) {
    Vec result;
    for (index i = 0; i < lanes; ++i) result.v[i] = f(i);
    return result;
  }
  using Register = typename Bits::Register;
  Register as_register() const { return __builtin_bit_cast(Register, v); }
  static Vec from_register(Register x) { return __builtin_bit_cast(Vec, x); }
  static Unsigned to_bits(T x) { return __builtin_bit_cast(Unsigned, x); }
  static T from_bits(Unsigned x) { return __builtin_bit_cast(T, x); }
  static float root(float x) { return __builtin_sqrtf(x); }
  static double root(double x) { return __builtin_sqrt(x); }
  static float nearest(float x) { return __builtin_rintf(x); }
  static double nearest(double x) { return __builtin_rint(x); }
  // 2^n for an integral n in the range of the normal numbers: adding 2^digits + bias leaves the
  // biased exponent in the lowest bits.
  static Vec power(Vec n) {
    constexpr T shift = T(Unsigned(1) << Bits::digits) + T(Bits::bias);
    return each([&](index i) { return from_bits(to_bits(n.v[i] + shift) << Bits::digits); });
  }
};

template <class Mask>
std::uint32_t bits_of(Mask mask) {
  std::uint32_t bits = 0;
  int i = 0;
  for (const bool lane : mask.m) bits |= std::uint32_t(lane) << i++;
  return bits;
}
template <class Mask>
bool any(Mask mask) {
  for (const bool lane : mask.m) {
    if (lane) return true;
  }
  return false;
}

// Half a line takes whole registers (half-inl.hpp).
template <class T>
using HalfVec = Vec<T>;

}  // namespace
}  // namespace foxnn
