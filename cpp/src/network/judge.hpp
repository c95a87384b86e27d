// What training and evaluation share: the evaluation of outputs, and the weighting of samples.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/network.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// The loss and match functions of a network.
template <class T>
struct Judge {
  LossKernel<T> loss;
  decltype(KernelTable<T>::match) match;
  index outputs;

  explicit Judge(const Network<T>& network) : outputs(network.outputs()) {
    const KernelTable<T>& k = kernels<T>();
    const int kind = static_cast<int>(network.loss());
    const bool sides = loss_traits(network.loss()).targets == Targets::sides;
    match = sides ? k.match_sides : k.match;
    loss = (network.loss_takes_preactivations() ? k.loss_of_sums : k.loss_of_outputs)[kind];
  }

  /// Computes the loss of each row of a batch; also d loss / d out if `delta` is given, and whether
  /// the output is correct if `matches` is given. `out` holds the outputs, or the preactivations
  /// for losses that take them.
  void operator()(index rows, const Rows<const T>& out, const Rows<const T>& target, T scale,
                  const Rows<T>& delta, double* losses, std::uint8_t* matches) const {
    loss(rows, outputs, out.data, out.stride, target.data, target.stride, scale, delta.data,
         delta.stride, losses);
    if (matches) match(rows, outputs, out.data, out.stride, target.data, target.stride, matches);
  }
};

/// The sum of losses, weighted if there are weights. If `sample` is given, loss r belongs to
/// sample[r].
inline double weighted_sum(const std::vector<double>& losses, index count, const double* weights,
                           const std::uint32_t* sample = nullptr) {
  double sum = 0.0;
  const double* loss = losses.data();
  if (!weights) {
    for (index r = 0; r < count; ++r) sum += loss[r];
    return sum;
  }
  for (index r = 0; r < count; ++r) sum += loss[r] * weights[sample ? sample[r] : r];
  return sum;
}

/// The sum of the weights of `count` samples.
inline double total_weight(index count, const double* weights,
                           const std::uint32_t* sample = nullptr) {
  if (!weights) return static_cast<double>(count);
  double sum = 0.0;
  for (index r = 0; r < count; ++r) sum += weights[sample ? sample[r] : r];
  return sum;
}

}  // namespace foxnn
