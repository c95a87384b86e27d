// The arithmetic of recurrent layers through time, and where their numbers lie: forward and back
// through the steps, and the gradients of inputs and weights. The layer itself is in recurrent.hpp.
//
// A panel of a gate's weights holds kPanelWidth neighbouring units, as in a dense layer; the panels
// of all gates of these units follow each other, so that a cell has its gates together. Workers
// divide the samples, each of which goes through time by itself, without barriers.
//
// The gradient of the weights is a sum over samples and steps. If it is small compared with what is
// kept of the steps, each slice of samples adds up its own, and the slices' are added in their
// order: then a worker reads what it has written itself, and need not wait for lines that are in
// another core. Otherwise workers divide it by weights.
#pragma once

#include <algorithm>

#include "foxnn/layer.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"

namespace foxnn {

/// What a pass leaves of one direction and a group of rows for the backward pass: panels of
/// `height` rows. Of the gates, step by step; of the states, from that before the first step on.
template <class T>
struct KeptSteps {
  T *gates = nullptr, *h = nullptr, *c = nullptr, *squashed = nullptr;
  index height = 0;
};

/// The sizes of a recurrent layer, and where its numbers lie.
template <class T>
struct Recurrence {
  /// Offsets in the parameters of one direction's arrays.
  struct Arrays {
    index weights = 0, recurrent = 0, bias = -1, recurrent_bias = -1;  ///< -1: there is none
  };
  /// Rows of a slice, and the most slices, with which the rows grow: as many workers as a batch of
  /// samples may have, at a price of some memory.
  static constexpr index kSliceRows = 8, kMostSlices = 16;
  /// The most rows whose gates are computed one gate after the other, before the cell uses them: 16
  /// KB of four gates leave room for a panel of weights in the first-level cache. With 32, which
  /// two workers have of a batch of 64, one worker alone takes 4 % less time forward for 128 units,
  /// and two take 3 % more.
  static constexpr index kBand = 28;

  Cell cell = Cell::rnn;
  index steps = 0, channels = 0, units = 0;
  /// From the inputs of one step to those of the next: they lie in panels of their own, or follow
  /// each other, none of them across the border of a panel.
  index step_columns = 0;
  index directions = 1;
  bool reverse = false, sequences = false;
  Arrays arrays[2] = {};

  /// The gates that have weights.
  index gates() const { return cell == Cell::rnn ? 1 : cell == Cell::gru ? 3 : 4; }
  /// The numbers that are kept of them: of the GRU's new state, the part of h is one of its own.
  index kept_gates() const { return cell == Cell::rnn ? 1 : 4; }
  /// Where a gate's gradient is kept: of the GRU's new state, that by the products of h elsewhere.
  index gate_of(index gate, bool is_recurrent) const {
    return is_recurrent && cell == Cell::gru && gate == 2 ? 3 : gate;
  }
  /// Whether the gates of a step lie in panels as the columns of a product do. Its tiles do not
  /// fetch what is near, as those of stretches do: products of 128 units take 4 % less time.
  bool has_gates_in_panels() const {
    return gates() == kept_gates() && units % kPanelWidth<T> == 0;
  }
  bool has_memory() const { return cell == Cell::lstm; }
  bool is_backwards(index direction) const { return reverse != (direction == 1); }

  index blocks() const { return panel_count<T>(units); }
  index pitch() const { return rounded_up(units, kLineWidth<T>); }
  index width(index block) const { return width_of_panel<T>(units, block); }
  index used(index block) const { return std::min(kPanelWidth<T>, units - block * kPanelWidth<T>); }
  /// Where the panel of a block and a gate begins in an array of so many lines.
  index panel_of(index lines, index block, index gate) const {
    return lines * (gates() * block * kPanelWidth<T> + gate * width(block));
  }
  /// The columns of a row in panels: where one is, from the row's first number on.
  static index place_of(index column, index panel) {
    return column / kPanelWidth<T> * panel + column % kPanelWidth<T>;
  }
  /// Whether the inputs of a step lie in panels of their own.
  bool has_panels() const { return step_columns % kPanelWidth<T> == 0 || steps == 1; }
  /// Panels of values at one step.
  index panels_of_input() const { return panel_count<T>(channels); }
  index panels_of_output() const { return panel_count<T>(directions * units); }
  /// The column of a direction's outputs.
  index column_of(index direction) const { return direction * units; }
  /// Whether a block's outputs can be written, and their gradients read, as they lie in a panel.
  bool is_aligned(index direction) const {
    return column_of(direction) % kPanelWidth<T> == 0 && units % kLineWidth<T> == 0;
  }

  /// Rows of a panel in memory. Panels that begin in the same sets of the first-level cache would
  /// evict each other, so an unused row is between them.
  static constexpr index kPeriod = 4096 / kPanelBytes, kUnusedLines = 2;
  static index height(index batch) { return batch % kPeriod == 0 ? batch + 1 : batch; }
  /// Numbers of the gates of a step, and of a state. A gate's rows at one step and those at the
  /// next would often begin in the same sets of the first-level cache, as panels would: two unused
  /// rows are between them. The gradient of the weights reads many steps of a gate again and again.
  index gates_size(index rows) const {
    const index lines = kept_gates() * blocks() * rows;
    return (lines % kPeriod == 0 ? lines + kUnusedLines : lines) * kPanelWidth<T>;
  }
  index state_size(index rows) const { return blocks() * rows * kPanelWidth<T>; }
  /// Whether slices of samples have gradients of their own: if these have a quarter of the numbers
  /// of the gates at most.
  bool is_sliced() const { return (channels + units) * gates() <= 2 * steps * kept_gates(); }
  static index slice_rows(index batch) {
    constexpr index kWhole = kSliceRows * kMostSlices;
    return kSliceRows * std::max<index>(1, (batch + kWhole - 1) / kWhole);
  }
  static index slices(index batch) {
    const index rows = slice_rows(batch);
    return (batch + rows - 1) / rows;
  }
  /// Numbers of the gradient of a direction's weights, and of the sums of the gradients of gates.
  index weights_size() const { return (channels + units) * gates() * pitch(); }
  index biases_size() const { return kept_gates() * blocks() * kPanelWidth<T>; }
  index gradient_size() const { return rounded_up(weights_size(), kPanelWidth<T>) + biases_size(); }
  /// Numbers of the transposed weights of the inputs.
  index turned_size() const {
    return directions * gates() * pitch() * rounded_up(channels, kLineWidth<T>);
  }
  /// The states of a row that are kept: of all steps, and some from before the first.
  index kept_states() const { return has_memory() ? 3 * steps + 2 : steps + 1; }
  /// Numbers that are kept of a direction and so many rows.
  index kept_size(index rows) const {
    return steps * gates_size(height(rows)) + kept_states() * state_size(height(rows));
  }
  /// The rows that are kept together, through all steps: those of a slice, or all.
  index group_rows(index batch) const { return is_sliced() ? slice_rows(batch) : batch; }
  index groups(index batch) const { return is_sliced() ? slices(batch) : 1; }
  /// What is kept of a direction and a group. Its rows are addressed by their number in the batch.
  KeptSteps<T> kept(T* numbers, index direction, index group, index batch) const {
    const index rows = group_rows(batch);
    KeptSteps<T> found;
    found.height = height(rows);
    found.gates = numbers + (direction * groups(batch) + group) * kept_size(rows) -
                  group * rows * kPanelWidth<T>;
    found.h = found.gates + steps * gates_size(found.height);
    if (!has_memory()) return found;
    found.c = found.h + (steps + 1) * state_size(found.height);
    found.squashed = found.c + (steps + 1) * state_size(found.height);
    return found;
  }
  /// From what is kept of a direction to that of the next.
  index kept_distance(index batch) const { return groups(batch) * kept_size(group_rows(batch)); }
  /// The gradients of the slices of a direction, behind the steps of all.
  T* slices_of(T* numbers, index direction, index batch) const {
    return numbers + directions * kept_distance(batch) +
           direction * slices(batch) * gradient_size();
  }
  /// All numbers that are kept, of a smaller batch, too: it may have more slices, up to the most,
  /// and more unused rows.
  index all_kept(index batch) const {
    if (!is_sliced()) return directions * kept_size(batch);
    const index most = std::min(kMostSlices, (batch + kSliceRows - 1) / kSliceRows);
    const index rows = (batch + slice_rows(batch)) * (kPeriod + 1) / kPeriod + 1;
    const index of_row = steps * kept_gates() + kept_states();
    const index unused = steps * kUnusedLines * kPanelWidth<T>;
    return directions *
           (most * (gradient_size() + unused) + rows * of_row * blocks() * kPanelWidth<T>);
  }

  /// The first rows of a batch that have a step, up to `last`.
  index rows_at(const std::uint32_t* counts, index step, index last) const {
    return counts ? std::min(last, index{counts[step]}) : last;
  }
  /// The same for the step after, of which there is none at the end.
  index rows_after(const std::uint32_t* counts, index step, index first, index last) const {
    if (step + 1 == steps) return first;
    return std::max(first, rows_at(counts, step + 1, last));
  }
};

/// Rows that follow each other.
struct RowRange {
  index first = 0, last = 0;
};
/// A worker's rows: at most as many ranges as there are slices.
template <class T>
struct OwnRows {
  RowRange ranges[Recurrence<T>::kMostSlices];
  index count = 0;
  /// Adds rows behind those that are there.
  void add(RowRange rows) {
    if (rows.first >= rows.last) return;
    if (count > 0 && ranges[count - 1].last == rows.first) {
      ranges[count - 1].last = rows.last;
    } else {
      ranges[count++] = rows;
    }
  }
  const RowRange* begin() const { return ranges; }
  const RowRange* end() const { return ranges + count; }
};
/// Calls f(group, its rows) for the groups of some rows.
template <class T, class Function>
void each_group(const Recurrence<T>& shape, const OwnRows<T>& rows, index batch,
                const Function& f) {
  const index height = shape.group_rows(batch);
  for (const RowRange range : rows) {
    for (index row = range.first, last = row; row < range.last; row = last) {
      last = std::min(range.last, (row / height + 1) * height);
      f(row / height, RowRange{row, last});
    }
  }
}
/// The rows of a share: of about as many steps as those of the others. Whole slices if their steps
/// are kept, since a slice adds up its gradient alone.
template <class T>
OwnRows<T> rows_of(const Recurrence<T>& shape, Share share, index batch,
                   const std::uint32_t* counts, bool are_kept);

/// Scratch numbers that the functions below need, and stretches.
template <class T>
ScratchSize scratch_of(const Recurrence<T>& shape, index batch);

template <class T>
void forward_through_time(const Recurrence<T>& shape, const T* parameters, const OwnRows<T>& rows,
                          index batch, const Rows<const T>& x, const Outputs<T>& out,
                          const Scratch<T>& scratch);
/// Turns the gates that are kept into d loss / d their preactivations, and adds up the gradients of
/// slices.
template <class T>
void back_through_time(const Recurrence<T>& shape, const T* parameters, const OwnRows<T>& rows,
                       index batch, const Back<T>& back, const Scratch<T>& scratch);
template <class T>
void gradient_of_steps(const Recurrence<T>& shape, const T* parameters, const OwnRows<T>& rows,
                       index batch, const Back<T>& back, const Rows<T>& delta_below,
                       const typename Layer<T>::Below& below, const Scratch<T>& scratch);
/// Of one direction's weights by the slices of some rows.
template <class T>
void gradient_of_slices(const Recurrence<T>& shape, index direction, RowRange rows, index batch,
                        const Back<T>& back, const Scratch<T>& scratch);
template <class T>
void gradient_of_arrays(const Recurrence<T>& shape, Share share, index batch, const Back<T>& back,
                        GradientSink<T>& sink, const Scratch<T>& scratch);

}  // namespace foxnn
