// The dot product of four bytes, vpdpbusd, in 256 bits. FOXNN_DOT is the instruction in the
// encoding of the set: that of AVX-512 VNNI and VL, or that of AVX-VNNI.
//
// As assembly: with the intrinsic, g++ 12 copies every sum before each use, and keeps half of them
// in memory (of a network of 512 neurons a layer, this takes three times as long).
#pragma once

#include <immintrin.h>

#include <cstring>

#include "kernels/byte_table.hpp"

namespace foxnn {
namespace {

struct Dot8 {
  static constexpr int kColumns = 8, kSums = 1;
  struct Sum {
    __m256i v;
  };
  using Left = __m256i;
  using Weights = __m256i;

  static Sum start(const std::int32_t* bias) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bias))};
  }
  static Left left(const std::uint8_t* at) {
    int four;
    std::memcpy(&four, at, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Weights weights(const std::int8_t* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }
  static void add(Sum& sum, Left left, Weights weights) {
    asm(FOXNN_DOT " %2, %1, %0"
        : "+" FOXNN_DOT_REGISTERS(sum.v)
        : FOXNN_DOT_REGISTERS(left), FOXNN_DOT_REGISTERS(weights));
  }
  static void put(const Sum* sum, std::int32_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sum->v);
  }
};

}  // namespace
}  // namespace foxnn
