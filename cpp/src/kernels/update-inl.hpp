// The steps of the optimizers and the reading of data, element by element, written once and
// compiled per kernel set. Parameters come in whole lines of the cache.
#pragma once

namespace foxnn {
namespace {

template <class T>
void update_sgd(index n, T* w, const T* g, T*, T*, UpdateArguments<T> c) {
  const Vec<T> rate = Vec<T>::all(c.rate);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    fnma(rate, Vec<T>::load(g + i), Vec<T>::load(w + i)).store(w + i);
  }
}

template <class T>
void update_momentum(index n, T* w, const T* g, T* m, T*, UpdateArguments<T> c) {
  const Vec<T> rate = Vec<T>::all(c.rate), decay = Vec<T>::all(c.decay);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    const Vec<T> velocity = fma(decay, Vec<T>::load(m + i), Vec<T>::load(g + i));
    velocity.store(m + i);
    fnma(rate, velocity, Vec<T>::load(w + i)).store(w + i);
  }
}

// Nesterov's momentum in the form of Sutskever et al. (2013) that keeps the parameters at the
// looked-ahead point: the step is along g + momentum * velocity.
template <class T>
void update_nesterov(index n, T* w, const T* g, T* m, T*, UpdateArguments<T> c) {
  const Vec<T> rate = Vec<T>::all(c.rate), decay = Vec<T>::all(c.decay);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    const Vec<T> gradient = Vec<T>::load(g + i);
    const Vec<T> velocity = fma(decay, Vec<T>::load(m + i), gradient);
    velocity.store(m + i);
    fnma(rate, fma(decay, velocity, gradient), Vec<T>::load(w + i)).store(w + i);
  }
}

// The bits of a positive number taken from these are those of its reciprocal, an eighth off at
// most: the exponent is negated, and the digits fall as they should, but in a straight line.
template <class T>
inline constexpr auto kReciprocalBits = 0x7ef311c3;
template <>
inline constexpr auto kReciprocalBits<double> = 0x7fde623822fc16e6;

// 1 / x for positive normal x, to the last place or the one before. The divider takes 10 cycles for
// a register of 64 bytes and this 4, and it leaves the square root, which needs the divider too,
// alone with it. Each round takes the error e to e^3: 0.12, 2e-3, 6e-9, 2e-25.
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
template <class T>
void update_adam(index n, T* w, const T* g, T* m, T* v, UpdateArguments<T> c) {
  const Vec<T> rate = Vec<T>::all(c.rate), epsilon = Vec<T>::all(c.epsilon);
  const Vec<T> decay = Vec<T>::all(c.decay), gain = Vec<T>::all(c.gain);
  const Vec<T> decay_squares = Vec<T>::all(c.decay_squares);
  const Vec<T> gain_squares = Vec<T>::all(c.gain_squares);
  const Vec<T> square_scale = Vec<T>::all(c.square_scale);
  for (index i = 0; i < n; i += Vec<T>::lanes) {
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

// Which numbers of a whole panel are not zero.
template <class T>
std::uint32_t nonzero(const T* x) {
  const Vec<T> zero = Vec<T>::all(T(0));
  std::uint32_t bits = 0;
  for (index i = 0; i < kPanelWidth<T>; i += Vec<T>::lanes) {
    bits |= bits_of(zero < abs(Vec<T>::load(x + i))) << i;
  }
  return bits;
}

template <class T, class Source>
void read_row(index n, const Source* source, T* target, index panel, std::uint32_t* bits,
              index step) {
  constexpr index W = kPanelWidth<T>;
  for (; n >= W; n -= W, source += W, target += panel) {
    for (index i = 0; i < W; ++i) target[i] = static_cast<T>(source[i]);
    if (bits) *bits = nonzero(target), bits += step;
  }
  std::uint32_t last = 0;
  for (index i = 0; i < n; ++i) {
    target[i] = static_cast<T>(source[i]);
    last |= std::uint32_t{target[i] != T(0)} << i;
  }
  if (bits && n > 0) *bits = last;
}

// y * 0 is 0 for finite y alone; the sum of such products shows the first that is not.
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
  T lane[Vec<T>::lanes];
  ((sums[0] + sums[1]) + (sums[2] + sums[3])).store(lane);
  T rest = T(0);
  for (const T value : lane) rest += value;
  for (; i < n; ++i) rest += x[i] * factor * T(0);
  return rest == T(0);
}

}  // namespace
}  // namespace foxnn
