// Elementary functions of vectors, written once and compiled per kernel set: exp, log, tanh,
// sigmoid, sine and cosine, arctangent, and the normal distribution. They are the engine's own so
// that AVX2 and AVX-512 agree bit for bit; infinities, subnormals and NaN are handled correctly.
#pragma once

#include "kernels/polynomials.hpp"

namespace foxnn {
namespace {

template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr float kLog2e = 1.44269504f;
  // Sums with this number have no fraction: 1.5 times 2 to the power of its digits.
  static constexpr float kNoFraction = 12582912.0f;
  // ln 2 in two parts; the first has 9 bits, so that its product with an exponent is exact.
  static constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  // Below the first, e^x is zero; above the second, infinite.
  static constexpr float kExpLow = -104.0f, kExpHigh = 89.0f;
  static constexpr float kSmallestNormal = 1.17549435e-38f, kLargest = 3.40282347e+38f;
  static constexpr float kSubnormalScale = 33554432.0f, kSubnormalBits = 25.0f;
  // pi/2 in three parts of at most 11 bits: products with quarter turns up to 2^13 are exact.
  static constexpr float kHalfPi[3] = {1.5703125f, 4.837512969970703125e-4f,
                                       7.54978995489188216e-8f};
  static constexpr float kLargestAngle = 8192.0f;
  static constexpr float kHalfPiLow = -4.37113883e-8f;
  // Beyond this the density is zero in this type.
  static constexpr float kNormalEnd = 16.0f;
};

template <>
struct Constants<double> {
  static constexpr double kLog2e = 1.4426950408889634;
  static constexpr double kNoFraction = 6755399441055744.0;
  // The first part has 32 bits.
  static constexpr double kLn2High = 6.93147180369123816490e-01,
                          kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kExpLow = -746.0, kExpHigh = 710.0;
  static constexpr double kSmallestNormal = 2.2250738585072014e-308;
  static constexpr double kLargest = 1.7976931348623157e308;
  static constexpr double kSubnormalScale = 18014398509481984.0, kSubnormalBits = 54.0;
  // 33 bits each: exact up to 2^20 quarter turns.
  static constexpr double kHalfPi[3] = {1.57079632673412561417, 6.07710050630396597660e-11,
                                        2.02226624879595063154e-21};
  static constexpr double kLargestAngle = 1e6;
  static constexpr double kHalfPiLow = 6.123233995736766e-17;
  static constexpr double kNormalEnd = 39.0;
};

// Functions called in loops over vectors are always inlined: a call would reload the constants.

// c[kFirst] + c[kFirst + 1] x + ... of kCount coefficients; powers are x, x^2, x^4, ...
template <int kFirst, int kCount, class T>
[[gnu::always_inline]] inline Vec<T> partial_polynomial(const T* c, const Vec<T>* powers) {
  if constexpr (kCount == 1) {
    return Vec<T>::all(c[kFirst]);
  } else {
    constexpr int kLevel = kCount > 16 ? 4 : kCount > 8 ? 3 : kCount > 4 ? 2 : kCount > 2 ? 1 : 0;
    constexpr int kHalf = 1 << kLevel;
    return fma(partial_polynomial<kFirst + kHalf, kCount - kHalf>(c, powers), powers[kLevel],
               partial_polynomial<kFirst, kHalf>(c, powers));
  }
}

// c[0] + c[1] x + c[2] x^2 + ... by Estrin's scheme: neighbours are combined with x, pairs with
// x^2, and so on. Seven coefficients make a chain of 3 multiply-adds where Horner's rule has 6; a
// step of a small network spends its time waiting for such chains.
template <class T, int N>
[[gnu::always_inline]] inline Vec<T> polynomial(const T (&c)[N], Vec<T> x) {
  static_assert(N <= 32);
  const Vec<T> square = x * x, fourth = square * square, eighth = fourth * fourth;
  const Vec<T> powers[] = {x, square, fourth, eighth, eighth * eighth};
  return partial_polynomial<0, N>(c, powers);
}

// The same by Horner's rule, which loses less accuracy where terms of both signs cancel.
template <class T, int N>
Vec<T> horner(const T (&c)[N], Vec<T> x) {
  Vec<T> sum = Vec<T>::all(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) sum = fma(sum, x, Vec<T>::all(c[i]));
  return sum;
}

// x / ln 2 + shift, rounded to an integer: with two additions, which are faster than a product and
// a rounding.
template <class T>
Vec<T> powers_of_two(Vec<T> x, T shift) {
  const Vec<T> magic = Vec<T>::all(Constants<T>::kNoFraction + shift);
  return fma(x, Vec<T>::all(Constants<T>::kLog2e), magic) - Vec<T>::all(Constants<T>::kNoFraction);
}

// x = n ln 2 + r; returns e^r - 1. The caller keeps x between kExpLow and kExpHigh, and n near
// x / ln 2.
template <class T>
[[gnu::always_inline]] inline Vec<T> reduced_expm1(Vec<T> x, Vec<T> n) {
  using C = Constants<T>;
  const Vec<T> r = fnma(n, Vec<T>::all(C::kLn2Low), fnma(n, Vec<T>::all(C::kLn2High), x));
  return fma(r * r, polynomial(Polynomials<T>::kExp, r), r);
}

template <class T>
[[gnu::always_inline]] inline Vec<T> exp(Vec<T> x) {
  x = max(Vec<T>::all(Constants<T>::kExpLow), min(Vec<T>::all(Constants<T>::kExpHigh), x));
  const Vec<T> n = powers_of_two(x, T(0));
  return scale(reduced_expm1(x, n) + Vec<T>::all(T(1)), n);
}

// The same for x <= 0, shifted upwards a little, so that it is 0 down to x = -3/4 ln 2: just below
// the usual border, half of a larger rest would be subtracted from 1/2, and the errors of that rest
// would show in e^x - 1.
template <class T>
Vec<T> shifted_powers_of_two(Vec<T> x) {
  return powers_of_two(x, T(0.25));
}

// e^x - 1 for x <= 0, with a small relative error near 0, too.
template <class T>
[[gnu::always_inline]] inline Vec<T> expm1_nonpositive(Vec<T> x) {
  x = max(Vec<T>::all(T(-88)), x);  // -1 to the last bit long before
  const Vec<T> n = shifted_powers_of_two(x);
  const Vec<T> rest = reduced_expm1(x, n), one = Vec<T>::all(T(1)), power = scale(one, n);
  return fma(power, rest, power - one);
}

// log(x) for normal positive x.
template <class T>
Vec<T> log_normal(Vec<T> x, Vec<T> extra_exponent) {
  using V = Vec<T>;
  const V half = V::all(T(0.5));
  V m = mantissa(x);
  const auto large = V::all(T(1.41421356237309505)) < m;
  const V e = exponent(x) + extra_exponent + select(large, V::all(T(1)), V::all(T(0)));
  m = select(large, m * half, m);
  const V f = m - V::all(T(1)), s = f / (m + V::all(T(1))), z = s * s;
  const V half_square = half * f * f;
  const V tail = fma(s, fma(z, polynomial(Polynomials<T>::kLog, z), half_square),
                     e * V::all(Constants<T>::kLn2Low));
  return fma(e, V::all(Constants<T>::kLn2High), f - (half_square - tail));
}

template <class T>
Vec<T> log(Vec<T> x) {
  using V = Vec<T>;
  using C = Constants<T>;
  const V zero = V::all(T(0)), infinity = V::all(T(__builtin_inf()));
  const auto small = x < V::all(C::kSmallestNormal);
  const V normal = select(small, x * V::all(C::kSubnormalScale), x);
  V result = log_normal(normal, select(small, V::all(-C::kSubnormalBits), zero));
  result = select(x < infinity, result, x);  // +infinity and NaN stay
  result = select(zero < x, result, zero - infinity);
  const auto defined = zero < x + V::all(C::kSmallestNormal);
  const V undefined = V::all(T(__builtin_nan("")));
  return select(x < zero, undefined, select(defined, result, undefined));
}

// log(1 + y) for y in [0, 1]: the rounding of 1 + y is corrected to first order.
template <class T>
Vec<T> log1p_unit(Vec<T> y) {
  const Vec<T> one = Vec<T>::all(T(1)), u = one + y;
  return log_normal(u, Vec<T>::all(T(0))) + (y - (u - one)) / u;
}

// tanh|x| = t/(2 - t) with t = 1 - e^(-2|x|). The roundings of 2 - t and of the quotient are
// corrected to first order, with 1/(2 - t) as (1 + tanh|x|)/2. The sum is computed in parallel with
// t, not from it: small networks wait for chains like this one.
template <class T>
[[gnu::always_inline]] inline Vec<T> tanh(Vec<T> x) {
  using V = Vec<T>;
  const V one = V::all(T(1)), two = V::all(T(2)), half = V::all(T(0.5));
  const V z = max(V::all(T(-88)), V::all(T(-2)) * abs(x));  // 1 to the last bit long before
  const V n = shifted_powers_of_two(z), power = scale(one, n), rest = reduced_expm1(z, n);
  const V t = fnma(power, rest, one - power), sum = fma(power, rest, one + power);
  const V lost = (two - sum) - t, y = t / sum;
  const V left = fnma(y, lost, fnma(y, sum, t));
  return copysign(fma(left, fma(half, y, half), y), x);
}

// 1/(1 + e) for x >= 0 and e/(1 + e) below, with e = e^(-|x|). The rounding of 1 + e is corrected
// as in tanh.
template <class T>
[[gnu::always_inline]] inline Vec<T> sigmoid(Vec<T> x) {
  using V = Vec<T>;
  const V zero = V::all(T(0)), one = V::all(T(1));
  const V z = max(V::all(Constants<T>::kExpLow), zero - abs(x));
  const V n = powers_of_two(z, T(0)), power = scale(one, n), rest = reduced_expm1(z, n);
  const V e = fma(power, rest, power), sum = fma(power, rest, one + power);
  const auto negative = x < zero;
  const V lost = e - (sum - one), y = select(negative, e, one) / sum;
  return fnma(y * lost, select(negative, one - y, y), y);
}

// Angles too large for the three parts of pi/2 are computed one by one.
template <class T>
void large_sincos(Vec<T> x, Vec<T>& sine, Vec<T>& cosine) {
  T angle[Vec<T>::lanes], s[Vec<T>::lanes], c[Vec<T>::lanes];
  x.store(angle);
  for (index i = 0; i < Vec<T>::lanes; ++i) {
    s[i] = T(__builtin_sin(double(angle[i])));
    c[i] = T(__builtin_cos(double(angle[i])));
  }
  sine = Vec<T>::load(s);
  cosine = Vec<T>::load(c);
}

template <class T>
void sincos(Vec<T> x, Vec<T>& sine, Vec<T>& cosine) {
  using V = Vec<T>;
  using C = Constants<T>;
  const V one = V::all(T(1)), zero = V::all(T(0)), half = V::all(T(0.5));
  const V turns = round(x * V::all(T(0.63661977236758134308)));
  V r = fnma(turns, V::all(C::kHalfPi[0]), x);
  r = fnma(turns, V::all(C::kHalfPi[1]), r);
  r = fnma(turns, V::all(C::kHalfPi[2]), r);
  const V z = r * r;
  const V s = fma(r * z, polynomial(Polynomials<T>::kSin, z), r);
  const V c = fma(z * z, polynomial(Polynomials<T>::kCos, z), fnma(half, z, one));
  // The quadrant: 0, 1, 2 or 3. Odd ones swap sine and cosine.
  const V quarter = fnma(V::all(T(4)), floor(turns * V::all(T(0.25))), turns);
  const auto odd = half < quarter - V::all(T(2)) * floor(quarter * half);
  const auto lower = V::all(T(1.5)) < quarter;
  const V sine_quarter = select(odd, c, s), cosine_quarter = select(odd, s, c);
  sine = select(lower, zero - sine_quarter, sine_quarter);
  const V distance = abs(quarter - V::all(T(1.5)));  // 1/2 for the quadrants 1 and 2
  cosine = select(distance < one, zero - cosine_quarter, cosine_quarter);
  const auto large = V::all(C::kLargestAngle) < abs(x);
  if (any(large)) {
    V s_large, c_large;
    large_sincos(x, s_large, c_large);
    sine = select(large, s_large, sine);
    cosine = select(large, c_large, cosine);
  }
}

template <class T>
Vec<T> sin(Vec<T> x) {
  Vec<T> s, c;
  sincos(x, s, c);
  return s;
}

template <class T>
Vec<T> cos(Vec<T> x) {
  Vec<T> s, c;
  sincos(x, s, c);
  return c;
}

// atan(a) = base + atan(y) with |y| <= tan(pi/8), by the tangent's addition theorem.
template <class T>
Vec<T> atan(Vec<T> x) {
  using V = Vec<T>;
  const V one = V::all(T(1)), zero = V::all(T(0)), a = abs(x);
  const auto high = V::all(T(2.41421356237309505)) < a;
  const auto middle = V::all(T(0.41421356237309505)) < a;
  const V numerator = select(high, zero - one, select(middle, a - one, a));
  const V denominator = select(high, a, select(middle, a + one, one));
  const V half_pi = V::all(T(1.57079632679489662)), low = V::all(Constants<T>::kHalfPiLow);
  const V half = V::all(T(0.5));
  const V base = select(high, half_pi, select(middle, half_pi * half, zero));
  const V base_low = select(high, low, select(middle, low * half, zero));
  const V y = numerator / denominator, z = y * y;
  const V small = fma(y * z, polynomial(Polynomials<T>::kAtan, z), base_low) + y;
  return copysign(base + small, x);
}

// The normal distribution: its cumulative probability and its density at x.
template <class T>
Vec<T> normal_cdf(Vec<T> x, Vec<T>& density) {
  using V = Vec<T>;
  const V zero = V::all(T(0)), one = V::all(T(1)), half = V::all(T(0.5));
  x = max(V::all(-Constants<T>::kNormalEnd), min(V::all(Constants<T>::kNormalEnd), x));
  // e^(-x^2/2) with the rounding of the square corrected: at x = 10 it would be off by 50 units.
  const V square = x * x, error = fma(x, x, zero - square);
  const V bell = exp(zero - half * square) * fnma(half, error, one);
  const V t = abs(x) * V::all(T(0.70710678118654752)), four = V::all(T(4));
  const V fitted = horner(Polynomials<T>::kErfcx, (t - four) / (t + four));
  const V tail = half * bell * fitted / fma(V::all(T(2)), t, one);
  density = bell * V::all(T(0.39894228040143268));
  return select(x < zero, tail, one - tail);
}

template <class T>
Vec<T> normal_cdf(Vec<T> x) {
  Vec<T> density;
  return normal_cdf(x, density);
}

// Applies a function of vectors to an array of any length.
template <class T, Vec<T> (*kFunction)(Vec<T>)>
void map(index n, const T* x, T* y) {
  index i = 0;
  for (; i + Vec<T>::lanes <= n; i += Vec<T>::lanes) kFunction(Vec<T>::load(x + i)).store(y + i);
  if (i == n) return;
  T rest[Vec<T>::lanes] = {};
  for (index j = i; j < n; ++j) rest[j - i] = x[j];
  kFunction(Vec<T>::load(rest)).store(rest);
  for (index j = i; j < n; ++j) y[j] = rest[j - i];
}

}  // namespace
}  // namespace foxnn
