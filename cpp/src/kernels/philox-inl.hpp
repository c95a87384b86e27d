// Philox 4x32-10 for many counters at once: plain loops over integers, which compilers turn into
// vector instructions of the set.
#pragma once

#include "base/philox_round.hpp"

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
      philox_round(words[0][i], words[1][i], words[2][i], words[3][i], key0, key1);
    }
    key0 += kPhiloxKeySteps[0];
    key1 += kPhiloxKeySteps[1];
  }
}

}  // namespace
}  // namespace foxnn
