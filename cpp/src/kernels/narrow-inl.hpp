// Products for layers of at most a cache line of neurons, with one sample per row of the tile. Rows
// of a batch are `ld` elements apart and not padded: a full line is stored for each, and the next
// row overwrites the excess. The chains are those of gemm-inl.hpp, and so are the bits.
#pragma once

#include "kernels/gemm-inl.hpp"
#include "kernels/loss-inl.hpp"

namespace foxnn {
namespace {

// Samples at once: enough chains to hide a latency of 4 cycles on two ports.
constexpr int kNarrowSamples = 4;
// Inputs at once in the gradient, whose chains run over the samples: 8 registers of sums.
template <class T>
constexpr int kNarrowInputs = static_cast<int>(8 / kLineVectors<T> > 1 ? 8 / kLineVectors<T> : 1);

template <class T, int S>
[[gnu::always_inline]] inline void narrow_rows(index k, const T* a, index lda, const T* weights,
                                               const T* init, T* c, index ldc) {
  constexpr int V = static_cast<int>(kLineVectors<T>);
  Vec<T> sums[S][V];
  start<T>(sums, init);
  for (index p = 0; p < k; ++p) add<T>(sums, a + p, lda, weights + p * kLineWidth<T>);
  store<T>(sums, c, ldc);
}

template <class T>
void narrow_multiply(index samples, index k, const T* a, index lda, const T* weights, const T* init,
                     T* c, index ldc) {
  index s = 0;
  for (; s + kNarrowSamples <= samples; s += kNarrowSamples) {
    narrow_rows<T, kNarrowSamples>(k, a + s * lda, lda, weights, init, c + s * ldc, ldc);
  }
  for (; s < samples; ++s) narrow_rows<T, 1>(k, a + s * lda, lda, weights, init, c + s * ldc, ldc);
}

// gradient[R x line] = a^T . b for R inputs, where b has n columns. With kBias, also the sums of b,
// whose chain is then hidden by the others. kGoesOn: the chains of earlier samples continue. This
// is known at compile time, because a branch would be noticeable in a step of a tiny network.
template <class T, int R, bool kBias, bool kGoesOn>
void narrow_gradient_rows(index samples, const T* a, index lda, const T* b, index ldb, index n,
                          T* gradient, T* bias) {
  constexpr int V = static_cast<int>(kLineVectors<T>);
  const Vec<T> zero = Vec<T>::all(T(0));
  Vec<T> sums[R][V], bias_sums[1][V];
  if constexpr (kGoesOn) {
    go_on<T>(sums, gradient, kLineWidth<T>);
    if constexpr (kBias) go_on<T>(bias_sums, bias, kLineWidth<T>);
  } else {
    start<T>(sums, nullptr);
    start<T>(bias_sums, nullptr);
  }
  for (index s = 0; s < samples; ++s) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      // The n columns are followed by the next sample.
      const Vec<T> columns = select(Vec<T>::first(n - v * Vec<T>::lanes),
                                    Vec<T>::load(b + s * ldb + v * Vec<T>::lanes), zero);
      FOXNN_UNROLL
      for (int r = 0; r < R; ++r) {
        sums[r][v] = fma(Vec<T>::all(a[s * lda + r]), columns, sums[r][v]);
      }
      if constexpr (kBias) bias_sums[0][v] = bias_sums[0][v] + columns;
    }
  }
  store<T>(sums, gradient, kLineWidth<T>);
  if constexpr (kBias) store<T>(bias_sums, bias, kLineWidth<T>);
}

template <class T, bool kBias, bool kGoesOn>
struct NarrowGradients {
  using Function = void (*)(index, const T*, index, const T*, index, index, T*, T*);
  Function rows[kNarrowInputs<T> + 1] = {};

  template <int R = kNarrowInputs<T>>
  constexpr void fill() {
    rows[R] = narrow_gradient_rows<T, R, kBias, kGoesOn>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr NarrowGradients() { fill(); }
};
template <class T, bool kBias, bool kGoesOn>
constexpr NarrowGradients<T, kBias, kGoesOn> kNarrowGradients;

template <class T, bool kGoesOn>
void narrow_gradient(index samples, index k, const T* a, index lda, const T* b, index ldb, index n,
                     T* gradient) {
  T* bias = gradient + k * kLineWidth<T>;
  for (index first = 0; first < k; first += kNarrowInputs<T>) {
    const index rows = k - first < kNarrowInputs<T> ? k - first : kNarrowInputs<T>;
    const auto function = (first == 0 ? kNarrowGradients<T, true, kGoesOn>.rows
                                      : kNarrowGradients<T, false, kGoesOn>.rows)[rows];
    function(samples, a + first, lda, b, ldb, n, gradient + first * kLineWidth<T>, bias);
  }
}

}  // namespace
}  // namespace foxnn
