// The products of convolutions over a batch in lanes: a row is a column of all samples, up to a
// panel of them, so that no lane is wasted, however few the channels are. Every output is the chain
// of multiply_stretches. A weight's gradient is a chain for each lane of a cache line, whatever the
// length of a register, and then one tree over these lanes.
#pragma once

#include "kernels/pairs-inl.hpp"

namespace foxnn {
namespace {

// Lines of weights and filters of a tile of gradients: R x F chains, R columns of x and one of
// delta in registers. 4 x 6 + 4 + 1 are 29 of the 32 registers of AVX-512, 3 x 4 + 3 + 1 all 16 of
// the other sets.
constexpr int kLaneLines = kTileRows > 6 ? 4 : 3, kLaneFilters = kTileRows > 6 ? 6 : 4;
static_assert(kLaneLines <= kMostLaneLines);

// The third and fourth vector of a row belong to another position, whose columns are `next`
// elements further on, and whose sums `part`.
template <class T, int R, int V>
void multiply_lanes_tile(const Stretch* stretches, index count, const T* weights, index ldw,
                         const T* x, index next, const T* init, T* c, index part) {
  constexpr index kWidth = kPanelWidth<T>;
  const Vec<T> zero = Vec<T>::all(T(0));
  Vec<T> sums[R][V];
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    const Vec<T> first = init ? Vec<T>::all(init[r]) + zero : zero;
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) sums[r][v] = first;
  }
  for (const Stretch* run = stretches; run != stretches + count; ++run) {
    const T* at = x + run->column;
    const T* line = weights + run->line * ldw;
    for (index i = 0; i < run->count; ++i, at += kWidth, line += ldw) {
      add<T>(sums, line, 1, at, next);
    }
  }
  store<T>(sums, c, kWidth, part);
}

template <class T, int R, int F>
void add_lane_products_tile(const LaneLine<T>* lines, index pitch, index positions, index groups,
                            const T* delta, index ldd, T* sums, index lds) {
  constexpr index kLine = kLineWidth<T>;
  // Lanes do not meet before the end: a register takes those that it holds, through all positions.
  for (index lane = 0; lane < kLine; lane += Vec<T>::lanes, delta += Vec<T>::lanes) {
    Vec<T> chains[R][F];
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) {
      FOXNN_UNROLL
      for (int f = 0; f < F; ++f) chains[r][f] = Vec<T>::load(sums + r * lds + f * kLine + lane);
    }
    const T* second = delta;
    for (index p = 0; p < positions; ++p, second += ldd) {
      const T* x[R];
      FOXNN_UNROLL
      for (int r = 0; r < R; ++r) {
        x[r] = lines[r].x + index{lines[r].positions[p]} * pitch + lane;
      }
      for (index g = 0; g < groups * kLine; g += kLine) {
        Vec<T> first[R];
        FOXNN_UNROLL
        for (int r = 0; r < R; ++r) first[r] = Vec<T>::load(x[r] + g);
        FOXNN_UNROLL
        for (int f = 0; f < F; ++f) {
          const Vec<T> other = Vec<T>::load(second + f * kPanelWidth<T> + g);
          FOXNN_UNROLL
          for (int r = 0; r < R; ++r) chains[r][f] = fma(first[r], other, chains[r][f]);
        }
      }
    }
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) {
      FOXNN_UNROLL
      for (int f = 0; f < F; ++f) chains[r][f].store(sums + r * lds + f * kLine + lane);
    }
  }
}

template <class T, int V>
struct LaneTiles {
  using Multiply = void (*)(const Stretch*, index, const T*, index, const T*, index, const T*, T*,
                            index);
  static constexpr int kMost = V > 2 ? kPairRows : kTileRows;
  Multiply multiply[kMost + 1] = {};

  template <int R = kMost>
  constexpr void fill() {
    if constexpr (has_tiles_of(R)) multiply[R] = multiply_lanes_tile<T, R, V>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr LaneTiles() { fill(); }
};
template <class T, int V>
constexpr LaneTiles<T, V> kLaneTiles;

template <class T>
struct LaneGradientTiles {
  using Add = void (*)(const LaneLine<T>*, index, index, index, const T*, index, T*, index);
  Add add[kLaneLines + 1][kLaneFilters + 1] = {};

  template <int R = kLaneLines, int F = kLaneFilters>
  constexpr void fill() {
    add[R][F] = add_lane_products_tile<T, R, F>;
    if constexpr (F > 1) fill<R, F - 1>();
    if constexpr (F == 1 && R > 1) fill<R - 1, kLaneFilters>();
  }
  constexpr LaneGradientTiles() { fill(); }
};
template <class T>
constexpr LaneGradientTiles<T> kLaneGradientTiles;

template <class T>
void multiply_lanes(index rows, const Stretch* stretches, index count, const T* weights, index ldw,
                    const T* x, index width, const T* init, T* c) {
  each_pair<T>(width, [&](index column, auto vectors) {
    each_tile(rows, [&](index row, index height) {
      kLaneTiles<T, vectors>.multiply[height](stretches, count, weights + row, ldw, x + column, 0,
                                              init ? init + row : nullptr,
                                              c + row * kPanelWidth<T> + column, 0);
    });
  });
}

template <class T>
void multiply_lanes_pair(index rows, const Stretch* stretches, index count, const T* weights,
                         index ldw, const T* x, index next, const T* init, T* c, index part) {
  each_tile<kPairRows>(rows, [&](index row, index height) {
    kLaneTiles<T, 2 * kPairPanels>.multiply[height](stretches, count, weights + row, ldw, x, next,
                                                    init ? init + row : nullptr,
                                                    c + row * kPanelWidth<T>, part);
  });
}

template <class T>
void add_lane_products(index rows, index filters, const LaneLine<T>* lines, index pitch,
                       index positions, index groups, const T* delta, index ldd, T* sums) {
  for (index filter = 0; filter < filters;) {
    const index count = tile_height(filters - filter, kLaneFilters);
    kLaneGradientTiles<T>.add[rows][count](lines, pitch, positions, groups,
                                           delta + filter * kPanelWidth<T>, ldd,
                                           sums + filter * kLineWidth<T>, filters * kLineWidth<T>);
    filter += count;
  }
}

template <class T>
void sum_lanes(index count, const T* lanes, T* sums) {
  constexpr index kLine = kLineWidth<T>;
  for (; count > 0; count -= kLine, lanes += kLine * kLine, sums += kLine) {
    alignas(kLineBytes) T turned[kLine * kLine];
    transpose<T>(count < kLine ? count : kLine, kLine, lanes, kLine, turned, kLine);
    for (index half = kLine / 2; half > 0; half /= 2) {
      for (index i = 0; i < half * kLine; i += Vec<T>::lanes) {
        (Vec<T>::load(turned + i) + Vec<T>::load(turned + half * kLine + i)).store(turned + i);
      }
    }
    for (index i = 0; i < kLine; i += Vec<T>::lanes) Vec<T>::load(turned + i).store(sums + i);
  }
}

}  // namespace
}  // namespace foxnn
