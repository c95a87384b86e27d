// Where the gradient of a layer's parameters goes.
#pragma once

#include "foxnn/rows.hpp"

namespace foxnn {

/// Takes the gradient of a layer's parameters, piece by piece, each piece once.
template <class T>
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// `count` derivatives, of the parameters from `offset` on, which the sink may change. Called by
  /// several workers at once, for different pieces; no piece has both weights and biases.
  virtual void take(index offset, index count, T* gradient) = 0;
  /// What `take` will touch for the parameters from `offset` on: it is fetched into the cache while
  /// their gradient is computed. Null where there is nothing.
  struct Targets {
    const T* at[3] = {};
  };
  virtual Targets targets(index offset) const = 0;
};

}  // namespace foxnn
