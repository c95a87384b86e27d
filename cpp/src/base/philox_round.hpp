// One round of Philox 4x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011),
// for one counter and for many. Internal linkage: kernel sets must not share the code.
#pragma once

#include <cstdint>

namespace foxnn {
namespace {

// The multipliers and Weyl constants of the paper.
constexpr std::uint64_t kPhiloxMultipliers[2] = {0xD2511F53, 0xCD9E8D57};
constexpr std::uint32_t kPhiloxKeySteps[2] = {0x9E3779B9, 0xBB67AE85};
constexpr int kPhiloxRounds = 10;

inline void philox_round(std::uint32_t& w0, std::uint32_t& w1, std::uint32_t& w2, std::uint32_t& w3,
                         std::uint32_t key0, std::uint32_t key1) {
  const std::uint64_t a = kPhiloxMultipliers[0] * std::uint64_t{w0};
  const std::uint64_t b = kPhiloxMultipliers[1] * std::uint64_t{w2};
  w0 = static_cast<std::uint32_t>(b >> 32) ^ w1 ^ key0;
  w1 = static_cast<std::uint32_t>(b);
  w2 = static_cast<std::uint32_t>(a >> 32) ^ w3 ^ key1;
  w3 = static_cast<std::uint32_t>(a);
}

}  // namespace
}  // namespace foxnn
