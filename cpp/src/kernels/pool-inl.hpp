// Pools: what a few columns of a row have in common, for `width` neighbouring columns at a time.
// The columns are named by the offsets of the positions that a window covers.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// y[rows x width] = the largest of x + column of all stretches. The first of equal numbers counts,
// and a number that is none before all others. kept, if kKeeps, becomes the `line` of the largest.
template <class T, bool kKeeps>
void largest_of(index rows, index width, const Stretch* columns, index count, const T* x, index ldx,
                T* y, index ldy, T* kept, index ldk) {
  const Vec<T> below = Vec<T>::all(T(-1)), zero = Vec<T>::all(T(0));
  for (index r = 0; r < rows; ++r, x += ldx, y += ldy) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      Vec<T> most = Vec<T>::load(x + columns[0].column + c);
      Vec<T> place = Vec<T>::all(T(columns[0].line));
      for (index i = 1; i < count; ++i) {
        const Vec<T> next = Vec<T>::load(x + columns[i].column + c);
        const auto is_negative = next < zero, is_other = below < next, is_larger = most < next;
        const auto chosen = [&](Vec<T> from, Vec<T> old) {
          return select(is_larger, from, select(is_negative, old, select(is_other, old, from)));
        };
        // Where `most` is not a number already, nothing is larger; what is not a number replaces
        // it.
        if constexpr (kKeeps) place = chosen(Vec<T>::all(T(columns[i].line)), place);
        most = chosen(next, most);
      }
      most.store(y + c);
      if constexpr (kKeeps) place.store(kept + r * ldk + c);
    }
  }
}

template <class T>
void largest(index rows, index width, const Stretch* columns, index count, const T* x, index ldx,
             T* y, index ldy, T* kept, index ldk) {
  (kept ? largest_of<T, true> : largest_of<T, false>)(rows, width, columns, count, x, ldx, y, ldy,
                                                      kept, ldk);
}

// y[rows x width] = the sum of delta + column where kept + line is the `count` of a stretch.
template <class T>
void sum_where_largest(index rows, index width, const Stretch* columns, index count, const T* delta,
                       index ldd, const T* kept, index ldk, T* y, index ldy) {
  const Vec<T> zero = Vec<T>::all(T(0)), half = Vec<T>::all(T(0.5));
  for (index r = 0; r < rows; ++r, delta += ldd, kept += ldk, y += ldy) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      Vec<T> sum = zero;
      for (index i = 0; i < count; ++i) {
        const Vec<T> place = Vec<T>::load(kept + columns[i].line + c);
        const Vec<T> off = abs(place - Vec<T>::all(T(columns[i].count)));
        sum = sum + select(off < half, Vec<T>::load(delta + columns[i].column + c), zero);
      }
      sum.store(y + c);
    }
  }
}

// Stretches whose shares are added to a tile before the next rows have their turn: as many streams
// of memory as processors prefetch at once.
constexpr index kShareStreams = 8;

// y[R x V vectors] = the sum of x + column of all stretches, each divided by its `count`, added to
// y if it goes on.
template <class T, int R, int V>
void add_shares_tile(const Stretch* columns, index count, const T* x, index ldx, T* y, index ldy,
                     bool goes_on) {
  Vec<T> sums[R][V];
  if (goes_on) {
    go_on<T>(sums, y, ldy);
  } else {
    start<T>(sums, nullptr);
  }
  for (const Stretch* from = columns; from != columns + count; ++from) {
    const auto add_each = [&](auto share) __attribute__((always_inline)) {
      const T* at = x + from->column;
      FOXNN_UNROLL
      for (int r = 0; r < R; ++r) {
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) {
          sums[r][v] = sums[r][v] + share(Vec<T>::load(at + r * ldx + v * Vec<T>::lanes));
        }
      }
    };
    // To multiply with the inverse of a power of two is exact, and takes a tenth of the time.
    const Vec<T> whole = Vec<T>::all(T(from->count)), part = Vec<T>::all(T(1) / T(from->count));
    if ((from->count & (from->count - 1)) == 0) {
      add_each([&](Vec<T> number) { return number * part; });
    } else {
      add_each([&](Vec<T> number) { return number / whole; });
    }
  }
  store<T>(sums, y, ldy);
}

// y[rows x width] = the sum of x + column of all stretches, each divided by its `count`.
template <class T>
void sum_of_shares(index rows, index width, const Stretch* columns, index count, const T* x,
                   index ldx, T* y, index ldy) {
  constexpr index kRows = 4;
  // Without any stretch, one round makes the sums zero.
  for (index first = 0; first == 0 || first < count; first += kShareStreams) {
    const index some = count - first < kShareStreams ? count - first : kShareStreams;
    each_pair<T>(width, [&](index c, auto vectors) {
      index r = 0;
      for (; r + kRows <= rows; r += kRows) {
        add_shares_tile<T, kRows, vectors>(columns + first, some, x + r * ldx + c, ldx,
                                           y + r * ldy + c, ldy, first > 0);
      }
      for (; r < rows; ++r) {
        add_shares_tile<T, 1, vectors>(columns + first, some, x + r * ldx + c, ldx, y + r * ldy + c,
                                       ldy, first > 0);
      }
    });
  }
}

}  // namespace
}  // namespace foxnn
