// The generator of all random numbers: Philox 4x32-10, counter-based, with the same numbers on
// every platform. A number is a function of (seed, stream, position), so threads can draw in any
// order, and a run can be continued from any position.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "foxnn/stop_request.hpp"

namespace foxnn {

/// The purpose of a stream of numbers; each has its own, so that none affects another.
enum class RandomStream : std::uint32_t {
  weights,
  shuffle,
  holdout,
  mutation,
  dropout,
  selection,
  breeding,
  perturbation
};

/// Ten rounds of Philox 4x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// A sequence of random numbers: stream `stream`, sub-stream `substream` of a seed.
class Random {
 public:
  Random(std::uint64_t seed, RandomStream stream, std::uint32_t substream = 0)
      : seed_(seed), stream_(stream), substream_(substream) {}

  /// 128 random bits at a position of the sequence.
  std::array<std::uint32_t, 4> block(std::uint64_t position) const;
  /// The first 64 of them at a position of the sequence.
  std::uint64_t bits(std::uint64_t position) const;
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform(std::uint64_t position) const;
  /// Standard normal numbers at positions first ... first + count - 1 (Box and Muller, 1958).
  void normals(std::uint64_t first, std::size_t count, double* out) const;

 private:
  friend void uniforms(const Random& random, std::size_t begin, std::size_t count, double* out,
                       int threads);
  friend bool shuffled_indices(const Random& random, std::size_t count,
                               std::vector<std::uint32_t>& out, const StopRequest& stop);

  std::uint64_t seed_;
  RandomStream stream_;
  std::uint32_t substream_;
};

/// The uniform numbers at positions 0 ... count - 1, drawn by at most `threads` threads (0: as many
/// as are available).
void uniforms(const Random& random, std::size_t begin, std::size_t count, double* out, int threads);
/// The numbers 0 ... count - 1 in random order (Fisher and Yates). Returns false if `stop` returned
/// true; the numbers are then in no particular order.
bool shuffled_indices(const Random& random, std::size_t count, std::vector<std::uint32_t>& out,
                      const StopRequest& stop = {});

}  // namespace foxnn
