// The product of a single row: the tiles of gemm-inl.hpp would have two chains of sums, each of
// which waits for itself. Here several panels of weights are gone through at once.
#pragma once

#include "kernels/gemm-inl.hpp"

namespace foxnn {
namespace {

// Registers of a panel, and the most panels at once: eight chains hide the latency of a fused
// multiply-add, and fit the registers of any set.
template <class T>
constexpr int kPanelRegisters = static_cast<int>(kPanelWidth<T> / Vec<T>::lanes);
template <class T>
constexpr int kRowPanels = kPanelRegisters<T> < 8 ? 8 / kPanelRegisters<T> : 1;

template <class T, int P>
void multiply_row_tile(index k, const Rows<const T>& a, const T* b, const T* init, T* c,
                       index distance) {
  constexpr index kWidth = kPanelWidth<T>;
  constexpr int V = kPanelRegisters<T>;
  Vec<T> sums[P][V];
  const Vec<T> zero = Vec<T>::all(T(0));
  const bool goes_on = init == c;
  FOXNN_UNROLL
  for (int p = 0; p < P; ++p) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const index at = p * kWidth + v * Vec<T>::lanes;
      // Chains that go on are as they are (gemm-inl.hpp says why others begin with a sum).
      sums[p][v] = goes_on ? Vec<T>::load(c + p * distance + v * Vec<T>::lanes)
                           : Vec<T>::load(init + at) + zero;
    }
  }
  const T* panel = a.data;
  for (index first = 0; first < k; first += kWidth, panel += a.panel) {
    const index count = k - first < kWidth ? k - first : kWidth;
    for (index i = 0; i < count; ++i, b += kWidth) {
      const Vec<T> element = Vec<T>::all(panel[i]);
      FOXNN_UNROLL
      for (int p = 0; p < P; ++p) {
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) {
          const Vec<T> weights = Vec<T>::load(b + p * k * kWidth + v * Vec<T>::lanes);
          sums[p][v] = fma(element, weights, sums[p][v]);
        }
      }
    }
  }
  FOXNN_UNROLL
  for (int p = 0; p < P; ++p) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) sums[p][v].store(c + p * distance + v * Vec<T>::lanes);
  }
}

// As many panels at once as there are, at most P.
template <class T, int P = kRowPanels<T>>
void multiply_row(index k, const Rows<const T>& a, const T* b, index panels, const T* init, T* c,
                  index distance) {
  for (; panels >= P; panels -= P) {
    multiply_row_tile<T, P>(k, a, b, init, c, distance);
    b += P * k * kPanelWidth<T>;
    init = init == c ? c + P * distance : init + P * kPanelWidth<T>;
    c += P * distance;
  }
  if constexpr (P > 1) {
    if (panels > 0) multiply_row<T, P - 1>(k, a, b, panels, init, c, distance);
  }
}

}  // namespace
}  // namespace foxnn
