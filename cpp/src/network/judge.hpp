// What training and evaluation share: how outputs are judged, and how much a sample counts.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/network.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// What a network's outputs are judged by.
template <class T>
struct Judge {
  LossKernel<T> loss;
  decltype(KernelTable<T>::match) match;
  index outputs;

  explicit Judge(const Network<T>& network) : outputs(network.outputs()) {
    const KernelTable<T>& k = active_kernels().table<T>();
    const int kind = static_cast<int>(network.loss());
    const bool sides = loss_traits(network.loss()).targets == Targets::sides;
    match = sides ? k.match_sides : k.match;
    loss = (network.loss_takes_preactivations() ? k.loss_of_sums : k.loss_of_outputs)[kind];
  }

  /// The loss of each row of a batch, d loss / d out where `delta` is given, and the hits where
  /// `matches` is given. `out` holds the outputs, or the preactivations for losses that take them.
  void operator()(index rows, const Rows<const T>& out, const Rows<const T>& target, T scale,
                  const Rows<T>& delta, double* losses, std::uint8_t* matches) const {
    loss(rows, outputs, out.data, out.stride, target.data, target.stride, scale, delta.data,
         delta.stride, losses);
    if (matches) match(rows, outputs, out.data, out.stride, target.data, target.stride, matches);
  }
};

/// The sum of the losses of samples, each times its weight where there are weights; with `sample`,
/// loss r is that of sample[r].
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

/// How much so many samples count together.
inline double total_weight(index count, const double* weights,
                           const std::uint32_t* sample = nullptr) {
  if (!weights) return static_cast<double>(count);
  double sum = 0.0;
  for (index r = 0; r < count; ++r) sum += weights[sample ? sample[r] : r];
  return sum;
}

}  // namespace foxnn
