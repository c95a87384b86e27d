// The backward pass of a depthwise convolution. Workers divide the input positions between them,
// and of the parameters' gradient the lines of channels and the places of the window.
#include <algorithm>

#include "layers/columns.hpp"
#include "layers/depthwise.hpp"
#include "layers/depthwise_rows.hpp"

namespace foxnn {
namespace {

// What the planes of a block of samples may take: half of a second-level cache.
constexpr index kStagedBytes = 512 << 10;

// The most rows of a tile, of any kernel set.
constexpr index kMostRows = 14;

}  // namespace

// Samples whose gradients are spread into planes at once, if a channel has several filters.
template <class T>
index Depthwise<T>::staged_rows(index batch) const {
  const index row = positions_out() * multiplier_ * kPanelBytes;
  return std::clamp<index>(kStagedBytes / row, 1, std::clamp<index>(batch, 1, kBlockRows));
}

template <class T>
void Depthwise<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                  const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                  Scratch<T> scratch) const {
  const bool is_direct = multiplier_ == 1;
  const Rows<T>& delta = back.delta;
  const index most = is_direct ? kBlockRows : staged_rows(batch);
  const index skip = is_direct ? delta.stride : kPanelWidth<T>;
  const index plane = most * kPanelWidth<T>;
  const std::optional<WindowRows> sequence_rows = sequences(batch, back.steps, scratch);
  // Positions are divided evenly: `stage` spreads what a worker's share of them is read by.
  for (index q = 0; q < panels(); ++q) {
    const Panel at = panel(q);
    for (index row = 0; row < batch; row += most) {
      const index end = std::min(batch, row + most);
      if (!is_direct) stage(share, at, row, end - row, delta, scratch.numbers, plane);
      const auto compute = [&](index p, index length, index first, index rows) {
        index taps = 0;
        each_tap_of_input(window_, p, length, [&](const Tap& tap) {
          for (index which = 0; which < multiplier_; ++which) {
            const index from = is_direct ? (tap.position * output_panels() + q) * delta.panel
                                         : (tap.position * multiplier_ + which) * plane;
            scratch.stretches[taps++] = {.column = from, .line = tap.place * multiplier_ + which};
          }
        });
        const index panel = p * panels() + q;
        kernels<T>().multiply_taps(
            rows, scratch.stretches, taps,
            is_direct ? delta.at(first) : scratch.numbers + (first - row) * kPanelWidth<T>, skip,
            at.weights, at.width, at.width, nullptr, delta_below.at(first, panel),
            delta_below.stride);
        below.finish(first, rows, panel, at.width, delta_below);
      };
      for (index p = share.first(positions_in()); p < share.last(positions_in()); ++p) {
        if (scratch.leaves()) return;
        if (!sequence_rows) {
          compute(p, 0, row, end - row);
          continue;
        }
        sequence_rows->each_of_input(p, false, [&](const ReadRun& run) {
          const index first = std::max(row, run.first), last = std::min(end, run.first + run.rows);
          if (first < last) compute(p, run.length, first, last - first);
        });
      }
    }
  }
}

// Spreads the gradients of some samples, at the output positions that the worker's input positions
// are read by, into planes [position][which][sample][channel].
template <class T>
void Depthwise<T>::stage(Share share, const Panel& panel, index row, index rows,
                         const Rows<T>& delta, T* planes, index plane) const {
  index first = positions_out(), last = 0;
  const Along& along = window_.along();
  // Where the padding depends on the length, shorter sequences are read a little earlier or later.
  const index more = along.is_aligned() ? 0 : 1;
  for (index p = share.first(positions_in()); p < share.last(positions_in()); ++p) {
    const std::span<const Tap> taps = window_.of_input(p);
    for (const Tap& tap : taps) {
      first = std::min(first, std::max<index>(0, index{tap.position} - more));
      last = std::max(last, std::min(positions_out(), index{tap.position} + 1 + more));
    }
  }
  for (index p = first; p < last; ++p) {
    const Block<const T> from{delta.at(row, p * output_panels() + panel.first_output), delta.stride,
                              delta.panel};
    spread(panel, rows, from, planes + p * multiplier_ * plane, plane);
  }
}

template <class T>
void Depthwise<T>::backward_parameters(Share share, index batch, const Back<T>& back,
                                       GradientSink<T>& sink, Scratch<T> scratch) const {
  // Lines of channels, and in each the places of the window, are divided between the workers. Both
  // lines of a panel go together if a worker has them.
  constexpr index kLines = kPanelWidth<T> / kLineWidth<T>;
  const index places = window_.places();
  const index all = rounded_up(channels_, kLineWidth<T>) / kLineWidth<T> * places;
  const index end = share.last(all);
  T* const sums = scratch.numbers;
  T* const of_bias = sums + places * multiplier_ * kPanelWidth<T>;
  T* const planes = of_bias + multiplier_ * kPanelWidth<T>;
  const std::optional<WindowRows> rows = sequences(batch, back.steps, scratch);
  for (index task = share.first(all); task < end && !scratch.leaves();) {
    const index line = task / places, column = line % kLines * kLineWidth<T>;
    Part part{line / kLines, column, kLineWidth<T>, task % places, 0};
    const index width = width_of(part.panel);
    if (task % (kLines * places) == 0 && end - task >= width / kLineWidth<T> * places) {
      part.width = width;
      part.last = places;
    } else {
      part.last = std::min(places, part.first + end - task);
    }
    gradient_of_part(part, batch, *back.x, back.delta, rows ? &*rows : nullptr, sums, of_bias,
                     planes);
    take(part, sums, of_bias, sink);
    task += (part.last - part.first) * (part.width / kLineWidth<T>);
  }
}

// sums[place][which][width], and of the first place of_bias[which][panel].
template <class T>
void Depthwise<T>::gradient_of_part(const Part& part, index batch, const Rows<const T>& x,
                                    const Rows<const T>& delta, const WindowRows* sequences,
                                    T* sums, T* of_bias, T* planes) const {
  const index line = multiplier_ * part.width, height = kernels<T>().tile_rows;
  std::fill_n(sums, (part.last - part.first) * line, T(0));
  std::fill_n(of_bias, multiplier_ * kPanelWidth<T>, T(0));
  const index most = std::max<index>(1, kPositions / multiplier_);
  for (index begin = 0; begin < positions_out(); begin += most) {
    const index end = std::min(positions_out(), begin + most);
    const Deltas deltas = deltas_of(part, begin, end, batch, delta, planes);
    for (index which = 0; which < multiplier_; ++which) {
      const T* const plane = deltas.first + which * deltas.plane;
      for (index place = part.first, taps = 0; place < part.last; place += taps) {
        taps = tile_height(part.last - place, height);
        Part tile = part;
        tile.first = place;
        tile.last = place + taps;
        T* const own = sums + (place - part.first) * line + which * part.width;
        if (sequences) {
          add_tile_of_sequences(tile, begin, end, *sequences, x, plane, deltas, own);
        } else {
          add_tile(tile, begin, end, batch, x, plane, deltas, own);
        }
      }
      for (index p = begin; p < end && part.first == 0; ++p) {
        const index there = sequences ? sequences->with_output(p) : batch;
        if (there == 0) break;
        kernels<T>().sum_rows(there, plane + (p - begin) * deltas.step, deltas.stride, part.width,
                              of_bias + which * kPanelWidth<T>, true);
      }
    }
  }
}

template <class T>
auto Depthwise<T>::deltas_of(const Part& part, index begin, index end, index batch,
                             const Rows<const T>& delta, T* planes) const -> Deltas {
  const Panel at = panel(part.panel);
  if (multiplier_ == 1) {
    return {delta.at(0, begin * output_panels() + part.panel) + part.column, delta.stride, 0,
            output_panels() * delta.panel};
  }
  const index plane = batch * kPanelWidth<T>, step = multiplier_ * plane;
  for (index p = begin; p < end; ++p) {
    const Block<const T> from{delta.at(0, p * output_panels() + at.first_output), delta.stride,
                              delta.panel};
    spread(at, batch, from, planes + (p - begin) * step, plane);
  }
  return {planes + part.column, kPanelWidth<T>, plane, step};
}

// What an output position reads at the places of a part.
template <class T>
void Depthwise<T>::places_read(const Part& part, index position, index length, index panel,
                               PlacesRead& found) const {
  found.count = 0;
  each_tap_of_output(window_, position, length, [&](const Tap& tap) {
    const index t = index{tap.place} - part.first;
    if (t < 0 || t >= part.last - part.first) return;
    found.columns[t] = (tap.position * panels() + part.panel) * panel + part.column;
    Stretch* const last = found.count > 0 ? found.ranges + found.count - 1 : nullptr;
    if (last && last->line + last->count == t) {
      ++last->count;
    } else {
      found.ranges[found.count++] = {.line = t, .count = 1};
    }
  });
}

// The same as add_tile over sequences of different lengths.
template <class T>
void Depthwise<T>::add_tile_of_sequences(const Part& part, index begin, index end,
                                         const WindowRows& rows, const Rows<const T>& x,
                                         const T* delta, const Deltas& deltas, T* sums) const {
  const index line = multiplier_ * part.width;
  index columns[kMostRows];
  Stretch ranges[kMostRows];
  PlacesRead found{.ranges = ranges, .columns = columns};
  for (index p = begin; p < end && rows.with_output(p) > 0; ++p) {
    const index place = (p - begin) * deltas.step;
    rows.each_of_output(p, [&](const ReadRun& run) {
      places_read(part, p, run.length, x.panel, found);
      for (index i = 0; i < found.count; ++i) {
        const index first = ranges[i].line;
        kernels<T>().add_taps(ranges[i].count, run.rows, 1, columns + first, &place,
                              x.at(run.first), x.stride, delta + run.first * deltas.stride,
                              deltas.stride, part.width, sums + first * line, line);
      }
    });
  }
}

// Adds what some positions contribute to a few places. Positions at which the window lies within
// the sample wait until they can be added together; at the others, places over the padding are left
// out.
template <class T>
void Depthwise<T>::add_tile(const Part& part, index begin, index end, index batch,
                            const Rows<const T>& x, const T* delta, const Deltas& deltas,
                            T* sums) const {
  const index taps = part.last - part.first, line = multiplier_ * part.width;
  index columns[kPositions * kMostRows], places[kPositions], waiting = 0;
  const auto add = [&](index first, index rows, index positions, const index* from,
                       const index* place) {
    kernels<T>().add_taps(rows, batch, positions, from, place, x.data, x.stride, delta,
                          deltas.stride, part.width, sums + first * line, line);
  };
  const auto add_waiting = [&] {
    if (waiting > 0) add(0, taps, waiting, columns, places);
    waiting = 0;
  };
  for (index p = begin; p < end; ++p) {
    const index place = (p - begin) * deltas.step;
    index* const found = columns + waiting * taps;
    Stretch ranges[kMostRows];  // of places that are not over the padding
    PlacesRead read{.ranges = ranges, .columns = found};
    places_read(part, p, 0, x.panel, read);
    const index count = read.count;
    if (count == 1 && ranges[0].count == taps) {
      places[waiting++] = place;
      continue;
    }
    if (count == 0) continue;
    add_waiting();
    for (index i = 0; i < count; ++i) {
      add(ranges[i].line, ranges[i].count, 1, found + ranges[i].line, &place);
    }
  }
  add_waiting();
}

// Passes a part's sums to the sink, with zeros in the lanes of channels that there are not.
template <class T>
void Depthwise<T>::take(const Part& part, T* sums, T* of_bias, GradientSink<T>& sink) const {
  const index channel = part.panel * kPanelWidth<T> + part.column;
  const index used = std::min(part.width, channels_ - channel);
  const index lines = (part.last - part.first) * multiplier_, width = width_of(part.panel);
  for (index l = 0; l < lines; ++l) {
    std::fill_n(sums + l * part.width + used, part.width - used, T(0));
  }
  const index offset = part.panel * kPanelWidth<T> * window_.places() * multiplier_ +
                       part.first * multiplier_ * width + part.column;
  if (part.width == width) {
    sink.take(offset, lines * width, sums);
  } else {
    for (index l = 0; l < lines; ++l) {
      sink.take(offset + l * width, part.width, sums + l * part.width);
    }
  }
  if (!has_bias_ || part.first > 0) return;
  // In the order of the filters; what was in `sums` is taken.
  const index filter = channel * multiplier_, filters = used * multiplier_;
  const index count = rounded_up(filters, kLineWidth<T>);
  std::fill_n(sums, count, T(0));
  for (index f = 0; f < filters; ++f) {
    sums[f] = of_bias[f % multiplier_ * kPanelWidth<T> + f / multiplier_];
  }
  sink.take(this->arrays().back().offset + filter, count, sums);
}

#define FOXNN_BACKWARD(T)                                                                          \
  template index Depthwise<T>::staged_rows(index) const;                                           \
  template void Depthwise<T>::backward_input(Share, index, index, const Back<T>&, const Rows<T>&,  \
                                             const Layer<T>::Below&, Scratch<T>) const;            \
  template void Depthwise<T>::stage(Share, const Panel&, index, index, const Rows<T>&, T*, index)  \
      const;                                                                                       \
  template void Depthwise<T>::backward_parameters(Share, index, const Back<T>&, GradientSink<T>&,  \
                                                  Scratch<T>) const;                               \
  template void Depthwise<T>::gradient_of_part(const Part&, index, const Rows<const T>&,           \
                                               const Rows<const T>&, const WindowRows*, T*, T*,    \
                                               T*) const;                                          \
  template void Depthwise<T>::places_read(const Part&, index, index, index, PlacesRead&) const;    \
  template void Depthwise<T>::add_tile_of_sequences(const Part&, index, index, const WindowRows&,  \
                                                    const Rows<const T>&, const T*, const Deltas&, \
                                                    T*) const;                                     \
  template Depthwise<T>::Deltas Depthwise<T>::deltas_of(const Part&, index, index, index,          \
                                                        const Rows<const T>&, T*) const;           \
  template void Depthwise<T>::add_tile(const Part&, index, index, index, const Rows<const T>&,     \
                                       const T*, const Deltas&, T*) const;                         \
  template void Depthwise<T>::take(const Part&, T*, T*, GradientSink<T>&) const;
FOXNN_BACKWARD(float)
FOXNN_BACKWARD(double)
#undef FOXNN_BACKWARD

}  // namespace foxnn
