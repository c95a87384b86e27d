// a b + c rounded once, for the reference set: with the processor's instruction where compilers may
// take it for granted, and with others elsewhere (on x86-64 in general). Internal linkage: kernel
// sets must not share the code.
#pragma once

#include <cstdint>

namespace foxnn {
namespace {

using FourFloats = float __attribute__((vector_size(16)));
using TwoDoubles = double __attribute__((vector_size(16)));

#if defined(__FP_FAST_FMA) || defined(__FMA__) || defined(__aarch64__)
inline FourFloats multiply_add(FourFloats a, FourFloats b, FourFloats c) {
  for (int i = 0; i < 4; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
}
inline TwoDoubles multiply_add(TwoDoubles a, TwoDoubles b, TwoDoubles c) {
  for (int i = 0; i < 2; ++i) c[i] = __builtin_fma(a[i], b[i], c[i]);
  return c;
}
#else
using FourDoubles = double __attribute__((vector_size(32)));
using FourIntegers = std::int64_t __attribute__((vector_size(32)));

// In double, products are exact. The sum is rounded to odd (Boldo and Melquiond, "Emulation of FMA
// and correctly rounded sums: proved algorithms using rounding to odd", 2008): where something is
// lost, the last bit becomes 1, so that the second rounding, to float, sees on which side of a tie
// it is. As a function of its own, since it would be in a thousand places.
[[gnu::noinline]] FourFloats multiply_add(FourFloats a, FourFloats b, FourFloats c) {
  const FourDoubles term = __builtin_convertvector(c, FourDoubles);
  const FourDoubles product =
      __builtin_convertvector(a, FourDoubles) * __builtin_convertvector(b, FourDoubles);
  const FourDoubles sum = product + term, back = sum - product;
  const FourDoubles lost = (product - (sum - back)) + (term - back);  // exact (Knuth)
  // Of what is not finite, `lost` is not a number, and nothing is lost.
  const FourIntegers is_inexact = FourIntegers(lost < 0.0) | FourIntegers(lost > 0.0);
  FourIntegers bits = __builtin_bit_cast(FourIntegers, sum);
  const FourIntegers is_even = (bits & 1) - 1;  // no bit, or all
  const FourIntegers inwards = FourIntegers(lost > 0.0) ^ FourIntegers(sum > 0.0);
  bits += is_inexact & is_even & (inwards | 1);
  return __builtin_convertvector(__builtin_bit_cast(FourDoubles, bits), FourFloats);
}
// By the C library, which has the processor's instruction where there is one.
[[gnu::noinline]] TwoDoubles multiply_add(TwoDoubles a, TwoDoubles b, TwoDoubles c) {
  for (int i = 0; i < 2; ++i) c[i] = __builtin_fma(a[i], b[i], c[i]);
  return c;
}
#endif

}  // namespace
}  // namespace foxnn
