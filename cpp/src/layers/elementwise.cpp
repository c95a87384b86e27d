// Elementwise layers. Rows are divided between the workers; in lanes, panels of samples.
#include "layers/elementwise.hpp"

#include <algorithm>
#include <stdexcept>

#include "layers/lanes.hpp"
#include "layers/step_rows.hpp"

namespace foxnn {
namespace {

// Calls f(first row, rows, panel, width) for the panels of the worker's rows, part by part. Of a
// panel of a position, only for the rows that have it (StepRows). `is_run`: there is one row, in
// which all panels follow each other; they are one then.
template <class T, class Function>
void each_block(Share share, index batch, const Form& form, bool in_lanes,
                const std::uint32_t* with_step, const Scratch<T>& scratch, const Function& f,
                bool is_run = false) {
  if (in_lanes) {
    each_lane_part<T>(share, batch, form.shape.size(), scratch,
                      [&](index panel, index first, index last, index width) {
                        f(first, last - first, panel, width);
                      });
    return;
  }
  if (is_run && !with_step) {
    if (share.first(1) == share.last(1)) return;
    return f(index{0}, index{1}, index{0}, rounded_up(form.layout.columns(), kLineWidth<T>));
  }
  each_part<T>(share, batch, scratch, [&](index first, index rows) {
    const index panels = form.layout.positions > 1 ? form.layout.pitch / kPanelWidth<T> : 0;
    each_panel<T>(form.layout.columns(), [&](index panel, index width) {
      const index there = panels > 0 ? rows_with(with_step, panel / panels, first, rows) : rows;
      if (there > 0) f(first, there, panel, width);
    });
  });
}

template <class T>
void copy_block(index row, index rows, index panel, index width, const Rows<const T>& from,
                const Rows<T>& to) {
  const T* a = from.at(row, panel);
  T* b = to.at(row, panel);
  for (index r = 0; r < rows; ++r, a += from.stride, b += to.stride) std::copy_n(a, width, b);
}

// d loss / d inputs of a layer that passes its gradient on unchanged.
template <class T>
void pass_on(Share share, index batch, const Form& form, const Back<T>& back,
             const Rows<T>& delta_below, const typename Layer<T>::Below& below,
             const Scratch<T>& scratch) {
  each_block<T>(share, batch, form, back.lanes.y, back.steps.y, scratch,
                [&](index row, index rows, index panel, index width) {
                  if (delta_below.data != back.delta.data) {
                    copy_block<T>(row, rows, panel, width, back.delta, delta_below);
                  }
                  below.finish(row, rows, panel, width, delta_below);
                });
}

double size_of(const Form& form) { return static_cast<double>(form.shape.size()); }

}  // namespace

template <class T>
ActivationLayer<T>::ActivationLayer(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Activated<T>(spec, inputs,
                   Activation::parse(spec.text("activation"), spec.numbers("parameters"))) {
  this->set_output(inputs.front());
}

template <class T>
double ActivationLayer<T>::flops() const {
  return 20.0 * size_of(this->output());
}

template <class T>
void ActivationLayer<T>::forward(Share share, index batch, const Rows<const T>* x,
                                 const Outputs<T>& out, Scratch<T> scratch) const {
  const bool is_run =
      is_one_run(batch, *x) && is_one_run(batch, out.y) && !out.slope.data && !out.mask.data;
  // What is copied at once stays in the first-level cache until it is activated.
  constexpr index kMost = 64 * kPanelWidth<T>;
  each_block<T>(
      share, batch, this->output(), out.lanes.y, out.steps.y, scratch,
      [&](index row, index rows, index panel, index width) {
        for (; width > 0; width -= kMost, panel += kMost / kPanelWidth<T>) {
          const index some = std::min(width, kMost);
          copy_block<T>(row, rows, panel, some, *x, out.y);
          this->activate(rows, some, row, panel, out);
        }
      },
      is_run);
}

template <class T>
void ActivationLayer<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                        const Rows<T>& delta_below,
                                        const typename Layer<T>::Below& below,
                                        Scratch<T> scratch) const {
  pass_on<T>(share, batch, this->output(), back, delta_below, below, scratch);
}

template <class T>
DropoutLayer<T>::DropoutLayer(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Layer<T>(spec, inputs) {
  const double rate = spec.number("rate");
  if (!(rate >= 0.0 && rate < 1.0)) {
    throw std::invalid_argument("rate must be at least 0 and below 1");
  }
  masks_ = DropoutMasks<T>(rate, inputs.front());
  this->set_output(inputs.front());
}

template <class T>
double DropoutLayer<T>::flops() const {
  return 10.0 * size_of(this->output());
}

template <class T>
index DropoutLayer<T>::kept_size(index batch) const {
  return batch * panel_count<T>(this->output().layout.columns()) * kPanelWidth<T>;
}

template <class T>
void DropoutLayer<T>::forward(Share share, index batch, const Rows<const T>* x,
                              const Outputs<T>& out, Scratch<T> scratch) const {
  if (!out.kept) {
    return each_block<T>(
        share, batch, this->output(), false, out.steps.y, scratch,
        [&](index row, index rows, index panel, index width) {
          copy_block<T>(row, rows, panel, width, *x, out.y);
        },
        is_one_run(batch, *x) && is_one_run(batch, out.y));
  }
  const Rows<T> mask{out.kept, kPanelWidth<T>, batch * kPanelWidth<T>};
  if (out.training) {
    const Occasion& occasion = *out.training;
    each_part<T>(share, batch, scratch, [&](index first, index rows) {
      masks_.draw(occasion.seed, occasion.draw, occasion.first, first, first + rows, mask);
    });
  }
  each_block<T>(share, batch, this->output(), false, out.steps.y, scratch,
                [&](index row, index rows, index panel, index width) {
                  if (!out.training) {
                    for (index r = row; r < row + rows; ++r)
                      std::fill_n(mask.at(r, panel), width, T(1));
                  }
                  kernels<T>().multiply_elements(rows, width, x->at(row, panel), x->stride,
                                                 mask.at(row, panel), mask.stride,
                                                 out.y.at(row, panel), out.y.stride);
                });
}

template <class T>
void DropoutLayer<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                     const Rows<T>& delta_below,
                                     const typename Layer<T>::Below& below,
                                     Scratch<T> scratch) const {
  const Rows<const T> mask{back.kept, kPanelWidth<T>, batch * kPanelWidth<T>};
  each_block<T>(share, batch, this->output(), false, back.steps.y, scratch,
                [&](index row, index rows, index panel, index width) {
                  kernels<T>().multiply_elements(rows, width, back.delta.at(row, panel),
                                                 back.delta.stride, mask.at(row, panel),
                                                 mask.stride, delta_below.at(row, panel),
                                                 delta_below.stride);
                  below.finish(row, rows, panel, width, delta_below);
                });
}

template <class T>
Add<T>::Add(const LayerSpec& spec, const std::vector<Form>& inputs) : Layer<T>(spec, inputs) {
  if (inputs.size() != 2) throw std::invalid_argument("a sum must have two terms");
  if (!(inputs[0].shape == inputs[1].shape)) {
    throw std::invalid_argument("the terms of a sum must have the same shape, got " +
                                inputs[0].shape.text() + " and " + inputs[1].shape.text());
  }
  this->set_output(inputs.front());
}

template <class T>
double Add<T>::flops() const {
  return size_of(this->output());
}

template <class T>
void Add<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                     Scratch<T> scratch) const {
  each_block<T>(
      share, batch, this->output(), out.lanes.y, out.steps.y, scratch,
      [&](index row, index rows, index panel, index width) {
        for (index r = row; r < row + rows; ++r) {
          const T *a = x[0].at(r, panel), *b = x[1].at(r, panel);
          T* sum = out.y.at(r, panel);
          for (index c = 0; c < width; ++c) sum[c] = a[c] + b[c];
        }
      },
      is_one_run(batch, x[0]) && is_one_run(batch, x[1]) && is_one_run(batch, out.y));
}

template <class T>
void Add<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                            const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                            Scratch<T> scratch) const {
  pass_on<T>(share, batch, this->output(), back, delta_below, below, scratch);
}

template class ActivationLayer<float>;
template class ActivationLayer<double>;
template class DropoutLayer<float>;
template class DropoutLayer<double>;
template class Add<float>;
template class Add<double>;

}  // namespace foxnn
