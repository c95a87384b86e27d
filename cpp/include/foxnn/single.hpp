// Prediction for one sample at a time, or for a few, without allocating memory for each call.
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

  /// The memory for the inputs, of which none is taken for zero.
  T* input();
  /// Reads them from the first row of x, which is faster from some dozens of numbers on, and finds
  /// those that are zero if the network is large enough to gain from it. Returns whether all of
  /// them are finite. x must not be scaled, and stay as it is until there is an answer: layers may
  /// read it where it lies.
  bool read(const MatrixView& x);
  /// Computes the outputs for them, with the same bits as Network::predict.
  const T* answer();
  /// The same into out[outputs].
  void answer(T* out);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

/// The same for a few samples.
template <class T>
class FewSamples {
 public:
  /// For at most `most` samples.
  FewSamples(const Network<T>& network, index most);
  ~FewSamples();

  /// As Network::predict.
  typename Network<T>::Outcome predict(const MatrixView& x, T* out);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

extern template class FewSamples<float>;
extern template class FewSamples<double>;
extern template class SingleSample<float>;
extern template class SingleSample<double>;

}  // namespace foxnn
