// The activations on blocks of a batch, written once and compiled per kernel set: forward, forward
// with the slope kept for the backward pass, and the product with the slope.
//
// Each activation is a struct with `value(z, slope, parameter)`. Those whose slope can be computed
// from the output have `slope_of(output, parameter)` and ignore the reference; for the others, the
// slope is kept in the forward pass, where it takes a few more instructions.
#pragma once

#include "kernels/math-inl.hpp"

namespace foxnn {
namespace {

// Limits a preactivation that has overflowed to the largest number: an infinity times the zero that
// results from it would be NaN.
template <class T>
Vec<T> at_least_lowest(Vec<T> z) {
  return max(Vec<T>::all(-Constants<T>::kLargest), z);
}
template <class T>
Vec<T> at_most_largest(Vec<T> z) {
  return min(Vec<T>::all(Constants<T>::kLargest), z);
}

struct Sigmoid {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T>) {
    return sigmoid(z);
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T>) {
    return a * (Vec<T>::all(T(1)) - a);
  }
};

struct Sinusoid {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    Vec<T> s;
    sincos(z, s, slope);
    return s;
  }
};

struct Gaussian {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    const Vec<T> a = exp(Vec<T>::all(T(0)) - z * z);
    slope = a * at_most_largest(at_least_lowest(z)) * Vec<T>::all(T(-2));
    return a;
  }
};

struct Relu {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T>) {
    return max(Vec<T>::all(T(0)), z);
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T>) {
    const Vec<T> zero = Vec<T>::all(T(0));
    return select(zero < a, Vec<T>::all(T(1)), zero);
  }
};

struct Identity {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T>) {
    return z;
  }
  template <class T>
  static Vec<T> slope_of(Vec<T>, Vec<T>) {
    return Vec<T>::all(T(1));
  }
};

struct Tanh {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T>) {
    return tanh(z);
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T>) {
    return fnma(a, a, Vec<T>::all(T(1)));
  }
};

struct Arctan {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    const Vec<T> one = Vec<T>::all(T(1));
    slope = one / fma(z, z, one);
    return atan(z);
  }
};

// alpha (e^z - 1) below zero, times a factor everywhere: elu, and selu with its two constants.
template <class T>
Vec<T> scaled_elu(Vec<T> z, Vec<T> alpha, Vec<T> factor) {
  const Vec<T> zero = Vec<T>::all(T(0));
  return factor * select(zero < z, z, alpha * expm1_nonpositive(min(zero, z)));
}
template <class T>
Vec<T> scaled_elu_slope(Vec<T> a, Vec<T> alpha, Vec<T> factor) {
  return select(Vec<T>::all(T(0)) < a, factor, fma(alpha, factor, a));
}

struct Elu {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T> alpha) {
    return scaled_elu(z, alpha, Vec<T>::all(T(1)));
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T> alpha) {
    return scaled_elu_slope(a, alpha, Vec<T>::all(T(1)));
  }
};

struct LeakyRelu {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T> alpha) {
    return select(z < Vec<T>::all(T(0)), alpha * z, z);
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T> alpha) {
    return select(Vec<T>::all(T(0)) < a, Vec<T>::all(T(1)), alpha);
  }
};

// Klambauer et al., "Self-normalizing neural networks", 2017.
struct Selu {
  static constexpr bool keeps_slope = false;
  static constexpr double kAlpha = 1.6732632423543772848, kFactor = 1.0507009873554804934;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T>) {
    return scaled_elu(z, Vec<T>::all(T(kAlpha)), Vec<T>::all(T(kFactor)));
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T>) {
    return scaled_elu_slope(a, Vec<T>::all(T(kAlpha)), Vec<T>::all(T(kFactor)));
  }
};

// z times the normal cumulative probability of z (Hendrycks and Gimpel, 2016), not its tanh form.
struct Gelu {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    Vec<T> density;
    const Vec<T> probability = normal_cdf(z, density), low = at_least_lowest(z);
    slope = fma(at_most_largest(low), density, probability);
    return low * probability;
  }
};

struct Silu {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    const Vec<T> s = sigmoid(z), a = at_least_lowest(z) * s;
    slope = fma(at_most_largest(a), Vec<T>::all(T(1)) - s, s);
    return a;
  }
};

struct Softplus {
  static constexpr bool keeps_slope = true;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>& slope, Vec<T>) {
    const Vec<T> zero = Vec<T>::all(T(0)), one = Vec<T>::all(T(1));
    const Vec<T> e = exp(zero - abs(z));
    slope = select(z < zero, e, one) / (one + e);
    return max(zero, z) + log1p_unit(e);
  }
};

// For outputs that are rates, which are above zero.
struct Exp {
  static constexpr bool keeps_slope = false;
  template <class T>
  static Vec<T> value(Vec<T> z, Vec<T>&, Vec<T>) {
    return exp(z);
  }
  template <class T>
  static Vec<T> slope_of(Vec<T> a, Vec<T>) {
    return a;
  }
};

template <class T, class A>
void activate(index rows, index width, T* z, index ldz, T parameter) {
  const Vec<T> p = Vec<T>::all(parameter);
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      T* at = z + r * ldz + c;
      Vec<T> unused;
      A::value(Vec<T>::load(at), unused, p).store(at);
    }
  }
}

template <class T, class A>
void activate_keep(index rows, index width, T* z, index ldz, T* slope, index lds, T parameter) {
  const Vec<T> p = Vec<T>::all(parameter);
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      T* at = z + r * ldz + c;
      Vec<T> kept;
      A::value(Vec<T>::load(at), kept, p).store(at);
      if constexpr (A::keeps_slope) kept.store(slope + r * lds + c);
    }
  }
}

template <class T, class A>
void apply_slope(index rows, index width, T* delta, index ldd, const T* kept, index ldk,
                 T parameter) {
  const Vec<T> p = Vec<T>::all(parameter);
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width; c += Vec<T>::lanes) {
      T* at = delta + r * ldd + c;
      const Vec<T> memory = Vec<T>::load(kept + r * ldk + c);
      if constexpr (A::keeps_slope) {
        (Vec<T>::load(at) * memory).store(at);
      } else {
        (Vec<T>::load(at) * A::slope_of(memory, p)).store(at);
      }
    }
  }
}

}  // namespace
}  // namespace foxnn
