// The product of conv-inl.hpp for blocks of weights whose filters fill at most half a line, and the
// gradient of such weights: the other half is not computed. Where registers are as wide as a line,
// their lower halves are used, of which many processors compute twice as many at a time.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// kStride: the distance of the rows where it is known, so that one register addresses all of them:
// 1 if they are positions with one channel; 0: it is lda.
template <class T, int R, index kStride>
void multiply_half_tile(const Stretch* stretches, index count, const T* a, index lda, const T* b,
                        const T* init, T least, T* c, index ldc) {
  if constexpr (kStride > 0) lda = kStride;
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

// c[R x a line] = a^T . b over the samples, for R neighbouring columns of a; c is dense.
template <class T, int R>
void half_gradient_tile(index samples, const T* a, index lda, const T* b, index ldb, T* c) {
  using Half = HalfVec<T>;
  constexpr index kHalf = kLineWidth<T> / 2;
  constexpr int V = static_cast<int>(kHalf / Half::lanes);
  const Half zero = Half::all(T(0));
  Half sums[R][V];
  FOXNN_UNROLL
  for (int v = 0; v < V; ++v) {
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) sums[r][v] = zero;
  }
  for (index s = 0; s < samples; ++s, a += lda, b += ldb) {
    const T* row = a;
    hide_from_vectorizer(row);
    Half columns[V];
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) columns[v] = Half::load(b + v * Half::lanes);
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) {
      const Half element = Half::all(row[r]);
      FOXNN_UNROLL
      for (int v = 0; v < V; ++v) sums[r][v] = fma(element, columns[v], sums[r][v]);
    }
  }
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      sums[r][v].store(c + r * kLineWidth<T> + v * Half::lanes);
      zero.store(c + r * kLineWidth<T> + kHalf + v * Half::lanes);
    }
  }
}

template <class T>
struct HalfTiles {
  using Multiply = void (*)(const Stretch*, index, const T*, index, const T*, const T*, T, T*,
                            index);
  using Gradient = void (*)(index, const T*, index, const T*, index, T*);
  // Rows at any distance, at that of neighbours, and at that of compact panels.
  Multiply multiply[3][kTileRows + 1] = {};
  Gradient gradient[kTileRows + 1] = {};

  template <int R = kTileRows>
  constexpr void fill() {
    if constexpr (has_tiles_of(R)) {
      multiply[0][R] = multiply_half_tile<T, R, 0>;
      multiply[1][R] = multiply_half_tile<T, R, 1>;
      multiply[2][R] = multiply_half_tile<T, R, kPanelWidth<T>>;
      gradient[R] = half_gradient_tile<T, R>;
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
  const auto& tiles = kHalfTiles<T>.multiply[lda == 1 ? 1 : lda == kPanelWidth<T> ? 2 : 0];
  each_tile(m, [&](index row, index rows) {
    tiles[rows](stretches, count, a + row * lda, lda, b, init, least, c + row * ldc, ldc);
  });
}

template <class T>
void multiply_transposed_half(index rows, index samples, const T* a, index lda, const T* b,
                              index ldb, T* c) {
  each_tile(rows, [&](index row, index height) {
    kHalfTiles<T>.gradient[height](samples, a + row, lda, b, ldb, c + row * kLineWidth<T>);
  });
}

}  // namespace
}  // namespace foxnn
