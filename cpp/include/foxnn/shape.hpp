// The shape of a sample, as users know it and as it is stored in a row of a batch.
#pragma once

#include <string>
#include <vector>

#include "foxnn/rows.hpp"

namespace foxnn {

/// A sample has positions along any number of axes, and channels at each position. A flat sample
/// has no axes, so it has one position.
struct Shape {
  std::vector<index> axes = {};
  index channels = 0;

  /// From the lengths of all axes, channels last. Throws std::invalid_argument if `lengths` is
  /// empty or a length is below 1.
  static Shape of(const std::vector<index>& lengths);

  bool is_flat() const { return axes.empty(); }
  index positions() const;
  /// The number of elements of a sample.
  index size() const { return positions() * channels; }
  /// The lengths of all axes, channels last.
  std::vector<index> lengths() const;
  /// "(28, 28, 1)", or "(10,)".
  std::string text() const;

  bool operator==(const Shape&) const = default;
};

/// The most numbers of a sample. The gaps of a layout make them at most 32 times as many, so that a
/// batch of millions can still be counted in bytes.
inline constexpr index kMostNumbers = index{1} << 31;

/// Where a sample's numbers are stored in a row of a batch: position by position, `pitch` columns
/// from one to the next. In a packed layout there are no gaps, as in a flat sample.
struct Layout {
  index positions = 1, channels = 0, pitch = 0;

  static Layout packed(const Shape& shape) { return {1, shape.size(), shape.size()}; }
  /// Each position begins a panel, so that it can be used as a separate batch (Rows::from_panel).
  template <class T>
  static Layout panels(const Shape& shape) {
    const index count = shape.positions();
    if (count == 1) return packed(shape);
    return {count, shape.channels, panel_count<T>(shape.channels) * kPanelWidth<T>};
  }

  /// The number of columns of a row, gaps included.
  index columns() const { return positions == 1 ? channels : positions * pitch; }
  bool is_packed() const { return positions == 1 || pitch == channels; }
  /// Whether both layouts store a sample of a given size in the same columns.
  bool is_like(const Layout& other) const {
    if (is_packed() && other.is_packed()) return true;
    return positions == other.positions && pitch == other.pitch && channels == other.channels;
  }
};

/// The shape and layout of a value that passes through a network.
struct Form {
  Shape shape;
  Layout layout;
};

}  // namespace foxnn
