// What the products of a dense layer fetch ahead of their use.
#pragma once

#include "kernels/kernel_table.hpp"

namespace foxnn {

/// Up to this many weights (128 KB) stay in the second-level cache from one use to the next. If
/// there are more, the next panel is prefetched while the current one is multiplied.
template <class T>
constexpr index kNearWeights = (128 << 10) / static_cast<index>(sizeof(T));

/// Rows for the next tile, which another worker may have written.
template <class T>
Ahead rows_ahead(const Rows<const T>& x, index row, index rows, index columns) {
  if (rows <= 0 || x.stride != kPanelWidth<T>) return {};
  return {x.at(row), x.panel * static_cast<index>(sizeof(T)), rows * kPanelBytes / kLineBytes,
          panel_count<T>(columns)};
}

}  // namespace foxnn
