// What training and prediction share: how long a row of a batch is in memory, what a pass costs,
// and the loss of a batch.
#pragma once

#include <cstdint>

#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// Elements from one row of a batch to the next. An odd number of cache lines, once a row has
/// several: with a power of two, the rows of a column block would fall into the same few sets of
/// the first-level cache and push each other out.
template <class T>
index row_stride(index width) {
  index lines = (width + kLineWidth<T> - 1) / kLineWidth<T>;
  if (lines > 2 && lines % 2 == 0) ++lines;
  return lines * kLineWidth<T>;
}

/// Floating-point operations of a forward pass over one sample.
template <class T, class Network>
double forward_flops(const Network& network) {
  double flops = 0.0;
  for (index i = 0; i < network.size(); ++i) {
    flops += 2.0 * static_cast<double>(network.layer(i).parameter_count());
  }
  return flops;
}

/// The loss of each row of a batch, d loss / d outputs where `delta` is given (behind a softmax
/// with cross-entropy: d loss / d preactivations), and the hits where `matches` is given. With
/// cross-entropy `out` holds the values before the softmax, else the outputs.
template <class T>
void batch_loss(LossKind loss, index rows, index outputs, Rows<const T> out, Rows<const T> target,
                T scale, Rows<T> delta, double* losses, std::uint8_t* matches) {
  const KernelTable<T>& k = active_kernels().table<T>();
  const auto function = loss == LossKind::cross_entropy ? k.cross_entropy : k.half_squared_error;
  function(rows, outputs, out.data, out.stride, target.data, target.stride, scale, delta.data,
           delta.stride, losses);
  if (matches) k.match(rows, outputs, out.data, out.stride, target.data, target.stride, matches);
}

}  // namespace foxnn
