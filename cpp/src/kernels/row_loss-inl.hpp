// The losses of whole rows that have numbers, or several outputs for a target: focal, gaussian_nll
// and quantile. Those of single outputs are in loss-inl.hpp.
#pragma once

#include "kernels/loss-inl.hpp"

namespace foxnn {
namespace {

// Lin et al., "Focal loss for dense object detection", 2017, for classes. With L = log p and
// q = 1 - p, the slope of a class's loss by L is g = y q^gamma (gamma p L / q - 1), and so
// d loss / d z is g - p sum(g).
template <class T>
void focal(index rows, index n, const T* z, index ldz, const T* y, index ldy, T scale, T* delta,
           index ldd, double* loss, T*, LossNumbers<T> numbers) {
  using V = Vec<T>;
  const V zero = V::all(T(0)), one = V::all(T(1)), factor = V::all(scale);
  const V gamma = V::all(numbers.values[0]);
  for (index r = 0; r < rows; ++r, z += ldz, y += ldy) {
    const V largest = V::all(row_maximum(n, z));
    Lanes<T> exponentials(T(0));
    each_vector<T>(n, [&](index c, index v, auto inside) {
      exponentials.part[v] =
          exponentials.part[v] + select(inside, exp(V::load(z + c) - largest), zero);
    });
    T log_sum[V::lanes];
    log(V::all(exponentials.sum(n))).store(log_sum);
    const V shift = V::all(log_sum[0]);
    Lanes<T> terms(T(0)), slopes(T(0));
    each_vector<T>(n, [&](index c, index v, auto inside) {
      const V target = select(inside, V::load(y + c), zero);
      const V log_p = min(zero, V::load(z + c) - largest - shift);
      const V q = zero - expm1_nonpositive(log_p);
      const auto is_sure = q < V::all(Constants<T>::kSmallestNormal);
      const V ratio = select(is_sure, zero - one, log_p / q);
      const V power = select(is_sure, select(zero < gamma, zero, one), exp(gamma * log(q)));
      // A target of zero adds nothing, even if the preactivation is minus infinity.
      const auto counts = zero < abs(target);
      const V weight = target * power;
      terms.part[v] = terms.part[v] + select(counts, zero - weight * log_p, zero);
      const V g = select(counts, weight * fma(gamma * exp(log_p), ratio, zero - one), zero);
      slopes.part[v] = slopes.part[v] + g;
      if (delta) g.store(delta + r * ldd + c);
    });
    loss[r] = double(terms.sum(n));
    if (!delta) continue;
    const V together = V::all(slopes.sum(n));
    each_vector<T>(n, [&](index c, index, auto inside) {
      T* at = delta + r * ldd + c;
      const V p = exp(V::load(z + c) - largest - shift);
      select(inside, factor * fnma(p, together, V::load(at)), zero).store(at);
    });
  }
}

// The first `count` numbers from p on, where none may be read beyond them.
template <class T>
Vec<T> load_some(const T* p, index count) {
  if (count >= Vec<T>::lanes) return Vec<T>::load(p);
  T some[Vec<T>::lanes] = {};
  for (index i = 0; i < count; ++i) some[i] = p[i];
  return Vec<T>::load(some);
}

// Zeros from column n to the end of the line.
template <class T>
void clear_line_after(index n, T* row) {
  for (index c = n; c % kLineWidth<T> != 0; ++c) row[c] = T(0);
}

// Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
// 1994, less the constant log(2 pi) / 2: the means m come first, then the logarithms s of the
// variances.
template <class T>
void gaussian_nll(index rows, index n, const T* a, index lda, const T* y, index ldy, T scale,
                  T* delta, index ldd, double* loss, T*, LossNumbers<T>) {
  using V = Vec<T>;
  const V zero = V::all(T(0)), half = V::all(T(0.5)), one = V::all(T(1)), factor = V::all(scale);
  const index count = n / 2;
  for (index r = 0; r < rows; ++r, a += lda, y += ldy) {
    Lanes<T> sum(T(0));
    const auto each = [&](auto f) {
      each_vector<T>(count, [&](index c, index v, auto inside) {
        const V s = select(inside, load_some(a + count + c, count - c), zero);
        const V error = select(inside, V::load(a + c) - V::load(y + c), zero);
        f(c, v, s, error, exp(zero - s));
      });
    };
    each([&](index c, index v, V s, V error, V precision) {
      const V square = error * error * precision;
      sum.part[v] = fma(half, s + square, sum.part[v]);
      if (delta) (factor * (error * precision)).store(delta + r * ldd + c);
    });
    loss[r] = double(sum.sum(count));
    if (!delta) continue;
    // The means' slopes are written first: their last vector reaches beyond them.
    T* const of_variances = delta + r * ldd + count;
    each([&](index c, index, V, V error, V precision) {
      T slope[V::lanes];
      (factor * (half * (one - error * error * precision))).store(slope);
      for (index i = 0; i < V::lanes && c + i < count; ++i) of_variances[c + i] = slope[i];
    });
    clear_line_after(n, delta + r * ldd);
  }
}

// The place of output c among those of its target, in ascending order; of equal ones the first
// comes first.
template <class T>
index rank_in_group(const T* a, index c, index each) {
  const index first = c / each * each;
  index rank = 0;
  for (index i = first; i < first + each; ++i) rank += a[i] < a[c] || (i < c && !(a[c] < a[i]));
  return rank;
}

// Koenker and Bassett, "Regression quantiles", 1978. Without a gradient the loss is that of the
// answers, which are the outputs of a target in ascending order: each has the level of its rank. In
// training, each output has its own level: else they would change roles, and stay out of order.
template <class T>
void quantile_loss(index rows, index n, const T* a, index lda, const T* y, index ldy, T scale,
                   T* delta, index ldd, double* loss, T*, LossNumbers<T> numbers) {
  using V = Vec<T>;
  const V zero = V::all(T(0)), one = V::all(T(1)), factor = V::all(scale);
  const index each = numbers.outputs_per_target;
  const auto term_of = [&](V level, V out, V wanted, V& slope) {
    const V above = out - wanted, less = one - level;
    slope = select(zero < above, less, select(above < zero, zero - level, zero));
    return max(less * above, zero - level * above);
  };
  for (index r = 0; r < rows; ++r, a += lda, y += ldy) {
    bool is_in_order = true;
    for (index i = 0; !delta && i + 1 < n; ++i)
      is_in_order &= !(a[i + 1] < a[i]) || (i + 1) % each == 0;
    Lanes<T> sum(T(0));
    each_vector<T>(n, [&](index c, index v, auto inside) {
      V levels = V::load(numbers.values + c);
      if (!is_in_order) {
        T own[V::lanes];
        levels.store(own);
        for (index i = 0; i < V::lanes && c + i < n; ++i) {
          own[i] = numbers.values[rank_in_group(a, c + i, each)];
        }
        levels = V::load(own);
      }
      V slope;
      const V term = term_of(levels, V::load(a + c), V::load(y + c), slope);
      sum.part[v] = sum.part[v] + select(inside, term, zero);
      if (delta) select(inside, factor * slope, zero).store(delta + r * ldd + c);
    });
    loss[r] = double(sum.sum(n));
  }
}

// Under the names that FOXNN_LOSSES uses.
struct Focal {
  template <class T>
  static constexpr LossKernel<T> rows = focal<T>;
};
struct GaussianNll {
  template <class T>
  static constexpr LossKernel<T> rows = gaussian_nll<T>;
};
struct QuantileLoss {
  template <class T>
  static constexpr LossKernel<T> rows = quantile_loss<T>;
};

}  // namespace
}  // namespace foxnn
