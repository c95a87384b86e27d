// How the passes of a depthwise convolution go through samples and positions, and the filters of a
// panel of channels.
#pragma once

#include "layers/columns.hpp"

namespace foxnn {

/// Samples that go through all positions together. Of each position they are 4 KB in one piece, and
/// three rows of 32 positions (400 KB) stay in the second-level cache until all windows over them
/// are done. With 16 or 64 a training step of one such layer takes 7 % or 3 % longer.
inline constexpr index kBlockRows = 32;

/// Positions after which the next places of the window have their turn.
inline constexpr index kPositions = 16;

/// Calls f(panel, lane, channel, which) for all lanes of `outputs` panels of filters: the channel
/// of the filter in its panel, and which of the channel's filters it is.
template <class T, class Function>
void each_filter(index outputs, index multiplier, const Function& f) {
  index channel = 0, which = 0;
  for (index t = 0; t < outputs; ++t) {
    for (index lane = 0; lane < kPanelWidth<T>; ++lane) {
      f(t, lane, channel, which);
      if (++which == multiplier) {
        which = 0;
        ++channel;
      }
    }
  }
}

}  // namespace foxnn
