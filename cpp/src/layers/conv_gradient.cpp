// The gradient of a convolution's weights and biases. Workers divide the lines of weights; each
// goes through some positions at a time, whose gradients stay in the cache for all of its lines.
#include <algorithm>
#include <optional>

#include "layers/conv.hpp"
#include "layers/stretches.hpp"

namespace foxnn {
namespace {

// The most rows of a tile, of any kernel set.
constexpr index kMostRows = 14;

}  // namespace

template <class T>
void Conv<T>::backward_parameters(Share share, index batch, const Back<T>& back,
                                  GradientSink<T>& sink, Scratch<T> scratch) const {
  if (back.lanes.y) return backward_parameters_in_lanes(share, batch, back, sink, scratch);
  // The lines of all blocks, one after the other, are divided between the workers.
  const index blocks = groups_ * blocks_of_group(), all = blocks * lines_;
  const index begin = share.first(all), end = share.last(all);
  T* const gathered = scratch.numbers + lines_ * kPanelWidth<T>;
  // A block that is a panel has its biases summed beside its first line, while the gradients of
  // outputs are in the cache.
  const bool sums_biases = has_bias_ && groups_ == 1;
  std::optional<WindowRows> rows;
  if (back.steps.x) rows.emplace(sequences(batch, back.steps, scratch));
  const bool in_pairs = !rows && multiplies_pairs(*back.x, back.delta) &&
                        Columns(this->input()).are_panels &&
                        group_channels_ >= kernels<T>().tile_rows;
  for (index task = begin; task < end && !scratch.leaves();) {
    alignas(64) T biases[2 * kPanelWidth<T>] = {};
    const index b = task / lines_;
    const bool is_pair = in_pairs && is_pair_of(group_filters_, b / 2 * 2 * kPanelWidth<T>);
    const index some = is_pair ? 2 : 1, from = b / some * some * lines_;
    const index to = std::min(end, from + some * lines_);
    const index g = from / lines_ / blocks_of_group(), own = from / lines_ % blocks_of_group();
    const Lines lines{block(g, own), some, (task - from) / some, (to - from) / some};
    const bool has_biases = sums_biases && lines.first == 0;
    std::fill_n(scratch.numbers, some * lines.size(), T(0));
    gradient_of_lines(lines, batch, *back.x, back.delta, rows ? &*rows : nullptr, scratch.numbers,
                      gathered, has_biases ? biases : nullptr);
    for (index i = 0; i < some; ++i) {
      const Block at = block(g, own + i);
      sink.take(weights_of(at) + lines.first * at.width, lines.size(),
                scratch.numbers + i * lines.size());
      if (has_biases) {
        sink.take(this->arrays().back().offset + at.first, kPanelWidth<T>,
                  biases + i * kPanelWidth<T>);
      }
    }
    task = to;
  }
  if (has_bias_ && !sums_biases) bias_gradient(share, batch, back, sink);
}

// gradient[blocks][lines][width] += d loss / d weights of some lines; and d loss / d biases, if
// they are asked for.
template <class T>
void Conv<T>::gradient_of_lines(const Lines& lines, index batch, const Rows<const T>& x,
                                const Rows<const T>& delta, const WindowRows* sequences,
                                T* gradient, T* gathered, T* biases) const {
  const Block& block = lines.block;
  const index outputs = this->output().shape.positions(), height = kernels<T>().tile_rows;
  for (index begin = 0; begin < outputs; begin += kPositions) {
    const index end = std::min(outputs, begin + kPositions);
    const Deltas deltas = deltas_of(block, begin, end, batch, delta, gathered);
    Errands errands = next_positions(lines, end, batch, x, delta);
    for (index line = lines.first, rows = 0; line < lines.last; line += rows) {
      // Tiles of nearly equal size, of the channels of one place and one panel if these are enough:
      // then their columns are neighbours.
      const index inside = line % group_channels_;
      const index channel = block.group * group_channels_ + inside;
      const index room =
          std::min(group_channels_ - inside, kPanelWidth<T> - channel % kPanelWidth<T>);
      const index rest = lines.last - line;
      const index left = group_channels_ < height ? rest : std::min(rest, room);
      rows = lines.blocks == 2 ? left : tile_height(left, height);
      T* const sums = gradient + (line - lines.first) * block.width;
      if (lines.blocks == 2) {
        add_pair_of_place({block, line, rows}, begin, end, batch, x, deltas, delta.panel, sums,
                          lines.size(), &errands);
      } else if (sequences) {
        add_tile_of_sequences({block, line, rows}, begin, end, *sequences, x, deltas, sums);
      } else {
        add_tile({block, line, rows}, begin, end, batch, x, deltas, sums, &errands);
      }
    }
    for (index p = begin; p < end && biases; ++p) {
      const index there = sequences ? sequences->with_output(p) : batch;
      if (there == 0) break;
      const T* const there_first = deltas.first + (p - begin) * deltas.step;
      for (index i = 0; i < lines.blocks; ++i) {
        kernels<T>().sum_rows(there, there_first + i * delta.panel, deltas.stride, block.width,
                              biases + i * kPanelWidth<T>, true);
      }
    }
  }
}

// The gradients of a block's outputs at some positions: as they are, or gathered, if the columns of
// a group begin or end within a panel.
template <class T>
auto Conv<T>::deltas_of(const Block& block, index begin, index end, index batch,
                        const Rows<const T>& delta, T* gathered) const -> Deltas {
  const Columns columns(this->output());
  const index filter = block.group * group_filters_ + block.first;
  if (is_aligned(filter, block.used)) {
    const index panels = columns.pitch / kPanelWidth<T>;
    const index first = columns.at(begin, filter) / kPanelWidth<T>;
    return {delta.at(0, first), delta.stride, panels * delta.panel};
  }
  const index size = batch * kPanelWidth<T>;
  std::fill_n(gathered, (end - begin) * size, T(0));
  for (index p = begin; p < end; ++p) {
    const Rows<T> target{gathered + (p - begin) * size, kPanelWidth<T>};
    each_run<T>(
        1, block.used, {.pitch = 0, .first = columns.at(p, filter)}, {},
        [&](index s, index t, index n) { copy_columns<T>(0, batch, delta, s, target, t, n); });
  }
  return {gathered, kPanelWidth<T>, size};
}

// What the products of some positions prefetch: the gradients of the outputs, and the inputs, that
// the positions from `begin` on read. From the third-level cache, the first tile would wait for
// them longer than it computes.
template <class T>
Errands Conv<T>::next_positions(const Lines& lines, index begin, index batch,
                                const Rows<const T>& x, const Rows<const T>& delta) const {
  const index outputs = this->output().shape.positions(),
              end = std::min(outputs, begin + kPositions);
  if (begin == end || x.stride != kPanelWidth<T> || delta.stride != kPanelWidth<T>) return {};
  const Columns from(this->input()), to(this->output());
  constexpr index kLines = kPanelBytes / kLineBytes, kWidth = kPanelWidth<T>;
  const index filter = lines.block.group * group_filters_ + lines.block.first;
  const index before = (lines.blocks - 1) * delta.panel / kWidth;
  Errands errands;
  errands.weights = Ahead(delta.at(0, to.at(begin, filter) / kWidth),
                          to.pitch / kWidth * delta.panel * index{sizeof(T)},
                          kLines * (before + batch), end - begin);
  // Of the inputs, those that the last place reads: earlier positions have read the others.
  const std::span<const Tap> first = window_.of_output(begin), last = window_.of_output(end - 1);
  if (first.empty() || last.empty()) return errands;
  const index panel = from.at(first.back().position, 0) / kWidth;
  const index next = from.at(last.back().position, from.channels - 1) / kWidth + 1;
  if (next <= panel) return errands;
  errands.rows = Ahead(x.at(0, panel), x.panel * index{sizeof(T)}, kLines * batch, next - panel);
  return errands;
}

// The columns of a tile within one place of the window at the positions that do not have it over
// the padding, and where their gradients are. Returns the number of these positions.
template <class T>
index Conv<T>::list_positions(const Tile& tile, index begin, index end, index panel, index step,
                              index* columns, index* places) const {
  const Columns from(this->input());
  const index place = tile.line / group_channels_;
  const index channel = tile.block.group * group_channels_ + tile.line % group_channels_;
  index positions = 0;
  for (index p = begin; p < end; ++p) {
    const Tap* tap = window_.of_output(p, place);
    if (!tap) continue;
    columns[positions] = offset_of<T>(from.at(tap->position, channel), panel);
    places[positions++] = (p - begin) * step;
  }
  return positions;
}

// Adds what some positions contribute to lines of two blocks, of one place and one panel.
template <class T>
void Conv<T>::add_pair_of_place(const Tile& tile, index begin, index end, index batch,
                                const Rows<const T>& x, const Deltas& deltas, index next, T* sums,
                                index part, Errands* errands) const {
  index columns[kPositions], places[kPositions];
  const index positions = list_positions(tile, begin, end, x.panel, deltas.step, columns, places);
  kernels<T>().add_products_pair(tile.rows, batch, positions, columns, places, x.data, deltas.first,
                                 next, sums, part, errands);
}

// Adds what some positions contribute to a tile.
template <class T>
void Conv<T>::add_tile(const Tile& tile, index begin, index end, index batch,
                       const Rows<const T>& x, const Deltas& deltas, T* sums,
                       Errands* errands) const {
  if (is_within_place(tile)) {
    return add_tile_of_place(tile, begin, end, batch, x, deltas, sums, errands);
  }
  // Positions at which the window lies within the sample wait until they can be added together; at
  // the others, lines over the padding are left out.
  index columns[kPositions * kMostRows], places[kPositions], waiting = 0;
  const auto add = [&](index first, index rows, index positions, const index* from,
                       const index* place) {
    kernels<T>().add_products(rows, batch, positions, from, rows, place, x.data, x.stride,
                              deltas.first, deltas.stride, tile.block.width,
                              sums + first * tile.block.width, errands);
  };
  for (index p = begin; p < end; ++p) {
    const index place = (p - begin) * deltas.step;
    index* const found = columns + waiting * tile.rows;
    Stretch ranges[kMostRows];  // of lines that are not over the padding
    const index count = lines_read(tile, p, 0, x.panel, found, ranges);
    if (count == 0) continue;
    if (ranges[0].count == tile.rows) {
      places[waiting++] = place;
      continue;
    }
    if (waiting > 0) add(0, tile.rows, waiting, columns, places);
    waiting = 0;
    for (index i = 0; i < count; ++i) {
      add(ranges[i].line, ranges[i].count, 1, found + ranges[i].line, &place);
    }
  }
  if (waiting > 0) add(0, tile.rows, waiting, columns, places);
}

// Whether the lines of a tile belong to one place of the window, and its channels to one panel.
template <class T>
bool Conv<T>::is_within_place(const Tile& tile) const {
  const index channel = tile.line % group_channels_;
  const index column = (tile.block.group * group_channels_ + channel) % kPanelWidth<T>;
  return Columns(this->input()).are_panels && channel + tile.rows <= group_channels_ &&
         column + tile.rows <= kPanelWidth<T>;
}

// The same for a tile whose columns are neighbours: either all of its lines are over the padding,
// or none.
template <class T>
void Conv<T>::add_tile_of_place(const Tile& tile, index begin, index end, index batch,
                                const Rows<const T>& x, const Deltas& deltas, T* sums,
                                Errands* errands) const {
  index columns[kPositions], places[kPositions];
  const index positions = list_positions(tile, begin, end, x.panel, deltas.step, columns, places);
  if (positions == 0) return;
  kernels<T>().add_products(tile.rows, batch, positions, columns, 1, places, x.data, x.stride,
                            deltas.first, deltas.stride, tile.block.width, sums, errands);
}

// The columns that the lines of a tile are multiplied with at an output position. Returns the
// number of ranges of lines, by `line` and `count`, that the window has within the sample.
template <class T>
index Conv<T>::lines_read(const Tile& tile, index position, index length, index panel,
                          index* columns, Stretch* ranges) const {
  const Columns from(this->input());
  index count = 0;
  each_tap_of_output(window_, position, length, [&](const Tap& tap) {
    const index start = tap.place * group_channels_, end = start + group_channels_;
    const index low = std::max(start, tile.line), high = std::min(end, tile.line + tile.rows);
    for (index line = low; line < high; ++line) {
      const index channel = tile.block.group * group_channels_ + line - start;
      columns[line - tile.line] = offset_of<T>(from.at(tap.position, channel), panel);
    }
    if (low >= high) return;
    Stretch* const last = count > 0 ? ranges + count - 1 : nullptr;
    if (last && last->line + last->count == low - tile.line) {
      last->count += high - low;
    } else {
      ranges[count++] = {.line = low - tile.line, .count = high - low};
    }
  });
  return count;
}

template <class T>
void Conv<T>::bias_gradient(Share share, index batch, const Back<T>& back,
                            GradientSink<T>& sink) const {
  const Rows<const T> delta = back.delta;
  const Columns columns(this->output());
  const index panels = panel_count<T>(filters_), positions = this->output().shape.positions();
  for (index q = share.first(panels); q < share.last(panels); ++q) {
    alignas(64) T sums[kPanelWidth<T>] = {};
    const index used = std::min(kPanelWidth<T>, filters_ - q * kPanelWidth<T>);
    for (index p = 0; p < positions; ++p) {
      const index panel = columns.at(p, 0) / kPanelWidth<T> + q;
      kernels<T>().sum_rows(rows_with(back.steps.y, p, batch), delta.at(0, panel), delta.stride,
                            rounded_up(used, kLineWidth<T>), sums, true);
    }
    sink.take(this->arrays().back().offset + q * kPanelWidth<T>, kPanelWidth<T>, sums);
  }
}

#define FOXNN_GRADIENT(T)                                                                          \
  template void Conv<T>::backward_parameters(Share, index, const Back<T>&, GradientSink<T>&,       \
                                             Scratch<T>) const;                                    \
  template void Conv<T>::gradient_of_lines(const Lines&, index, const Rows<const T>&,              \
                                           const Rows<const T>&, const WindowRows*, T*, T*, T*)    \
      const;                                                                                       \
  template auto Conv<T>::deltas_of(const Block&, index, index, index, const Rows<const T>&, T*)    \
      const -> Deltas;                                                                             \
  template index Conv<T>::list_positions(const Tile&, index, index, index, index, index*, index*)  \
      const;                                                                                       \
  template void Conv<T>::add_pair_of_place(const Tile&, index, index, index, const Rows<const T>&, \
                                           const Deltas&, index, T*, index, Errands*) const;       \
  template Errands Conv<T>::next_positions(const Lines&, index, index, const Rows<const T>&,       \
                                           const Rows<const T>&) const;                            \
  template void Conv<T>::add_tile(const Tile&, index, index, index, const Rows<const T>&,          \
                                  const Deltas&, T*, Errands*) const;                              \
  template bool Conv<T>::is_within_place(const Tile&) const;                                       \
  template void Conv<T>::add_tile_of_place(const Tile&, index, index, index, const Rows<const T>&, \
                                           const Deltas&, T*, Errands*) const;                     \
  template index Conv<T>::lines_read(const Tile&, index, index, index, index*, Stretch*) const;    \
  template void Conv<T>::bias_gradient(Share, index, const Back<T>&, GradientSink<T>&) const;
FOXNN_GRADIENT(float)
FOXNN_GRADIENT(double)
#undef FOXNN_GRADIENT

}  // namespace foxnn
