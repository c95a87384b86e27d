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

/// The same of panels by rows, but f_pair(panel) for two panels, both of a worker and among the
/// first `whole`, of which it has all rows.
template <class Function, class PairFunction>
void each_share_in_pairs(Share share, index panels, index whole, index rows, index unit,
                         const Function& f, const PairFunction& f_pair) {
  const index tiles = (rows + unit - 1) / unit;
  index task = share.first(panels * tiles);
  const index last = share.last(panels * tiles);
  while (task < last) {
    const index panel = task / tiles, tile = task % tiles;
    if (tile == 0 && panel + 1 < whole && last - task >= 2 * tiles) {
      f_pair(panel);
      task += 2 * tiles;
      continue;
    }
    const index count = std::min(tiles - tile, last - task);
    f(panel, tile * unit, std::min((tile + count) * unit, rows));
    task += count;
  }
}

/// Whether workers can be assigned whole panels without making one of them wait for long.
inline bool shares_panels(Share share, index panels) {
  return panels % share.workers == 0 || panels >= 8 * share.workers;
}

}  // namespace foxnn
