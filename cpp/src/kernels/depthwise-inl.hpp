// The products of depthwise convolutions: channels are the lanes, and each has weights of its own.
// Every element is one chain of fused multiply-adds, as in conv-inl.hpp: tap by tap, or position by
// position and within it sample by sample, whichever tile computes it.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// Rows of a tile: a power of two, so that few tiles are needed for any number of rows. 8 x 2 sums
// and 2 weights fit AVX-512's registers, 4 x 2 and 2 those of the other sets; and 8 chains are
// enough for the latency of a sum.
constexpr int kTapRows = kTileRows >= 8 ? 8 : 4;

template <class T, int R, int V>
void multiply_taps_tile(const Stretch* taps, index count, const T* a, index lda, const T* b,
                        index ldb, const T* init, T* c, index ldc) {
  Vec<T> sums[R][V];
  start<T>(sums, init);
  for (const Stretch* tap = taps; tap != taps + count; ++tap) {
    const T* at = a + tap->column;
    const T* line = b + tap->line * ldb;
    Vec<T> weights[V];
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) weights[v] = Vec<T>::load(line + v * Vec<T>::lanes);
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) {
      FOXNN_UNROLL
      for (int v = 0; v < V; ++v) {
        sums[r][v] = fma(Vec<T>::load(at + r * lda + v * Vec<T>::lanes), weights[v], sums[r][v]);
      }
    }
  }
  store<T>(sums, c, ldc);
}

// Tiles of R rows as often as they fit, and the rest in halves of that.
template <class T, int V, int R = kTapRows>
void multiply_taps_rows(index m, const Stretch* taps, index count, const T* a, index lda,
                        const T* b, index ldb, const T* init, T* c, index ldc) {
  for (; m >= R; m -= R, a += R * lda, c += R * ldc) {
    multiply_taps_tile<T, R, V>(taps, count, a, lda, b, ldb, init, c, ldc);
  }
  if constexpr (R > 1) {
    if (m > 0) multiply_taps_rows<T, V, R / 2>(m, taps, count, a, lda, b, ldb, init, c, ldc);
  }
}

template <class T>
void multiply_taps(index m, const Stretch* taps, index count, const T* a, index lda, const T* b,
                   index ldb, index width, const T* init, T* c, index ldc) {
  each_pair<T>(width, [&](index column, auto vectors) {
    multiply_taps_rows<T, vectors>(m, taps, count, a + column, lda, b + column, ldb,
                                   init ? init + column : nullptr, c + column, ldc);
  });
}

template <class T, int R, int V>
void add_taps_tile(index samples, index positions, const index* columns, index step,
                   const index* places, const T* a, index lda, const T* b, index ldb, T* c,
                   index ldc) {
  Vec<T> sums[R][V];
  go_on<T>(sums, c, ldc);
  for (index p = 0; p < positions; ++p, columns += step) {
    const T* at[R];
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) at[r] = a + columns[r];
    const T* line = b + places[p];
    for (index s = 0; s < samples; ++s, line += ldb) {
      const index skip = s * lda;
      Vec<T> lines[V];
      FOXNN_UNROLL
      for (int v = 0; v < V; ++v) lines[v] = Vec<T>::load(line + v * Vec<T>::lanes);
      FOXNN_UNROLL
      for (int r = 0; r < R; ++r) {
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) {
          sums[r][v] = fma(Vec<T>::load(at[r] + skip + v * Vec<T>::lanes), lines[v], sums[r][v]);
        }
      }
    }
  }
  store<T>(sums, c, ldc);
}

template <class T, int V>
struct TapTiles {
  using Add = void (*)(index, index, const index*, index, const index*, const T*, index, const T*,
                       index, T*, index);
  Add add[kTileRows + 1] = {};

  template <int R = kTileRows>
  constexpr void fill() {
    if constexpr (has_tiles_of(R)) add[R] = add_taps_tile<T, R, V>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr TapTiles() { fill(); }
};
template <class T, int V>
constexpr TapTiles<T, V> kTapTiles;

template <class T>
void add_taps(index taps, index samples, index positions, const index* columns, const index* places,
              const T* a, index lda, const T* b, index ldb, index width, T* c, index ldc) {
  each_pair<T>(width, [&](index column, auto vectors) {
    each_tile(taps, [&](index tap, index count) {
      kTapTiles<T, vectors>.add[count](samples, positions, columns + tap, taps, places, a + column,
                                       lda, b + column, ldb, c + tap * ldc + column, ldc);
    });
  });
}

}  // namespace
}  // namespace foxnn
