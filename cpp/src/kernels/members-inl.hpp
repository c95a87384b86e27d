// A population in lanes: sixteen networks side by side (eight in float64), one in each lane of a
// cache line. A line holds one number of all of them: a weight, or an output for a sample. No lane
// ever meets another, so each network gets the bits that it gets alone: here with sums over outputs
// as loss-inl.hpp adds them up, and steps of optimizers as update-inl.hpp makes them.
#pragma once

#include "kernels/loss-inl.hpp"
#include "kernels/member_products-inl.hpp"
#include "kernels/member_table.hpp"
#include "kernels/row_loss-inl.hpp"
#include "kernels/update-inl.hpp"

namespace foxnn {
namespace {

// A sum over n outputs as Lanes has it: its lanes are lines here, of which n fill at most `used`.
template <class T>
class MemberSum {
 public:
  explicit MemberSum(index n) {
    while (used_ < kLineWidth<T> && used_ < n) used_ *= 2;
    for (index i = 0; i < used_; ++i) part_[i] = Vec<T>::all(T(0));
  }
  Vec<T>& part(index column) { return part_[column % kLineWidth<T>]; }
  Vec<T> sum() {
    for (index half = used_ / 2; half > 0; half /= 2) {
      for (index i = 0; i < half; ++i) part_[i] = part_[i] + part_[i + half];
    }
    return part_[0];
  }

 private:
  index used_ = 1;
  Vec<T> part_[kLineWidth<T>];
};

// loss[i] = factor * x[i].
template <class T>
void store_losses(Vec<T> x, double factor, double* loss) {
  T values[Vec<T>::lanes];
  x.store(values);
  for (index i = 0; i < Vec<T>::lanes; ++i) loss[i] = factor * double(values[i]);
}

// Calls f(offset among lines, row, lane) for all rows and registers.
template <class T, class Function>
[[gnu::always_inline]] inline void each_member_row(index rows, Function f) {
  for (index lane = 0; lane < kLineWidth<T>; lane += Vec<T>::lanes) {
    for (index r = 0; r < rows; ++r) f(r * kLineWidth<T> + lane, r, lane);
  }
}

template <class T>
void member_half_squared_error(index rows, index n, index distance, const T* a, const T* y,
                               const T* scale, T* delta, double* loss) {
  each_member_row<T>(rows, [&](index at, index r, index lane) {
    const Vec<T> factor = Vec<T>::load(scale + lane);
    MemberSum<T> sum(n);
    for (index c = 0; c < n; ++c) {
      const index i = r * distance + c * kLineWidth<T> + lane;
      const Vec<T> error = Vec<T>::load(a + i) - Vec<T>::load(y + i);
      sum.part(c) = fma(error, error, sum.part(c));
      (factor * error).store(delta + i);
    }
    store_losses(sum.sum(), 0.5, loss + at);
  });
}

template <class T>
Vec<T> member_maximum(index n, const T* z) {
  Vec<T> largest = Vec<T>::load(z);
  for (index c = 1; c < n; ++c) largest = max(largest, Vec<T>::load(z + c * kLineWidth<T>));
  return largest;
}

template <class T>
void member_cross_entropy(index rows, index n, index distance, const T* z, const T* y,
                          const T* scale, T* delta, double* loss) {
  const Vec<T> zero = Vec<T>::all(T(0));
  each_member_row<T>(rows, [&](index at, index r, index lane) {
    const Vec<T> factor = Vec<T>::load(scale + lane);
    const Vec<T> shift = member_maximum(n, z + r * distance + lane);
    MemberSum<T> exponentials(n), weights(n), products(n);
    for (index c = 0; c < n; ++c) {
      const index i = r * distance + c * kLineWidth<T> + lane;
      const Vec<T> below = Vec<T>::load(z + i) - shift, target = Vec<T>::load(y + i);
      const Vec<T> e = exp(below);
      e.store(delta + i);
      exponentials.part(c) = exponentials.part(c) + e;
      weights.part(c) = weights.part(c) + target;
      const Vec<T> product = select(zero < abs(target), target * below, zero);
      products.part(c) = products.part(c) + product;
    }
    const Vec<T> sum = exponentials.sum(), weight = weights.sum(), share = weight / sum;
    double logs[Vec<T>::lanes], own[Vec<T>::lanes], shares[Vec<T>::lanes];
    store_losses(log(sum), 1.0, logs);
    store_losses(weight, 1.0, own);
    store_losses(products.sum(), 1.0, shares);
    for (index i = 0; i < Vec<T>::lanes; ++i) loss[at + i] = own[i] * logs[i] - shares[i];
    for (index c = 0; c < n; ++c) {
      const index i = r * distance + c * kLineWidth<T> + lane;
      const Vec<T> error = fma(Vec<T>::load(delta + i), share, zero - Vec<T>::load(y + i));
      (factor * error).store(delta + i);
    }
  });
}

// The sums of losses that are sums over the outputs.
template <class T>
void member_sums(index rows, index n, index distance, const T* terms, double* loss) {
  each_member_row<T>(rows, [&](index at, index r, index lane) {
    MemberSum<T> sum(n);
    for (index c = 0; c < n; ++c) {
      const T* const term = terms + r * distance + c * kLineWidth<T> + lane;
      sum.part(c) = sum.part(c) + Vec<T>::load(term);
    }
    store_losses(sum.sum(), 1.0, loss + at);
  });
}

// How members judge by a struct of loss-inl.hpp: term by term, by a kernel for members, or not.
template <class T, class Loss>
struct MemberLoss {
  static constexpr bool has_terms = !requires { Loss::template rows<T>; };
  static constexpr typename MemberKernels<T>::Loss kernel = nullptr;
};
template <class T>
struct MemberLoss<T, HalfSquaredError> {
  static constexpr bool has_terms = false;
  static constexpr typename MemberKernels<T>::Loss kernel = member_half_squared_error<T>;
};
template <class T>
struct MemberLoss<T, CrossEntropy> {
  static constexpr bool has_terms = false;
  static constexpr typename MemberKernels<T>::Loss kernel = member_cross_entropy<T>;
};

template <class T>
void member_match(index rows, index n, index distance, const T* a, const T* y,
                  std::uint8_t* matches) {
  const auto largest = [n](const T* x, T* places) {
    Vec<T> best = Vec<T>::load(x), place = Vec<T>::all(T(0));
    for (index c = 1; c < n; ++c) {
      const Vec<T> next = Vec<T>::load(x + c * kLineWidth<T>);
      const auto is_larger = best < next;
      place = select(is_larger, Vec<T>::all(T(c)), place);
      best = select(is_larger, next, best);
    }
    place.store(places);
  };
  each_member_row<T>(rows, [&](index at, index r, index lane) {
    T of_a[Vec<T>::lanes], of_y[Vec<T>::lanes];
    largest(a + r * distance + lane, of_a);
    largest(y + r * distance + lane, of_y);
    for (index i = 0; i < Vec<T>::lanes; ++i) matches[at + i] = of_a[i] == of_y[i];
  });
}

template <class T>
void member_match_sides(index rows, index n, index distance, const T* z, const T* y,
                        std::uint8_t* matches) {
  const Vec<T> zero = Vec<T>::all(T(0)), one = Vec<T>::all(T(1)), half = Vec<T>::all(T(0.5));
  each_member_row<T>(rows, [&](index at, index r, index lane) {
    Vec<T> wrong = zero;
    for (index c = 0; c < n; ++c) {
      const index i = r * distance + c * kLineWidth<T> + lane;
      const Vec<T> given = select(zero < Vec<T>::load(z + i), one, zero);
      const Vec<T> wanted = select(half < Vec<T>::load(y + i), one, zero);
      wrong = wrong + abs(given - wanted);
    }
    T values[Vec<T>::lanes];
    wrong.store(values);
    for (index i = 0; i < Vec<T>::lanes; ++i) matches[at + i] = values[i] == T(0);
  });
}

// A member without penalties or decay is left as it is: even a zero added would change the sign of
// a negative zero.
template <class T>
void member_rules(index n, T* g, T* w, const MemberRules<T>& rules) {
  const Vec<T> zero = Vec<T>::all(T(0));
  for (index lane = 0; lane < kLineWidth<T>; lane += Vec<T>::lanes) {
    const auto line = [&](const T* numbers) { return Vec<T>::load(numbers + lane); };
    if (rules.l1) {
      const Vec<T> l1 = line(rules.l1), l2 = line(rules.l2);
      const auto penalised = zero < max(l1, l2);
      for (index i = lane; i < n; i += kLineWidth<T>) {
        const Vec<T> weight = Vec<T>::load(w + i), before = Vec<T>::load(g + i);
        const Vec<T> after = fma(l1, sign(weight), fma(l2, weight, before));
        select(penalised, after, before).store(g + i);
      }
    }
    if (rules.clip) {
      const Vec<T> high = line(rules.clip), low = zero - high;
      for (index i = lane; i < n; i += kLineWidth<T>) {
        max(low, min(high, Vec<T>::load(g + i))).store(g + i);
      }
    }
    if (rules.shrink) {
      const Vec<T> part = line(rules.shrink);
      const auto shrinks = zero < part;
      for (index i = lane; i < n; i += kLineWidth<T>) {
        const Vec<T> value = Vec<T>::load(w + i);
        select(shrinks, fnma(part, value, value), value).store(w + i);
      }
    }
  }
}

template <class T>
void member_add_squares(index n, const T* x, T* sums) {
  for (index i = 0; i < n; i += Vec<T>::lanes) {
    const Vec<T> value = Vec<T>::load(x + i);
    fma(value, value, Vec<T>::load(sums + i)).store(sums + i);
  }
}

// The step of an optimizer, with coefficients for each lane.
template <class T, void (*kStep)(index, T*, const T*, T*, T*, MemberUpdateArguments<T>)>
void member_update(index n, T* w, const T* g, T* m, T* v, const MemberUpdateArguments<T>& c) {
  for (index lane = 0; lane < kLineWidth<T>; lane += Vec<T>::lanes) {
    kStep(n - lane, w + lane, g + lane, m ? m + lane : m, v ? v + lane : v, c.from(lane));
  }
}

// Calls f(n), few numbers as small networks have them: where the compiler knows how many, it moves
// whole registers. Members have no more than some hundreds.
template <class Function>
[[gnu::always_inline]] inline void with_few(index n, const Function& f) {
  switch (n) {
    case 2:
      return f(index{2});
    case 4:
      return f(index{4});
    default:
      return f(n);
  }
}

template <class T>
void put_together(index n, const T* x, T* lines) {
  with_few(n, [=](index width) __attribute__((always_inline)) {
    for (index c = 0; c < width; ++c) {
      for (index m = 0; m < kLineWidth<T>; ++m) lines[c * kLineWidth<T> + m] = x[m * width + c];
    }
  });
}

template <class T>
void take_apart(index n, const T* lines, T* x) {
  with_few(n, [=](index width) __attribute__((always_inline)) {
    for (index m = 0; m < kLineWidth<T>; ++m) {
      for (index c = 0; c < width; ++c) x[m * width + c] = lines[c * kLineWidth<T> + m];
    }
  });
}

// Every weight in float64, one rounding after the other, whichever registers the compiler takes: it
// does not fuse them.
template <class T>
void breed(index n, const T* __restrict mother, const T* __restrict father, const Breeding& how,
           const std::uint32_t* __restrict words, index distance, T* __restrict child) {
  const double speed = how.speed;
  const double one = how.relative ? 0.0 : 1.0, part = 1.0 - one;  // weights are finite
  const bool all_change = how.changes > 0xffffffffu;
  const auto changes = static_cast<std::uint32_t>(how.changes);
  for (index i = 0; i < n; ++i) {
    const std::uint32_t from = words[i], dice = words[distance + i];
    const std::uint32_t low = words[2 * distance + i] >> 11, high = words[3 * distance + i];
    const double old = static_cast<double>(from >> 31 ? father[i] : mother[i]);
    // The upper 53 of 64 bits, as in uniform_of: both parts and their sum are exact.
    const double bits = static_cast<double>(high) * 0x1p21 + static_cast<double>(low);
    const double step = 2.0 * (bits * 0x1p-53) - 1.0;
    const double change = speed * step * (one + part * __builtin_fabs(old));
    child[i] = static_cast<T>(all_change || dice < changes ? old + change : old);
  }
}

template <class T>
constexpr MemberKernels<T> make_member_kernels() {
  MemberKernels<T> t{};
  t.multiply = member_multiply<T>;
  t.put_together = put_together<T>;
  t.take_apart = take_apart<T>;
  t.breed = breed<T>;
#define FOXNN_SET(kind, of_outputs, of_sums, ...)                                                  \
  t.loss_of_outputs[static_cast<int>(LossKind::kind)] = MemberLoss<T, of_outputs>::kernel;         \
  t.loss_of_sums[static_cast<int>(LossKind::kind)] = MemberLoss<T, of_sums>::kernel;               \
  t.has_terms_of_outputs[static_cast<int>(LossKind::kind)] = MemberLoss<T, of_outputs>::has_terms; \
  t.has_terms_of_sums[static_cast<int>(LossKind::kind)] = MemberLoss<T, of_sums>::has_terms;
  FOXNN_LOSSES(FOXNN_SET)
#undef FOXNN_SET
  t.sum_terms = member_sums<T>;
  t.match = member_match<T>;
  t.match_sides = member_match_sides<T>;
#define FOXNN_SET(kind, step, ...)                  \
  t.update[static_cast<int>(OptimizerKind::kind)] = \
      member_update<T, step<T, MemberUpdateArguments<T>>>;
  FOXNN_OPTIMIZERS(FOXNN_SET)
#undef FOXNN_SET
  t.apply_rules = member_rules<T>;
  t.add_squares = member_add_squares<T>;
  return t;
}

constexpr MemberKernelSet kMemberKernels{make_member_kernels<float>(),
                                         make_member_kernels<double>()};

}  // namespace
}  // namespace foxnn
