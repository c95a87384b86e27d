// The columns of a batch: iterated panel by panel or position by position, and copied between
// layouts.
#pragma once

#include <algorithm>
#include <type_traits>

#include "foxnn/layer.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

constexpr index rounded_up(index n, index unit) { return (n + unit - 1) / unit * unit; }

/// Calls f(panel, width) for each panel of `columns` columns. Widths are padded to cache lines.
template <class T, class Function>
void each_panel(index columns, const Function& f) {
  const index padded = rounded_up(columns, kLineWidth<T>);
  for (index p = 0; p * kPanelWidth<T> < padded; ++p) {
    f(p, std::min(kPanelWidth<T>, padded - p * kPanelWidth<T>));
  }
}

/// Whether the panels of a batch follow each other without gaps: it has one row, in memory for one.
template <class T>
bool is_one_run(index batch, const Rows<T>& rows) {
  return batch == 1 && rows.panel == kPanelWidth<std::remove_const_t<T>>;
}

/// The columns of a panel that are used, padded to a line.
template <class T>
index width_of_panel(index columns, index panel) {
  return std::min(kPanelWidth<T>, rounded_up(columns, kLineWidth<T>) - panel * kPanelWidth<T>);
}

/// Calls f(first row, rows) for a worker's rows: for all of them at once, or in a step that may be
/// left, for parts of them (a thousand rows of a thousand columns take less than a millisecond)
/// until it is left.
template <class T, class Function>
void each_part(Share share, index batch, const Scratch<T>& scratch, const Function& f) {
  constexpr index kPart = 1024;
  const index end = share.last(batch), most = scratch.leaving ? kPart : batch;
  for (index row = share.first(batch); row < end && !scratch.leaves(); row += most) {
    f(row, std::min(most, end - row));
  }
}

/// The panels of a layer's neurons, which are padded to a line: where panel p begins, and its
/// width.
template <class T>
struct Panels {
  index padded;
  index count() const { return panel_count<T>(padded); }
  index column(index p) const { return p * kPanelWidth<T>; }
  index width(index p) const { return std::min(kPanelWidth<T>, padded - column(p)); }
};

/// Parts of a row with the same number of columns each: its positions, or longer parts.
struct Places {
  index count = 1, channels = 0, pitch = 0;

  /// The positions of a value.
  static Places positions_of(const Form& form) {
    const index channels = form.shape.channels;
    const bool has_gaps = form.layout.positions > 1;
    return {form.shape.positions(), channels, has_gaps ? form.layout.pitch : channels};
  }
  /// The longest parts without gaps: of a packed value, all of it.
  static Places parts_of(const Layout& layout) {
    return {layout.positions, layout.channels, layout.pitch};
  }
  /// The same parts in rows without gaps.
  Places packed() const { return {count, channels, channels}; }

  /// The rows of one part. Its numbers follow each other if it lies within a panel, or if rows are
  /// contiguous.
  template <class N>
  Rows<N> at(const Rows<N>& rows, index place) const {
    constexpr index kWidth = kPanelWidth<std::remove_const_t<N>>;
    const index column = place * pitch;
    return {rows.data + column / kWidth * rows.panel + column % kWidth, rows.stride, rows.panel};
  }
};

/// A range of channels at each position: the first channel, and the number of columns from one
/// position to the next.
struct Channels {
  index pitch = 0, first = 0;
};

/// Calls f(source column, target column, count) for runs of `count` columns. No run crosses a panel
/// boundary on either side; together they cover `channels` channels of each position.
template <class T, class Function>
void each_run(index positions, index channels, Channels from, Channels to, const Function& f) {
  for (index position = 0; position < positions; ++position) {
    index source = position * from.pitch + from.first, target = position * to.pitch + to.first;
    for (index left = channels; left > 0;) {
      const auto room = [](index column) { return kPanelWidth<T> - column % kPanelWidth<T>; };
      const index run = std::min({left, room(source), room(target)});
      f(source, target, run);
      source += run;
      target += run;
      left -= run;
    }
  }
}

/// Copies `count` columns, all within one panel on either side, for the given rows.
template <class T>
void copy_columns(index first_row, index rows, const Rows<const T>& from, index source,
                  const Rows<T>& to, index target, index count) {
  const T* a = from.at(first_row, source / kPanelWidth<T>) + source % kPanelWidth<T>;
  T* b = to.at(first_row, target / kPanelWidth<T>) + target % kPanelWidth<T>;
  for (index r = 0; r < rows; ++r, a += from.stride, b += to.stride) std::copy_n(a, count, b);
}

/// Copies values from the layout of `form` to contiguous rows.
template <class T>
void copy_values(const Form& form, index rows, const Rows<const T>& values, T* out) {
  const index size = form.shape.size();
  const bool packed = form.layout.is_packed();
  if (packed && values.panel == kPanelWidth<T>) {
    for (index r = 0; r < rows; ++r) std::copy_n(values.at(r), size, out + r * size);
    return;
  }
  each_run<T>(packed ? 1 : form.layout.positions, packed ? size : form.layout.channels,
              Channels{packed ? size : form.layout.pitch},
              Channels{packed ? size : form.layout.channels},
              [&](index source, index target, index count) {
                const T* from = values.at(0, source / kPanelWidth<T>) + source % kPanelWidth<T>;
                T* to = out + target;
                for (index r = 0; r < rows; ++r, from += values.stride, to += size) {
                  std::copy_n(from, count, to);
                }
              });
}

}  // namespace foxnn
