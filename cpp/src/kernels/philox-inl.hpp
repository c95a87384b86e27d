// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) for many
// counters at once: plain loops over integers, which compilers turn into the vectors of the set.
#pragma once

#include "foxnn/random.hpp"

namespace foxnn {
namespace {

void philox(std::uint64_t first, std::uint32_t stream, std::uint32_t substream, std::uint64_t seed,
            std::uint32_t words[4][kPhiloxBlocks]) {
  for (index i = 0; i < kPhiloxBlocks; ++i) {
    const std::uint64_t position = first + static_cast<std::uint64_t>(i);
    words[0][i] = static_cast<std::uint32_t>(position);
    words[1][i] = static_cast<std::uint32_t>(position >> 32);
    words[2][i] = stream;
    words[3][i] = substream;
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(seed);
  std::uint32_t key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    for (index i = 0; i < kPhiloxBlocks; ++i) {
      const std::uint64_t a = kPhiloxMultipliers[0] * std::uint64_t{words[0][i]};
      const std::uint64_t b = kPhiloxMultipliers[1] * std::uint64_t{words[2][i]};
      words[0][i] = static_cast<std::uint32_t>(b >> 32) ^ words[1][i] ^ key0;
      words[1][i] = static_cast<std::uint32_t>(b);
      words[2][i] = static_cast<std::uint32_t>(a >> 32) ^ words[3][i] ^ key1;
      words[3][i] = static_cast<std::uint32_t>(a);
    }
    key0 += kPhiloxKeySteps[0];
    key1 += kPhiloxKeySteps[1];
  }
}

}  // namespace
}  // namespace foxnn
