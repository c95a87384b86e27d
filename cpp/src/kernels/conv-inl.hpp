// The products of convolutions: like those of gemm-inl.hpp, but the columns of a row are taken in
// stretches, and the sum of a weight's gradient continues from position to position in registers.
// Every element is one chain of fused multiply-adds, run by run, or position by position and within
// it sample by sample, whichever tile computes it.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

template <index kCount>
[[gnu::always_inline]] inline void fetch_near(const void* first) {
  FOXNN_UNROLL
  for (index i = 0; i < kCount; ++i) {
    __builtin_prefetch(static_cast<const char*>(first) + i * kLineBytes);
  }
}

// kCompact: the rows of a are those of a compact panel, or single positions that are a panel each,
// so that one register addresses all of them.
template <class T, int R, int V, bool kCompact>
void multiply_stretches_tile(const Stretch* stretches, index count, const T* a, index lda,
                             const T* b, index ldb, const T* init, T* c, index ldc) {
  if constexpr (kCompact) lda = kPanelWidth<T>;
  Vec<T> sums[R][V];
  start<T>(sums, init);
  for (const Stretch* run = stretches; run != stretches + count; ++run) {
    const T* at = a + run->column;
    const T* line = b + run->line * ldb;
    // The hardware does not foresee the jump to the next run. (The last run fetches the first's, of
    // which the next tile's are neighbours.)
    const T* next = a + (run + 1 != stretches + count ? run + 1 : stretches)->column;
    index i = 0;
    for (index row = 0; i + kSteps <= run->count; i += kSteps, at += kSteps, line += kSteps * ldb) {
      for (const index end = row + 2; row < end && row < R; ++row) fetch_near<2>(next + row * lda);
      FOXNN_UNROLL
      for (index step = 0; step < kSteps; ++step) add<T>(sums, at + step, lda, line + step * ldb);
    }
    for (; i < run->count; ++i, ++at, line += ldb) add<T>(sums, at, lda, line);
  }
  store<T>(sums, c, ldc);
}

// kNeighbours: the columns of the rows are neighbours, so that one register addresses all of them.
template <class T, int R, int V, bool kNeighbours>
void add_products_tile(index samples, index positions, const index* columns, index step,
                       const index* places, const T* a, index lda, const T* b, index ldb, T* c,
                       index ldc) {
  Vec<T> sums[R][V];
  go_on<T>(sums, c, ldc);
  for (index p = 0; p < positions; ++p, columns += step) {
    const T* line = b + places[p];
    if constexpr (kNeighbours) {
      const T* at = a + columns[0];
      for (index s = 0; s < samples; ++s, at += lda, line += ldb) add<T>(sums, at, 1, line);
    } else {
      const T* at = a;
      for (index s = 0; s < samples; ++s, at += lda, line += ldb) {
        Vec<T> lines[V];
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) lines[v] = Vec<T>::load(line + v * Vec<T>::lanes);
        FOXNN_UNROLL
        for (int r = 0; r < R; ++r) {
          const Vec<T> element = Vec<T>::all(at[columns[r]]);
          FOXNN_UNROLL
          for (int v = 0; v < V; ++v) sums[r][v] = fma(element, lines[v], sums[r][v]);
        }
      }
    }
  }
  store<T>(sums, c, ldc);
}

// The most rows of a tile whose rows are not those of compact panels: the pointers of more would
// hardly fit into registers, and there are no tiles of 7. When there were, 4 in place of 7 made few
// samples of two convolutions (of 32 and 64 filters) take 12 % longer.
constexpr int kFewRows = kTileRows > 8 ? 6 : 4;

template <class T, int V>
struct ConvTiles {
  using MultiplyRuns = void (*)(const Stretch*, index, const T*, index, const T*, index, const T*,
                                T*, index);
  using AddProducts = void (*)(index, index, const index*, index, const index*, const T*, index,
                               const T*, index, T*, index);
  MultiplyRuns multiply_stretches[2][kTileRows + 1] = {};
  AddProducts add_products[2][kTileRows + 1] = {};

  template <int R = kTileRows>
  constexpr void fill() {
    if constexpr (R <= kFewRows) {
      multiply_stretches[0][R] = multiply_stretches_tile<T, R, V, false>;
    }
    if constexpr (has_tiles_of(R)) {
      multiply_stretches[1][R] = multiply_stretches_tile<T, R, V, true>;
      add_products[0][R] = add_products_tile<T, R, V, false>;
      add_products[1][R] = add_products_tile<T, R, V, true>;
    }
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr ConvTiles() { fill(); }
};
template <class T, int V>
constexpr ConvTiles<T, V> kConvTiles;

template <class T>
void multiply_stretches(index m, const Stretch* stretches, index count, const T* a, index lda,
                        const T* b, index width, const T* init, T* c, index ldc) {
  const bool compact = lda == kPanelWidth<T>;
  each_pair<T>(width, [&](index column, auto vectors) {
    const auto& own = kConvTiles<T, vectors>.multiply_stretches[compact];
    const auto tile = [&](index row, index rows) {
      own[rows](stretches, count, a + row * lda, lda, b + column, width,
                init ? init + column : nullptr, c + row * ldc + column, ldc);
    };
    if (compact) return each_tile(m, tile);
    for (index row = 0, rows = 0; row < m; row += rows) {
      rows = tile_height(m - row, kFewRows);
      tile(row, rows);
    }
  });
}

template <class T>
void add_products(index rows, index samples, index positions, const index* columns,
                  const index* places, const T* a, index lda, const T* b, index ldb, index width,
                  T* c) {
  bool neighbours = true;
  for (index i = 0; i < positions * rows; ++i) {
    neighbours = neighbours && (i % rows == 0 || columns[i] == columns[i - 1] + 1);
  }
  each_pair<T>(width, [&](index column, auto vectors) {
    kConvTiles<T, vectors>.add_products[neighbours][rows](
        samples, positions, columns, rows, places, a, lda, b + column, ldb, c + column, width);
  });
}

}  // namespace
}  // namespace foxnn
