// Philox 4x32-10, and the numbers drawn from it.
#include "foxnn/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/cost.hpp"
#include "base/parallel.hpp"
#include "base/philox_round.hpp"
#include "kernels/draw_functions.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

constexpr double kTwoPi = 6.283185307179586;

// The time to draw and store a random number of 64 bits: ten rounds of multiplications.
constexpr double kSecondsPerDraw = 3.5e-9;

Cost drawing_cost(index numbers) {
  Cost cost;
  cost.alone = static_cast<double>(numbers) * kSecondsPerDraw;
  cost.begin = kSecondsToBegin;
  return cost;
}

// In [0, 1), a multiple of 2^-53, from the first two words of a block.
double uniform_of(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    philox_round(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
    key[0] += kPhiloxKeySteps[0];
    key[1] += kPhiloxKeySteps[1];
  }
  return counter;
}

std::array<std::uint32_t, 4> Random::block(std::uint64_t position) const {
  return philox({static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32),
                 static_cast<std::uint32_t>(stream_), substream_},
                {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
}

std::uint64_t Random::bits(std::uint64_t position) const {
  const auto word = block(position);
  return (static_cast<std::uint64_t>(word[1]) << 32) | word[0];
}

double Random::uniform(std::uint64_t position) const {
  const auto word = block(position);
  return uniform_of(word[0], word[1]);
}

void Random::normals(std::uint64_t first, std::size_t count, double* out) const {
  // A normal number takes two uniform ones; log and cosine are the engine's own, because those of
  // the platforms differ in the last bit.
  constexpr std::size_t kBlock = 256;
  double radius[kBlock], angle[kBlock];
  for (std::size_t done = 0; done < count; done += kBlock) {
    const std::size_t n = std::min(kBlock, count - done);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t position = 2 * (first + done + i);
      radius[i] = 1.0 - uniform(position);  // in (0, 1]: its logarithm is finite
      angle[i] = kTwoPi * uniform(position + 1);
    }
    const index length = static_cast<index>(n);
    draw_log(length, radius, radius);
    draw_cos(length, angle, angle);
    for (std::size_t i = 0; i < n; ++i) out[done + i] = std::sqrt(-2.0 * radius[i]) * angle[i];
  }
}

void uniforms(const Random& random, std::size_t begin, std::size_t count, double* out,
              int threads) {
  const KernelSet& kernels = active_kernels();  // before the team: an unknown name throws
  const index numbers = static_cast<index>(count);
  const index chunks = (numbers + kPhiloxBlocks - 1) / kPhiloxBlocks;
  run_team(workers_for(drawing_cost(numbers), threads), [&](const Team& team) {
    std::uint32_t words[4][kPhiloxBlocks];
    const index last = team.share().last(chunks);
    for (index chunk = team.share().first(chunks); chunk < last; ++chunk) {
      const index first = chunk * kPhiloxBlocks;
      kernels.philox(begin + static_cast<std::uint64_t>(first),
                     static_cast<std::uint32_t>(random.stream_), random.substream_, random.seed_,
                     words);
      const index length = std::min(kPhiloxBlocks, numbers - first);
      for (index i = 0; i < length; ++i) out[first + i] = uniform_of(words[0][i], words[1][i]);
    }
  });
}

bool shuffled_indices(const Random& random, std::size_t count, std::vector<std::uint32_t>& out,
                      const StopRequest& stop) {
  out.resize(count);
  std::iota(out.begin(), out.end(), std::uint32_t{0});
  // Draw i uses word i % 4 of block i / 4. Making the blocks is most of the work, so many are made
  // at once.
  constexpr std::size_t kBlocks = kPhiloxBlocks;
  std::uint32_t words[4][kPhiloxBlocks];
  constexpr std::size_t kFillsBetween = 500'000 / (4 * kBlocks);
  std::size_t made = count;  // the first draw whose word is there
  std::size_t filled = 0;
  for (std::size_t i = count; i > 1; --i) {
    if (i < made || i == count) {
      const std::size_t first = i / 4 / kBlocks * kBlocks;
      // Swaps that miss every cache take about 10 ns each: together some milliseconds.
      if (stop && ++filled % kFillsBetween == 0 && stop()) return false;
      active_kernels().philox(first, static_cast<std::uint32_t>(random.stream_), random.substream_,
                              random.seed_, words);
      made = 4 * first;
    }
    // One multiplication maps 32 random bits to the range; the probability of a place is off by at
    // most 2^-32.
    const std::uint64_t bits = words[i % 4][i / 4 % kBlocks];
    std::swap(out[i - 1], out[static_cast<std::size_t>((bits * i) >> 32)]);
  }
  return true;
}

}  // namespace foxnn
