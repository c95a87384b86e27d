// The cells of recurrent layers, behind the products: from the preactivations of a step's gates to
// the state after it, and back. Rows are those of compact panels. (Steps are passed by value:
// stores of vectors could change what a reference refers to, so its members would be read each
// time.)
//
// The functions of a cell that need another one's result are in a pass of their own over the rows,
// which are in the first-level cache: the processor looks ahead less than two vectors, and would
// wait for each of these chains. In one pass, a cell of the LSTM takes 42 ns a vector of AVX-512
// (Zen 4) in place of 35, of the GRU 27 in place of 22; AVX2 gains as much.
#pragma once

#include "kernels/gemm-inl.hpp"
#include "kernels/math-inl.hpp"

// A lambda that is called for each vector: a call would load the constants of functions again.
#define FOXNN_INLINE __attribute__((always_inline))

namespace foxnn {
namespace {

// Calls f(place in panels, row, column) for each vector of [rows x width].
template <class T, class Function>
[[gnu::always_inline]] inline void each_unit(index rows, index width, Function f) {
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width; c += Vec<T>::lanes) f(r * kPanelWidth<T> + c, r, c);
  }
}

// The slopes of the sigmoid and of tanh, from their values.
template <class T>
[[gnu::always_inline]] inline Vec<T> sigmoid_slope(Vec<T> y) {
  return fnma(y, y, y);
}
template <class T>
[[gnu::always_inline]] inline Vec<T> tanh_slope(Vec<T> y) {
  return fnma(y, y, Vec<T>::all(T(1)));
}

template <class T>
[[gnu::always_inline]] inline void store_state(const CellStep<T>& step, index at, index row,
                                               index column, Vec<T> h) {
  h.store(step.h + at);
  if (step.y) h.store(step.y + row * step.ldy + column);
}

// d loss / d h.
template <class T>
[[gnu::always_inline]] inline Vec<T> gradient_of_state(const CellBack<T>& step, index at, index row,
                                                       index column) {
  const Vec<T> later = Vec<T>::load(step.later + at);
  return step.delta ? later + Vec<T>::load(step.delta + row * step.ldd + column) : later;
}

// h' = tanh(a)
template <class T>
void rnn_cell(index rows, index width, CellStep<T> step) {
  each_unit<T>(rows, width, [&](index at, index row, index column) FOXNN_INLINE {
    const Vec<T> h = tanh(Vec<T>::load(step.gates + at));
    h.store(step.gates + at);
    store_state(step, at, row, column, h);
  });
}

template <class T>
void rnn_cell_back(index rows, index width, CellBack<T> step) {
  each_unit<T>(rows, width, [&](index at, index row, index column) FOXNN_INLINE {
    const Vec<T> h = Vec<T>::load(step.gates + at);
    (gradient_of_state(step, at, row, column) * tanh_slope(h)).store(step.gates + at);
  });
}

// r, z, n = tanh(x + r y), h' = (1 - z) n + z h, where x is the inputs' part, and y that of h.
template <class T>
void gru_cell(index rows, index width, CellStep<T> step) {
  const index panel = step.panel;
  each_unit<T>(rows, width, [&](index at, index, index) FOXNN_INLINE {
    T* const gates = step.gates + at;
    sigmoid(Vec<T>::load(gates)).store(gates);
    sigmoid(Vec<T>::load(gates + panel)).store(gates + panel);
  });
  each_unit<T>(rows, width, [&](index at, index row, index column) FOXNN_INLINE {
    T* const gates = step.gates + at;
    const Vec<T> r = Vec<T>::load(gates), z = Vec<T>::load(gates + panel);
    const Vec<T> n = tanh(fma(r, Vec<T>::load(gates + 3 * panel), Vec<T>::load(gates + 2 * panel)));
    n.store(gates + 2 * panel);
    store_state(step, at, row, column, fma(z, Vec<T>::load(step.before + at) - n, n));
  });
}

template <class T>
void gru_cell_back(index rows, index width, CellBack<T> step) {
  const index panel = step.panel;
  each_unit<T>(rows, width, [&](index at, index row, index column) FOXNN_INLINE {
    T* const gates = step.gates + at;
    const Vec<T> dh = gradient_of_state(step, at, row, column) + Vec<T>::load(step.carry + at);
    const Vec<T> r = Vec<T>::load(gates), z = Vec<T>::load(gates + panel);
    const Vec<T> n = Vec<T>::load(gates + 2 * panel), y = Vec<T>::load(gates + 3 * panel);
    const Vec<T> dn = fnma(z, dh, dh) * tanh_slope(n);
    (dn * y * sigmoid_slope(r)).store(gates);
    (dh * (Vec<T>::load(step.before + at) - n) * sigmoid_slope(z)).store(gates + panel);
    dn.store(gates + 2 * panel);
    (dn * r).store(gates + 3 * panel);
    (dh * z).store(step.carry + at);
  });
}

// i, f, g, o: c' = f c + i g, h' = o tanh(c')
template <class T>
void lstm_cell(index rows, index width, CellStep<T> step) {
  const index panel = step.panel;
  each_unit<T>(rows, width, [&](index at, index, index) FOXNN_INLINE {
    T* const gates = step.gates + at;
    const Vec<T> i = sigmoid(Vec<T>::load(gates)), f = sigmoid(Vec<T>::load(gates + panel));
    const Vec<T> g = tanh(Vec<T>::load(gates + 2 * panel));
    const Vec<T> o = sigmoid(Vec<T>::load(gates + 3 * panel));
    i.store(gates);
    f.store(gates + panel);
    g.store(gates + 2 * panel);
    o.store(gates + 3 * panel);
    fma(f, Vec<T>::load(step.before + at), i * g).store(step.memory + at);
  });
  each_unit<T>(rows, width, [&](index at, index row, index column) FOXNN_INLINE {
    const Vec<T> squashed = tanh(Vec<T>::load(step.memory + at));
    if (step.squashed) squashed.store(step.squashed + at);
    const Vec<T> o = Vec<T>::load(step.gates + 3 * panel + at);
    store_state(step, at, row, column, o * squashed);
  });
}

template <class T>
void lstm_cell_back(index rows, index width, CellBack<T> step) {
  const index panel = step.panel;
  each_unit<T>(rows, width, [&](index at, index row, index column) FOXNN_INLINE {
    T* const gates = step.gates + at;
    const Vec<T> dh = gradient_of_state(step, at, row, column);
    const Vec<T> i = Vec<T>::load(gates), f = Vec<T>::load(gates + panel);
    const Vec<T> g = Vec<T>::load(gates + 2 * panel), o = Vec<T>::load(gates + 3 * panel);
    const Vec<T> squashed = Vec<T>::load(step.squashed + at);
    const Vec<T> dc = fma(dh * o, tanh_slope(squashed), Vec<T>::load(step.carry + at));
    (dc * g * sigmoid_slope(i)).store(gates);
    (dc * Vec<T>::load(step.before + at) * sigmoid_slope(f)).store(gates + panel);
    (dc * i * tanh_slope(g)).store(gates + 2 * panel);
    (dh * squashed * sigmoid_slope(o)).store(gates + 3 * panel);
    (dc * f).store(step.carry + at);
  });
}

// sums[kPanels x V vectors] += rows. One chain waits for itself, so that several panels go
// together.
template <class T, int kPanels, int V>
[[gnu::always_inline]] inline void add_panel_rows(index samples, index positions,
                                                  const index* places, index distance, const T* b,
                                                  T* to) {
  Vec<T> sums[kPanels][V];
  FOXNN_UNROLL
  for (int p = 0; p < kPanels; ++p) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      sums[p][v] = Vec<T>::load(to + p * kPanelWidth<T> + v * Vec<T>::lanes);
    }
  }
  for (index i = 0; i < positions; ++i) {
    const T* row = b + places[i];
    for (index s = 0; s < samples; ++s, row += kPanelWidth<T>) {
      FOXNN_UNROLL
      for (int p = 0; p < kPanels; ++p) {
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) {
          sums[p][v] = sums[p][v] + Vec<T>::load(row + p * distance + v * Vec<T>::lanes);
        }
      }
    }
  }
  FOXNN_UNROLL
  for (int p = 0; p < kPanels; ++p) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      sums[p][v].store(to + p * kPanelWidth<T> + v * Vec<T>::lanes);
    }
  }
}

template <class T>
void sum_gates(index samples, index positions, const index* places, index gates, index distance,
               const T* b, index width, T* sums) {
  each_pair<T>(width, [&](index column, auto vectors) {
    constexpr int V = vectors, kGates = 4;
    index g = 0;
    for (; g + kGates <= gates; g += kGates) {
      add_panel_rows<T, kGates, V>(samples, positions, places, distance, b + g * distance + column,
                                   sums + g * kPanelWidth<T> + column);
    }
    for (; g < gates; ++g) {
      add_panel_rows<T, 1, V>(samples, positions, places, distance, b + g * distance + column,
                              sums + g * kPanelWidth<T> + column);
    }
  });
}

}  // namespace
}  // namespace foxnn
