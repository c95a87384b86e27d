// The costs of operations, measured on two cores of a server processor with AVX-512
// (wiki/Speed-and-threads.md). They are rough: if one of them is wrong by a factor of ten, runs
// near the border between one worker and two are some tens of per cent slower; others are not
// affected.
#include "network/cost.hpp"

#include <algorithm>

#include "layers/columns.hpp"
#include "network/lane_plan.hpp"

namespace foxnn {
namespace {

// Of one core, in float32: three quarters of the peak, typical of layers with some hundred neurons.
constexpr double kFlopsPerSecond = 150e9;
// A step reads a weight twice and writes it with its moments. They are in the second-level cache,
// in the third-level cache, or in memory.
constexpr double kNearSecondsPerByte = 0.35e-9 / 24, kNearBytes = 1 << 20;
constexpr double kFarSecondsPerByte = 0.65e-9 / 24, kFarBytes = 24 << 20;
constexpr double kMemorySecondsPerByte = 1.7e-9 / 24;
// The cost of sorting one product before it is summed: unpredictable comparisons, as many as the
// logarithm of the number of products. 16 ns for 16 products, 26 for 64, 34 for 784.
constexpr double kSecondsPerSortedProduct = 30e-9;
// A line of weights, or of a gradient, that a stored number is multiplied with: 0.6 ns forward,
// over 5,000 and 50,000 inputs, and about twice that in the backward pass.
constexpr double kSecondsPerStoredLine = 0.6e-9;

// The products of a pass for one sample, with one worker.
template <class T>
double seconds_per_sample(const Network<T>& network, std::optional<double> stored) {
  double flops = 0.0, lines = 0.0;
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    const std::vector<index>& reads = network.node(i).reads;
    if (stored && std::find(reads.begin(), reads.end(), kNetworkInput) != reads.end()) {
      const index columns = rounded_up(layer.output().layout.columns(), kLineWidth<T>);
      lines += *stored * static_cast<double>(columns / kLineWidth<T>);
    } else {
      flops += layer.flops();
    }
  }
  return flops * (sizeof(T) / 4.0) / kFlopsPerSecond + lines * kSecondsPerStoredLine;
}

// The additional cost of sorted sums in a pass.
template <class T>
double sorting_seconds(const Network<T>& network, index samples, index first_layer) {
  if (!network.sorted_summation()) return 0.0;
  double products = 0.0;
  for (index i = first_layer; i < network.size(); ++i) {
    products += network.layer(i).sorted_products();
  }
  return static_cast<double>(samples) * products * kSecondsPerSortedProduct;
}

}  // namespace

template <class T>
Cost training_cost(const Network<T>& network, index batch, std::optional<double> stored) {
  const double samples = static_cast<double>(batch), wide = sizeof(T) / 4.0;
  const double bytes = 24.0 * wide * static_cast<double>(network.parameters().size());
  Cost cost;
  // A forward pass, and twice its work in the backward pass; float64 takes twice as long.
  cost.alone = 3.0 * samples * seconds_per_sample(network, stored) +
               bytes * (bytes < kNearBytes  ? kNearSecondsPerByte
                        : bytes < kFarBytes ? kFarSecondsPerByte
                                            : kMemorySecondsPerByte);
  // No gradient is passed to the network's inputs.
  cost.alone += sorting_seconds(network, batch, 0) + sorting_seconds(network, batch, 1);
  const LanePlan<T> plan(network, {.rows = batch, .backward = true});
  for (index i = 0; i < network.size(); ++i) {
    // Outputs and their gradients. In lanes, workers read what they have written themselves, except
    // for the gradient of weights: then all inputs, and all gradients of outputs.
    const Form &input = network.layer(i).input(), &output = network.layer(i).output();
    double numbers =
        2.0 * samples * static_cast<double>(rounded_up(output.layout.columns(), kLineWidth<T>));
    if (plan.stages()[static_cast<std::size_t>(plan.stage_of(i))].lanes.y) {
      const index all =
          network.layer(i).parameter_count() > 0 ? input.shape.size() + output.shape.size() : 0;
      numbers = samples * static_cast<double>(all);
    }
    // Also weights: in the backward pass a worker reads weights that another one wrote.
    if (i > 0) numbers += static_cast<double>(network.layer(i).parameter_count());
    cost.lines += numbers * sizeof(T) / kLineBytes;
  }
  // One per layer in each direction, and three per batch.
  cost.barriers = 2.0 * static_cast<double>(network.size()) + 3.0;
  return cost;
}

template <class T>
Cost forward_cost(const Network<T>& network, index samples, std::optional<double> stored) {
  Cost cost;
  cost.alone = static_cast<double>(samples) * seconds_per_sample(network, stored) +
               sorting_seconds(network, samples, 0);
  cost.begin = kSecondsToBegin;
  return cost;
}

template Cost training_cost(const Network<float>&, index, std::optional<double>);
template Cost training_cost(const Network<double>&, index, std::optional<double>);
template Cost forward_cost(const Network<float>&, index, std::optional<double>);
template Cost forward_cost(const Network<double>&, index, std::optional<double>);

}  // namespace foxnn
