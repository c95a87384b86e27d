// Whether outputs are numbers.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/kernel_table.hpp"

namespace foxnn {

/// Whether there is a NaN. In many numbers, vectors look for what is not finite first.
template <class T>
bool has_nan(index count, const T* numbers) {
  constexpr index kMany = 64;
  if (count >= kMany && kernels<T>().all_finite(count, numbers, T(1))) return false;
  return std::any_of(numbers, numbers + count, [](T value) { return std::isnan(value); });
}

}  // namespace foxnn
