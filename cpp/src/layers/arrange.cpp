// Copies columns from one layout to another, and back in the backward pass.
#include "layers/arrange.hpp"

#include <stdexcept>

#include "layers/columns.hpp"

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
void Arrange<T>::each_copy(Function f) const {
  // At least one of the two layouts is packed. The other one determines where positions begin.
  const Layout &from = this->input().layout, &to = this->output().layout;
  const Layout& parted = from.is_packed() ? to : from;
  const auto side = [&](const Layout& layout) {
    return Channels{layout.is_packed() ? parted.channels : layout.pitch};
  };
  each_run<T>(parted.positions, parted.channels, side(from), side(to), f);
}

template <class T>
void Arrange<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                         Scratch<T> scratch) const {
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
void Concatenate<T>::each_copy(std::size_t which, Function f) const {
  const Form &from = this->inputs()[which], &to = this->output();
  each_run<T>(from.shape.positions(), from.shape.channels, Channels{from.layout.pitch},
              Channels{to.layout.pitch, first_channels_[which]}, f);
}

template <class T>
void Concatenate<T>::forward(Share share, index batch, const Rows<const T>* x,
                             const Outputs<T>& out, Scratch<T> scratch) const {
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
