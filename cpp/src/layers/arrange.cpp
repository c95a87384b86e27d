// Copies columns from one layout to another, or turns rows into lanes, and back in the backward
// pass.
#include "layers/arrange.hpp"

#include <stdexcept>

#include "layers/lanes.hpp"

namespace foxnn {
namespace {

// The form of a reshaped sample: packed, so that only the shape differs.
Form reshaped(const LayerSpec& spec, const Form& input) {
  std::vector<index> lengths;
  for (const double length : spec.numbers("shape")) lengths.push_back(static_cast<index>(length));
  const Shape shape = lengths.empty() ? Shape{{}, input.shape.size()} : Shape::of(lengths);
  if (shape.size() != input.shape.size()) {
    throw std::invalid_argument("shape " + shape.text() + " must have as many numbers as " +
                                input.shape.text());
  }
  return {shape, Layout::packed(shape)};
}

// A run of columns and a panel of samples, in either orientation: the columns begin a panel of the
// rows.
struct Run {
  index sample, samples;
  index column, count;  // of the rows
  index lane;           // the first column's row in lanes
  index panel;          // of samples
};

// The padding of a line of samples is a copy of the last one: what is computed from it is finite
// wherever the samples are.
template <class T>
void turn_into_lanes(const Run& run, const Rows<const T>& from, const Rows<T>& to, bool repeats) {
  T* at = to.at(run.lane, run.panel);
  kernels<T>().transpose(run.samples, run.count, from.at(run.sample, run.column / kPanelWidth<T>),
                         from.stride, at, to.stride);
  const index padded = rounded_up(run.samples, kLineWidth<T>);
  if (!repeats || padded == run.samples) return;
  for (index c = 0; c < run.count; ++c, at += to.stride) {
    std::fill(at + run.samples, at + padded, at[run.samples - 1]);
  }
}

template <class T>
void turn_into_rows(const Run& run, const Rows<const T>& from, const Rows<T>& to) {
  kernels<T>().transpose(run.count, run.samples, from.at(run.lane, run.panel), from.stride,
                         to.at(run.sample, run.column / kPanelWidth<T>), to.stride);
}

}  // namespace

template <class T>
Arrange<T>::Arrange(const LayerSpec& spec, const std::vector<Form>& inputs, const Form& output)
    : Layer<T>(spec, inputs) {
  this->set_output(output);
}

template <class T>
double Arrange<T>::flops() const {
  return static_cast<double>(this->output().shape.size());
}

template <class T>
template <class Function>
void Arrange<T>::each_copy(const Function& f) const {
  // At least one of the two layouts is packed. The other one determines where positions begin.
  const Layout &from = this->input().layout, &to = this->output().layout;
  const Layout& parted = from.is_packed() ? to : from;
  const auto side = [&](const Layout& layout) {
    return Channels{layout.is_packed() ? parted.channels : layout.pitch};
  };
  each_run<T>(parted.positions, parted.channels, side(from), side(to), f);
}

// Calls f(run) for the worker's share, where `rows` is the layout of the value that is in rows.
template <class T>
template <class Function>
void Arrange<T>::each_turn(Share share, index batch, const Layout& rows, const Scratch<T>& scratch,
                           const Function& f) const {
  const bool packed = rows.is_packed();
  const index size = this->output().shape.size();
  const index channels = packed ? size : rows.channels, panels = panel_count<T>(channels);
  each_lane_part<T>(share, batch, packed ? panels : rows.positions * panels, scratch,
                    [&](index panel, index first, index last, index) {
                      const index sample = panel * kPanelWidth<T>;
                      for (index i = first; i < last; ++i) {
                        const index position = i / panels, channel = i % panels * kPanelWidth<T>;
                        f(Run{.sample = sample,
                              .samples = std::min(kPanelWidth<T>, batch - sample),
                              .column = position * rows.pitch + channel,
                              .count = std::min(kPanelWidth<T>, channels - channel),
                              .lane = position * channels + channel,
                              .panel = panel});
                      }
                    });
}

template <class T>
void Arrange<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                         Scratch<T> scratch) const {
  if (out.lanes.y) {
    each_turn(share, batch, this->input().layout, scratch,
              [&](const Run& run) { turn_into_lanes<T>(run, *x, out.y, true); });
    return;
  }
  if (out.lanes.x) {
    each_turn(share, batch, this->output().layout, scratch,
              [&](const Run& run) { turn_into_rows<T>(run, *x, out.y); });
    return;
  }
  if (this->input().layout.is_packed() && this->output().layout.is_packed() &&
      is_one_run(batch, *x) && is_one_run(batch, out.y)) {
    const index count = share.first(1) < share.last(1) ? this->output().shape.size() : 0;
    std::copy_n(x->data, count, out.y.data);
    return;
  }
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    each_copy([&](index source, index target, index count) {
      copy_columns<T>(first, rows, *x, source, out.y, target, count);
    });
  });
}

template <class T>
void Arrange<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                Scratch<T> scratch) const {
  if (back.lanes.y) {
    each_turn(share, batch, this->input().layout, scratch, [&](const Run& run) {
      turn_into_rows<T>(run, back.delta, delta_below);
      below.finish(run.sample, run.samples, run.column / kPanelWidth<T>,
                   rounded_up(run.count, kLineWidth<T>), delta_below);
    });
    return;
  }
  if (back.lanes.x) {
    each_turn(share, batch, this->output().layout, scratch, [&](const Run& run) {
      turn_into_lanes<T>(run, back.delta, delta_below, false);
      below.finish(run.lane, run.count, run.panel, width_of_panel<T>(batch, run.panel),
                   delta_below);
    });
    return;
  }
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    each_copy([&](index source, index target, index count) {
      copy_columns<T>(first, rows, back.delta, target, delta_below, source, count);
    });
    below.finish_rows(first, rows, this->input().layout.columns(), delta_below);
  });
}

template <class T>
Reshape<T>::Reshape(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Arrange<T>(spec, inputs, reshaped(spec, inputs.front())) {}

template <class T>
Concatenate<T>::Concatenate(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Layer<T>(spec, inputs) {
  Shape shape{inputs.front().shape.axes, 0};
  for (const Form& input : inputs) {
    if (input.shape.axes != shape.axes) {
      throw std::invalid_argument("concatenated samples must have the same positions, got " +
                                  inputs.front().shape.text() + " and " + input.shape.text());
    }
    first_channels_.push_back(shape.channels);
    shape.channels += input.shape.channels;
  }
  this->set_output({shape, Layout::panels<T>(shape)});
}

template <class T>
double Concatenate<T>::flops() const {
  return static_cast<double>(this->output().shape.size());
}

template <class T>
template <class Function>
void Concatenate<T>::each_copy(std::size_t which, const Function& f) const {
  const Form &from = this->inputs()[which], &to = this->output();
  each_run<T>(from.shape.positions(), from.shape.channels, Channels{from.layout.pitch},
              Channels{to.layout.pitch, first_channels_[which]}, f);
}

template <class T>
template <class Function>
void Concatenate<T>::each_lane_copy(Share share, index batch, std::size_t which,
                                    const Scratch<T>& scratch, const Function& f) const {
  const Shape &from = this->inputs()[which].shape, &to = this->output().shape;
  each_lane_part<T>(share, batch, from.positions(), scratch,
                    [&](index panel, index first, index last, index width) {
                      for (index p = first; p < last; ++p) {
                        f(panel, p * from.channels, p * to.channels + first_channels_[which],
                          from.channels, width);
                      }
                    });
}

template <class T>
void Concatenate<T>::forward(Share share, index batch, const Rows<const T>* x,
                             const Outputs<T>& out, Scratch<T> scratch) const {
  for (std::size_t which = 0; out.lanes.y && which < first_channels_.size(); ++which) {
    each_lane_copy(share, batch, which, scratch,
                   [&](index panel, index source, index target, index count, index) {
                     std::copy_n(x[which].at(source, panel), count * kPanelWidth<T>,
                                 out.y.at(target, panel));
                   });
  }
  if (out.lanes.y) return;
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    for (std::size_t which = 0; which < first_channels_.size(); ++which) {
      each_copy(which, [&](index source, index target, index count) {
        copy_columns<T>(first, rows, x[which], source, out.y, target, count);
      });
    }
  });
}

template <class T>
void Concatenate<T>::backward_input(Share share, index batch, index which, const Back<T>& back,
                                    const Rows<T>& delta_below,
                                    const typename Layer<T>::Below& below,
                                    Scratch<T> scratch) const {
  const auto at = static_cast<std::size_t>(which);
  if (back.lanes.y) {
    each_lane_copy(share, batch, at, scratch,
                   [&](index panel, index source, index target, index count, index width) {
                     std::copy_n(back.delta.at(target, panel), count * kPanelWidth<T>,
                                 delta_below.at(source, panel));
                     below.finish(source, count, panel, width, delta_below);
                   });
    return;
  }
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    each_copy(at, [&](index source, index target, index count) {
      copy_columns<T>(first, rows, back.delta, target, delta_below, source, count);
    });
    below.finish_rows(first, rows, this->inputs()[at].layout.columns(), delta_below);
  });
}

template class Arrange<float>;
template class Arrange<double>;
template class Reshape<float>;
template class Reshape<double>;
template class Concatenate<float>;
template class Concatenate<double>;

}  // namespace foxnn
