// What layers over sequences of different lengths have in common: which rows a position concerns,
// and how a worker's share of the positions follows from it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "foxnn/layer.hpp"

namespace foxnn {

/// The rows of a batch that have a position: `with_step` of StepRows, or all.
inline index rows_with(const std::uint32_t* with_step, index position, index batch) {
  return with_step ? index{with_step[position]} : batch;
}
/// The same of the rows [first, first + rows) of a batch.
inline index rows_with(const std::uint32_t* with_step, index position, index first, index rows) {
  return with_step ? std::clamp<index>(index{with_step[position]} - first, 0, rows) : rows;
}
/// The rows of all positions together.
inline index rows_of_all(const std::uint32_t* with_step, index positions, index batch) {
  if (!with_step) return positions * batch;
  index sum = 0;
  for (index p = 0; p < positions; ++p) sum += index{with_step[p]};
  return sum;
}

/// Positions [first, last).
struct PositionRange {
  index first, last;
};
/// A worker's positions: as many as the others', or, if not all rows have all positions, so many
/// that each has about as many rows.
inline PositionRange own_positions(Share share, index positions, const std::uint32_t* with_step) {
  if (!with_step || share.workers == 1) return {share.first(positions), share.last(positions)};
  const index all = rows_of_all(with_step, positions, 0);
  const auto position_at = [&](index rows) {
    index p = 0;
    for (index before = 0; p < positions && before < rows; ++p) before += index{with_step[p]};
    return p;
  };
  return {position_at(share.first(all)),
          share.worker + 1 == share.workers ? positions : position_at(share.last(all))};
}

/// Lists runs of rows of one length: the first row as `column`, the end as `line`, and the length
/// as `count`. There are at most as many as rows, and as positions. Returns their number.
inline index list_lengths(const std::uint32_t* with_step, index positions, Stretch* runs) {
  index count = 0;
  for (index steps = positions; steps > 0; --steps) {
    const index first = steps < positions ? index{with_step[steps]} : 0;
    const index last = index{with_step[steps - 1]};
    if (last > first) runs[count++] = {.column = first, .line = last, .count = steps};
  }
  return count;
}

}  // namespace foxnn
