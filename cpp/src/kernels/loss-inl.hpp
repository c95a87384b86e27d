// Softmax and the losses, row by row, written once and compiled per kernel set. Sums run over the
// lanes of one cache line, for any width of a register, so that all sets add in the same order.
#pragma once

#include "kernels/math-inl.hpp"

namespace foxnn {
namespace {

template <class T>
inline constexpr index kLineVectors = kLineWidth<T> / Vec<T>::lanes;

// Results of a row by lanes, and their reduction to one number.
template <class T>
struct Lanes {
  Vec<T> part[kLineVectors<T>];

  explicit Lanes(T start) {
    for (auto& p : part) p = Vec<T>::all(start);
  }
  // Those of a line in memory, or zeros if it is null.
  explicit Lanes(const T* line) {
    for (index v = 0; v < kLineVectors<T>; ++v) {
      part[v] = line ? Vec<T>::load(line + v * Vec<T>::lanes) : Vec<T>::all(T(0));
    }
  }
  void store(T* line) const {
    for (index v = 0; v < kLineVectors<T>; ++v) part[v].store(line + v * Vec<T>::lanes);
  }
  // For a row of n. The lanes are added in pairs, without those that a short row leaves zero.
  T sum(index n) const {
    T lane[kLineWidth<T>];
    for (index v = 0; v < kLineVectors<T>; ++v) part[v].store(lane + v * Vec<T>::lanes);
    index half = kLineWidth<T> / 2;
    while (half > 0 && half >= n) half /= 2;
    for (; half > 0; half /= 2) {
      for (index i = 0; i < half; ++i) lane[i] += lane[i + half];
    }
    return lane[0];
  }
  T maximum() const {
    T lane[kLineWidth<T>];
    for (index v = 0; v < kLineVectors<T>; ++v) part[v].store(lane + v * Vec<T>::lanes);
    T largest = lane[0];
    for (index i = 1; i < kLineWidth<T>; ++i) largest = lane[i] > largest ? lane[i] : largest;
    return largest;
  }
};

// Calls f(column, lane vector, mask of the columns below n) for all vectors of a row.
template <class T, class Function>
void each_vector(index n, Function f) {
  for (index line = 0; line < n; line += kLineWidth<T>) {
    for (index v = 0; v < kLineVectors<T>; ++v) {
      const index column = line + v * Vec<T>::lanes;
      f(column, v, Vec<T>::first(n - column));
    }
  }
}

template <class T>
T row_maximum(index n, const T* z) {
  const Vec<T> lowest = Vec<T>::all(-T(__builtin_inf()));
  Lanes<T> largest(-T(__builtin_inf()));
  each_vector<T>(n, [&](index c, index v, auto inside) {
    largest.part[v] = max(largest.part[v], select(inside, Vec<T>::load(z + c), lowest));
  });
  return largest.maximum();
}

// z = e^(z - largest) for the row; returns the sum.
template <class T>
T row_exponentials(index n, T* z, T largest) {
  const Vec<T> shift = Vec<T>::all(largest), zero = Vec<T>::all(T(0));
  Lanes<T> sum(T(0));
  each_vector<T>(n, [&](index c, index v, auto inside) {
    const Vec<T> before = Vec<T>::load(z + c), e = exp(before - shift);
    select(inside, e, before).store(z + c);
    sum.part[v] = sum.part[v] + select(inside, e, zero);
  });
  return sum.sum(n);
}

// What lies behind a row stays as it is: without gaps, it is the next position.
template <class T>
void softmax(index rows, index n, T* z, index ldz) {
  for (index r = 0; r < rows; ++r, z += ldz) {
    const Vec<T> sum = Vec<T>::all(row_exponentials(n, z, row_maximum(n, z)));
    each_vector<T>(n, [&](index c, index, auto inside) {
      const Vec<T> e = Vec<T>::load(z + c);
      select(inside, e / sum, e).store(z + c);
    });
  }
}

template <class T>
void softmax_backward(index rows, index n, T* delta, index ldd, const T* a, index lda) {
  const Vec<T> zero = Vec<T>::all(T(0));
  for (index r = 0; r < rows; ++r, delta += ldd, a += lda) {
    Lanes<T> sum(T(0));
    each_vector<T>(n, [&](index c, index v, auto inside) {
      const Vec<T> product = Vec<T>::load(delta + c) * Vec<T>::load(a + c);
      sum.part[v] = sum.part[v] + select(inside, product, zero);
    });
    const Vec<T> mean = Vec<T>::all(sum.sum(n));
    each_vector<T>(n, [&](index c, index, auto inside) {
      const Vec<T> before = Vec<T>::load(delta + c);
      select(inside, Vec<T>::load(a + c) * (before - mean), before).store(delta + c);
    });
  }
}

// What is known at compile time. (The standard library's has external linkage.)
template <bool kValue>
struct Known {
  constexpr operator bool() const { return kValue; }
};

// Contiguous rows of N numbers: vectors cross the borders of rows, and the few squares of a row are
// added as Lanes would add them.
template <class T, int N>
void half_squared_error_of_few(index rows, const T* a, const T* y, T scale, T* delta,
                               double* loss) {
  const Vec<T> factor = Vec<T>::all(scale);
  for (index i = 0; delta && i < rows * N; i += Vec<T>::lanes) {
    (factor * (Vec<T>::load(a + i) - Vec<T>::load(y + i))).store(delta + i);
  }
  constexpr int kHalf = N > 2 ? 2 : 1;
  for (index r = 0; r < rows; ++r, a += N, y += N) {
    T square[2 * kHalf] = {};
    for (int i = 0; i < N; ++i) square[i] = (a[i] - y[i]) * (a[i] - y[i]);
    for (int half = kHalf; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) square[i] += square[i + half];
    }
    loss[r] = 0.5 * double(square[0]);
  }
}

template <class T>
void half_squared_error(index rows, index n, const T* a, index lda, const T* y, index ldy, T scale,
                        T* delta, index ldd, double* loss, T* lanes, LossNumbers<T>) {
  if (!lanes && n <= 4 && lda == n && ldy == n && ldd == n) {
    const auto few = n == 1   ? half_squared_error_of_few<T, 1>
                     : n == 2 ? half_squared_error_of_few<T, 2>
                     : n == 3 ? half_squared_error_of_few<T, 3>
                              : half_squared_error_of_few<T, 4>;
    return few(rows, a, y, scale, delta, loss);
  }
  const Vec<T> zero = Vec<T>::all(T(0)), factor = Vec<T>::all(scale), part = Vec<T>::all(T(0.5));
  const auto each_row = [&](auto of_lanes) __attribute__((always_inline)) {
    for (index r = 0; r < rows; ++r) {
      Lanes<T> sum(of_lanes ? lanes + r * kLineWidth<T> : nullptr);
      each_vector<T>(n, [&](index c, index v, auto inside) {
        const index at_a = r * lda + c, at_y = r * ldy + c;
        const Vec<T> error = select(inside, Vec<T>::load(a + at_a) - Vec<T>::load(y + at_y), zero);
        sum.part[v] = fma(of_lanes ? part * error : error, error, sum.part[v]);
        if (delta) (factor * error).store(delta + r * ldd + c);
      });
      if (of_lanes) {
        sum.store(lanes + r * kLineWidth<T>);
      } else {
        loss[r] = 0.5 * double(sum.sum(n));
      }
    }
  };
  lanes ? each_row(Known<true>()) : each_row(Known<false>());
}

template <class T>
void cross_entropy(index rows, index n, const T* z, index ldz, const T* y, index ldy, T scale,
                   T* delta, index ldd, double* loss, T*, LossNumbers<T>) {
  const Vec<T> zero = Vec<T>::all(T(0)), factor = Vec<T>::all(scale);
  for (index r = 0; r < rows; ++r, z += ldz, y += ldy) {
    const T largest = row_maximum(n, z);
    const Vec<T> shift = Vec<T>::all(largest);
    Lanes<T> exponentials(T(0)), weights(T(0)), products(T(0));
    each_vector<T>(n, [&](index c, index v, auto inside) {
      const Vec<T> below = Vec<T>::load(z + c) - shift;
      const Vec<T> target = select(inside, Vec<T>::load(y + c), zero);
      const Vec<T> e = select(inside, exp(below), zero);
      if (delta) e.store(delta + r * ldd + c);
      exponentials.part[v] = exponentials.part[v] + e;
      weights.part[v] = weights.part[v] + target;
      // A target of zero adds nothing, even if the preactivation is minus infinity.
      const Vec<T> product = select(zero < abs(target), target * below, zero);
      products.part[v] = products.part[v] + product;
    });
    const T sum = exponentials.sum(n), weight = weights.sum(n);
    T log_sum[Vec<T>::lanes];
    log(Vec<T>::all(sum)).store(log_sum);
    loss[r] = double(weight) * double(log_sum[0]) - double(products.sum(n));
    if (!delta) continue;
    const Vec<T> share = Vec<T>::all(weight / sum);
    each_vector<T>(n, [&](index c, index, auto inside) {
      T* at = delta + r * ldd + c;
      const Vec<T> error = fma(Vec<T>::load(at), share, zero - Vec<T>::load(y + c));
      select(inside, factor * error, zero).store(at);
    });
  }
}

// Losses that are sums over the outputs: Term::of(a, y, slope) returns the loss of one output and
// sets its derivative. Some take a number as well.
template <class T, class Term>
void elementwise_loss(index rows, index n, const T* a, index lda, const T* y, index ldy, T scale,
                      T* delta, index ldd, double* loss, T* lanes, LossNumbers<T> numbers) {
  const Vec<T> zero = Vec<T>::all(T(0)), factor = Vec<T>::all(scale);
  for (index r = 0; r < rows; ++r, a += lda, y += ldy) {
    Lanes<T> sum(lanes ? lanes + r * kLineWidth<T> : nullptr);
    each_vector<T>(n, [&](index c, index v, auto inside) {
      Vec<T> slope, term;
      if constexpr (requires { Term::kTakesNumber; }) {
        term = Term::of(Vec<T>::load(a + c), Vec<T>::load(y + c), slope, numbers.values[0]);
      } else {
        term = Term::of(Vec<T>::load(a + c), Vec<T>::load(y + c), slope);
      }
      sum.part[v] = sum.part[v] + select(inside, term, zero);
      if (delta) select(inside, factor * slope, zero).store(delta + r * ldd + c);
    });
    if (lanes) {
      sum.store(lanes + r * kLineWidth<T>);
    } else {
      loss[r] = double(sum.sum(n));
    }
  }
}

template <class T>
void add_lanes(index rows, index n, T* lanes, double* loss) {
  const Lanes<T> zeros(T(0));
  for (index r = 0; r < rows; ++r, lanes += kLineWidth<T>) {
    loss[r] += double(Lanes<T>(lanes).sum(n));
    zeros.store(lanes);
  }
}

template <class T>
Vec<T> sign(Vec<T> x) {
  const Vec<T> zero = Vec<T>::all(T(0)), one = Vec<T>::all(T(1));
  return select(zero < x, one, select(x < zero, zero - one, zero));
}

struct AbsoluteError {
  template <class T>
  static Vec<T> of(Vec<T> a, Vec<T> y, Vec<T>& slope) {
    slope = sign(a - y);
    return abs(a - y);
  }
};

// Huber, "Robust estimation of a location parameter", 1964, with his k = 1.
struct HuberLoss {
  template <class T>
  static Vec<T> of(Vec<T> a, Vec<T> y, Vec<T>& slope) {
    const Vec<T> one = Vec<T>::all(T(1)), half = Vec<T>::all(T(0.5));
    const Vec<T> error = a - y, size = abs(error);
    slope = select(size < one, error, sign(error));
    return select(size < one, half * error * error, size - half);
  }
};

// A target of zero adds no logarithm, even if the output is zero.
struct PoissonLoss {
  template <class T>
  static Vec<T> of(Vec<T> a, Vec<T> y, Vec<T>& slope) {
    const Vec<T> zero = Vec<T>::all(T(0)), one = Vec<T>::all(T(1));
    slope = one - select(zero < y, y / a, zero);
    return a - select(zero < y, y * log(a), zero);
  }
};

struct ExpPoissonLoss {
  template <class T>
  static Vec<T> of(Vec<T> z, Vec<T> y, Vec<T>& slope) {
    const Vec<T> a = exp(z);
    slope = a - y;
    return fnma(y, z, a);
  }
};

// log(1 + e^-|z|) is a common term of -log a and -log(1 - a), and nothing cancels.
struct SigmoidCrossEntropy {
  template <class T>
  static Vec<T> of(Vec<T> z, Vec<T> y, Vec<T>& slope) {
    const Vec<T> zero = Vec<T>::all(T(0)), one = Vec<T>::all(T(1));
    slope = sigmoid(z) - y;
    const Vec<T> common = log1p_unit(exp(zero - abs(z)));
    return fma(max(zero, z), one - y, fma(max(zero, zero - z), y, common));
  }
};

// log cosh e = log(1 + sinh^2 e) / 2 near 0, where |e| - log 2 + log(1 + e^-2|e|) would cancel.
struct LogCosh {
  template <class T>
  static Vec<T> of(Vec<T> a, Vec<T> y, Vec<T>& slope) {
    using V = Vec<T>;
    const V one = V::all(T(1)), half = V::all(T(0.5)), error = a - y, size = abs(error);
    slope = tanh(error);
    const V less = expm1_nonpositive(V::all(T(0)) - size), power = one + less;
    const V sinh = V::all(T(-0.5)) * less * (one + power) / power;
    const auto small = size < V::all(T(0.75));
    const V near = half * log1p_unit(select(small, sinh * sinh, one));
    const V ln2 = V::all(T(0.69314718055994530942));
    return select(small, near, size - ln2 + log1p_unit(power * power));
  }
};

// Lin et al., "Focal loss for dense object detection", 2017, for each output by itself. With
// A = -log p and B = -log(1 - p), the powers of p and 1 - p are e^(-gamma A) and e^(-gamma B).
struct SigmoidFocal {
  static constexpr bool kTakesNumber = true;
  template <class T>
  static Vec<T> of(Vec<T> z, Vec<T> y, Vec<T>& slope, T gamma_) {
    using V = Vec<T>;
    const V zero = V::all(T(0)), one = V::all(T(1)), gamma = V::all(gamma_);
    const V common = log1p_unit(exp(zero - abs(z)));
    const V less_p = max(zero, zero - z) + common, less_q = max(zero, z) + common;
    const V p = sigmoid(z), q = sigmoid(zero - z);
    const V yes = y * exp(zero - gamma * less_q), no = (one - y) * exp(zero - gamma * less_p);
    slope = no * fma(gamma * q, less_q, p) - yes * fma(gamma * p, less_p, q);
    return fma(yes, less_p, no * less_q);
  }
};

// Losses that are computed on whole rows, under the names that FOXNN_LOSSES uses.
struct HalfSquaredError {
  template <class T>
  static constexpr LossKernel<T> rows = half_squared_error<T>;
};
struct CrossEntropy {
  template <class T>
  static constexpr LossKernel<T> rows = cross_entropy<T>;
};
struct None {
  template <class T>
  static constexpr LossKernel<T> rows = nullptr;
};

// The kernel of a struct: its own for whole rows, or that of a sum over the outputs.
template <class T, class Loss>
constexpr LossKernel<T> loss_kernel() {
  if constexpr (requires { Loss::template rows<T>; }) {
    return Loss::template rows<T>;
  } else {
    return elementwise_loss<T, Loss>;
  }
}

template <class T>
index position_of_largest(index n, const T* x) {
  index best = 0;
  for (index i = 1; i < n; ++i) {
    if (x[i] > x[best]) best = i;
  }
  return best;
}

template <class T>
void match(index rows, index n, const T* a, index lda, const T* y, index ldy,
           std::uint8_t* matches) {
  for (index r = 0; r < rows; ++r) {
    matches[r] = position_of_largest(n, a + r * lda) == position_of_largest(n, y + r * ldy);
  }
}

template <class T>
void match_sides(index rows, index n, const T* z, index ldz, const T* y, index ldy,
                 std::uint8_t* matches) {
  for (index r = 0; r < rows; ++r) {
    bool all = true;
    for (index i = 0; i < n; ++i) all &= (z[r * ldz + i] > T(0)) == (y[r * ldy + i] > T(0.5));
    matches[r] = all;
  }
}

}  // namespace
}  // namespace foxnn
