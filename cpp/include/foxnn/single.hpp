// Answers for one sample at a time, without taking memory for each.
#pragma once

#include <memory>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/network.hpp"

namespace foxnn {

template <class T>
class ScratchSpace;

/// The buffers of a forward pass over one sample. Valid as long as the network has the layers that
/// it had; its parameters may change. Not for several threads at once.
template <class T>
class SingleSample {
 public:
  explicit SingleSample(const Network<T>& network);
  ~SingleSample();

  /// Where the inputs go.
  T* input() { return outputs_.front().data(); }
  /// The outputs for them: the same bits as Network::predict gives.
  const T* answer();

 private:
  const Network<T>& network_;
  std::vector<Buffer<T>> outputs_;            // of each layer, behind the network's inputs
  std::unique_ptr<ScratchSpace<T>> scratch_;  // for sorted sums
};

extern template class SingleSample<float>;
extern template class SingleSample<double>;

}  // namespace foxnn
