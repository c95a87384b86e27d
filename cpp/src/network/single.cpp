// One sample through the layers. A single row is contiguous in compact panels and in rows alike.
#include "foxnn/single.hpp"

#include "network/batch.hpp"

namespace foxnn {

template <class T>
SingleSample<T>::SingleSample(const Network<T>& network) : network_(network) {
  const auto padded = [](index width) { return Buffer<T>(panel_count<T>(width) * kPanelWidth<T>); };
  outputs_.push_back(padded(network.inputs()));
  for (index i = 0; i < network.size(); ++i) {
    outputs_.push_back(padded(network.layer(i).output_width()));
  }
  if (network.sorted_summation()) scratch_ = std::make_unique<ScratchSpace<T>>(network, 1);
}

template <class T>
SingleSample<T>::~SingleSample() = default;

template <class T>
const T* SingleSample<T>::answer() {
  const auto rows = [](Buffer<T>& buffer) {
    return Rows<T>{buffer.data(), kPanelWidth<T>, kPanelWidth<T>};
  };
  const Scratch<T> scratch = scratch_ ? scratch_->get() : Scratch<T>();
  for (index i = 0; i < network_.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Layer<T>& layer = network_.layer(i);
    const Rows<T> out = rows(outputs_[at + 1]);
    layer.forward(Share{}, 1, rows(outputs_[at]), {.y = out}, scratch);
    layer.finish_rows(1, out);
  }
  return outputs_.back().data();
}

template class SingleSample<float>;
template class SingleSample<double>;

}  // namespace foxnn
