// Layer normalization of rows whose columns stand in panels: each row is brought to mean 0 and
// variance 1, then scaled and shifted by column. Sums over a row run over the lanes of a line, so
// that every kernel set has the same.
#pragma once

#include "kernels/loss-inl.hpp"

namespace foxnn {
namespace {

// Vector `column` of a row.
template <class T>
Vec<T> vector_at(const Rows<const T>& rows, index row, index column) {
  return Vec<T>::load(rows.at(row, column / kPanelWidth<T>) + column % kPanelWidth<T>);
}

template <class T>
void store_at(const Rows<T>& rows, index row, index column, Vec<T> value) {
  value.store(rows.at(row, column / kPanelWidth<T>) + column % kPanelWidth<T>);
}

// The sum of f(column) over the n columns of a row.
template <class T, class Function>
T sum_of_row(index n, Function f) {
  const Vec<T> zero = Vec<T>::all(T(0));
  Lanes<T> sum(T(0));
  each_vector<T>(n, [&](index c, index v, auto inside) {
    sum.part[v] = sum.part[v] + select(inside, f(c), zero);
  });
  return sum.sum(n);
}

template <class T>
void layer_norm(index rows, index n, const Rows<const T>& x, const T* gain, const T* shift,
                T epsilon, const Rows<T>& y, T* statistics) {
  const T count = T(n);
  for (index r = 0; r < rows; ++r) {
    const T mean = sum_of_row<T>(n, [&](index c) { return vector_at<T>(x, r, c); }) / count;
    const Vec<T> means = Vec<T>::all(mean);
    // What rounding left over of the mean counts where the inputs lie close together.
    const auto nearly = [&](index c) { return vector_at<T>(x, r, c) - means; };
    const T rest = sum_of_row<T>(n, nearly) / count;
    const auto off = [&](index c) { return nearly(c) - Vec<T>::all(rest); };
    const T variance = sum_of_row<T>(n, [&](index c) { return off(c) * off(c); }) / count;
    T lane[Vec<T>::lanes];
    (Vec<T>::all(T(1)) / sqrt(Vec<T>::all(variance + epsilon))).store(lane);
    const Vec<T> factor = Vec<T>::all(lane[0]);
    if (statistics) {
      statistics[2 * r] = mean + rest;
      statistics[2 * r + 1] = lane[0];
    }
    each_vector<T>(n, [&](index c, index, auto inside) {
      const Vec<T> normal = off(c) * factor;
      const Vec<T> value = fma(normal, Vec<T>::load(gain + c), Vec<T>::load(shift + c));
      store_at<T>(y, r, c, select(inside, value, Vec<T>::all(T(0))));
    });
  }
}

// d loss / d x = (g - mean(g) - x' mean(g x')) / sigma, for g = delta * gain and the normal x'.
template <class T>
void layer_norm_backward(index rows, index n, const Rows<const T>& x, const T* gain,
                         const T* statistics, const Rows<const T>& delta, const Rows<T>& below) {
  const T count = T(n);
  for (index r = 0; r < rows; ++r, statistics += 2) {
    const Vec<T> means = Vec<T>::all(statistics[0]), factor = Vec<T>::all(statistics[1]);
    const auto normal = [&](index c) { return (vector_at<T>(x, r, c) - means) * factor; };
    const auto pull = [&](index c) { return vector_at<T>(delta, r, c) * Vec<T>::load(gain + c); };
    const Vec<T> mean_pull = Vec<T>::all(sum_of_row<T>(n, pull) / count);
    const Vec<T> along =
        Vec<T>::all(sum_of_row<T>(n, [&](index c) { return pull(c) * normal(c); }) / count);
    each_vector<T>(n, [&](index c, index, auto inside) {
      const Vec<T> value = fnma(normal(c), along, pull(c) - mean_pull) * factor;
      store_at<T>(below, r, c, select(inside, value, Vec<T>::all(T(0))));
    });
  }
}

// Adds what rows give to the gradients of gain and shift, for `width` columns of one panel.
template <class T>
void layer_norm_gradient(index rows, index width, const T* x, index ldx, const T* statistics,
                         const T* delta, index ldd, T* gain, T* shift) {
  for (index c = 0; c < width; c += Vec<T>::lanes) {
    Vec<T> of_gain = Vec<T>::load(gain + c), of_shift = Vec<T>::load(shift + c);
    for (index r = 0; r < rows; ++r) {
      const Vec<T> pull = Vec<T>::load(delta + r * ldd + c);
      const Vec<T> off = Vec<T>::load(x + r * ldx + c) - Vec<T>::all(statistics[2 * r]);
      of_gain = fma(pull, off * Vec<T>::all(statistics[2 * r + 1]), of_gain);
      of_shift = of_shift + pull;
    }
    of_gain.store(gain + c);
    of_shift.store(shift + c);
  }
}

}  // namespace
}  // namespace foxnn
