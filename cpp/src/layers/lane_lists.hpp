// What a convolution reads in lanes, listed once when the layer is made: in lanes a position takes
// so few instructions that to list what it reads would take half as many again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "layers/window.hpp"

namespace foxnn {

/// How a value lies in lanes, and what a window takes of it: `pitch` rows for each position, `row`
/// numbers apart, of which `count` are multiplied at each place.
struct LaneRows {
  index pitch, count, row;
};

/// The stretches of each position, relative to the first position that it reads: most positions
/// have the same, so that these are few and stay in the cache.
class LanePatterns {
 public:
  struct Reads {
    index first = 0;  // the position to which the columns of the stretches are relative
    std::span<const Stretch> stretches = {};
  };

  /// `taps_of(position)` is what each of them reads; lines are counted place by place.
  template <class TapsOf>
  LanePatterns(index positions, TapsOf taps_of, const LaneRows& rows) {
    for (index p = 0; p < positions; ++p) append(taps_of(p), rows);
  }

  Reads of(index position) const {
    const At& at = positions_[static_cast<std::size_t>(position)];
    return {index{at.first}, patterns_[at.pattern]};
  }

 private:
  struct At {
    std::uint32_t first, pattern;
  };
  void append(std::span<const Tap> taps, const LaneRows& rows);

  std::vector<At> positions_;
  std::vector<std::vector<Stretch>> patterns_;
};

/// The lists of a window's outputs, and the other way round.
struct LaneLists {
  LaneLists(const Window& window, index inputs, index outputs, const LaneRows& input,
            const LaneRows& output);

  LanePatterns of_outputs, of_inputs;
  /// reads[place * outputs + position] is the position that is read there; over the padding, the
  /// one after the last. One place more, which a bias has, reads the first position everywhere.
  std::vector<std::uint32_t> reads;
};

}  // namespace foxnn
