// Batches of few samples: their positions are the rows of a tile, because the samples would leave
// most of it empty.
#pragma once

#include "foxnn/layer.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/position_runs.hpp"

namespace foxnn {

/// The most samples that are few: with more, the samples fill half a tile, and its chains of sums
/// no longer wait for themselves.
template <class T>
index most_few() {
  return kernels<T>().tile_rows / 2;
}

/// Whether tiles of positions are fuller than those of samples.
template <class T>
bool goes_by_positions(index batch, const PositionRuns& runs, index positions) {
  return batch <= most_few<T>() && static_cast<index>(runs.all().size()) * batch < positions;
}

/// Rows that begin at a row and a panel, `step` panels apart.
template <class T>
Rows<T> every_panel(const Rows<T>& rows, index row, index panel, index step) {
  if (!rows.data) return rows;
  return {rows.at(row, panel), step * rows.panel, rows.panel};
}

/// The outputs of a sample at positions whose panels are `step` apart, as rows; the first of them
/// is in `panel`.
template <class T>
Outputs<T> positions_as_rows(const Outputs<T>& out, index sample, index panel, index step) {
  Outputs<T> rows = out;
  rows.y = every_panel(out.y, sample, panel, step);
  rows.slope = every_panel(out.slope, sample, panel, step);
  rows.mask = every_panel(out.mask, sample, panel, step);
  rows.dropped = every_panel(out.dropped, sample, panel, step);
  return rows;
}

}  // namespace foxnn
