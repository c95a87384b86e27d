// Normalization. Layer normalization takes rows whose columns are in panels: each row is brought to
// mean 0 and variance 1, then scaled and shifted by column. Sums over a row run over the lanes of a
// line, so that every kernel set has the same. Batch normalization works by column.
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
    // The rounding error of the mean matters if the inputs lie close together.
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

// Adds to two sums of a line of columns: of a, and of a (x - mean), where a is `other`, or x - mean
// itself if that is null. Rows are dealt out to kColumnSums sums, which wait less for each other.
template <class T>
void column_sums(index rows, const T* x, index ldx, const T* other, index ldo, const T* mean,
                 T* first, T* second, index ahead) {
  constexpr index L = Vec<T>::lanes;
  for (index c = 0; c < kLineWidth<T>; c += L) {
    const Vec<T> means = Vec<T>::load(mean + c);
    Vec<T> sums[kColumnSums], products[kColumnSums];
    for (index k = 0; k < kColumnSums; ++k) {
      sums[k] = Vec<T>::load(first + k * kLineWidth<T> + c);
      products[k] = Vec<T>::load(second + k * kLineWidth<T> + c);
    }
    const auto add = [&](index r, index k) __attribute__((always_inline)) {
      const Vec<T> deviation = Vec<T>::load(x + r * ldx + c) - means;
      const Vec<T> a = other ? Vec<T>::load(other + r * ldo + c) : deviation;
      __builtin_prefetch(x + r * ldx + c + ahead);
      if (other) __builtin_prefetch(other + r * ldo + c + ahead);
      sums[k] = sums[k] + a;
      products[k] = fma(a, deviation, products[k]);
    };
    index r = 0;
    for (; r + kColumnSums <= rows; r += kColumnSums) {
      for (index k = 0; k < kColumnSums; ++k) add(r + k, k);
    }
    for (index k = 0; r + k < rows; ++k) add(r + k, k);
    for (index k = 0; k < kColumnSums; ++k) {
      sums[k].store(first + k * kLineWidth<T> + c);
      products[k].store(second + k * kLineWidth<T> + c);
    }
  }
}

template <class T>
Vec<T> normalized(Vec<T> x, Vec<T> mean, Vec<T> factor, Vec<T> gain, Vec<T> shift) {
  return fma((x - mean) * factor, gain, shift);
}

template <class T>
Vec<T> passed_back(Vec<T> x, Vec<T> delta, Vec<T> mean, Vec<T> gain, Vec<T> along,
                   Vec<T> constant) {
  return fma(gain, delta, fma(along, x - mean, constant));
}

// y = (x - mean) factor gain + shift, by column.
template <class T>
void normalize(index rows, index width, const T* x, index ldx, const T* mean, const T* factor,
               const T* gain, const T* shift, T* y, index ldy, index ahead) {
  for (index c = 0; c < width; c += Vec<T>::lanes) {
    const Vec<T> means = Vec<T>::load(mean + c), factors = Vec<T>::load(factor + c);
    const Vec<T> gains = Vec<T>::load(gain + c), shifts = Vec<T>::load(shift + c);
    for (index r = 0; r < rows; ++r) {
      const T* at = x + r * ldx + c;
      __builtin_prefetch(at + ahead);
      normalized<T>(Vec<T>::load(at), means, factors, gains, shifts).store(y + r * ldy + c);
    }
  }
}

// y = gain delta + along (x - mean) + constant, by column.
template <class T>
void normalize_backward(index rows, index width, const T* x, index ldx, const T* delta, index ldd,
                        const T* mean, const T* gain, const T* along, const T* constant, T* y,
                        index ldy, index ahead) {
  for (index c = 0; c < width; c += Vec<T>::lanes) {
    const Vec<T> means = Vec<T>::load(mean + c), gains = Vec<T>::load(gain + c);
    const Vec<T> factors = Vec<T>::load(along + c), constants = Vec<T>::load(constant + c);
    for (index r = 0; r < rows; ++r) {
      const T *at = x + r * ldx + c, *pull = delta + r * ldd + c;
      __builtin_prefetch(at + ahead);
      __builtin_prefetch(pull + ahead);
      passed_back<T>(Vec<T>::load(at), Vec<T>::load(pull), means, gains, factors, constants)
          .store(y + r * ldy + c);
    }
  }
}

// The same two by row, for a batch in lanes.
template <class T>
void normalize_lanes(index rows, index width, const T* x, const T* mean, const T* factor,
                     const T* gain, const T* shift, T* y) {
  for (index r = 0; r < rows; ++r, x += kPanelWidth<T>, y += kPanelWidth<T>) {
    const Vec<T> means = Vec<T>::all(mean[r]), factors = Vec<T>::all(factor[r]);
    const Vec<T> gains = Vec<T>::all(gain[r]), shifts = Vec<T>::all(shift[r]);
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      normalized<T>(Vec<T>::load(x + c), means, factors, gains, shifts).store(y + c);
    }
  }
}

template <class T>
void normalize_lanes_backward(index rows, index width, const T* x, const T* delta, const T* mean,
                              const T* gain, const T* along, const T* constant, T* y) {
  for (index r = 0; r < rows; ++r) {
    const index at = r * kPanelWidth<T>;
    const Vec<T> means = Vec<T>::all(mean[r]), gains = Vec<T>::all(gain[r]);
    const Vec<T> factors = Vec<T>::all(along[r]), constants = Vec<T>::all(constant[r]);
    for (index c = at; c < at + width; c += Vec<T>::lanes) {
      passed_back<T>(Vec<T>::load(x + c), Vec<T>::load(delta + c), means, gains, factors, constants)
          .store(y + c);
    }
  }
}

}  // namespace
}  // namespace foxnn
