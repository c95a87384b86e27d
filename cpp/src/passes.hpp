// What training and evaluation share: the loss of a batch.
#pragma once

#include <cstdint>

#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// The loss of each row of a batch, d loss / d outputs where `delta` is given (behind a softmax
/// with cross-entropy: d loss / d preactivations), and the hits where `matches` is given. With
/// cross-entropy `out` holds the values before the softmax, else the outputs.
template <class T>
void batch_loss(LossKind loss, index rows, index outputs, const Rows<const T>& out,
                const Rows<const T>& target, T scale, const Rows<T>& delta, double* losses,
                std::uint8_t* matches) {
  const KernelTable<T>& k = active_kernels().table<T>();
  const auto function = loss == LossKind::cross_entropy ? k.cross_entropy : k.half_squared_error;
  function(rows, outputs, out.data, out.stride, target.data, target.stride, scale, delta.data,
           delta.stride, losses);
  if (matches) k.match(rows, outputs, out.data, out.stride, target.data, target.stride, matches);
}

}  // namespace foxnn
