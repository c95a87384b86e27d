// What a Vec promises (kernels-inl.hpp), checked lane by lane. Compiled once for each kernel set
// against the vec_*.hpp that the including file chose; like the kernels, it uses no templates of
// the standard library, whose code another processor might then run.
#pragma once

#include <cstdint>

namespace foxnn {
namespace {

using Report = void (*)(bool good, const char* expression, int line);

#define FOXNN_PROMISE(expression) report((expression), #expression, __LINE__)

template <class T>
struct Bits;
template <>
struct Bits<float> {
  using Unsigned = std::uint32_t;
  using Signed = int;
  static constexpr int digits = 23, least_exponent = -126, greatest_exponent = 127;
};
template <>
struct Bits<double> {
  using Unsigned = std::uint64_t;
  using Signed = long long;
  static constexpr int digits = 52, least_exponent = -1022, greatest_exponent = 1023;
};

template <class T>
typename Bits<T>::Unsigned bits_as_integer(T x) {
  return __builtin_bit_cast(typename Bits<T>::Unsigned, x);
}

// The same bits; all that are not a number count as one.
template <class T>
bool same(T a, T b) {
  return (a != a && b != b) || bits_as_integer(a) == bits_as_integer(b);
}

// Whether f gives in each lane what `expected` gives for that lane alone, in any position.
template <class T, class Function, class Expected>
bool agrees(const T (&a)[16], const T (&b)[16], Function f, Expected expected) {
  bool good = true;
  for (index first = 0; first < 16; ++first) {
    T x[16], y[16], out[16];
    for (index i = 0; i < 16; ++i) x[i] = a[(first + i) % 16], y[i] = b[(first + i) % 16];
    f(Vec<T>::load(x), Vec<T>::load(y)).store(out);
    for (index i = 0; i < Vec<T>::lanes; ++i) good = good && same(out[i], expected(x[i], y[i]));
  }
  return good;
}

template <class T>
T power_of_two(int exponent) {
  T power = T(1);
  for (; exponent > 0; --exponent) power *= T(2);
  for (; exponent < 0; ++exponent) power *= T(0.5);
  return power;
}

template <class T>
void check_order(Report report) {
  const T nan = T(__builtin_nan("")), infinity = T(__builtin_inf()), tiny = power_of_two<T>(-140);
  const T a[16] = {T(0), T(-0.0), T(1), nan,      T(2),  nan,  infinity, -infinity,
                   T(0), nan,     T(3), infinity, T(-1), tiny, T(-2),    T(5)};
  const T b[16] = {T(-0.0), T(0), nan,  T(1),      T(-2), nan,  T(4),  T(4),
                   nan,     T(0), T(3), -infinity, T(0),  T(0), T(-1), T(5)};
  // The second operand where either is not a number, and where both are equal.
  FOXNN_PROMISE(agrees(
      a, b, [](auto x, auto y) { return max(x, y); }, [](T x, T y) { return y < x ? x : y; }));
  FOXNN_PROMISE(agrees(
      a, b, [](auto x, auto y) { return min(x, y); }, [](T x, T y) { return x < y ? x : y; }));
  FOXNN_PROMISE(agrees(
      a, b, [](auto x, auto y) { return select(x < y, x, y); },
      [](T x, T y) { return x < y ? x : y; }));
  FOXNN_PROMISE(agrees(
      a, b, [](auto x, auto) { return abs(x); },
      [](T x, T) { return sizeof(T) == 4 ? T(__builtin_fabsf(float(x))) : T(__builtin_fabs(x)); }));
  const T magnitudes[16] = {T(0), T(1), T(2), tiny, T(3), T(4), infinity, T(5),
                            T(0), T(1), T(2), tiny, T(3), T(4), infinity, T(5)};
  FOXNN_PROMISE(agrees(
      magnitudes, b, [](auto x, auto y) { return copysign(x, y); },
      [](T x, T y) { return T(__builtin_copysign(double(x), double(y))); }));
}

template <class T>
void check_masks(Report report) {
  for (index n = -3; n <= Vec<T>::lanes + 3; ++n) {
    const index count = n < 0 ? 0 : n > Vec<T>::lanes ? Vec<T>::lanes : n;
    const auto mask = Vec<T>::first(n);
    FOXNN_PROMISE(bits_of(mask) == (std::uint32_t{1} << count) - 1u);
    FOXNN_PROMISE(any(mask) == (count > 0));
  }
}

template <class T>
void check_rounding(Report report) {
  const T large = power_of_two<T>(Bits<T>::digits);
  const T a[16] = {T(0.5),  T(1.5),        T(2.5),         T(-0.5),  T(-1.5), T(-2.5),
                   T(0.49), T(-0.51),      T(7.75),        T(-7.75), T(1e6),  T(-1e6),
                   large,   -large + T(1), large - T(0.5), T(3)};
  const T rounded[16] = {T(0), T(2),  T(2),   T(-0.0), T(-2), T(-2),         T(0),  T(-1),
                         T(8), T(-8), T(1e6), T(-1e6), large, -large + T(1), large, T(3)};
  const T floors[16] = {T(0), T(1),  T(2),   T(-1),   T(-2), T(-3),         T(0),         T(-1),
                        T(7), T(-8), T(1e6), T(-1e6), large, -large + T(1), large - T(1), T(3)};
  // As numbers: the sign of a zero is not promised.
  FOXNN_PROMISE(
      agrees(a, rounded, [](auto x, auto y) { return round(x) - y; }, [](T, T) { return T(0); }));
  FOXNN_PROMISE(
      agrees(a, floors, [](auto x, auto y) { return floor(x) - y; }, [](T, T) { return T(0); }));
}

template <class T>
void check_bits(Report report) {
  using B = Bits<T>;
  const T positive[16] = {T(1),   T(2),    T(0.5),    T(3),   T(0.75), T(1e-3), T(1e3), T(1.25),
                          T(1.9), T(1e-6), T(123456), T(0.1), T(7),    T(1e6),  T(9),   T(0.3)};
  const T squares[16] = {T(1), T(4), T(0.25), T(9), T(0.5625), T(1), T(1),  T(1.5),
                         T(1), T(1), T(1),    T(1), T(49),     T(1), T(81), T(1)};
  const auto start = static_cast<typename B::Signed>(bits_as_integer(T(1)) * 2);
  FOXNN_PROMISE(agrees(
      positive, squares, [&](auto x, auto) { return bits_below(start, x); },
      [&](T x, T) {
        const auto bits = static_cast<typename B::Unsigned>(start) - bits_as_integer(x);
        return __builtin_bit_cast(T, bits);
      }));
  FOXNN_PROMISE(agrees(
      positive, squares, [](auto x, auto) { return exponent(x); },
      [](T x, T) {
        return T(static_cast<int>(bits_as_integer(x) >> B::digits) - B::greatest_exponent);
      }));
  FOXNN_PROMISE(agrees(
      positive, squares, [](auto x, auto) { return mantissa(x); },
      [](T x, T) {
        while (x < T(1)) x *= T(2);
        while (x >= T(2)) x *= T(0.5);
        return x;
      }));
}

// By halves and doubles, of which only the last, into the subnormal numbers, is rounded.
template <class T>
T scaled(T a, int n) {
  const int rest = n < Bits<T>::least_exponent ? n - (Bits<T>::least_exponent + 2) : 0;
  for (int i = 0; i < n; ++i) a *= T(2);
  for (int i = 0; i > n - rest; --i) a *= T(0.5);
  return rest == 0 ? a : a * power_of_two<T>(rest);
}

template <class T>
void check_scale(Report report) {
  using B = Bits<T>;
  const T some[16] = {T(1),       T(2),       T(0.5),    T(1.5),    T(0.7071), T(1.4142),
                      T(-1.0001), T(1.99999), T(0.9999), T(-0.501), T(1.125),  T(1.3333),
                      T(0),       T(-1),      T(1.0625), T(0.625)};
  const int least = B::least_exponent - B::digits - 3, most = B::greatest_exponent + 3;
  for (int n = least; n <= most; ++n) {
    T exponents[16];
    for (T& exponent : exponents) exponent = T(n);
    const auto expected = [](T a, T exponent) { return scaled(a, static_cast<int>(exponent)); };
    report(
        agrees(some, exponents, [](auto a, auto e) { return scale(a, e); }, expected), "scale", n);
  }
}

template <class T>
void check_fused(Report report) {
  // Rounded once, (1 + e)(1 - e) - 1 is -e^2; rounded twice it is 0, or -e where 1 - e^2 is
  // rounded to the number below 1.
  const T e = power_of_two<T>(-Bits<T>::digits + 2);
  T out[16];
  const Vec<T> one = Vec<T>::all(T(1)), up = Vec<T>::all(T(1) + e), down = Vec<T>::all(T(1) - e);
  fma(up, down, Vec<T>::all(T(-1))).store(out);
  FOXNN_PROMISE(out[0] == -e * e);
  fnma(up, down, one).store(out);
  FOXNN_PROMISE(out[Vec<T>::lanes - 1] == e * e);
  // Each of these with each other and each third: ties, sums that cancel, and the ends of the
  // range.
  const T least = power_of_two<T>(Bits<T>::least_exponent), half = e / T(8);
  const T some[16] = {T(1),  T(1) + e,     T(1) - half,        T(-1),
                      T(3),  least,        -least * T(3),      least * e,
                      T(0),  T(-0.0),      T(1) / 3,           half,
                      -half, T(1) / least, T(__builtin_inf()), T(__builtin_nan(""))};
  bool good = true;
  for (const T first : some) {
    for (const T second : some) {
      const auto exact = [&](T a, T b) {
        return sizeof(T) == 4 ? T(__builtin_fmaf(float(a), float(second), float(b)))
                              : T(__builtin_fma(double(a), double(second), double(b)));
      };
      T firsts[16];
      for (T& each : firsts) each = first;
      good = good && agrees(
                         firsts, some,
                         [&](auto a, auto c) { return fma(a, Vec<T>::all(second), c); }, exact);
      good =
          good && agrees(
                      firsts, some, [&](auto a, auto c) { return fnma(a, Vec<T>::all(second), c); },
                      [&](T a, T b) { return exact(-a, b); });
    }
  }
  FOXNN_PROMISE(good);
  // Nothing that is written as two operations is one.
  (up * down - one).store(out);
  FOXNN_PROMISE(out[0] == T(0));
}

template <class T>
void check_transpose(Report report) {
  T source[16 * 16], target[16 * 16];
  for (index i = 0; i < 16 * 16; ++i) source[i] = T(i), target[i] = T(-1);
  Vec<T>::transpose(source, 16, target, 16);
  bool good = true;
  for (index i = 0; i < 16; ++i) {
    for (index j = 0; j < 16; ++j) {
      const bool inside = i < Vec<T>::lanes && j < Vec<T>::lanes;
      good = good && target[j * 16 + i] == (inside ? source[i * 16 + j] : T(-1));
    }
  }
  FOXNN_PROMISE(good);
}

template <class T>
void check_promises(Report report) {
  check_order<T>(report);
  check_masks<T>(report);
  check_rounding<T>(report);
  check_bits<T>(report);
  check_scale<T>(report);
  check_fused<T>(report);
  check_transpose<T>(report);
}

}  // namespace
}  // namespace foxnn
