// The tiles of two panels: the products of gemm-inl.hpp and conv-inl.hpp with two whole panels of
// neurons or filters at once, for kernel sets with enough registers. All panels are compact; from
// one panel to the next, b has `next` elements and c has `part`. The chains, and so the bits, are
// those of the tiles of one panel.
#pragma once

#include "kernels/conv-inl.hpp"
#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// The most rows of a tile, of four registers a row. Six by four sums take ten loads for 24
// products, where twelve by two take fourteen: on a Xeon with AVX-512 that is 11 % more products in
// a second if its second-level cache delivers one side. And fewer columns, or samples, are more
// often all zero.
constexpr int kPairRows = 6;
template <class T>
constexpr bool kHasPairs = kPanelWidth<T> == 2 * Vec<T>::lanes && kTileRows > 2 * kPairRows;
// Steps of the inner loops per branch.
constexpr index kPairSteps = 2;

template <class T, int R>
using PairSums = Vec<T>[R][2 * kPairPanels];

// c = init + a . b over k columns of a.
template <class T, int R>
void multiply_pair_tile(index k, const Rows<const T>& a, const T* b, index next, const T* init,
                        T* c, index part, Errands* errands) {
  constexpr index kWidth = kPanelWidth<T>;
  PairSums<T, R> sums;
  start<T>(sums, init);
  const T* panel = a.data;
  for (index first = 0; first < k; first += kWidth, panel += a.panel) {
    const index count = k - first < kWidth ? k - first : kWidth;
    const T* at = panel;
    index p = 0;
    for (; p + kPairSteps <= count; p += kPairSteps) {
      if (errands && p % kErrandGroup == 0) run_errands(*errands, p / kErrandGroup);
      FOXNN_UNROLL
      for (index step = 0; step < kPairSteps; ++step, ++at, b += kWidth) {
        add<T>(sums, at, kWidth, b, next);
      }
    }
    for (; p < count; ++p, ++at, b += kWidth) add<T>(sums, at, kWidth, b, next);
  }
  store<T>(sums, c, kWidth, part);
}

// The same over the columns of a list.
template <class T, int R>
void multiply_listed_pair_tile(const List& list, const Rows<const T>& a, const T* b, index next,
                               const T* init, T* c, index part, Errands* errands) {
  constexpr index kWidth = kPanelWidth<T>, kLines = kWidth / kLineWidth<T>;
  PairSums<T, R> sums;
  start<T>(sums, init);
  const std::uint32_t *items = list.items, *lines = list.lines;
  const T* first = a.data;
  const auto step = [&](index i) __attribute__((always_inline)) {
    const T* ahead = b + lines[i + kListSlack] * kLines;
    fetch_near<kLines>(ahead);
    fetch_near<kLines>(ahead + next);
    add<T>(sums, first + items[i], kWidth, b + lines[i] * kLines, next);
  };
  index i = 0;
  while (i + kErrandSteps <= list.count) {
    for (index j = 0; errands && j < kErrandSteps / kErrandGroup; ++j) run_errands(*errands, j);
    for (const index end = i + kErrandSteps; i < end; i += kPairSteps) {
      FOXNN_UNROLL
      for (index j = 0; j < kPairSteps; ++j) step(i + j);
    }
  }
  for (; i < list.count; ++i) step(i);
  store<T>(sums, c, kWidth, part);
}

// c = a^T . b over the samples, or over those of the list.
template <class T, int R>
void multiply_transposed_pair_tile(index samples, const List* list, const T* a, const T* b,
                                   index next, T* c, index part, const Fetch<T>* fetch,
                                   bool goes_on) {
  constexpr index kWidth = kPanelWidth<T>;
  PairSums<T, R> sums;
  if (goes_on) {
    go_on<T>(sums, c, kWidth, part);
  } else {
    start<T>(sums, nullptr);
  }
  if (list && list->items) {
    const std::uint32_t* items = list->items;
    const auto at = [=](index i) { return index{items[i]}; };
    add_samples<T>(sums, list->count, a, b, next, fetch, at, at);
  } else {
    const auto at = [=](index i) { return i * kWidth; };
    add_samples<T>(sums, samples, a, b, next, fetch, at, at);
  }
  store<T>(sums, c, kWidth, part);
}

// c = init + the products of the stretches with their lines of b.
template <class T, int R>
void multiply_stretches_pair_tile(const Stretch* stretches, index count, const T* a, const T* b,
                                  index next, const T* init, T* c, index part) {
  constexpr index kWidth = kPanelWidth<T>;
  PairSums<T, R> sums;
  start<T>(sums, init);
  for (const Stretch* run = stretches; run != stretches + count; ++run) {
    const T *at = a + run->column, *line = b + run->line * kWidth;
    const T* ahead = a + (run + 1 != stretches + count ? run + 1 : stretches)->column;
    index i = 0, row = 0;
    for (; i + kPairSteps <= run->count; i += kPairSteps) {
      if (row < R) fetch_near<2>(ahead + row++ * kWidth);
      FOXNN_UNROLL
      for (index step = 0; step < kPairSteps; ++step, ++at, line += kWidth) {
        add<T>(sums, at, kWidth, line, next);
      }
    }
    for (; i < run->count; ++i, ++at, line += kWidth) add<T>(sums, at, kWidth, line, next);
  }
  store<T>(sums, c, kWidth, part);
}

// c += the products of neighbouring columns with b over the positions and their samples.
template <class T, int R>
void add_products_pair_tile(index samples, index positions, const index* columns,
                            const index* places, const T* a, const T* b, index next, T* c,
                            index part, Errands* errands) {
  constexpr index kWidth = kPanelWidth<T>;
  PairSums<T, R> sums;
  go_on<T>(sums, c, kWidth, part);
  for (index p = 0; p < positions; ++p) {
    const T *at = a + columns[p], *line = b + places[p];
    index s = 0;
    for (; s + kPairSteps <= samples; s += kPairSteps) {
      if (errands && s % kSamplesOfErrand == 0) run_errands(*errands, 0);
      FOXNN_UNROLL
      for (index step = 0; step < kPairSteps; ++step, at += kWidth, line += kWidth) {
        add<T>(sums, at, 1, line, next);
      }
    }
    for (; s < samples; ++s, at += kWidth, line += kWidth) add<T>(sums, at, 1, line, next);
  }
  store<T>(sums, c, kWidth, part);
}

template <class T>
struct PairTiles {
  using Multiply = void (*)(index, const Rows<const T>&, const T*, index, const T*, T*, index,
                            Errands*);
  using MultiplyListed = void (*)(const List&, const Rows<const T>&, const T*, index, const T*, T*,
                                  index, Errands*);
  using MultiplyTransposed = void (*)(index, const List*, const T*, const T*, index, T*, index,
                                      const Fetch<T>*, bool);
  using MultiplyRuns = void (*)(const Stretch*, index, const T*, const T*, index, const T*, T*,
                                index);
  using AddProducts = void (*)(index, index, const index*, const index*, const T*, const T*, index,
                               T*, index, Errands*);
  Multiply multiply[kPairRows + 1] = {};
  MultiplyListed multiply_listed[kPairRows + 1] = {};
  MultiplyTransposed multiply_transposed[kPairRows + 1] = {};
  MultiplyRuns multiply_stretches[kPairRows + 1] = {};
  AddProducts add_products[kPairRows + 1] = {};

  template <int R = kPairRows>
  constexpr void fill() {
    multiply[R] = multiply_pair_tile<T, R>;
    multiply_listed[R] = multiply_listed_pair_tile<T, R>;
    multiply_transposed[R] = multiply_transposed_pair_tile<T, R>;
    multiply_stretches[R] = multiply_stretches_pair_tile<T, R>;
    add_products[R] = add_products_pair_tile<T, R>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr PairTiles() { fill(); }
};
template <class T>
constexpr PairTiles<T> kPairTiles;

template <class T>
void multiply_pair(index m, index k, const Rows<const T>& a, const T* b, index next, const T* bias,
                   T* c, index part, Errands* errands) {
  each_tile<kPairRows>(m, [&](index row, index rows) {
    kPairTiles<T>.multiply[rows](k, a.from_row(row), b, next, bias, c + row * kPanelWidth<T>, part,
                                 errands);
  });
}

template <class T>
void multiply_listed_pair(index m, const List& list, const Rows<const T>& a, const T* b, index next,
                          const T* bias, T* c, index part, Errands* errands) {
  kPairTiles<T>.multiply_listed[m](list, a, b, next, bias, c, part, errands);
}

template <class T>
void multiply_transposed_pair(index rows, index samples, const T* a, const List* lists, const T* b,
                              index next, T* c, const T* const* targets, bool goes_on) {
  constexpr index kWidth = kPanelWidth<T>;
  each_tile<kPairRows>(rows, [&](index row, index height) {
    Fetch<T> fetch{{}, 3 * kPairPanels, height * kWidth / kLineWidth<T>};
    for (int t = 0; t < fetch.count && targets; ++t) {
      fetch.at[t] = targets[t] ? targets[t] + row * kWidth : c;
    }
    kPairTiles<T>.multiply_transposed[height](samples, lists, a + row, b, next, c + row * kWidth,
                                              rows * kWidth, targets ? &fetch : nullptr, goes_on);
    if (lists) ++lists;
  });
}

template <class T>
void multiply_stretches_pair(index m, const Stretch* stretches, index count, const T* a, const T* b,
                             index next, const T* init, T* c, index part) {
  each_tile<kPairRows>(m, [&](index row, index rows) {
    kPairTiles<T>.multiply_stretches[rows](stretches, count, a + row * kPanelWidth<T>, b, next,
                                           init, c + row * kPanelWidth<T>, part);
  });
}

template <class T>
void add_products_pair(index rows, index samples, index positions, const index* columns,
                       const index* places, const T* a, const T* b, index next, T* c, index part,
                       Errands* errands) {
  each_tile<kPairRows>(rows, [&](index row, index count) {
    kPairTiles<T>.add_products[count](samples, positions, columns, places, a + row, b, next,
                                      c + row * kPanelWidth<T>, part, errands);
  });
}

}  // namespace
}  // namespace foxnn
