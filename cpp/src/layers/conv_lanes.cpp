// Convolution over a batch in lanes: for few channels, which would leave most lanes empty. Forward
// and for the inputs' gradient, workers divide panels of samples and positions; the bits are those
// of rows. The gradient of the weights is summed by lane, and then over the lanes.
#include <algorithm>

#include "layers/conv.hpp"
#include "layers/lanes.hpp"

namespace foxnn {
namespace {

// Positions whose outputs are finished together, while they are in the first-level cache: 6
// channels take 12 KB.
constexpr index kFinished = 16;

// Deltas through which all lines of weights are gone at once: with the inputs that belong to them,
// half of the second-level cache. (From the first-level cache it is slower: the sums of a tile are
// loaded and stored for each visit, which takes a quarter of the time of 16 positions.)
constexpr index kDeltaBytes = 256 << 10;

// Sums of lines of weights that are gone through together, in the same cache.
constexpr index kSumBytes = 64 << 10;

// A panel of samples of a value, from the first channel on that is multiplied, and its channels at
// each position.
template <class T>
struct LaneSide {
  Rows<T> rows;
  index channels;

  T* at(index position) const { return rows.at(position * channels); }
};

// The products of some positions, two at a time where they read the same and the kernels can.
template <class T>
void multiply_positions(const LanePatterns& patterns, index begin, index end, index rows,
                        const T* weights, index ldw, const LaneSide<const T>& from, index width,
                        const T* init, const LaneSide<T>& to) {
  const KernelTable<T>& k = kernels<T>();
  const bool pairs = k.multiply_lanes_pair && width == kPanelWidth<T>;
  for (index p = begin; p < end; ++p) {
    const LanePatterns::Reads reads = patterns.of(p);
    const auto count = static_cast<index>(reads.stretches.size());
    const T* const x = from.at(reads.first);
    if (pairs && p + 1 < end) {
      const LanePatterns::Reads next = patterns.of(p + 1);
      if (next.stretches.data() == reads.stretches.data()) {
        k.multiply_lanes_pair(rows, reads.stretches.data(), count, weights, ldw, x,
                              from.at(next.first) - x, init, to.at(p), to.at(p + 1) - to.at(p));
        ++p;
        continue;
      }
    }
    k.multiply_lanes(rows, reads.stretches.data(), count, weights, ldw, x, width, init, to.at(p));
  }
}

}  // namespace

template <class T>
LaneUse Conv<T>::lane_use() const {
  return lane_lists_ ? LaneUse::weighed : LaneUse::never;
}

template <class T>
Products Conv<T>::products() const {
  const double pairs = static_cast<double>(window_.pairs() * groups_);
  const index channels = rounded_up(group_channels_, kLineWidth<T>);
  return {.forward = pairs * static_cast<double>(group_channels_ * padded_),
          .of_inputs = pairs * static_cast<double>(group_filters_ * channels),
          .full = pairs * static_cast<double>(group_channels_ * group_filters_)};
}

template <class T>
void Conv<T>::list_lanes() {
  const Shape &from = this->input().shape, &to = this->output().shape;
  const Products counted = products();
  if (std::max(counted.forward, counted.of_inputs) <= counted.full) return;
  lane_lists_ =
      std::make_shared<const LaneLists>(window_, from.positions(), to.positions(),
                                        LaneRows{from.channels, group_channels_, kPanelWidth<T>},
                                        LaneRows{filters_, group_filters_, kPanelWidth<T>});
}

// Weights transposed, or a gradient and the sums of its lanes.
template <class T>
index Conv<T>::lane_numbers() const {
  if (!lane_lists_) return 0;
  return (lines_ + 1) * kPanelWidth<T> + kSumBytes / index{sizeof(T)};
}

template <class T>
index Conv<T>::lines_of_sums(index filters) const {
  return kSumBytes / (filters * kLineBytes);
}

template <class T>
void Conv<T>::forward_in_lanes(Share share, index batch, const Rows<const T>& x,
                               const Outputs<T>& out, const Scratch<T>& scratch) const {
  const index channels = this->input().shape.channels;
  const T* const bias = has_bias_ ? this->parameters() + this->arrays().back().offset : nullptr;
  each_lane_part<T>(share, batch, this->output().shape.positions(), scratch,
                    [&](index panel, index first, index last, index width) {
                      const auto compute = [&](index i, index begin, index end) {
                        const Block at = block(i / blocks_of_group(), i % blocks_of_group());
                        const index filter = at.group * group_filters_ + at.first;
                        const LaneSide<const T> from{
                            x.from_panel(panel).from_row(at.group * group_channels_), channels};
                        const LaneSide<T> to{out.y.from_panel(panel).from_row(filter), filters_};
                        multiply_positions<T>(lane_lists_->of_outputs, begin, end, at.used,
                                              this->parameters() + weights_of(at), at.width, from,
                                              width, bias ? bias + filter : nullptr, to);
                      };
                      for (index p = first; p < last;) {
                        const index begin = p, end = std::min(last, p + kFinished);
                        for (index i = 0; i < groups_ * blocks_of_group(); ++i) {
                          compute(i, begin, end);
                        }
                        p = end;
                        this->activate((end - begin) * filters_, width, begin * filters_, panel,
                                       out);
                      }
                    });
}

template <class T>
void Conv<T>::backward_input_in_lanes(Share share, index batch, const Back<T>& back,
                                      const Rows<T>& delta_below,
                                      const typename Layer<T>::Below& below,
                                      const Scratch<T>& scratch) const {
  const index channels = this->input().shape.channels;
  const index blocks = panel_count<T>(group_channels_);
  for (index i = 0; i < groups_ * blocks; ++i) {
    const index group = i / blocks, channel = i % blocks * kPanelWidth<T>;
    const index used = std::min(kPanelWidth<T>, group_channels_ - channel);
    transpose_weights(group, channel, scratch.numbers);
    const Rows<const T> delta = back.delta;
    each_lane_part<T>(
        share, batch, this->input().shape.positions(), scratch,
        [&](index panel, index first, index last, index width) {
          const LaneSide<const T> from{delta.from_panel(panel).from_row(group * group_filters_),
                                       filters_};
          const LaneSide<T> to{
              delta_below.from_panel(panel).from_row(group * group_channels_ + channel), channels};
          for (index p = first; p < last;) {
            const index begin = p, end = std::min(last, p + kFinished);
            multiply_positions<T>(lane_lists_->of_inputs, begin, end, used, scratch.numbers,
                                  rounded_up(used, kLineWidth<T>), from, width, nullptr, to);
            p = end;
            if (i + 1 < groups_ * blocks) continue;
            below.finish(begin * channels, (end - begin) * channels, panel, width, delta_below);
          }
        });
  }
}

template <class T>
void Conv<T>::backward_parameters_in_lanes(Share share, index batch, const Back<T>& back,
                                           GradientSink<T>& sink, const Scratch<T>& scratch) const {
  // The lines of all blocks, one after the other, are divided between the workers. The biases of a
  // block are one line more, whose inputs are ones; those of groups are not whole lines.
  const bool with_bias = has_bias_ && groups_ == 1;
  const index lines = lines_ + (with_bias ? 1 : 0), blocks = groups_ * blocks_of_group();
  const index end = share.last(blocks * lines);
  T *const gradient = scratch.numbers, *const sums = gradient + (lines_ + 1) * kPanelWidth<T>;
  for (index task = share.first(blocks * lines); task < end && !scratch.leaves();) {
    const index b = task / lines, first = task % lines;
    const index last = std::min(lines, first + end - task);
    const Block at = block(b / blocks_of_group(), b % blocks_of_group());
    const index most = lines_of_sums(at.used), size = at.used * kLineWidth<T>;
    for (index line = first; line < last; line += most) {
      const index count = std::min(most, last - line);
      std::fill_n(sums, count * size, T(0));
      sum_lines_in_lanes(at, line, count, batch, *back.x, back.delta, sums);
      for (index i = 0; i < count; ++i) {
        kernels<T>().sum_lanes(at.used, sums + i * size, gradient + (line - first + i) * at.width);
      }
    }
    const index weights = std::min(last, lines_) - first;
    if (weights > 0) sink.take(weights_of(at) + first * at.width, weights * at.width, gradient);
    if (last > lines_) {
      sink.take(this->arrays().back().offset + at.first, at.width, gradient + weights * at.width);
    }
    task += last - first;
  }
  if (has_bias_ && !with_bias) bias_gradient_in_lanes(share, batch, back.delta, sink);
}

// sums[lines][filters][lanes] += d loss / d weights of some lines of a block, and of its biases.
template <class T>
void Conv<T>::sum_lines_in_lanes(const Block& block, index line, index count, index batch,
                                 const Rows<const T>& x, const Rows<const T>& delta,
                                 T* sums) const {
  const index outputs = this->output().shape.positions(), channels = this->input().shape.channels;
  const index most = kDeltaBytes / (block.used * kPanelBytes), height = kernels<T>().lane_lines;
  const index filter = block.group * group_filters_ + block.first;
  alignas(64) T ones[kPanelWidth<T>];
  std::fill_n(ones, kPanelWidth<T>, T(1));
  for (index begin = 0; begin < outputs; begin += most) {
    const index positions = std::min(most, outputs - begin);
    for (index panel = 0; panel < panel_count<T>(batch); ++panel) {
      const index groups = width_of_panel<T>(batch, panel) / kLineWidth<T>;
      const T* const deltas = delta.at(begin * filters_ + filter, panel);
      for (index i = 0; i < count; i += height) {
        LaneLine<T> lines[kMostLaneLines];
        const index rows = std::min(height, count - i);
        for (index r = 0; r < rows; ++r) {
          const index place = (line + i + r) / group_channels_;
          const index channel = (line + i + r) % group_channels_;
          lines[r] = {place < window_.places()
                          ? x.at(block.group * group_channels_ + channel, panel)
                          : ones,
                      lane_lists_->reads.data() + place * outputs + begin};
        }
        kernels<T>().add_lane_products(rows, block.used, lines, channels * kPanelWidth<T>,
                                       positions, groups, deltas, filters_ * kPanelWidth<T>,
                                       sums + i * block.used * kLineWidth<T>);
      }
    }
  }
}

// Where biases do not begin a line.
template <class T>
void Conv<T>::bias_gradient_in_lanes(Share share, index batch, const Rows<const T>& delta,
                                     GradientSink<T>& sink) const {
  constexpr index kLine = kLineWidth<T>, kWidth = kPanelWidth<T>;
  const index panels = panel_count<T>(filters_), positions = this->output().shape.positions();
  for (index q = share.first(panels); q < share.last(panels); ++q) {
    alignas(64) T lanes[kWidth * kLine], sums[kWidth] = {};
    const index used = std::min(kWidth, filters_ - q * kWidth);
    for (index f = 0; f < used; ++f) {
      alignas(64) T of_samples[kWidth] = {};
      for (index panel = 0; panel < panel_count<T>(batch); ++panel) {
        kernels<T>().sum_rows(positions, delta.at(q * kWidth + f, panel), filters_ * kWidth,
                              width_of_panel<T>(batch, panel), of_samples, true);
      }
      for (index i = 0; i < kLine; ++i)
        lanes[f * kLine + i] = of_samples[i] + of_samples[kLine + i];
    }
    kernels<T>().sum_lanes(used, lanes, sums);
    sink.take(this->arrays().back().offset + q * kWidth, kWidth, sums);
  }
}

#define FOXNN_IN_LANES(T)                                                                          \
  template LaneUse Conv<T>::lane_use() const;                                                      \
  template Products Conv<T>::products() const;                                                     \
  template void Conv<T>::list_lanes();                                                             \
  template index Conv<T>::lane_numbers() const;                                                    \
  template index Conv<T>::lines_of_sums(index) const;                                              \
  template void Conv<T>::forward_in_lanes(Share, index, const Rows<const T>&, const Outputs<T>&,   \
                                          const Scratch<T>&) const;                                \
  template void Conv<T>::backward_input_in_lanes(Share, index, const Back<T>&, const Rows<T>&,     \
                                                 const Layer<T>::Below&, const Scratch<T>&) const; \
  template void Conv<T>::backward_parameters_in_lanes(Share, index, const Back<T>&,                \
                                                      GradientSink<T>&, const Scratch<T>&) const;  \
  template void Conv<T>::sum_lines_in_lanes(const Block&, index, index, index,                     \
                                            const Rows<const T>&, const Rows<const T>&, T*) const; \
  template void Conv<T>::bias_gradient_in_lanes(Share, index, const Rows<const T>&,                \
                                                GradientSink<T>&) const;
FOXNN_IN_LANES(float)
FOXNN_IN_LANES(double)
#undef FOXNN_IN_LANES

}  // namespace foxnn
