// How the work of a dense layer is divided between workers.
#pragma once

#include <algorithm>

#include "foxnn/rows.hpp"

namespace foxnn {

/// Calls f(panel, first row, last row) for a worker's share of the tiles of a (panels x rows) grid,
/// panel by panel. `unit` is the tile height.
template <class Function>
void each_share(Share share, index panels, index rows, index unit, const Function& f) {
  if (share.workers == 1) {
    for (index panel = 0; panel < panels; ++panel) f(panel, index{0}, rows);
    return;
  }
  const index tiles = (rows + unit - 1) / unit;
  index task = share.first(panels * tiles);
  const index last = share.last(panels * tiles);
  while (task < last) {
    const index panel = task / tiles, tile = task % tiles;
    const index count = std::min(tiles - tile, last - task);
    f(panel, tile * unit, std::min((tile + count) * unit, rows));
    task += count;
  }
}

/// Calls f(panel, row) for each unit of rows of a worker's share of the same grid, or f_pair(panel,
/// row) for two panels, both of the worker and among the first `whole`, of which it has all rows;
/// and f_last(panel) after the units of a panel with its first row.
template <class Function, class PairFunction, class LastFunction>
void each_unit_in_pairs(Share share, index panels, index whole, index rows, index unit,
                        const Function& f, const PairFunction& f_pair, const LastFunction& f_last) {
  const index tiles = (rows + unit - 1) / unit;
  index task = share.first(panels * tiles);
  const index last = share.last(panels * tiles);
  while (task < last) {
    const index panel = task / tiles, tile = task % tiles;
    if (tile == 0 && panel + 1 < whole && last - task >= 2 * tiles) {
      for (index row = 0; row < rows; row += unit) f_pair(panel, row);
      f_last(panel), f_last(panel + 1);
      task += 2 * tiles;
      continue;
    }
    const index count = std::min(tiles - tile, last - task);
    for (index i = tile; i < tile + count; ++i) f(panel, i * unit);
    if (tile == 0) f_last(panel);
    task += count;
  }
}

/// The first of the panels `first` to `last` that is in no pair, of which the first `whole` can be.
inline index first_single(index first, index last, index whole) {
  return first + std::max<index>(0, std::min(last, whole) - first) / 2 * 2;
}

/// Whether workers can be assigned whole panels without making one of them wait for long.
inline bool shares_panels(Share share, index panels) {
  return panels % share.workers == 0 || panels >= 8 * share.workers;
}

}  // namespace foxnn
