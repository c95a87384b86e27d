// Batch normalization over a batch in lanes. Sums have the order, and the bits, of those in rows: a
// line of channels of a position is turned into rows in the first-level cache, and added there.
// The rest is by row, for the worker's lines of channels or its share of positions.
#include <algorithm>

#include "layers/batch_norm.hpp"
#include "layers/lanes.hpp"

namespace foxnn {
namespace {

// A line of channels of a panel of samples, in rows.
template <class T>
struct Turned {
  alignas(64) T numbers[kPanelWidth<T> * kLineWidth<T>];

  const T* of(index channels, index samples, const T* lanes) {
    kernels<T>().transpose(channels, samples, lanes, kPanelWidth<T>, numbers, kLineWidth<T>);
    return numbers;
  }
};

}  // namespace

template <class T>
void BatchNorm<T>::add_sums_in_lanes(Lines lines, index positions, index batch,
                                     const Rows<const T>& x, const Rows<const T>* other,
                                     const T* mean, Sums* sums) const {
  constexpr index kWidth = kPanelWidth<T>, kLine = kLineWidth<T>;
  Turned<T> turned, turned_other;
  for (index p = 0; p < positions; ++p) {
    for (index i = 0; i < lines.count; ++i) {
      // A whole line is turned faster than a part: what follows the channels, of the next position
      // or the one that stays zero, is in lanes that are not used.
      const index channel = lines.channel() + i * kLine, row = p * channels_ + channel;
      const bool fits = channel + kLine <= 2 * channels_;
      const index count = fits ? kLine : std::min(kLine, channels_ - channel);
      for (index panel = 0; panel < panel_count<T>(batch); ++panel) {
        const index samples = std::min(kWidth, batch - panel * kWidth);
        kernels<T>().column_sums(
            samples, turned.of(count, samples, x.at(row, panel)), kLine,
            other ? turned_other.of(count, samples, other->at(row, panel)) : nullptr, kLine,
            mean + i * kLine, sums[i].first, sums[i].second, 0);
      }
    }
  }
}

template <class T>
void BatchNorm<T>::normalize_in_lanes(Lines lines, index batch, const Rows<const T>& x,
                                      const Outputs<T>& out) const {
  const index channel = lines.channel(), count = std::min(lines.width(), channels_ - channel);
  for (index panel = 0; panel < panel_count<T>(batch); ++panel) {
    const index width = width_of_panel<T>(batch, panel);
    for (index p = 0; p < positions_; ++p) {
      const index row = p * channels_ + channel;
      kernels<T>().normalize_lanes(count, width, x.at(row, panel), kept(out.kept, kMean) + channel,
                                   kept(out.kept, kFactor) + channel, parameter(kGain) + channel,
                                   parameter(kShift) + channel, out.y.at(row, panel));
      if (out.then) out.then->apply(count, width, row, panel, out);
    }
  }
}

template <class T>
void BatchNorm<T>::answer_in_lanes(Share share, index batch, const Rows<const T>& x,
                                   const T* factor, const Outputs<T>& out,
                                   const Scratch<T>& scratch) const {
  each_lane_part<T>(
      share, batch, positions_, scratch, [&](index panel, index first, index last, index width) {
        for (index row = first * channels_; row < last * channels_; row += channels_) {
          kernels<T>().normalize_lanes(channels_, width, x.at(row, panel), parameter(kRunningMean),
                                       factor, parameter(kGain), parameter(kShift),
                                       out.y.at(row, panel));
          if (out.then) out.then->apply(channels_, width, row, panel, out);
        }
      });
}

// The padding of a line of samples gets no gradient.
template <class T>
void BatchNorm<T>::backward_input_in_lanes(Share share, index batch, const Back<T>& back,
                                           const T* gain, const T* along, const T* constant,
                                           const Rows<T>& delta_below,
                                           const typename Layer<T>::Below& below,
                                           const Scratch<T>& scratch) const {
  each_lane_part<T>(
      share, batch, positions_, scratch, [&](index panel, index first, index last, index width) {
        const index samples = std::min(width, batch - panel * kPanelWidth<T>);
        for (index row = first * channels_; row < last * channels_; row += channels_) {
          T* const y = delta_below.at(row, panel);
          kernels<T>().normalize_lanes_backward(channels_, width, back.x->at(row, panel),
                                                back.delta.at(row, panel), kept(back.kept, kMean),
                                                gain, along, constant, y);
          for (index r = 0; samples < width && r < channels_; ++r) {
            std::fill(y + r * kPanelWidth<T> + samples, y + r * kPanelWidth<T> + width, T(0));
          }
          below.finish(row, channels_, panel, width, delta_below);
        }
      });
}

#define FOXNN_IN_LANES(T)                                                                     \
  template void BatchNorm<T>::add_sums_in_lanes(Lines, index, index, const Rows<const T>&,    \
                                                const Rows<const T>*, const T*, Sums*) const; \
  template void BatchNorm<T>::normalize_in_lanes(Lines, index, const Rows<const T>&,          \
                                                 const Outputs<T>&) const;                    \
  template void BatchNorm<T>::answer_in_lanes(Share, index, const Rows<const T>&, const T*,   \
                                              const Outputs<T>&, const Scratch<T>&) const;    \
  template void BatchNorm<T>::backward_input_in_lanes(                                        \
      Share, index, const Back<T>&, const T*, const T*, const T*, const Rows<T>&,             \
      const Layer<T>::Below&, const Scratch<T>&) const;
FOXNN_IN_LANES(float)
FOXNN_IN_LANES(double)
#undef FOXNN_IN_LANES

}  // namespace foxnn
