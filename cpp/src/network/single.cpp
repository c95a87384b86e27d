// One sample through the layers. A single row is contiguous both in compact panels and in plain
// rows, but for gaps between positions.
#include "foxnn/single.hpp"

#include "layers/columns.hpp"
#include "network/pass.hpp"

namespace foxnn {

template <class T>
struct SingleSample<T>::Memory {
  explicit Memory(const Network<T>& network)
      : top(network.top()), pass(network, 1, {.looks_for_zeros = false}), scratch(network, 1) {
    if (!top.output().layout.is_packed()) packed = Buffer<T>(network.outputs());
  }
  const Layer<T>& top;
  Pass<T> pass;
  ScratchSpace<T> scratch;
  Buffer<T> packed;  // empty if there are no gaps
};

template <class T>
SingleSample<T>::SingleSample(const Network<T>& network)
    : memory_(std::make_unique<Memory>(network)) {}

template <class T>
SingleSample<T>::~SingleSample() = default;

template <class T>
T* SingleSample<T>::input() {
  return memory_->pass.input().data;
}

template <class T>
const T* SingleSample<T>::answer() {
  memory_->pass.forward({}, 1, {}, memory_->scratch.get(), [] {});
  memory_->top.finish_rows(1, memory_->pass.output());
  if (memory_->packed.size() == 0) return memory_->pass.output().data;
  copy_values<T>(memory_->top.output(), 1, memory_->pass.output(), memory_->packed.data());
  return memory_->packed.data();
}

template class SingleSample<float>;
template class SingleSample<double>;

}  // namespace foxnn
