// What rules of evolution draw: against Philox's numbers taken one by one, by their moments and
// bounds, and on any number of threads.
#include "foxnn/evolution.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "foxnn/random.hpp"

namespace foxnn {
namespace {

using Rows = std::vector<std::uint32_t>;

// Twice the standard deviations after which one of a million samples lies outside.
constexpr double kSigmas = 5.0;

constexpr Draw kDraw{(std::uint64_t{1} << 63) + 5, 3};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// Mean, variance, and the moments of third and fourth order in units of the deviation.
struct Moments {
  double mean = 0.0, variance = 0.0, third = 0.0, fourth = 0.0;
  double count = 0.0;

  explicit Moments(const std::vector<double>& values) : count(static_cast<double>(values.size())) {
    for (const double value : values) mean += value / count;
    for (const double value : values) variance += (value - mean) * (value - mean) / count;
    for (const double value : values) {
      const double unit = (value - mean) / std::sqrt(variance);
      third += unit * unit * unit / count;
      fourth += unit * unit * unit * unit / count;
    }
  }
  // Whether a mean of samples with this deviation can be that one.
  bool is_near(double found, double expected, double deviation) const {
    return std::abs(found - expected) < kSigmas * deviation / std::sqrt(count);
  }
};

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const Moments first(a), second(b);
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - first.mean) * (b[i] - second.mean);
  return sum / first.count / std::sqrt(first.variance * second.variance);
}

template <class T>
std::vector<T> bred(const std::vector<T>& parents, index n, const Rows& mothers,
                    const Rows& fathers, index elite, const Mutation& mutation,
                    const Draw& draw = kDraw, int threads = 0) {
  std::vector<T> children(mothers.size() * static_cast<std::size_t>(n), T(77));
  FOXNN_CHECK(breed(parents.data(), n, mothers, fathers, elite, mutation, draw, children.data(),
                    threads, {}));
  return children;
}

template <class T>
std::vector<T> perturbed(const std::vector<double>& center, index pairs, double sigma,
                         const Draw& draw = kDraw, int threads = 0) {
  std::vector<T> members(2 * static_cast<std::size_t>(pairs) * center.size(), T(77));
  FOXNN_CHECK(perturb(center.data(), static_cast<index>(center.size()), pairs, sigma, draw,
                      members.data(), threads, {}));
  return members;
}

std::vector<double> summed(const std::vector<double>& weights, index n, const Draw& draw = kDraw,
                           int threads = 0) {
  std::vector<double> sums(static_cast<std::size_t>(n), 77.0);
  FOXNN_CHECK(sum_perturbations(weights, n, draw, sums.data(), threads, {}));
  return sums;
}

// Standard normal numbers: those of the first member of each pair around a center of 0.
std::vector<double> normals(index pairs, index n, const Draw& draw = kDraw) {
  const std::vector<double> members =
      perturbed<double>(std::vector<double>(static_cast<std::size_t>(n), 0.0), pairs, 1.0, draw);
  std::vector<double> found;
  for (index pair = 0; pair < pairs; ++pair) {
    const auto first = members.begin() + 2 * pair * n;
    found.insert(found.end(), first, first + n);
  }
  return found;
}

template <class T>
std::vector<T> parents_of(index count, index n) {
  const Random random(9, RandomStream::weights);
  std::vector<T> made;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count * n); ++i) {
    made.push_back(static_cast<T>(4.0 * random.uniform(i) - 2.0));
  }
  return made;
}

// Child by child and weight by weight, each with the block of random bits at its position.
template <class T>
void test_children(index n, index elite, const Mutation& mutation) {
  const std::vector<T> parents = parents_of<T>(5, n);
  const Rows mothers{4, 0, 1, 3, 2, 2, 1}, fathers{0, 0, 2, 1, 4, 2, 3};
  const Random random(kDraw.seed, RandomStream::breeding, kDraw.generation);
  std::vector<T> expected;
  for (std::size_t child = 0; child < mothers.size(); ++child) {
    for (index i = 0; i < n; ++i) {
      const auto mother = parents[static_cast<std::size_t>(mothers[child] * n + i)];
      const auto father = parents[static_cast<std::size_t>(fathers[child] * n + i)];
      if (static_cast<index>(child) < elite) {
        expected.push_back(mother);
        continue;
      }
      const auto words = random.block(child * static_cast<std::uint64_t>(n) + i);
      const double old = words[0] >> 31 ? father : mother;
      const std::uint64_t high = (std::uint64_t{words[3]} << 32 | words[2]) >> 11;
      const double step = 2.0 * static_cast<double>(high) * 0x1p-53 - 1.0;
      const double change = mutation.speed * step * (mutation.relative ? std::abs(old) : 1.0);
      const bool changes = words[1] < mutation.share * 0x1p32;
      expected.push_back(static_cast<T>(changes ? old + change : old));
    }
  }
  const std::vector<T> found = bred(parents, n, mothers, fathers, elite, mutation);
  FOXNN_CHECK(same_bits(found, expected));
  for (const int threads : {1, 2, 3}) {
    FOXNN_CHECK(
        same_bits(bred(parents, n, mothers, fathers, elite, mutation, kDraw, threads), expected));
  }
}

void test_all_children() {
  for (const index n : {index{1}, index{15}, index{64}, index{65}, index{1025}}) {
    for (const bool relative : {false, true}) {
      test_children<float>(n, 2, {0.7, 0.3, relative});
      test_children<double>(n, 0, {1.0, 2.5, relative});
    }
    test_children<double>(n, 7, {1.0, 1.0});  // all of them the elite
  }
}

// Of two parents, one all 1 and one all -1: where a weight comes from can be seen.
void test_crossover() {
  constexpr index kWeights = 20'000, kChildren = 6;
  std::vector<double> parents(2 * kWeights, 1.0);
  std::fill(parents.begin() + kWeights, parents.end(), -1.0);
  const std::vector<double> children =
      bred(parents, kWeights, Rows(kChildren, 0), Rows(kChildren, 1), 0, {.share = 0.0});
  const Moments all(children);
  FOXNN_CHECK(all.is_near(all.mean, 0.0, 1.0));
  FOXNN_CHECK(std::all_of(children.begin(), children.end(), [](double w) { return w * w == 1; }));
  for (index child = 0; child + 1 < kChildren; ++child) {
    const auto first = children.begin() + child * kWeights, second = first + kWeights;
    const std::vector<double> one(first, second), other(second, second + kWeights);
    FOXNN_CHECK(std::abs(correlation(one, other)) < kSigmas / std::sqrt(kWeights));
  }
  // A child of one parent is that parent.
  FOXNN_CHECK(same_bits(bred(parents, kWeights, Rows{1}, Rows{1}, 0, {.share = 0.0}),
                        {parents.begin() + kWeights, parents.end()}));
}

void test_mutations() {
  constexpr index kWeights = 100'000;
  constexpr double kSpeed = 0.3;
  const std::vector<double> zeros(kWeights, 0.0), twos(kWeights, -2.0);
  const Rows one{0};
  std::vector<double> steps = bred(zeros, kWeights, one, one, 0, {.share = 1.0, .speed = kSpeed});
  const auto [least, most] = std::minmax_element(steps.begin(), steps.end());
  FOXNN_CHECK(*least >= -kSpeed && *most < kSpeed);
  FOXNN_CHECK(*least < -0.999 * kSpeed && *most > 0.999 * kSpeed);
  const Moments uniform(steps);
  const double variance = kSpeed * kSpeed / 3;
  FOXNN_CHECK(uniform.is_near(uniform.mean, 0.0, std::sqrt(variance)));
  // The square of a uniform number deviates by 2 / sqrt(45) times the square of its bound.
  FOXNN_CHECK(uniform.is_near(uniform.variance, variance, kSpeed * kSpeed * 2 / std::sqrt(45.0)));

  // Relative ones: zeros stay, and others move by a share of what they are.
  FOXNN_CHECK(same_bits(
      bred(zeros, kWeights, one, one, 0, {.share = 1.0, .speed = kSpeed, .relative = true}),
      zeros));
  std::vector<double> moved =
      bred(twos, kWeights, one, one, 0, {.share = 1.0, .speed = kSpeed, .relative = true});
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = (moved[i] + 2.0) / 2.0;
  const Moments relative(moved);
  FOXNN_CHECK(relative.is_near(relative.mean, 0.0, std::sqrt(variance)));
  FOXNN_CHECK(relative.is_near(relative.variance, variance, kSpeed * kSpeed * 2 / std::sqrt(45.)));

  // A share of them: which ones change does not depend on how far, nor on the parent.
  for (const double share : {0.0, 0.01, 0.5, 1.0}) {
    const std::vector<double> found =
        bred(zeros, kWeights, one, one, 0, {.share = share, .speed = kSpeed});
    std::vector<double> changed;
    for (const double value : found) changed.push_back(value != 0.0);
    const Moments which(changed);
    const double deviation = std::sqrt(share * (1 - share));
    // Of none and of all, to the rounding of the mean.
    FOXNN_CHECK(std::abs(which.mean - share) < 1e-9 || which.is_near(which.mean, share, deviation));
    if (share == 0.5) {
      FOXNN_CHECK(std::abs(correlation(changed, steps)) < kSigmas / std::sqrt(kWeights));
    }
  }
  // No speed: nothing moves.
  FOXNN_CHECK(same_bits(bred(twos, kWeights, one, one, 0, {.share = 1.0}), twos));

  // Another generation and another seed draw other numbers.
  const std::vector<Draw> others{{kDraw.seed, kDraw.generation + 1},
                                 {kDraw.seed + 1, kDraw.generation}};
  for (const Draw& draw : others) {
    const std::vector<double> again =
        bred(zeros, kWeights, one, one, 0, {.share = 1.0, .speed = kSpeed}, draw);
    FOXNN_CHECK(std::abs(correlation(again, steps)) < kSigmas / std::sqrt(kWeights));
  }
}

void test_perturbations() {
  constexpr index kPairs = 40, kWeights = 2'501;  // odd: one number of the last two is not used
  const std::vector<double> drawn = normals(kPairs, kWeights);
  const Moments normal(drawn);
  FOXNN_CHECK(normal.is_near(normal.mean, 0.0, 1.0));
  FOXNN_CHECK(normal.is_near(normal.variance, 1.0, std::sqrt(2.0)));
  FOXNN_CHECK(normal.is_near(normal.third, 0.0, std::sqrt(6.0)));
  FOXNN_CHECK(normal.is_near(normal.fourth, 3.0, std::sqrt(24.0)));
  // Its tails: of 100,000 numbers some lie beyond 3.5, and none is infinite.
  const auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
  FOXNN_CHECK(*least < -3.5 && *most > 3.5 && std::isfinite(*least) && std::isfinite(*most));

  // Neighbours, which are made of the same bits, and pairs are independent.
  const std::vector<double> early(drawn.begin(), drawn.end() - 1),
      late(drawn.begin() + 1, drawn.end());
  const double limit = kSigmas / std::sqrt(static_cast<double>(early.size()));
  FOXNN_CHECK(std::abs(correlation(early, late)) < limit);
  const std::vector<double> first(drawn.begin(), drawn.end() - kWeights);
  const std::vector<double> next(drawn.begin() + kWeights, drawn.end());
  FOXNN_CHECK(std::abs(correlation(first, next)) < limit * 1.1);
  for (const Draw& draw : {Draw{kDraw.seed, kDraw.generation + 1}, Draw{1, kDraw.generation}}) {
    FOXNN_CHECK(std::abs(correlation(normals(kPairs, kWeights, draw), drawn)) < limit);
  }

  // Around a center, in mirrored pairs, in both types.
  std::vector<double> center;
  for (index i = 0; i < kWeights; ++i) center.push_back(std::cos(static_cast<double>(i)));
  constexpr double kSigma = 0.25;
  const std::vector<double> members = perturbed<double>(center, kPairs, kSigma);
  const std::vector<float> narrow = perturbed<float>(center, kPairs, kSigma);
  bool are_mirrored = true, are_rounded = true;
  for (index pair = 0; pair < kPairs; ++pair) {
    for (index i = 0; i < kWeights; ++i) {
      const auto plus = static_cast<std::size_t>(2 * pair * kWeights + i);
      const auto minus = plus + kWeights;
      const double change = kSigma * drawn[static_cast<std::size_t>(pair * kWeights + i)];
      const double middle = center[static_cast<std::size_t>(i)];
      are_mirrored &= members[plus] == middle + change && members[minus] == middle - change;
      are_rounded &= narrow[plus] == static_cast<float>(middle + change) &&
                     narrow[minus] == static_cast<float>(middle - change);
    }
  }
  FOXNN_CHECK(are_mirrored);
  FOXNN_CHECK(are_rounded);

  // The numbers of a pair do not depend on how many pairs there are.
  std::vector<double> fewer = perturbed<double>(center, 7, kSigma);
  FOXNN_CHECK(std::memcmp(fewer.data(), members.data(), fewer.size() * sizeof(double)) == 0);
}

void test_sums() {
  constexpr index kPairs = 70, kWeights = 1'301;
  const std::vector<double> drawn = normals(kPairs, kWeights);
  // Of one pair: its numbers, to the bit.
  for (const index pair : {index{0}, index{31}, index{32}, index{69}}) {
    std::vector<double> weights(kPairs, 0.0);
    weights[static_cast<std::size_t>(pair)] = 1.0;
    const auto first = drawn.begin() + pair * kWeights;
    const std::vector<double> own(first, first + kWeights), found = summed(weights, kWeights);
    FOXNN_CHECK(found == own);
  }
  // Shaped by rank, from -1/2 to 1/2.
  std::vector<double> ranks;
  double squares = 0.0;
  for (index pair = 0; pair < kPairs; ++pair) {
    ranks.push_back(static_cast<double>(pair * 37 % kPairs) / (kPairs - 1) - 0.5);
    squares += ranks.back() * ranks.back();
  }
  const std::vector<double> sums = summed(ranks, kWeights);
  double away = 0.0;
  for (index i = 0; i < kWeights; ++i) {
    double expected = 0.0;
    for (index pair = 0; pair < kPairs; ++pair) {
      expected += ranks[static_cast<std::size_t>(pair)] *
                  drawn[static_cast<std::size_t>(pair * kWeights + i)];
    }
    away = std::max(away, std::abs(expected - sums[static_cast<std::size_t>(i)]));
  }
  FOXNN_CHECK(away < 1e-13);
  const Moments moments(sums);
  FOXNN_CHECK(moments.is_near(moments.mean, 0.0, std::sqrt(squares)));
  FOXNN_CHECK(moments.is_near(moments.variance, squares, std::sqrt(2.0) * squares));
}

// Large enough that several workers are worthwhile where there are any.
template <class T>
void test_threads() {
  constexpr index kWeights = 3'001, kChildren = 300;
  const std::vector<T> parents = parents_of<T>(3, kWeights);
  Rows mothers, fathers;
  for (std::uint32_t i = 0; i < kChildren; ++i) {
    mothers.push_back(i % 3);
    fathers.push_back(i * 7 % 3);
  }
  const std::vector<double> center(kWeights, 0.5);
  const std::vector<double> weights(kChildren / 2, 0.75);
  const Mutation mutation{.share = 0.5, .speed = 0.1};
  const std::vector<T> children = bred(parents, kWeights, mothers, fathers, 4, mutation, kDraw, 1);
  const std::vector<T> members = perturbed<T>(center, kChildren / 2, 0.1, kDraw, 1);
  const std::vector<double> sums = summed(weights, kWeights, kDraw, 1);
  for (const int threads : {2, 3, 0}) {
    FOXNN_CHECK(same_bits(bred(parents, kWeights, mothers, fathers, 4, mutation, kDraw, threads),
                          children));
    FOXNN_CHECK(same_bits(perturbed<T>(center, kChildren / 2, 0.1, kDraw, threads), members));
    FOXNN_CHECK(same_bits(summed(weights, kWeights, kDraw, threads), sums));
  }
}

void test_nothing() {
  const std::vector<double> parents{1.0, 2.0};
  FOXNN_CHECK(bred(parents, 2, {}, {}, 0, {.speed = 1.0}).empty());
  FOXNN_CHECK(perturbed<double>({1.0}, 0, 1.0).empty());
  FOXNN_CHECK(summed({}, 3) == std::vector<double>(3, 0.0));
  FOXNN_CHECK(summed({1.0}, 1) == normals(1, 1));
}

void test_stops() {
  // Hundreds of milliseconds long; polls are 20 ms apart.
  constexpr index kWeights = 20'000;
  const std::vector<double> weights(400, 1.0);
  std::vector<double> sums(kWeights);
  int polls = 0;
  const auto stop = [&polls] { return ++polls == 1; };
  FOXNN_CHECK(!sum_perturbations(weights, kWeights, kDraw, sums.data(), 1, stop));
  FOXNN_CHECK(polls == 1);
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_all_children();
  test_crossover();
  test_mutations();
  test_perturbations();
  test_sums();
  test_threads<float>();
  test_threads<double>();
  test_nothing();
  test_stops();
  return test::failures == 0 ? 0 : 1;
}
