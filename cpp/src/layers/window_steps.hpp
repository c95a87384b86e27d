// Windows over sequences of different lengths. The rows of a batch that read the same positions are
// computed together: nothing beyond the end of a sequence is read, as nothing over the padding is.
#pragma once

#include <algorithm>
#include <span>

#include "layers/step_rows.hpp"
#include "layers/window.hpp"

namespace foxnn {

/// Rows that read the same at a position: those of one length, or all those that read as a sequence
/// of the planned length does (a length of 0).
struct ReadRun {
  index first = 0, rows = 0;
  index length = 0;
};

/// Calls f(tap) for what an output position reads in rows of this length, by place.
template <class Function>
void each_tap_of_output(const Window& window, index position, index length, const Function& f) {
  if (length > 0) return window.along().each_read(position, length, f);
  for (const Tap& tap : window.of_output(position)) f(tap);
}
/// The same for the output positions that read an input position.
template <class Function>
void each_tap_of_input(const Window& window, index position, index length, const Function& f) {
  if (length > 0) return window.along().each_reader(position, length, f);
  for (const Tap& tap : window.of_input(position)) f(tap);
}

/// The rows of a batch, for a window over them.
class WindowRows {
 public:
  /// `memory` must hold as many stretches as the batch has rows.
  WindowRows(const Window& window, index batch, const StepRows& steps, Stretch* memory)
      : window_(window), batch_(batch), steps_(steps) {
    const index positions = window.along().input;
    lengths_ = {memory, static_cast<std::size_t>(list_lengths(steps.x, positions, memory))};
  }

  index with_output(index position) const { return rows_with(steps_.y, position, batch_); }
  index with_input(index position) const { return rows_with(steps_.x, position, batch_); }

  /// Calls f(run) for the rows that have an output position.
  template <class Function>
  void each_of_output(index position, const Function& f) const {
    const index rows = with_output(position);
    index together = window_.along().is_aligned() ? rows : 0;
    for (const Tap& tap : window_.of_output(position)) {
      together = std::min(together, with_input(tap.position));
    }
    each(rows, together, f);
  }
  /// The same for an input position. `counts`: rows are together only if the windows over the
  /// position are of the planned size.
  template <class Function>
  void each_of_input(index position, bool counts, const Function& f) const {
    const index rows = with_input(position);
    index together = window_.along().is_aligned() ? rows : 0;
    for (const Tap& tap : window_.of_input(position)) {
      together = std::min(together, with_output(tap.position));
      if (!counts || together == 0) continue;
      for (const Tap& read : window_.of_output(tap.position)) {
        together = std::min(together, with_input(read.position));
      }
    }
    each(rows, together, f);
  }

 private:
  template <class Function>
  void each(index rows, index together, const Function& f) const {
    if (together > 0) f(ReadRun{0, together, 0});
    for (const Stretch& run : lengths_) {
      const index first = std::max(run.column, together), last = std::min(run.line, rows);
      if (first < last) f(ReadRun{first, last - first, run.count});
    }
  }

  const Window& window_;
  index batch_;
  StepRows steps_;
  std::span<const Stretch> lengths_;
};

}  // namespace foxnn
