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
  if constexpr (kPanelWidth<T> == 2 * Vec<T>::lanes) ldb = V * Vec<T>::lanes;  // a whole panel's
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

// Samples per branch of the gradient's tile: with 1 in place of 2 it takes 6 % longer, 4 are not
// faster. Tiles that fill less than half of the registers are seldom used: there it would only be
// more code.
template <int R, int V>
constexpr index kSampleSteps = R * V > kTileRows ? 2 : 1;

// Samples from one errand to the next.
constexpr index kSamplesOfErrand = 8;

// kNeighbours: the columns of the rows are neighbours, so that one register addresses all of them.
// kCompact: so are, in addition, the rows of a and b those of compact panels.
template <class T, int R, int V, bool kNeighbours, bool kCompact>
void add_products_tile(index samples, index positions, const index* columns, index step,
                       const index* places, const T* a, index lda, const T* b, index ldb, T* c,
                       index ldc, Errands* errands) {
  constexpr index kBranch = kSampleSteps<R, V>;
  if constexpr (kCompact) lda = ldb = kPanelWidth<T>;
  if constexpr (kPanelWidth<T> == 2 * Vec<T>::lanes) ldc = V * Vec<T>::lanes;  // a whole panel's
  Vec<T> sums[R][V];
  go_on<T>(sums, c, ldc);
  for (index p = 0; p < positions; ++p, columns += step) {
    const T* line = b + places[p];
    if constexpr (kNeighbours) {
      const T* at = a + columns[0];
      index s = 0;
      for (; s + kBranch <= samples; s += kBranch) {
        if (errands && s % kSamplesOfErrand == 0) run_errands(*errands, 0);
        FOXNN_UNROLL
        for (index i = 0; i < kBranch; ++i) add<T>(sums, at + i * lda, 1, line + i * ldb);
        at += kBranch * lda;
        line += kBranch * ldb;
      }
      if constexpr (kBranch > 1) {
        for (; s < samples; ++s, at += lda, line += ldb) add<T>(sums, at, 1, line);
      }
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

template <class T, int V>
struct ConvTiles {
  using MultiplyRuns = void (*)(const Stretch*, index, const T*, index, const T*, index, const T*,
                                T*, index);
  using AddProducts = void (*)(index, index, const index*, index, const index*, const T*, index,
                               const T*, index, T*, index, Errands*);
  MultiplyRuns multiply_stretches[2][kTileRows + 1] = {};
  AddProducts add_products[3][kTileRows + 1] = {};

  template <int R = kTileRows>
  constexpr void fill() {
    if constexpr (R <= kFewRows) {
      multiply_stretches[0][R] = multiply_stretches_tile<T, R, V, false>;
      add_products[0][R] = add_products_tile<T, R, V, false, false>;
    }
    if constexpr (has_tiles_of(R)) {
      multiply_stretches[1][R] = multiply_stretches_tile<T, R, V, true>;
      add_products[1][R] = add_products_tile<T, R, V, true, false>;
      add_products[2][R] = add_products_tile<T, R, V, true, true>;
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
    if (compact) {
      each_tile(m, tile);
    } else {
      each_tile<kFewRows>(m, tile);
    }
  });
}

template <class T>
void add_products(index rows, index samples, index positions, const index* columns, index step,
                  const index* places, const T* a, index lda, const T* b, index ldb, index width,
                  T* c, Errands* errands) {
  bool neighbours = true;
  for (index i = 0; step > 1 && i < positions * rows; ++i) {
    neighbours = neighbours && (i % rows == 0 || columns[i] == columns[i - 1] + 1);
  }
  each_pair<T>(width, [&](index column, auto vectors) {
    const bool compact = neighbours && lda == kPanelWidth<T> && ldb == kPanelWidth<T>;
    const auto& own = kConvTiles<T, vectors>.add_products[compact ? 2 : neighbours];
    const auto tile = [&](index row, index count) {
      own[count](samples, positions, neighbours ? columns : columns + row, step, places,
                 neighbours ? a + row : a, lda, b + column, ldb, c + row * width + column, width,
                 errands);
    };
    if (neighbours) {
      each_tile(rows, tile);
    } else {
      each_tile<kFewRows>(rows, tile);
    }
  });
}

}  // namespace
}  // namespace foxnn
