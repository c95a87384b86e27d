// Answers for one sample at a time, without taking memory for each.
#pragma once

#include <memory>

#include "foxnn/network.hpp"

namespace foxnn {

/// The buffers of a forward pass over one sample. Valid as long as the network has the layers that
/// it had; its parameters may change. Not for several threads at once.
template <class T>
class SingleSample {
 public:
  explicit SingleSample(const Network<T>& network);
  ~SingleSample();

  /// Where the inputs go.
  T* input();
  /// The outputs for them: the same bits as Network::predict gives.
  const T* answer();

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

extern template class SingleSample<float>;
extern template class SingleSample<double>;

}  // namespace foxnn
