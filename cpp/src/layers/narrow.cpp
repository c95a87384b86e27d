// The narrow training step, implemented with the kernels.
#include "layers/narrow.hpp"

#include <algorithm>

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

// A whole line is stored even for the last row, and vectors extend past the end of a block.
template <class T>
Buffer<T> packed(index rows, index width) {
  return Buffer<T>(rows * width + 2 * kLineWidth<T>);
}

}  // namespace

template <class T>
std::unique_ptr<NarrowStep<T>> narrow_step(const std::vector<const Layer<T>*>& layers,
                                           const std::vector<index>& offsets, index parameters,
                                           index batch) {
  // An input wider than a panel is faster with tiles over panels.
  if (layers.front()->input().shape.size() > kPanelWidth<T>) return nullptr;
  std::vector<NarrowPart<T>> parts;
  for (const Layer<T>* layer : layers) {
    const std::optional<NarrowPart<T>> part = layer->narrow_part();
    if (!part || part->neurons > kLineWidth<T>) return nullptr;
    parts.push_back(*part);
  }
  return std::make_unique<NarrowStep<T>>(parts, offsets, parameters,
                                         std::min(batch, NarrowStep<T>::kBlock));
}

template <class T>
NarrowStep<T>::NarrowStep(const std::vector<NarrowPart<T>>& parts,
                          const std::vector<index>& offsets, index parameters, index batch)
    : x_(packed<T>(batch, parts.front().inputs)),
      target_(packed<T>(batch, parts.back().neurons)),
      gradient_(parameters) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const NarrowPart<T>& part = parts[i];
    PartInUse in_use;
    in_use.part = part;
    in_use.offset = offsets[i];
    // A function that finishes whole rows in place must not overwrite the next row.
    in_use.stride = part.layer->finishes_rows() ? kLineWidth<T> : part.neurons;
    in_use.y = packed<T>(batch, in_use.stride);
    in_use.delta = packed<T>(batch, in_use.stride);
    if (part.layer->keeps_slope()) in_use.slope = packed<T>(batch, in_use.stride);
    if (i > 0) in_use.transposed = Buffer<T>(part.neurons * kLineWidth<T>);
    parts_.push_back(std::move(in_use));
  }
}

template <class T>
void NarrowStep<T>::forward(index rows, bool raw) {
  const KernelTable<T>& k = kernels<T>();
  const T* x = x_.data();
  index stride = parts_.front().part.inputs;
  for (PartInUse& in_use : parts_) {
    const NarrowPart<T>& part = in_use.part;
    k.narrow_multiply(rows, part.inputs, x, stride, part.weights, part.bias, in_use.y.data(),
                      in_use.stride);
    const int kind = static_cast<int>(part.activation.kind);
    const T parameter = static_cast<T>(part.activation.parameter);
    const index count = rows * in_use.stride;
    if (raw && &in_use == &parts_.back()) {
      // The loss takes the preactivations.
    } else if (in_use.slope.size()) {
      k.activate_keep[kind](1, count, in_use.y.data(), 0, in_use.slope.data(), 0, parameter);
    } else {
      k.activate[kind](1, count, in_use.y.data(), 0, parameter);
    }
    x = in_use.y.data();
    stride = in_use.stride;
  }
}

template <class T>
void NarrowStep<T>::backward_activation(PartInUse& in_use, index rows) {
  const NarrowPart<T>& part = in_use.part;
  if (part.activation.kind == ActivationKind::softmax) {
    part.layer->backward_activation(0, rows, 0, part.neurons, {in_use.delta.data(), in_use.stride},
                                    Rows<const T>{in_use.y.data(), in_use.stride}, {});
    return;
  }
  const T* kept = in_use.slope.size() ? in_use.slope.data() : in_use.y.data();
  kernels<T>().apply_slope[static_cast<int>(part.activation.kind)](
      1, rows * in_use.stride, in_use.delta.data(), 0, kept, 0,
      static_cast<T>(part.activation.parameter));
}

template <class T>
void NarrowStep<T>::backward(index rows, bool through_activation, bool goes_on) {
  const KernelTable<T>& k = kernels<T>();
  const auto gradient = goes_on ? k.narrow_gradient_on : k.narrow_gradient;
  if (through_activation) backward_activation(parts_.back(), rows);
  for (std::size_t i = parts_.size(); i-- > 0;) {
    PartInUse& in_use = parts_[i];
    const NarrowPart<T>& part = in_use.part;
    const T* x = x_.data();
    index stride = part.inputs;
    if (i > 0) {
      PartInUse& below = parts_[i - 1];
      x = below.y.data();
      stride = below.stride;
      // A kernel would also clear the padding, which is always zero.
      for (index p = 0; p < part.inputs; ++p) {
        for (index n = 0; n < part.neurons; ++n) {
          in_use.transposed.data()[n * kLineWidth<T> + p] = part.weights[p * kLineWidth<T> + n];
        }
      }
      k.narrow_multiply(rows, part.neurons, in_use.delta.data(), in_use.stride,
                        in_use.transposed.data(), nullptr, below.delta.data(), below.stride);
      backward_activation(below, rows);
    }
    gradient(rows, part.inputs, x, stride, in_use.delta.data(), in_use.stride, part.neurons,
             gradient_.data() + in_use.offset);
  }
}

template std::unique_ptr<NarrowStep<float>> narrow_step(const std::vector<const Layer<float>*>&,
                                                        const std::vector<index>&, index, index);
template std::unique_ptr<NarrowStep<double>> narrow_step(const std::vector<const Layer<double>*>&,
                                                         const std::vector<index>&, index, index);
template class NarrowStep<float>;
template class NarrowStep<double>;

}  // namespace foxnn
