// The narrow step over the kernels.
#include "layers/narrow.hpp"

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

// A whole line is stored for the last row, too, and vectors run over the end of a block.
template <class T>
Buffer<T> packed(index rows, index width) {
  return Buffer<T>(rows * width + 2 * kLineWidth<T>);
}

}  // namespace

template <class T>
bool NarrowStep<T>::fits(const Network<T>& network) {
  if (network.sorted_summation()) return false;
  // An input of more than a panel is better off with tiles over panels.
  if (network.inputs() > kPanelWidth<T>) return false;
  for (index i = 0; i < network.size(); ++i) {
    if (!dynamic_cast<const Dense<T>*>(&network.layer(i))) return false;
    if (network.layer(i).outputs() > kLineWidth<T>) return false;
  }
  return true;
}

template <class T>
NarrowStep<T>::NarrowStep(const Network<T>& network, index batch)
    : network_(network),
      x_(packed<T>(batch, network.inputs())),
      target_(packed<T>(batch, network.outputs())),
      gradient_(network.parameters().size()) {
  for (index i = 0; i < network.size(); ++i) {
    const Dense<T>& dense = network.dense(i);
    NarrowLayer layer;
    layer.dense = &dense;
    // What finishes whole rows in place may not overwrite the next one.
    layer.stride = dense.finishes_rows() ? kLineWidth<T> : dense.outputs();
    layer.y = packed<T>(batch, layer.stride);
    layer.delta = packed<T>(batch, layer.stride);
    if (dense.keeps_slope()) layer.slope = packed<T>(batch, layer.stride);
    if (i > 0) layer.transposed = Buffer<T>(dense.outputs() * kLineWidth<T>);
    layers_.push_back(std::move(layer));
  }
}

template <class T>
void NarrowStep<T>::gather(const Samples& samples, const std::uint32_t* order, index rows) {
  read_rows(samples.inputs, order, rows, x_.data());
  if (!samples.labels) {
    read_rows(samples.outputs, order, rows, target_.data());
    return;
  }
  for (index r = 0; r < rows; ++r) {
    read_target(samples, order[r], network_.outputs(), target().from_row(r));
  }
}

template <class T>
void NarrowStep<T>::forward(index rows, bool raw) {
  const KernelTable<T>& k = active_kernels().table<T>();
  const T* x = x_.data();
  index stride = network_.inputs();
  for (NarrowLayer& layer : layers_) {
    const Dense<T>& dense = *layer.dense;
    const T* parameters = dense.parameters();
    k.narrow_multiply(rows, dense.inputs(), x, stride, parameters,
                      parameters + dense.inputs() * kLineWidth<T>, layer.y.data(), layer.stride);
    const int kind = static_cast<int>(dense.activation().kind);
    const T parameter = static_cast<T>(dense.activation().parameter);
    const index count = rows * layer.stride;
    if (raw && &layer == &layers_.back()) {
      // The loss takes the preactivations.
    } else if (layer.slope.size()) {
      k.activate_keep[kind](1, count, layer.y.data(), 0, layer.slope.data(), 0, parameter);
    } else {
      k.activate[kind](1, count, layer.y.data(), 0, parameter);
    }
    x = layer.y.data();
    stride = layer.stride;
  }
}

template <class T>
void NarrowStep<T>::backward_activation(NarrowLayer& layer, index rows) {
  const Dense<T>& dense = *layer.dense;
  if (dense.finishes_rows()) {
    dense.backward_activation(0, rows, 0, dense.outputs(), {layer.delta.data(), layer.stride},
                              Rows<const T>{layer.y.data(), layer.stride}, {});
    return;
  }
  const int kind = static_cast<int>(dense.activation().kind);
  const T* kept = layer.slope.size() ? layer.slope.data() : layer.y.data();
  active_kernels().table<T>().apply_slope[kind](1, rows * layer.stride, layer.delta.data(), 0, kept,
                                                0, static_cast<T>(dense.activation().parameter));
}

template <class T>
void NarrowStep<T>::backward(index rows, bool through_activation) {
  const KernelTable<T>& k = active_kernels().table<T>();
  if (through_activation) backward_activation(layers_.back(), rows);
  for (index i = network_.size() - 1; i >= 0; --i) {
    NarrowLayer& layer = layers_[static_cast<std::size_t>(i)];
    const Dense<T>& dense = *layer.dense;
    const index inputs = dense.inputs(), neurons = dense.outputs();
    const T* x = x_.data();
    index stride = inputs;
    if (i > 0) {
      NarrowLayer& below = layers_[static_cast<std::size_t>(i - 1)];
      x = below.y.data();
      stride = below.stride;
      // A kernel would also clear the padding, which is and stays zero.
      for (index p = 0; p < inputs; ++p) {
        for (index n = 0; n < neurons; ++n) {
          layer.transposed.data()[n * kLineWidth<T> + p] =
              dense.parameters()[p * kLineWidth<T> + n];
        }
      }
      k.narrow_multiply(rows, neurons, layer.delta.data(), layer.stride, layer.transposed.data(),
                        nullptr, below.delta.data(), below.stride);
      backward_activation(below, rows);
    }
    k.narrow_gradient(rows, inputs, x, stride, layer.delta.data(), layer.stride, neurons,
                      gradient_.data() + network_.offset(i));
  }
}

template class NarrowStep<float>;
template class NarrowStep<double>;

}  // namespace foxnn
