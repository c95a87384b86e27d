// The steps of the optimizers and the reading of data, element by element, written once and
// compiled per kernel set. The number of parameters is a multiple of a cache line.
#pragma once

#include "kernels/loss-inl.hpp"

namespace foxnn {
namespace {

// A coefficient of a step: one number for all parameters, or one for each lane of a line
// (members-inl.hpp).
template <class T>
[[gnu::always_inline]] inline Vec<T> coefficient(T all) {
  return Vec<T>::all(all);
}
template <class T>
[[gnu::always_inline]] inline Vec<T> coefficient(const T* lanes) {
  return Vec<T>::load(lanes);
}
// How far apart the vectors are that a step takes.
template <class T, class Coefficients>
constexpr index kUpdateStep = Coefficients::kDistance;
template <class T>
constexpr index kUpdateStep<T, UpdateArguments<T>> = Vec<T>::lanes;

template <class T, class Coefficients>
void update_sgd(index n, T* w, const T* g, T*, T*, Coefficients c) {
  const Vec<T> rate = coefficient(c.rate);
  for (index i = 0; i < n; i += kUpdateStep<T, Coefficients>) {
    fnma(rate, Vec<T>::load(g + i), Vec<T>::load(w + i)).store(w + i);
  }
}

template <class T, class Coefficients>
void update_momentum(index n, T* w, const T* g, T* m, T*, Coefficients c) {
  const Vec<T> rate = coefficient(c.rate), decay = coefficient(c.decay);
  for (index i = 0; i < n; i += kUpdateStep<T, Coefficients>) {
    const Vec<T> velocity = fma(decay, Vec<T>::load(m + i), Vec<T>::load(g + i));
    velocity.store(m + i);
    fnma(rate, velocity, Vec<T>::load(w + i)).store(w + i);
  }
}

// Nesterov's momentum in the form of Sutskever et al. (2013) that stores the parameters at the
// look-ahead point: the step is along g + momentum * velocity.
template <class T, class Coefficients>
void update_nesterov(index n, T* w, const T* g, T* m, T*, Coefficients c) {
  const Vec<T> rate = coefficient(c.rate), decay = coefficient(c.decay);
  for (index i = 0; i < n; i += kUpdateStep<T, Coefficients>) {
    const Vec<T> gradient = Vec<T>::load(g + i);
    const Vec<T> velocity = fma(decay, Vec<T>::load(m + i), gradient);
    velocity.store(m + i);
    fnma(rate, fma(decay, velocity, gradient), Vec<T>::load(w + i)).store(w + i);
  }
}

// Subtracting the bits of a positive number from these gives those of its reciprocal, off by at
// most an eighth: the exponent is negated, and the mantissa decreases as it should, but linearly.
template <class T>
inline constexpr auto kReciprocalBits = 0x7ef311c3;
template <>
inline constexpr auto kReciprocalBits<double> = 0x7fde623822fc16e6;

// 1 / x for positive normal x, accurate to one or two units in the last place. The divider takes
// 10 cycles for a register of 64 bytes, and this takes 4 and leaves the divider to the square root,
// which needs it, too. Each round reduces the error e to e^3: 0.12, 2e-3, 6e-9, 2e-25.
template <class T>
Vec<T> reciprocal(Vec<T> x) {
  const Vec<T> one = Vec<T>::all(T(1));
  Vec<T> y = bits_below(kReciprocalBits<T>, x);
  for (int round = 0; round < (sizeof(T) == 4 ? 2 : 3); ++round) {
    const Vec<T> error = fnma(x, y, one);
    y = fma(y, fma(error, error, error), y);
  }
  return y;
}

// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
template <class T, class Coefficients>
void update_adam(index n, T* w, const T* g, T* m, T* v, Coefficients c) {
  const Vec<T> rate = coefficient(c.rate), epsilon = coefficient(c.epsilon);
  const Vec<T> decay = coefficient(c.decay), gain = coefficient(c.gain);
  const Vec<T> decay_squares = coefficient(c.decay_squares);
  const Vec<T> gain_squares = coefficient(c.gain_squares);
  const Vec<T> square_scale = coefficient(c.square_scale);
  for (index i = 0; i < n; i += kUpdateStep<T, Coefficients>) {
    const Vec<T> gradient = Vec<T>::load(g + i);
    const Vec<T> mean = fma(decay, Vec<T>::load(m + i), gain * gradient);
    const Vec<T> squares =
        fma(decay_squares, Vec<T>::load(v + i), gain_squares * gradient * gradient);
    mean.store(m + i);
    squares.store(v + i);
    const Vec<T> root = sqrt(squares * square_scale);
    fnma(rate * mean, reciprocal(root + epsilon), Vec<T>::load(w + i)).store(w + i);
  }
}

// Tieleman and Hinton, "Lecture 6.5: RMSprop", 2012; the velocity is of the whole step.
template <class T, class Coefficients>
void update_rmsprop(index n, T* w, const T* g, T* m, T* v, Coefficients c) {
  const Vec<T> rate = coefficient(c.rate), epsilon = coefficient(c.epsilon);
  const Vec<T> decay_squares = coefficient(c.decay_squares);
  const Vec<T> gain_squares = coefficient(c.gain_squares), decay = coefficient(c.decay);
  for (index i = 0; i < n; i += kUpdateStep<T, Coefficients>) {
    const Vec<T> gradient = Vec<T>::load(g + i);
    const Vec<T> squares =
        fma(decay_squares, Vec<T>::load(v + i), gain_squares * gradient * gradient);
    squares.store(v + i);
    Vec<T> step = gradient * reciprocal(sqrt(squares) + epsilon);
    if (m) {
      step = fma(decay, Vec<T>::load(m + i), step);
      step.store(m + i);
    }
    fnma(rate, step, Vec<T>::load(w + i)).store(w + i);
  }
}

template <class T>
void add_penalty(index n, T* g, const T* w, T l1, T l2) {
  const Vec<T> slope = Vec<T>::all(l1), decay = Vec<T>::all(l2);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    const Vec<T> weight = Vec<T>::load(w + i);
    const Vec<T> squares = fma(decay, weight, Vec<T>::load(g + i));
    fma(slope, sign(weight), squares).store(g + i);
  }
}

template <class T>
void clip(index n, T* g, T most) {
  const Vec<T> high = Vec<T>::all(most), low = Vec<T>::all(-most);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    // A NaN is the second operand, and is kept.
    max(low, min(high, Vec<T>::load(g + i))).store(g + i);
  }
}

template <class T>
void add_to(index n, T* x, const T* y) {
  for (index i = 0; i < n; i += Vec<T>::lanes)
    (Vec<T>::load(x + i) + Vec<T>::load(y + i)).store(x + i);
}

template <class T>
void scale(index n, T* x, T factor) {
  const Vec<T> factors = Vec<T>::all(factor);
  for (index i = 0; i < n; i += Vec<T>::lanes) (Vec<T>::load(x + i) * factors).store(x + i);
}

template <class T>
void shrink(index n, T* x, T part) {
  const Vec<T> parts = Vec<T>::all(part);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    const Vec<T> value = Vec<T>::load(x + i);
    fnma(parts, value, value).store(x + i);
  }
}

template <class T>
double sum_squares(index n, const T* x) {
  Lanes<T> sum(T(0));
  for (index line = 0; line < n; line += kLineWidth<T>) {
    for (index v = 0; v < kLineVectors<T>; ++v) {
      const Vec<T> value = Vec<T>::load(x + line + v * Vec<T>::lanes);
      sum.part[v] = fma(value, value, sum.part[v]);
    }
  }
  return double(sum.sum(kLineWidth<T>));
}

template <class T>
void multiply_elements(index rows, index width, const T* a, index lda, const T* b, index ldb, T* c,
                       index ldc) {
  for (index r = 0; r < rows; ++r) {
    for (index i = 0; i < width; i += Vec<T>::lanes) {
      (Vec<T>::load(a + r * lda + i) * Vec<T>::load(b + r * ldb + i)).store(c + r * ldc + i);
    }
  }
}

// The bits of the numbers of a whole panel that are not zero.
template <class T>
std::uint32_t nonzero(const T* x) {
  const Vec<T> zero = Vec<T>::all(T(0));
  std::uint32_t bits = 0;
  for (index i = 0; i < kPanelWidth<T>; i += Vec<T>::lanes) {
    bits |= bits_of(zero < abs(Vec<T>::load(x + i))) << i;
  }
  return bits;
}

// A row of n numbers into panels, number i as value(i).
template <class T, class Value>
void read_into_panels(index n, T* target, index panel, std::uint32_t* bits, index step,
                      Value value) {
  constexpr index W = kPanelWidth<T>;
  index first = 0;
  for (; first + W <= n; first += W, target += panel) {
    for (index i = 0; i < W; ++i) target[i] = value(first + i);
    if (bits) *bits = nonzero(target), bits += step;
  }
  const index left = n - first;
  std::uint32_t last = 0;
  index i = 0;
  if (left >= 8 && !bits) {
    // Numbers of loops that compilers know become registers.
    const auto read = [&]<index kCount>() {
      if (!(left & kCount)) return;
      for (index j = 0; j < kCount; ++j) target[i + j] = value(first + i + j);
      i += kCount;
    };
    read.template operator()<16>();
    read.template operator()<8>();
    read.template operator()<4>();
  }
  for (; i < left; ++i) {
    target[i] = value(first + i);
    last |= std::uint32_t{target[i] != T(0)} << i;
  }
  if (bits && left > 0) *bits = last;
}

template <class T, class Source>
void read_row(index n, const Source* source, T* target, index panel, std::uint32_t* bits,
              index step) {
  read_into_panels(n, target, panel, bits, step,
                   [source](index i) { return static_cast<T>(source[i]); });
}

template <class T, class Source>
void read_scaled_row(index n, const Source* source, const double* shift, const double* factor,
                     T* target, index panel, std::uint32_t* bits, index step) {
  read_into_panels(n, target, panel, bits, step, [=](index i) {
    return static_cast<T>((static_cast<double>(source[i]) - shift[i]) * factor[i]);
  });
}

// y * 0 is 0 only for finite y; so the sum of such products is 0 only if all are finite.
template <class T>
bool all_finite(index n, const T* x, T factor) {
  const Vec<T> zero = Vec<T>::all(T(0)), factors = Vec<T>::all(factor);
  Vec<T> sums[4] = {zero, zero, zero, zero};
  index i = 0;
  for (; i + 4 * Vec<T>::lanes <= n; i += 4 * Vec<T>::lanes) {
    for (index j = 0; j < 4; ++j) {
      sums[j] = fma(Vec<T>::load(x + i + j * Vec<T>::lanes) * factors, zero, sums[j]);
    }
  }
  for (; i + Vec<T>::lanes <= n; i += Vec<T>::lanes) {
    sums[0] = fma(Vec<T>::load(x + i) * factors, zero, sums[0]);
  }
  T lane[Vec<T>::lanes];
  ((sums[0] + sums[1]) + (sums[2] + sums[3])).store(lane);
  for (index j = 0; i < n; ++i, ++j) lane[j] += x[i] * factor * T(0);
  // In pairs: a sum one by one would wait for itself longer than all the rest of a short row takes.
  for (index half = Vec<T>::lanes / 2; half > 0; half /= 2) {
    for (index j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0] == T(0);
}

}  // namespace
}  // namespace foxnn
