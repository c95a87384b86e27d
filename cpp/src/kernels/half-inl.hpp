// The product of conv-inl.hpp for blocks of weights whose filters fill at most half a line: the
// other half is not computed. Where registers are as wide as a line, their lower halves are used,
// of which many processors compute twice as many at a time.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// kNeighbours: the rows are positions with one channel, so that one register addresses all of them.
template <class T, int R, bool kNeighbours>
void multiply_half_tile(const Stretch* stretches, index count, const T* a, index lda, const T* b,
                        const T* init, T least, T* c, index ldc) {
  if constexpr (kNeighbours) lda = 1;
  using Half = HalfVec<T>;
  constexpr index kHalf = kLineWidth<T> / 2;
  constexpr int V = static_cast<int>(kHalf / Half::lanes);
  const Half zero = Half::all(T(0));
  Half sums[R][V];
  FOXNN_UNROLL
  for (int v = 0; v < V; ++v) {
    const Half first = init ? Half::load(init + v * Half::lanes) + zero : zero;
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) sums[r][v] = first;
  }
  for (const Stretch* run = stretches; run != stretches + count; ++run) {
    const T* at = a + run->column;
    const T* line = b + run->line * kLineWidth<T>;
    for (index i = 0; i < run->count; ++i, ++at, line += kLineWidth<T>) {
      Half weights[V];
      FOXNN_UNROLL
      for (int v = 0; v < V; ++v) weights[v] = Half::load(line + v * Half::lanes);
      FOXNN_UNROLL
      for (int r = 0; r < R; ++r) {
        const Half element = Half::all(at[r * lda]);
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) sums[r][v] = fma(element, weights[v], sums[r][v]);
      }
    }
  }
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      max(Half::all(least), sums[r][v]).store(c + r * ldc + v * Half::lanes);
      zero.store(c + r * ldc + kHalf + v * Half::lanes);
    }
  }
}

template <class T>
struct HalfTiles {
  using Multiply = void (*)(const Stretch*, index, const T*, index, const T*, const T*, T, T*,
                            index);
  Multiply multiply[2][kTileRows + 1] = {};

  template <int R = kTileRows>
  constexpr void fill() {
    if constexpr (has_tiles_of(R)) {
      multiply[0][R] = multiply_half_tile<T, R, false>;
      multiply[1][R] = multiply_half_tile<T, R, true>;
    }
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr HalfTiles() { fill(); }
};
template <class T>
constexpr HalfTiles<T> kHalfTiles;

template <class T>
void multiply_half(index m, const Stretch* stretches, index count, const T* a, index lda,
                   const T* b, const T* init, T least, T* c, index ldc) {
  each_tile(m, [&](index row, index rows) {
    kHalfTiles<T>.multiply[lda == 1][rows](stretches, count, a + row * lda, lda, b, init, least,
                                           c + row * ldc, ldc);
  });
}

}  // namespace
}  // namespace foxnn
