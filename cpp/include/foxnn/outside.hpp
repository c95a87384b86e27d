// Losses that are computed outside the engine, between the forward and the backward pass of a step.
#pragma once

#include <cstdint>
#include <functional>

#include "foxnn/rows.hpp"

namespace foxnn {

/// A batch whose losses are wanted.
template <class T>
struct OutsideBatch {
  index rows;
  index number;                  ///< of the batch in its epoch, from 0
  const std::uint32_t* samples;  ///< which sample each row is
  const T* outputs;              ///< [rows x outputs], all of them finite
  T* gradient;                   ///< to be written, [rows x outputs]: d loss of a row / d outputs
  double* losses;                ///< to be written: of each row
};

/// Writes losses and gradient of a batch, which must be finite. If it returns false, the step is
/// dropped, and nothing has changed. It is called by the thread that called the engine, once per
/// batch, and must not throw.
template <class T>
using OutsideLoss = std::function<bool(const OutsideBatch<T>&)>;

/// What takes the place of a network's own loss.
template <class T>
struct Outside {
  OutsideLoss<T> loss = {};  ///< none: the network's own
  /// d loss / d inputs is kept after each step, and layers compute as in inference.
  bool reaches_inputs = false;
};

}  // namespace foxnn
