// A convolution over sequences of different lengths: at each position, the rows that read the same
// are the rows of a product. Every number is the same chain as for its sequence alone.
#include <algorithm>

#include "layers/columns.hpp"
#include "layers/conv.hpp"
#include "layers/stretches.hpp"

namespace foxnn {
namespace {

// The most rows of a tile, of any kernel set.
constexpr index kMostRows = 14;

}  // namespace

template <class T>
void Conv<T>::forward_sequences(Share share, index batch, const Rows<const T>& x,
                                const Outputs<T>& out, const Scratch<T>& scratch) const {
  const Columns columns(this->output());
  const WindowRows rows = sequences(batch, out.steps, scratch);
  const PositionRange own = own_positions(share, this->output().shape.positions(), out.steps.y);
  for (index p = own.first; p < own.last && !scratch.leaves(); ++p) {
    const index there = rows.with_output(p);
    if (there == 0) return;
    rows.each_of_output(p, [&](const ReadRun& run) { forward_position(p, run, x, out, scratch); });
    const index panel = columns.at(p, 0) / kPanelWidth<T>;
    each_panel<T>(filters_,
                  [&](index q, index width) { this->activate(there, width, 0, panel + q, out); });
  }
}

template <class T>
void Conv<T>::backward_input_sequences(Share share, index batch, const Back<T>& back,
                                       const Rows<T>& delta_below,
                                       const typename Layer<T>::Below& below,
                                       const Scratch<T>& scratch) const {
  const Columns columns(this->input());
  const WindowRows rows = sequences(batch, back.steps, scratch);
  // Where positions do not begin panels, their columns are finished together, row by row.
  const Share by_row = columns.are_panels ? Share{} : share;
  const Share places = columns.are_panels ? share : Share{};
  const index first = by_row.first(batch), last = by_row.last(batch);
  const PositionRange own = own_positions(places, this->input().shape.positions(), back.steps.x);
  for (index g = 0; g < groups_; ++g) {
    for (index channel = 0; channel < group_channels_; channel += kPanelWidth<T>) {
      transpose_weights(g, channel, scratch.numbers);
      for (index p = own.first; p < own.last; ++p) {
        if (scratch.leaves()) return;
        rows.each_of_input(p, false, [&](const ReadRun& run) {
          const index begin = std::max(first, run.first);
          const index end = std::min(last, run.first + run.rows);
          if (begin >= end) return;
          input_gradient(g, channel, p, {begin, end - begin, run.length}, back.delta,
                         scratch.numbers, delta_below, scratch);
        });
      }
    }
  }
  if (!columns.are_panels) {
    below.finish_rows(first, last - first, this->input().layout.columns(), delta_below);
    return;
  }
  for (index p = own.first; p < own.last; ++p) {
    const index panel = columns.at(p, 0) / kPanelWidth<T>, there = rows.with_input(p);
    if (there == 0) return;
    each_panel<T>(columns.channels, [&](index q, index width) {
      below.finish(0, there, panel + q, width, delta_below);
    });
  }
}

// Adds what some positions contribute to a tile of the gradient of the weights. Positions of which
// the same rows have what the tile reads are added together.
template <class T>
void Conv<T>::add_tile_of_sequences(const Tile& tile, index begin, index end,
                                    const WindowRows& rows, const Rows<const T>& x,
                                    const Deltas& deltas, T* sums) const {
  // Those that wait, and the next one.
  index columns[(kPositions + 1) * kMostRows], places[kPositions], waiting = 0, together = 0;
  const auto add = [&](const ReadRun& run, index line, index lines, index positions,
                       const index* from, index step, const index* place) {
    kernels<T>().add_products(lines, run.rows, positions, from, step, place, x.at(run.first),
                              x.stride, deltas.first + run.first * deltas.stride, deltas.stride,
                              tile.block.width, sums + line * tile.block.width, nullptr);
  };
  if (is_within_place(tile) && window_.along().is_aligned()) {
    // All lines of the tile are of one input position.
    const Columns from(this->input());
    const index channel = tile.block.group * group_channels_ + tile.line % group_channels_;
    const auto add_waiting = [&] {
      if (waiting > 0) add({0, together}, 0, tile.rows, waiting, columns, 1, places);
      waiting = 0;
    };
    for (index p = begin; p < end && rows.with_output(p) > 0; ++p) {
      const Tap* const tap = window_.of_output(p, tile.line / group_channels_);
      if (!tap) continue;
      const index there = std::min(rows.with_output(p), rows.with_input(tap->position));
      if (there != together) add_waiting();
      together = there;
      if (there == 0) continue;
      columns[waiting] = offset_of<T>(from.at(tap->position, channel), x.panel);
      places[waiting++] = (p - begin) * deltas.step;
    }
    return add_waiting();
  }
  const auto add_waiting = [&] {
    if (waiting > 0) add({0, together}, 0, tile.rows, waiting, columns, tile.rows, places);
    waiting = 0;
  };
  for (index p = begin; p < end && rows.with_output(p) > 0; ++p) {
    const index place = (p - begin) * deltas.step;
    rows.each_of_output(p, [&](const ReadRun& run) {
      Stretch ranges[kMostRows];  // of lines that are not beyond the ends
      index* const found = columns + waiting * tile.rows;
      const index count = lines_read(tile, p, run.length, x.panel, found, ranges);
      const bool is_whole = count == 1 && ranges[0].count == tile.rows;
      if (is_whole && run.first == 0) {
        if (waiting > 0 && run.rows != together) {
          add_waiting();
          std::copy_n(found, tile.rows, columns);
        }
        places[waiting++] = place;
        together = run.rows;
        return;
      }
      add_waiting();
      for (index i = 0; i < count; ++i) {
        add(run, ranges[i].line, ranges[i].count, 1, found + ranges[i].line, ranges[i].count,
            &place);
      }
    });
  }
  add_waiting();
}

#define FOXNN_SEQUENCES(T)                                                                        \
  template void Conv<T>::forward_sequences(Share, index, const Rows<const T>&, const Outputs<T>&, \
                                           const Scratch<T>&) const;                              \
  template void Conv<T>::backward_input_sequences(Share, index, const Back<T>&, const Rows<T>&,   \
                                                  const Layer<T>::Below&, const Scratch<T>&)      \
      const;                                                                                      \
  template void Conv<T>::add_tile_of_sequences(const Tile&, index, index, const WindowRows&,      \
                                               const Rows<const T>&, const Deltas&, T*) const;
FOXNN_SEQUENCES(float)
FOXNN_SEQUENCES(double)
#undef FOXNN_SEQUENCES

}  // namespace foxnn
