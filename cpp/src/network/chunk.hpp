// How many samples pass through the layers together where nothing else decides it: in prediction.
#pragma once

#include <algorithm>

#include "foxnn/network.hpp"
#include "layers/few.hpp"
#include "network/lane_plan.hpp"

namespace foxnn {

/// Eight register tiles of 14 rows are enough to read each weight from the cache only once per 112
/// samples, and few enough that the activations of a layer stay in the second-level cache (112 rows
/// of 512 floats: 229 KB).
inline constexpr index kChunkRows = 112;

/// The same for sorted sums, where the rows of a chunk share no work: few rows, so that a small
/// number of samples is still divided between many workers, and stop requests are answered soon.
inline constexpr index kSortedChunkRows = 4;

/// The same where values lie in lanes: a panel of samples, whose lanes are all used (28 x 28 x 6
/// floats of 32 samples: 602 KB).
template <class T>
inline constexpr index kChunkInLanes = kPanelWidth<T>;

/// Values with positions are large: of 112 samples they may not stay in the second-level cache. If
/// so, a chunk has the few samples whose rows are positions (layers/few.hpp), which need no others
/// to fill a tile. For LeNet-5, a sample then takes 15 us instead of 30.
inline constexpr index kNearBytes = 1 << 20;

/// `samples`: how many there are that may lie in lanes.
template <class T>
index chunk_rows(const Network<T>& network, index samples) {
  if (network.sorted_summation()) return kSortedChunkRows;
  if (has_lanes(network, {.rows = std::min(samples, kChunkInLanes<T>)})) return kChunkInLanes<T>;
  index widest = 0;
  for (index i = 0; i < network.size(); ++i) {
    const Layout& layout = network.layer(i).output().layout;
    if (layout.positions > 1) widest = std::max(widest, layout.columns());
  }
  const bool is_near = widest <= kNearBytes / kChunkRows / static_cast<index>(sizeof(T));
  return is_near ? kChunkRows : most_few<T>();
}

}  // namespace foxnn
