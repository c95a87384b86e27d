// The gradient of a convolution's inputs: the product of the outputs' gradients with the transposed
// weights. Workers divide the input positions between them.
#include <algorithm>

#include "layers/conv.hpp"
#include "layers/stretches.hpp"

namespace foxnn {

template <class T>
void Conv<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                             const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                             Scratch<T> scratch) const {
  if (back.lanes.y) {
    return backward_input_in_lanes(share, batch, back, delta_below, below, scratch);
  }
  if (back.steps.x) {
    return backward_input_sequences(share, batch, back, delta_below, below, scratch);
  }
  const Columns columns(this->input());
  const index positions = this->input().shape.positions();
  // Where positions do not begin panels, their columns are finished together, row by row.
  const Share rows = columns.are_panels ? Share{} : share;
  const Share places = columns.are_panels ? share : Share{};
  const index first = rows.first(batch), last = rows.last(batch);
  // A panel that has channels of one group alone is finished as soon as it is there, while it is in
  // the first-level cache.
  const bool at_once = columns.are_panels && groups_ == 1;
  const bool in_pairs = columns.are_panels && multiplies_pairs(back.delta, delta_below);
  const index step = transposed_channels(), size = weights_of_channels(kPanelWidth<T>);
  for (index g = 0; g < groups_; ++g) {
    for (index begin = 0; begin < group_channels_; begin += step) {
      const index end = std::min(group_channels_, begin + step);
      const auto weights = [&](index channel) {
        return scratch.numbers + (channel - begin) / kPanelWidth<T> * size;
      };
      for (index channel = begin; channel < end; channel += kPanelWidth<T>) {
        transpose_weights(g, channel, weights(channel));
      }
      for (index p = places.first(positions); p < places.last(positions); ++p) {
        if (scratch.leaves()) return;
        const auto finish = [&](index channel) {
          if (!at_once) return;
          below.finish(0, batch, columns.at(p, channel) / kPanelWidth<T>,
                       width_of_panel<T>(group_channels_, channel / kPanelWidth<T>), delta_below);
        };
        for (index channel = begin; channel < end; channel += kPanelWidth<T>) {
          if (in_pairs && is_pair(end, channel, window_.places() * group_filters_)) {
            input_gradient_pair(channel, p, {first, last - first}, back.delta, weights(channel),
                                delta_below, scratch);
            finish(channel);
            channel += kPanelWidth<T>;
          } else {
            input_gradient(g, channel, p, {first, last - first}, back.delta, weights(channel),
                           delta_below, scratch);
          }
          finish(channel);
        }
      }
    }
  }
  if (at_once) return;
  if (!columns.are_panels) {
    below.finish_rows(first, last - first, this->input().layout.columns(), delta_below);
    return;
  }
  for (index p = places.first(positions); p < places.last(positions); ++p) {
    const index panel = columns.at(p, 0) / kPanelWidth<T>;
    each_panel<T>(columns.channels, [&](index q, index width) {
      below.finish(0, batch, panel + q, width, delta_below);
    });
  }
}

// Numbers of a group's transposed weights, of so many channels.
template <class T>
index Conv<T>::weights_of_channels(index channels) const {
  return window_.places() * group_filters_ * rounded_up(channels, kPanelWidth<T>);
}

// Channels whose weights are transposed together, so that the gradients of a position are read
// once: all of a group's, if their weights leave most of the second-level cache to the samples, or
// else a pair of panels.
template <class T>
index Conv<T>::transposed_channels() const {
  constexpr index kMost = (64 << 10) / index{sizeof(T)};
  if (weights_of_channels(group_channels_) <= kMost) return group_channels_;
  const bool has_pairs = kernels<T>().multiply_stretches_pair && groups_ == 1 &&
                         is_pair(group_channels_, 0, window_.places() * group_filters_);
  return has_pairs ? 2 * kPanelWidth<T> : kPanelWidth<T>;
}

// The weights of a group from a panel of its channels: [place][filter][channel].
template <class T>
void Conv<T>::transpose_weights(index group, index channel, T* transposed) const {
  const index channels = std::min(kPanelWidth<T>, group_channels_ - channel);
  const index width = rounded_up(channels, kLineWidth<T>);
  for (index b = 0; b < blocks_of_group(); ++b) {
    const Block at = block(group, b);
    for (index place = 0; place < window_.places(); ++place) {
      const index line = place * group_channels_ + channel;
      kernels<T>().transpose(channels, at.used,
                             this->parameters() + weights_of(at) + line * at.width, at.width,
                             transposed + (place * group_filters_ + at.first) * width, width);
    }
  }
}

// The columns of the outputs' gradients that an input position reads, with their lines of a
// group's transposed weights. Returns the number of stretches.
template <class T>
index Conv<T>::list_gradients(index group, index position, const ReadRun& run,
                              const Rows<const T>& delta, Stretch* stretches) const {
  const Columns from(this->output());
  index count = 0;
  each_tap_of_input(window_, position, run.length, [&](const Tap& tap) {
    count = append_stretches<T>(stretches, count, from.at(tap.position, group * group_filters_),
                                tap.place * group_filters_, group_filters_, delta.panel);
  });
  return count;
}

// d loss / d inputs for two panels of channels, of one group alone, at an input position, for some
// rows.
template <class T>
void Conv<T>::input_gradient_pair(index channel, index position, const ReadRun& run,
                                  const Rows<const T>& delta, const T* weights,
                                  const Rows<T>& delta_below, const Scratch<T>& scratch) const {
  const index count = list_gradients(0, position, run, delta, scratch.stretches);
  const index next = weights_of_channels(kPanelWidth<T>);
  const index panel = Columns(this->input()).at(position, channel) / kPanelWidth<T>;
  kernels<T>().multiply_stretches_pair(run.rows, scratch.stretches, count, delta.at(run.first),
                                       weights, next, nullptr, delta_below.at(run.first, panel),
                                       delta_below.panel);
}

// d loss / d inputs for up to a panel of a group's channels at an input position, for some rows.
template <class T>
void Conv<T>::input_gradient(index group, index channel, index position, const ReadRun& run,
                             const Rows<const T>& delta, const T* weights,
                             const Rows<T>& delta_below, Scratch<T> scratch) const {
  const Columns to(this->input());
  const index first = run.first, last = run.first + run.rows;
  const index count = list_gradients(group, position, run, delta, scratch.stretches);
  const index channels = std::min(kPanelWidth<T>, group_channels_ - channel);
  const index width = rounded_up(channels, kLineWidth<T>);
  const index column = to.at(position, group * group_channels_ + channel);
  const T* const a = delta.at(first);
  if (to.are_panels && is_aligned(group * group_channels_ + channel, channels)) {
    kernels<T>().multiply_stretches(
        last - first, scratch.stretches, count, a, delta.stride, weights, width, nullptr,
        delta_below.at(first, column / kPanelWidth<T>), delta_below.stride);
    return;
  }
  T* const sums = scratch.numbers + weights_of_channels(transposed_channels());
  kernels<T>().multiply_stretches(last - first, scratch.stretches, count, a, delta.stride, weights,
                                  width, nullptr, sums, kPanelWidth<T>);
  const Rows<T> target = delta_below.from_row(first);
  each_run<T>(1, channels, {}, {.pitch = 0, .first = column}, [&](index s, index t, index n) {
    copy_columns<T>(0, last - first, Rows<const T>{sums, kPanelWidth<T>}, s, target, t, n);
  });
}

#define FOXNN_INPUT(T)                                                                             \
  template void Conv<T>::backward_input(Share, index, index, const Back<T>&, const Rows<T>&,       \
                                        const Layer<T>::Below&, Scratch<T>) const;                 \
  template index Conv<T>::weights_of_channels(index) const;                                        \
  template index Conv<T>::transposed_channels() const;                                             \
  template void Conv<T>::transpose_weights(index, index, T*) const;                                \
  template index Conv<T>::list_gradients(index, index, const ReadRun&, const Rows<const T>&,       \
                                         Stretch*) const;                                          \
  template void Conv<T>::input_gradient_pair(index, index, const ReadRun&, const Rows<const T>&,   \
                                             const T*, const Rows<T>&, const Scratch<T>&) const;   \
  template void Conv<T>::input_gradient(index, index, index, const ReadRun&, const Rows<const T>&, \
                                        const T*, const Rows<T>&, Scratch<T>) const;
FOXNN_INPUT(float)
FOXNN_INPUT(double)
#undef FOXNN_INPUT

}  // namespace foxnn
