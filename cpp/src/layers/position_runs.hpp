// Output positions of a window that read their inputs in the same way, each a constant distance
// from the one before: positions that can be the rows of a product.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "layers/window.hpp"

namespace foxnn {

struct PositionRun {
  index first = 0, count = 1;  // output positions
  index step = 0;              // from an output position to the next
  index shift = 0;             // from what one reads to what the next one reads
  index kind = 0;              // runs of one kind have the same places in the window
};

class PositionRuns {
 public:
  /// Runs go along the axis that makes them long. Every output position is in one of them.
  explicit PositionRuns(const Window& window);

  /// Those of a kind follow each other.
  std::span<const PositionRun> all() const { return runs_; }
  /// The first input position that an output position reads; 0 if it reads padding alone.
  static index origin(const Window& window, index position) {
    const std::span<const Tap> taps = window.of_output(position);
    return taps.empty() ? 0 : taps.front().position;
  }

 private:
  std::vector<PositionRun> runs_;
};

}  // namespace foxnn
