// How a batch is stored in memory, and how its work is divided between workers. This is all that
// the kernels know of the engine above them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace foxnn {

using index = std::ptrdiff_t;

/// One worker's share of the work. Work is divided by output: every number is computed by one
/// worker, in an order that does not depend on the number of workers.
struct Share {
  int worker = 0;
  int workers = 1;

  /// This worker's part [first, last) of n tasks. (Small steps are so short that every division
  /// matters.)
  index first(index n) const { return worker == 0 ? 0 : n * worker / workers; }
  index last(index n) const { return worker + 1 == workers ? n : n * (worker + 1) / workers; }
};

/// Bytes of one row of a panel, in weights and in batches: two AVX-512 registers, the B side of the
/// widest register tile.
inline constexpr index kPanelBytes = 128;
template <class T>
inline constexpr index kPanelWidth = kPanelBytes / static_cast<index>(sizeof(T));
/// The number of panels that `columns` columns take.
template <class T>
constexpr index panel_count(index columns) {
  return (columns + kPanelWidth<T> - 1) / kPanelWidth<T>;
}

/// A batch of rows. Its columns are stored in panels of kPanelWidth columns. Within a panel, rows
/// are `stride` elements apart; consecutive panels are `panel` elements apart. With a stride of
/// kPanelWidth the panels are compact, and a tile reads from a few adjacent pages. With a panel
/// distance of kPanelWidth the rows are contiguous, as users know them.
template <class T>
struct Rows {
  T* data = nullptr;
  index stride = 0;
  index panel = kPanelWidth<T>;
  /// For compact panels, if known: bit c of nonzero[p * panel / stride + row] says whether column c
  /// of panel p may be nonzero in the row.
  const std::uint32_t* nonzero = nullptr;

  T* at(index row, index p = 0) const { return data + p * panel + row * stride; }
  const std::uint32_t* nonzero_at(index row, index p) const {
    return nonzero ? nonzero + p * (panel / stride) + row : nullptr;
  }
  Rows from_row(index row) const { return {at(row), stride, panel, nonzero_at(row, 0)}; }
  Rows from_panel(index p) const { return {at(0, p), stride, panel, nonzero_at(0, p)}; }
  operator Rows<const T>() const { return {data, stride, panel, nonzero}; }
};

/// Neighbouring columns of a row, and the lines of weights that they are multiplied with: the first
/// of each, as offsets, and their number.
struct Stretch {
  index column = 0;
  index line = 0;
  index count = 0;
};

}  // namespace foxnn
