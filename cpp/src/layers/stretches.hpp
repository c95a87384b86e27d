// Lists of stretches: which columns of a row are multiplied with which lines of weights.
#pragma once

#include <algorithm>

#include "foxnn/rows.hpp"

namespace foxnn {

/// Where a column lies in a row whose panels are `panel` apart.
template <class T>
index offset_of(index column, index panel) {
  return column / kPanelWidth<T> * panel + column % kPanelWidth<T>;
}

/// Appends `count` columns and the lines that follow each other. A run ends with a panel, unless
/// panels follow each other; a run that goes on where the last one ends becomes a part of it.
/// Returns the new number of stretches.
template <class T>
index append_stretches(Stretch* stretches, index used, index column, index line, index count,
                       index panel) {
  const bool is_whole =
      panel == kPanelWidth<T> || column % kPanelWidth<T> + count <= kPanelWidth<T>;
  while (count > 0) {
    const index room = is_whole ? count : kPanelWidth<T> - column % kPanelWidth<T>;
    const index taken = std::min(count, room), offset = offset_of<T>(column, panel);
    Stretch* last = used > 0 ? stretches + used - 1 : nullptr;
    if (last && last->column + last->count == offset && last->line + last->count == line) {
      last->count += taken;
    } else {
      stretches[used++] = {offset, line, taken};
    }
    column += taken;
    line += taken;
    count -= taken;
  }
  return used;
}

}  // namespace foxnn
