// Pools: what a few columns of a row have in common, for `width` neighbouring columns at a time.
// The columns are named by the offsets of the positions that a window covers.
#pragma once

namespace foxnn {
namespace {

// y[rows x width] = the largest of x + column of all stretches. The first of equal numbers counts,
// and a number that is none before all others. kept, if given, becomes the `line` of the largest.
template <class T>
void largest(index rows, index width, const Stretch* columns, index count, const T* x, index ldx,
             T* y, index ldy, T* kept, index ldk) {
  const Vec<T> below = Vec<T>::all(T(-1)), zero = Vec<T>::all(T(0));
  for (index r = 0; r < rows; ++r, x += ldx, y += ldy, kept += kept ? ldk : 0) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      Vec<T> most = Vec<T>::load(x + columns[0].column + c);
      Vec<T> place = Vec<T>::all(T(columns[0].line));
      for (index i = 1; i < count; ++i) {
        const Vec<T> next = Vec<T>::load(x + columns[i].column + c);
        const Vec<T> here = Vec<T>::all(T(columns[i].line));
        const auto is_negative = next < zero, is_other = below < next, is_larger = most < next;
        const auto chosen = [&](Vec<T> from, Vec<T> old) {
          return select(is_larger, from, select(is_negative, old, select(is_other, old, from)));
        };
        // Where `most` is not a number already, nothing is larger; what is not a number replaces
        // it.
        place = chosen(here, place);
        most = chosen(next, most);
      }
      most.store(y + c);
      if (kept) place.store(kept + c);
    }
  }
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

// y[rows x width] = the sum of x + column of all stretches, each divided by its `count`.
template <class T>
void sum_of_shares(index rows, index width, const Stretch* columns, index count, const T* x,
                   index ldx, T* y, index ldy) {
  for (index r = 0; r < rows; ++r, x += ldx, y += ldy) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      Vec<T> sum = Vec<T>::all(T(0));
      for (index i = 0; i < count; ++i) {
        sum = sum + Vec<T>::load(x + columns[i].column + c) / Vec<T>::all(T(columns[i].count));
      }
      sum.store(y + c);
    }
  }
}

}  // namespace
}  // namespace foxnn
