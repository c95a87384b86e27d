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

// The same for as many rows as a vector has lanes, with the bits of sum_of_row: sums of f(row,
// column). The lanes of a row are added in the same pairs, of all rows at once, since the additions
// of one row wait for each other.
template <class T, class Function>
void sums_of_rows(index n, T* sums, Function f) {
  constexpr index L = Vec<T>::lanes;
  const Vec<T> zero = Vec<T>::all(T(0));
  alignas(kLineBytes) T by_row[L * L], by_lane[L * L];
  for (index r = 0; r < L; ++r) {
    Lanes<T> sum(T(0));
    each_vector<T>(n, [&](index c, index v, auto inside) {
      sum.part[v] = sum.part[v] + select(inside, f(r, c), zero);
    });
    for (index half = kLineVectors<T> / 2; half > 0; half /= 2) {
      for (index v = 0; v < half; ++v) sum.part[v] = sum.part[v] + sum.part[v + half];
    }
    sum.part[0].store(by_row + r * L);
  }
  Vec<T>::transpose(by_row, L, by_lane, L);
  Vec<T> of_lane[L];
  for (index i = 0; i < L; ++i) of_lane[i] = Vec<T>::load(by_lane + i * L);
  for (index half = L / 2; half > 0; half /= 2) {
    for (index i = 0; i < half; ++i) of_lane[i] = of_lane[i] + of_lane[i + half];
  }
  of_lane[0].store(sums);
}

// The rows of layer_norm from `first` on: one, or as many as a vector has lanes. sums(f) stores the
// sums of f(row, column), both counted from there.
template <class T, index kRows, class Sums>
void layer_norm_rows(index first, index n, const Rows<const T>& x, const T* gain, const T* shift,
                     T epsilon, const Rows<T>& y, T* statistics, Sums sums) {
  const T count = T(n);
  alignas(kLineBytes) T mean[kRows], rest[kRows], factor[kRows];
  const auto means = [&](T* of) {
    for (index r = 0; r < kRows; ++r) of[r] /= count;
  };
  sums(mean, [&](index r, index c) { return vector_at<T>(x, first + r, c); });
  means(mean);
  // The rounding error of the mean matters if the inputs lie close together.
  const auto nearly = [&](index r, index c) {
    return vector_at<T>(x, first + r, c) - Vec<T>::all(mean[r]);
  };
  sums(rest, nearly);
  means(rest);
  const auto off = [&](index r, index c) { return nearly(r, c) - Vec<T>::all(rest[r]); };
  sums(factor, [&](index r, index c) { return off(r, c) * off(r, c); });
  means(factor);
  for (index r = 0; r < kRows; r += Vec<T>::lanes) {
    T lane[Vec<T>::lanes] = {};
    for (index i = 0; i < Vec<T>::lanes && r + i < kRows; ++i) lane[i] = factor[r + i] + epsilon;
    (Vec<T>::all(T(1)) / sqrt(Vec<T>::load(lane))).store(lane);
    for (index i = 0; i < Vec<T>::lanes && r + i < kRows; ++i) factor[r + i] = lane[i];
  }
  for (index r = 0; r < kRows; ++r) {
    if (statistics) {
      statistics[2 * (first + r)] = mean[r] + rest[r];
      statistics[2 * (first + r) + 1] = factor[r];
    }
    const Vec<T> factors = Vec<T>::all(factor[r]);
    each_vector<T>(n, [&](index c, index, auto inside) {
      const Vec<T> value =
          fma(off(r, c) * factors, Vec<T>::load(gain + c), Vec<T>::load(shift + c));
      store_at<T>(y, first + r, c, select(inside, value, Vec<T>::all(T(0))));
    });
  }
}

// Calls f(first row, rows known at compile time, sums) for all rows: as many at a time as a vector
// has lanes, and the last ones one by one.
template <class T, class Function>
void each_rows(index rows, index n, Function f) {
  constexpr index L = Vec<T>::lanes;
  index first = 0;
  for (; L > 1 && first + L <= rows; first += L) {
    f.template operator()<L>(first, [n](T* sums, auto of) { sums_of_rows<T>(n, sums, of); });
  }
  for (; first < rows; ++first) {
    f.template operator()<1>(first, [n](T* sum, auto of) {
      *sum = sum_of_row<T>(n, [&](index c) { return of(index{0}, c); });
    });
  }
}

template <class T>
void layer_norm(index rows, index n, const Rows<const T>& x, const T* gain, const T* shift,
                T epsilon, const Rows<T>& y, T* statistics) {
  each_rows<T>(rows, n, [&]<index kRows>(index first, auto sums) {
    layer_norm_rows<T, kRows>(first, n, x, gain, shift, epsilon, y, statistics, sums);
  });
}

// d loss / d x = (g - mean(g) - x' mean(g x')) / sigma, for g = delta * gain and the normal x'.
template <class T>
void layer_norm_backward(index rows, index n, const Rows<const T>& x, const T* gain,
                         const T* statistics, const Rows<const T>& delta, const Rows<T>& below) {
  const T count = T(n);
  each_rows<T>(rows, n, [&]<index kRows>(index first, auto sums) {
    const T* of_rows = statistics + 2 * first;
    const auto normal = [&](index r, index c) {
      return (vector_at<T>(x, first + r, c) - Vec<T>::all(of_rows[2 * r])) *
             Vec<T>::all(of_rows[2 * r + 1]);
    };
    const auto pull = [&](index r, index c) {
      return vector_at<T>(delta, first + r, c) * Vec<T>::load(gain + c);
    };
    alignas(kLineBytes) T pulls[kRows], along[kRows];
    sums(pulls, pull);
    sums(along, [&](index r, index c) { return pull(r, c) * normal(r, c); });
    for (index r = 0; r < kRows; ++r) {
      const Vec<T> mean_pull = Vec<T>::all(pulls[r] / count);
      const Vec<T> factor = Vec<T>::all(of_rows[2 * r + 1]), share = Vec<T>::all(along[r] / count);
      each_vector<T>(n, [&](index c, index, auto inside) {
        const Vec<T> value = fnma(normal(r, c), share, pull(r, c) - mean_pull) * factor;
        store_at<T>(below, first + r, c, select(inside, value, Vec<T>::all(T(0))));
      });
    }
  });
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
