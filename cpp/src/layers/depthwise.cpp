// Depthwise convolution: its description, and its forward pass. Workers divide the output positions
// between them.
#include "layers/depthwise.hpp"

#include <algorithm>

#include "base/pieces.hpp"
#include "layers/columns.hpp"
#include "layers/conv.hpp"
#include "layers/depthwise_rows.hpp"
#include "layers/few.hpp"

namespace foxnn {

bool is_depthwise(const LayerSpec& spec, const Shape& input) {
  const index groups = spec.whole("groups");
  return groups > 1 && groups == input.channels;
}

template <class T>
Depthwise<T>::Depthwise(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Activated<T>(spec, inputs),
      window_(spec, inputs.front().shape),
      runs_(window_),
      channels_(inputs.front().shape.channels),
      filters_(checked_filters(spec)),
      multiplier_(filters_ / checked_groups(spec, channels_, filters_)),
      has_bias_(spec.flag("bias", true)) {
  const Shape given{window_.output_axes(), filters_};
  this->set_output({given, Layout::panels<T>(given)});
  std::vector<index> shape = window_.kernel();
  shape.insert(shape.end(), {1, filters_});
  if (window_.places() > kMostNumbers / filters_) throw std::bad_alloc();
  this->add_array("weights", shape,
                  rounded_up(channels_, kLineWidth<T>) * window_.places() * multiplier_,
                  Array::Role::weight);
  if (has_bias_) {
    this->add_array("bias", {filters_}, output_panels() * kPanelWidth<T>, Array::Role::bias);
  }
}

template <class T>
double Depthwise<T>::flops() const {
  return 2.0 * static_cast<double>(window_.pairs()) * static_cast<double>(multiplier_) *
         static_cast<double>(rounded_up(channels_, kLineWidth<T>));
}

template <class T>
index Depthwise<T>::width_of(index panel) const {
  return Panels<T>{rounded_up(channels_, kLineWidth<T>)}.width(panel);
}

template <class T>
auto Depthwise<T>::panel(index number) const -> Panel {
  const index column = number * kPanelWidth<T>, first = number * multiplier_;
  return {number, width_of(number), this->parameters() + column * window_.places() * multiplier_,
          first, std::min(multiplier_, output_panels() - first)};
}

// Calls f(line of the user's array, packed offset, first channel, channels).
template <class T>
template <class Function>
void Depthwise<T>::each_line(const StopRequest& stop, const Function& f) const {
  Pieces pieces(stop);
  index offset = 0;
  for (index q = 0; q < panels(); ++q) {
    const index channel = q * kPanelWidth<T>, count = std::min(kPanelWidth<T>, channels_ - channel);
    for (index place = 0; place < window_.places(); ++place) {
      for (index which = 0; which < multiplier_; ++which, offset += width_of(q)) {
        f(place * filters_ + channel * multiplier_ + which, offset, count);
        pieces.after(count);
      }
    }
  }
}

template <class T>
void Depthwise<T>::initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) {
  const auto place_of_weight = [&](index line, index filter) {
    const index channel = filter / multiplier_, q = channel / kPanelWidth<T>;
    return q * kPanelWidth<T> * window_.places() * multiplier_ +
           (line * multiplier_ + filter % multiplier_) * width_of(q) + channel % kPanelWidth<T>;
  };
  const index places = window_.places();
  this->draw_filters(places, filters_, places * filters_, has_bias_, seed, place, stop,
                     place_of_weight);
}

template <class T>
void Depthwise<T>::unpack(const Array& array, const T* packed, T* values, Order order,
                          const StopRequest& stop) const {
  if (array.offset > 0) return Layer<T>::unpack(array, packed, values, order, stop);
  each_line(stop, [&](index to, index from, index count) {
    for (index c = 0; c < count; ++c) values[to + c * multiplier_] = packed[from + c];
  });
}

template <class T>
void Depthwise<T>::pack(const Array& array, const T* values, T* packed,
                        const StopRequest& stop) const {
  if (array.offset > 0) return Layer<T>::pack(array, values, packed, stop);
  each_line(stop, [&](index from, index to, index count) {
    for (index c = 0; c < count; ++c) packed[to + c] = values[from + c * multiplier_];
  });
}

// Numbers: of a panel, its biases and a block of rows in planes; or what depthwise_gradient.cpp
// needs.
template <class T>
ScratchSize Depthwise<T>::scratch_size(index batch) const {
  const index line = multiplier_ * kPanelWidth<T>;
  const index of_parameters = (window_.places() + 1) * line;
  index planes = 0;
  if (multiplier_ > 1) {
    planes = std::max({kBlockRows * line, positions_out() * staged_rows(batch) * line,
                       std::max(kPositions, multiplier_) * batch * kPanelWidth<T>});
  }
  return {.numbers = of_parameters + planes, .stretches = most_stretches() + batch};
}

template <class T>
void Depthwise<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                           Scratch<T> scratch) const {
  const std::optional<WindowRows> sequence_rows = sequences(batch, out.steps, scratch);
  if (!sequence_rows && goes_by_positions<T>(batch, runs_, positions_out())) {
    return forward_few(share, batch, *x, out, scratch);
  }
  T* const planes = scratch.numbers + multiplier_ * kPanelWidth<T>;
  const PositionRange own = own_positions(share, positions_out(), out.steps.y);
  for (index q = 0; q < panels(); ++q) {
    const Panel at = panel(q);
    const T* const bias = bias_of(at, scratch.numbers);
    const auto compute = [&](index p, index length, index row, index rows) {
      const index taps = list_of_output(p, length, q, x->panel, scratch.stretches);
      if (p + 1 < own.last) fetch(p + 1, q, row, rows, *x);
      const index panel = p * output_panels() + at.first_output;
      multiply(at, rows, scratch.stretches, taps, x->at(row), x->stride, bias,
               {out.y.at(row, panel), out.y.stride, out.y.panel}, planes);
      for (index t = 0; t < at.outputs; ++t) {
        this->activate(rows, width_of_panel<T>(filters_, at.first_output + t), row, panel + t, out);
      }
    };
    for (index row = 0; row < batch; row += kBlockRows) {
      const index end = std::min(row + kBlockRows, batch);
      for (index p = own.first; p < own.last; ++p) {
        if (scratch.leaves()) return;
        if (!sequence_rows) {
          compute(p, 0, row, end - row);
          continue;
        }
        sequence_rows->each_of_output(p, [&](const ReadRun& run) {
          const index first = std::max(row, run.first), last = std::min(end, run.first + run.rows);
          if (first < last) compute(p, run.length, first, last - first);
        });
      }
    }
  }
}

// Prefetches what an output position reads last: what it reads before, earlier positions have read.
// Some samples of a position are too short a piece of memory for the processor to do so.
template <class T>
void Depthwise<T>::fetch(index position, index panel, index row, index rows,
                         const Rows<const T>& x) const {
  const std::span<const Tap> taps = window_.of_output(position);
  if (taps.empty()) return;
  const T* const first = x.at(row, index{taps.back().position} * panels() + panel);
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width_of(panel); c += kLineWidth<T>) {
      __builtin_prefetch(first + r * x.stride + c);
    }
  }
}

// The same for few samples: the rows are positions.
template <class T>
void Depthwise<T>::forward_few(Share share, index batch, const Rows<const T>& x,
                               const Outputs<T>& out, Scratch<T> scratch) const {
  const std::span<const PositionRun> runs = runs_.all();
  const index count = static_cast<index>(runs.size());
  T* const planes = scratch.numbers + multiplier_ * kPanelWidth<T>;
  for (index q = 0; q < panels(); ++q) {
    const Panel at = panel(q);
    const T* const bias = bias_of(at, scratch.numbers);
    for (index r = share.first(count); r < share.last(count); ++r) {
      if (scratch.leaves()) return;
      const PositionRun& run = runs[static_cast<std::size_t>(r)];
      const index taps = list_of_output(run.first, 0, q, x.panel, scratch.stretches);
      const index skip = run.shift * panels() * x.panel, step = run.step * output_panels();
      for (index i = 0; i < run.count; i += kBlockRows) {
        const index rows = std::min(kBlockRows, run.count - i);
        const index panel = (run.first + i * run.step) * output_panels() + at.first_output;
        for (index sample = 0; sample < batch; ++sample) {
          const Outputs<T> here = positions_as_rows(out, sample, panel, step);
          multiply(at, rows, scratch.stretches, taps, x.at(sample) + i * skip, skip, bias,
                   {here.y.data, here.y.stride, here.y.panel}, planes);
          for (index t = 0; t < at.outputs; ++t) {
            this->activate(rows, width_of_panel<T>(filters_, at.first_output + t), 0, t, here);
          }
        }
      }
    }
  }
}

// What an output position reads of a panel of channels: the columns, and the places.
template <class T>
index Depthwise<T>::list_of_output(index position, index length, index panel, index distance,
                                   Stretch* list) const {
  index count = 0;
  each_tap_of_output(window_, position, length, [&](const Tap& tap) {
    list[count++] = {.column = (tap.position * panels() + panel) * distance, .line = tap.place};
  });
  return count;
}

// The biases of a panel's filters, a line for each of a channel's filters; null if there are none.
template <class T>
const T* Depthwise<T>::bias_of(const Panel& panel, T* gathered) const {
  if (!has_bias_) return nullptr;
  const T* const bias =
      this->parameters() + this->arrays().back().offset + panel.first_output * kPanelWidth<T>;
  if (multiplier_ == 1) return bias;
  const Block<const T> from{bias, 0, kPanelWidth<T>};
  std::fill_n(gathered, multiplier_ * kPanelWidth<T>, T(0));
  spread(panel, 1, from, gathered, kPanelWidth<T>);
  return gathered;
}

// At most kBlockRows rows of the outputs of a panel.
template <class T>
void Depthwise<T>::multiply(const Panel& panel, index rows, const Stretch* list, index count,
                            const T* x, index ldx, const T* bias, const Block<T>& to,
                            T* planes) const {
  const bool is_direct = multiplier_ == 1;
  for (index which = 0; which < multiplier_; ++which) {
    kernels<T>().multiply_taps(rows, list, count, x, ldx, panel.weights + which * panel.width,
                               multiplier_ * panel.width, panel.width,
                               bias ? bias + which * kPanelWidth<T> : nullptr,
                               is_direct ? to.first : planes + which * kBlockRows * kPanelWidth<T>,
                               is_direct ? to.stride : kPanelWidth<T>);
  }
  if (!is_direct) join(panel, rows, planes, to);
}

// Outputs of a single position may lie row by row, with nothing between the last line and the next
// row: beyond that line there is nothing to read or write.
template <class T>
void Depthwise<T>::spread(const Panel& panel, index rows, const Block<const T>& from, T* planes,
                          index plane) const {
  each_filter<T>(panel.outputs, multiplier_, [&](index t, index lane, index channel, index which) {
    const bool is_there = lane < width_of_panel<T>(filters_, panel.first_output + t);
    const T* source = from.first + t * from.panel + lane;
    T* target = planes + which * plane + channel;
    for (index r = 0; r < rows; ++r) {
      target[r * kPanelWidth<T>] = is_there ? source[r * from.stride] : T(0);
    }
  });
}

template <class T>
void Depthwise<T>::join(const Panel& panel, index rows, const T* planes, const Block<T>& to) const {
  each_filter<T>(panel.outputs, multiplier_, [&](index t, index lane, index channel, index which) {
    if (lane >= width_of_panel<T>(filters_, panel.first_output + t)) return;
    const T* source = planes + which * kBlockRows * kPanelWidth<T> + channel;
    T* target = to.first + t * to.panel + lane;
    for (index r = 0; r < rows; ++r) target[r * to.stride] = source[r * kPanelWidth<T>];
  });
}

template class Depthwise<float>;
template class Depthwise<double>;

}  // namespace foxnn
