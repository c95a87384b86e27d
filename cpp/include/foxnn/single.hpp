// Prediction for one sample at a time, without allocating memory for each.
#pragma once

#include <memory>

#include "foxnn/network.hpp"

namespace foxnn {

/// The buffers of a forward pass over one sample. Valid as long as the network has the same layers;
/// its parameters may change. Not for use by several threads at once.
template <class T>
class SingleSample {
 public:
  explicit SingleSample(const Network<T>& network);
  ~SingleSample();

  /// The memory for the inputs.
  T* input();
  /// Computes the outputs for them, with the same bits as Network::predict.
  const T* answer();

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

extern template class SingleSample<float>;
extern template class SingleSample<double>;

}  // namespace foxnn
