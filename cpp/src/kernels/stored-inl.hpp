// Products with the stored numbers of sparse rows: weighted sums of lines. Each is one chain of
// fused multiply-adds in the order of the list, so the bits are those of gemm-inl.hpp, where the
// products between the listed ones would add zeros.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// Items between the one whose line is prefetched and the current one: the lines are anywhere in a
// layer of many megabytes.
constexpr index kStoredAhead = 16;

template <class T, int V>
void sum_lines_of(index sums, std::uint32_t begin, const std::uint32_t* ends, const T* values,
                  const std::uint32_t* items, const T* lines, index stride, const T* init, T* out,
                  index ldo) {
  index i = begin;
  // Beyond the last sum another worker may still be writing its items.
  const index last = ends[sums - 1];
  for (index s = 0; s < sums; ++s, out += ldo) {
    Vec<T> sum[1][V];
    start<T>(sum, init);
    for (const index end = ends[s]; i < end; ++i) {
      const T* ahead =
          lines + index{items[i + kStoredAhead < last ? i + kStoredAhead : i]} * stride;
      __builtin_prefetch(ahead);
      if (V * Vec<T>::lanes > kLineWidth<T>) __builtin_prefetch(ahead + kLineWidth<T>);
      add<T>(sum, values + i, 0, lines + index{items[i]} * stride);
    }
    store<T>(sum, out, 0);
  }
}

template <class T>
void sum_lines(index sums, std::uint32_t begin, const std::uint32_t* ends, const T* values,
               const std::uint32_t* items, const T* lines, index stride, index width, const T* init,
               T* out, index ldo) {
  constexpr index L = Vec<T>::lanes;
  index first = 0;
  const auto columns = [&](auto sum_some, index count) {
    sum_some(sums, begin, ends, values, items, lines + first, stride, init ? init + first : nullptr,
             out + first, ldo);
    first += count;
  };
  if constexpr (4 * L <= kPanelWidth<T>) {
    while (first + 4 * L <= width) columns(sum_lines_of<T, 4>, 4 * L);
  }
  each_pair<T>(width - first,
               [&](index, auto vectors) { columns(sum_lines_of<T, vectors>, vectors * L); });
}

}  // namespace
}  // namespace foxnn
