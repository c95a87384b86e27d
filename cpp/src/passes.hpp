// What training and evaluation share: the loss of a batch, and how much its samples count.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/network.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// The kernel of a loss; `raw` where it takes the preactivations.
template <class T>
LossKernel<T> loss_kernel(LossKind loss, bool raw) {
  const KernelTable<T>& k = active_kernels().table<T>();
  switch (loss) {
    case LossKind::mse:
      return k.half_squared_error;
    case LossKind::cross_entropy:
      return k.cross_entropy;
    case LossKind::binary_cross_entropy:
      return k.sigmoid_cross_entropy;
    case LossKind::mae:
      return k.absolute_error;
    case LossKind::huber:
      return k.huber;
    case LossKind::poisson:
      return raw ? k.exp_poisson : k.poisson;
  }
  return nullptr;
}

/// The loss of each row of a batch, d loss / d out where `delta` is given, and the hits where
/// `matches` is given. `out` holds the outputs, or the preactivations for losses that take them.
template <class T>
void batch_loss(const Network<T>& network, index rows, const Rows<const T>& out,
                const Rows<const T>& target, T scale, const Rows<T>& delta, double* losses,
                std::uint8_t* matches) {
  const index outputs = network.outputs();
  const LossKind loss = network.loss();
  loss_kernel<T>(loss, network.loss_takes_preactivations())(rows, outputs, out.data, out.stride,
                                                            target.data, target.stride, scale,
                                                            delta.data, delta.stride, losses);
  if (!matches) return;
  const KernelTable<T>& k = active_kernels().table<T>();
  const auto match = loss == LossKind::binary_cross_entropy ? k.match_sides : k.match;
  match(rows, outputs, out.data, out.stride, target.data, target.stride, matches);
}

/// The sum of the losses of samples, each times its weight where there are weights; with `sample`,
/// loss r is that of sample[r].
inline double weighted_sum(const std::vector<double>& losses, index count, const double* weights,
                           const std::uint32_t* sample = nullptr) {
  double sum = 0.0;
  for (index r = 0; r < count; ++r) {
    const double loss = losses[static_cast<std::size_t>(r)];
    sum += weights ? loss * weights[sample ? sample[r] : r] : loss;
  }
  return sum;
}

/// How much so many samples count together.
inline double total_weight(index count, const double* weights,
                           const std::uint32_t* sample = nullptr) {
  if (!weights) return static_cast<double>(count);
  double sum = 0.0;
  for (index r = 0; r < count; ++r) sum += weights[sample ? sample[r] : r];
  return sum;
}

}  // namespace foxnn
