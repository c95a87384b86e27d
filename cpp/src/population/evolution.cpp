// Children, mutations and perturbations. The weights of all members are numbered one after the
// other; the number is the position of its random bits.
#include "foxnn/evolution.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/cost.hpp"
#include "foxnn/random.hpp"
#include "kernels/draw_functions.hpp"
#include "kernels/member_table.hpp"
#include "population/in_turn.hpp"

namespace foxnn {
namespace {

// Blocks of random bits that a worker takes at a time: some 10 µs, so that taking them is not
// noticed, and Ctrl-C is.
constexpr index kPiece = 32 * kPhiloxBlocks;

// The time of a block of bits, and of the logarithm, the sine and the cosine of two normal numbers.
constexpr double kSecondsPerBlock = 12e-9, kSecondsPerNormals = 50e-9;
// The time to add two of them to their sums.
constexpr double kSecondsPerSum = 2e-9;

// The first worker naps while it waits for the others (in_turn).
constexpr double kSecondsOfNap = 50e-6;

// Pairs whose perturbations are summed together, whatever the number of workers.
constexpr index kTogether = 32;

constexpr double kTwoPi = 6.283185307179586;

int workers_of(double seconds, int threads) {
  return workers_for({.alone = seconds, .begin = kSecondsToBegin + kSecondsOfNap}, threads);
}

// Calls f(piece) for all of them; false if stopped.
template <class Function>
bool for_pieces(index pieces, int workers, const StopRequest& stop, const Function& f) {
  Stops stops;
  stops.begin(stop);
  return in_turn(pieces, workers, stops, f);
}

void fill(const Draw& draw, RandomStream stream, index first,
          std::uint32_t (&words)[4][kPhiloxBlocks]) {
  active_kernels().philox(static_cast<std::uint64_t>(first), static_cast<std::uint32_t>(stream),
                          draw.generation, draw.seed, words);
}

double uniform_of(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

// Standard normal numbers: block i of `count` gives those at 2 i and 2 i + 1 (Box and Muller,
// 1958).
void fill_normals(const Draw& draw, index first, index count, double (&out)[2 * kPhiloxBlocks]) {
  std::uint32_t words[4][kPhiloxBlocks];
  fill(draw, RandomStream::perturbation, first, words);
  double radius[kPhiloxBlocks], angle[kPhiloxBlocks], sine[kPhiloxBlocks];
  for (index i = 0; i < count; ++i) {
    radius[i] = 1.0 - uniform_of(words[0][i], words[1][i]);  // above 0: its logarithm is finite
    angle[i] = kTwoPi * uniform_of(words[2][i], words[3][i]);
  }
  draw_log(count, radius, radius);
  draw_sin(count, angle, sine);
  draw_cos(count, angle, angle);
  for (index i = 0; i < count; ++i) {
    const double length = std::sqrt(-2.0 * radius[i]);
    out[2 * i] = length * angle[i];
    out[2 * i + 1] = length * sine[i];
  }
}

// The blocks that each pair takes: two normal numbers are made of one.
index blocks_of(index n) { return (n + 1) / 2; }

// Calls f(pair, first weight, end, their normal numbers) for the blocks [begin, end) of all pairs,
// which are numbered one pair after the other: those of many tiny networks are drawn at once.
template <class Function>
void each_normals(const Draw& draw, index n, index begin, index end, const Function& f) {
  const index blocks = blocks_of(n);
  double normals[2 * kPhiloxBlocks];
  for (index first = begin; first < end; first += kPhiloxBlocks) {
    const index count = std::min(kPhiloxBlocks, end - first);
    fill_normals(draw, first, count, normals);
    for (index done = 0; done < count;) {
      const index pair = (first + done) / blocks, own = (first + done) % blocks;
      const index some = std::min(count - done, blocks - own);
      f(pair, 2 * own, std::min(n, 2 * (own + some)), normals + 2 * done);
      done += some;
    }
  }
}

}  // namespace

template <class T>
bool breed(const T* parents, index n, std::span<const std::uint32_t> mothers,
           std::span<const std::uint32_t> fathers, index elite, const Mutation& mutation,
           const Draw& draw, T* children, int threads, const StopRequest& stop) {
  const index total = static_cast<index>(mothers.size()) * n;
  const Breeding how{static_cast<std::uint64_t>(mutation.share * 0x1p32), mutation.speed,
                     mutation.relative};
  const MemberKernels<T>& k = member_kernels<T>();
  const int workers = workers_of(static_cast<double>(total) * kSecondsPerBlock, threads);
  return for_pieces((total + kPiece - 1) / kPiece, workers, stop, [&](index piece) {
    std::uint32_t words[4][kPhiloxBlocks];
    const index last = std::min(total, (piece + 1) * kPiece);
    for (index first = piece * kPiece; first < last; first += kPhiloxBlocks) {
      fill(draw, RandomStream::breeding, first, words);
      const index count = std::min(kPhiloxBlocks, last - first);
      for (index done = 0; done < count;) {
        const index child = (first + done) / n, begin = (first + done) % n;
        const index end = std::min(count, done + n - begin);
        const auto place = static_cast<std::size_t>(child);
        const T* const mother = parents + static_cast<index>(mothers[place]) * n + begin;
        const T* const father = parents + static_cast<index>(fathers[place]) * n + begin;
        T* const out = children + first + done;
        if (child < elite) {
          std::copy_n(mother, end - done, out);
        } else {
          k.breed(end - done, mother, father, how, words[0] + done, kPhiloxBlocks, out);
        }
        done = end;
      }
    }
  });
}

template <class T>
bool perturb(const double* center, index n, index pairs, double sigma, const Draw& draw, T* members,
             int threads, const StopRequest& stop, double* normals) {
  const index total = pairs * blocks_of(n);
  const index pieces = (total + kPhiloxBlocks - 1) / kPhiloxBlocks;
  const double seconds = static_cast<double>(total) * kSecondsPerNormals;
  return for_pieces(pieces, workers_of(seconds, threads), stop, [&](index piece) {
    const index begin = piece * kPhiloxBlocks;
    each_normals(draw, n, begin, std::min(total, begin + kPhiloxBlocks),
                 [&](index pair, index first, index end, const double* drawn) {
                   if (normals) std::copy_n(drawn, end - first, normals + pair * n + first);
                   T* const plus = members + 2 * pair * n;
                   T* const minus = plus + n;
                   for (index i = first; i < end; ++i) {
                     const double change = sigma * drawn[i - first];
                     plus[i] = static_cast<T>(center[i] + change);
                     minus[i] = static_cast<T>(center[i] - change);
                   }
                 });
  });
}

bool sum_perturbations(std::span<const double> weights, index n, const Draw& draw, double* sums,
                       int threads, const StopRequest& stop, const double* normals) {
  const index blocks = blocks_of(n), pieces = (blocks + kPhiloxBlocks - 1) / kPhiloxBlocks;
  const auto pairs = static_cast<index>(weights.size());
  const index groups = (pairs + kTogether - 1) / kTogether;
  const double seconds =
      static_cast<double>(pairs * blocks) * (normals ? kSecondsPerSum : kSecondsPerNormals);
  // Of each group, so that a small network keeps several workers busy, too.
  std::vector<double> partial(static_cast<std::size_t>(groups * n), 0.0);
  const bool done =
      for_pieces(groups * pieces, workers_of(seconds, threads), stop, [&](index turn) {
        const index group = turn / pieces, begin = turn % pieces * kPhiloxBlocks;
        const index pair = group * kTogether, last = std::min(pairs, pair + kTogether);
        double* const own = partial.data() + group * n;
        const auto add = [&](index of, index first, index end, const double* drawn) {
          const double weight = weights[static_cast<std::size_t>(of)];
          for (index i = first; i < end; ++i) own[i] += weight * drawn[i - first];
        };
        for (index of = pair; normals && of < last; ++of) {
          const index first = 2 * begin, past = std::min(n, first + 2 * kPhiloxBlocks);
          add(of, first, past, normals + of * n + first);
        }
        if (normals) return;
        if (pieces == 1) return each_normals(draw, n, pair * blocks, last * blocks, add);
        const index end = std::min(blocks, begin + kPhiloxBlocks);
        for (index of = pair; of < last; ++of) {
          each_normals(draw, n, of * blocks + begin, of * blocks + end, add);
        }
      });
  std::fill(sums, sums + n, 0.0);
  for (index group = 0; group < groups; ++group) {
    for (index i = 0; i < n; ++i) sums[i] += partial[static_cast<std::size_t>(group * n + i)];
  }
  return done;
}

template bool breed(const float*, index, std::span<const std::uint32_t>,
                    std::span<const std::uint32_t>, index, const Mutation&, const Draw&, float*,
                    int, const StopRequest&);
template bool breed(const double*, index, std::span<const std::uint32_t>,
                    std::span<const std::uint32_t>, index, const Mutation&, const Draw&, double*,
                    int, const StopRequest&);
template bool perturb(const double*, index, index, double, const Draw&, float*, int,
                      const StopRequest&, double*);
template bool perturb(const double*, index, index, double, const Draw&, double*, int,
                      const StopRequest&, double*);

}  // namespace foxnn
