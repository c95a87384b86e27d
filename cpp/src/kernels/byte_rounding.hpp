// The nearest whole number of a float, the same in all kernel sets and in exported C. Kernels have
// a copy each (internal linkage).
#pragma once

#include <cstdint>

namespace foxnn {
namespace {

// Between limits below 2^22 in size: there, adding 1.5 * 2^23 leaves no digits after the point, and
// rounds ties to the even number.
inline std::int32_t whole(float x, float lowest, float highest) {
  constexpr float kPoint = 12582912.0f;
  const float above = x > lowest ? x : lowest;
  const float within = above < highest ? above : highest;
  return static_cast<std::int32_t>((within + kPoint) - kPoint);
}

}  // namespace
}  // namespace foxnn
