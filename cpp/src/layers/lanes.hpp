// Batches in lanes: which batches may lie so, and how workers divide them. A panel of samples is
// one of Rows, whose rows are the columns of the samples, packed, and one position more, which
// stays zero: what windows read beside the sample.
#pragma once

#include <algorithm>

#include "layers/columns.hpp"

namespace foxnn {

/// Batches of fewer samples are never in lanes: most of these would be empty.
template <class T>
inline constexpr index kLeastInLanes = kLineWidth<T>;

/// Calls f(panel of samples, first, last, width) for a worker's share of `count` rows, or
/// positions, of every panel; in a step that may be left, in parts until it is left.
template <class T, class Function>
void each_lane_part(Share share, index batch, index count, const Scratch<T>& scratch,
                    const Function& f) {
  constexpr index kPart = 1024;  // of a panel's rows: 128 KB
  const index all = panel_count<T>(batch) * count, end = share.last(all);
  const index most = scratch.leaving ? kPart : count;
  for (index task = share.first(all); task < end && !scratch.leaves();) {
    const index panel = task / count, first = task % count;
    const index last = first + std::min({count - first, end - task, most});
    f(panel, first, last, width_of_panel<T>(batch, panel));
    task += last - first;
  }
}

}  // namespace foxnn
