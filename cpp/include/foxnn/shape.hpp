// The shape of a sample, as users know it and as it lies in a row of a batch.
#pragma once

#include <string>
#include <vector>

#include "foxnn/rows.hpp"

namespace foxnn {

/// A sample has some positions, in as many axes as it likes, and channels at each of them. A flat
/// sample has no axis: one position.
struct Shape {
  std::vector<index> axes = {};
  index channels = 0;

  /// From the lengths of all axes, the channels last. Throws std::invalid_argument where there are
  /// none, or one is below 1.
  static Shape of(const std::vector<index>& lengths);

  bool is_flat() const { return axes.empty(); }
  index positions() const;
  /// Numbers of a sample.
  index size() const { return positions() * channels; }
  /// The lengths of all axes, the channels last.
  std::vector<index> lengths() const;
  /// "(28, 28, 1)", or "(10,)".
  std::string text() const;

  bool operator==(const Shape&) const = default;
};

/// Where a sample's numbers stand in a row of a batch: position by position, `pitch` columns from
/// one to the next. Packed, they stand one behind the other, as a flat sample has them.
struct Layout {
  index positions = 1, channels = 0, pitch = 0;

  static Layout packed(const Shape& shape) { return {1, shape.size(), shape.size()}; }
  /// Each position begins a panel, so that it is a batch of its own (Rows::from_panel).
  template <class T>
  static Layout panels(const Shape& shape) {
    const index count = shape.positions();
    if (count == 1) return packed(shape);
    return {count, shape.channels, panel_count<T>(shape.channels) * kPanelWidth<T>};
  }

  /// Columns that a row takes, gaps included.
  index columns() const { return positions == 1 ? channels : positions * pitch; }
  bool is_packed() const { return positions == 1 || pitch == channels; }
  /// Whether numbers of a sample of one size stand in the same columns.
  bool is_like(const Layout& other) const {
    if (is_packed() && other.is_packed()) return true;
    return positions == other.positions && pitch == other.pitch && channels == other.channels;
  }
};

/// A value on its way through a network: what it is, and how it lies.
struct Form {
  Shape shape;
  Layout layout;
};

}  // namespace foxnn
