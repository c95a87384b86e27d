// Powers of a decay, for the steps of Adam: of whole exponents, and the same to the last bit
// everywhere. The `pow` of the platforms differ in that bit, and with it trainings.
#pragma once

#include <cstdint>

namespace foxnn {

/// base^n for one base from 0 to 1 after the other n: fast where each n is that of the last call or
/// the next one. Products are kept in pairs of numbers of 106 bits in all; so the result is rounded
/// as if only once, and depends on base and n alone.
class Powers {
 public:
  double of(double base, std::uint64_t n) {
    if (base != base_ || n < n_ || n / kBlock != n_ / kBlock) restart(base, n / kBlock);
    for (; n_ < n; ++n_) value_ = times(value_, {base_, 0.0});
    return value_.high;
  }

 private:
  struct Pair {
    double high, low;
  };

  // Every power is that of the last multiple of this, multiplied by the base again and again: the
  // same operations, whatever was asked for before.
  static constexpr std::uint64_t kBlock = 32;

  // Dekker, "A floating-point technique for extending the available precision", 1971.
  static Pair halves(double x) {
    constexpr double kSplit = 134217729.0;  // 2^27 + 1
    const double high = kSplit * x - (kSplit * x - x);
    return {high, x - high};
  }
  static Pair times(Pair a, Pair b) {
    const double product = a.high * b.high;
    const Pair x = halves(a.high), y = halves(b.high);
    const double error =
        ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low;
    const double rest = error + (a.high * b.low + a.low * b.high), sum = product + rest;
    return {sum, rest - (sum - product)};
  }

  void restart(double base, std::uint64_t block) {
    base_ = base;
    n_ = block * kBlock;
    value_ = {1.0, 0.0};
    Pair power = {base, 0.0};
    for (std::uint64_t i = 1; i < kBlock; i *= 2) power = times(power, power);
    for (; block > 0; block /= 2, power = times(power, power)) {
      if (block % 2 == 1) value_ = times(value_, power);
    }
  }

  double base_ = 1.0;
  std::uint64_t n_ = 0;
  Pair value_ = {1.0, 0.0};
};

}  // namespace foxnn
