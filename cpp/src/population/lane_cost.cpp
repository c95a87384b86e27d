// The costs of steps, measured on one core of a server processor with AVX-512, for networks from
// [3, 5, 4, 2] to [10, 256, 256, 1] and batches from 1 to 1,024.
#include "population/lane_cost.hpp"

#include <algorithm>

#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"

namespace foxnn {
namespace {

// Of products, near the peak of the core. Lanes read a weight for each member and sample: on an
// Intel Xeon, [30, 100, 100, 1] with batches of 64 makes 68 GFLOP/s in them and 98 alone, while on
// Zen 4 the steps differed by 7 %. The choice must be good on both.
constexpr double kSecondsPerFlop = 1e-11, kLaneSecondsPerFlop = 1.22e-11;
// Of a member's step, whatever its size: calls, the order of samples, sums.
constexpr double kSecondsOfStep = 0.2e-6, kSecondsOfLane = 0.035e-6;
// Of a number of a sample that passes through an activation and back, and of a sample.
constexpr double kSecondsPerOutput = 0.7e-9, kSecondsPerSample = 6e-9;
// Of a parameter in the step of an optimizer; and what is added where those of sixteen members,
// with their moments, go beyond a second-level cache.
constexpr double kSecondsPerParameter = 0.35e-9, kFarSecondsPerParameter = 0.9e-9;
constexpr double kNearBytes = 1 << 20;

}  // namespace

template <class T>
LaneCost lane_cost(const Network<T>& network, index batch) {
  LaneCost cost{.of_group = kSecondsOfLane, .alone = kSecondsOfStep};
  const double samples = static_cast<double>(batch);
  double parameters = 0.0;
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    const double inputs = static_cast<double>(layer.input().shape.size());
    const index n = layer.output().shape.size();
    // The products forward, to the gradient of the weights, and but for the first layer to that of
    // the inputs.
    const double passes = i > 0 ? 6.0 : 4.0;
    const auto work = [&](double columns, double outputs, double per_flop) {
      const bool has_weights = !layer.arrays().empty();
      const double weights = has_weights ? inputs * columns : 0.0;
      return samples * (passes * weights * per_flop + outputs * kSecondsPerOutput) +
             weights * kSecondsPerParameter;
    };
    const double outputs = static_cast<double>(n);
    for (const Array& array : layer.arrays()) parameters += static_cast<double>(array.size());
    cost.of_group += work(outputs, outputs, kLaneSecondsPerFlop);
    cost.alone += work(static_cast<double>(rounded_up(n, kLineWidth<T>)), outputs, kSecondsPerFlop);
  }
  const double bytes = 3.0 * parameters * kLineBytes;
  cost.of_group += parameters * kFarSecondsPerParameter * std::max(0.0, 1.0 - kNearBytes / bytes);
  cost.alone += samples * kSecondsPerSample;
  cost.of_group += samples * kSecondsPerSample;
  const double wide = sizeof(T) / 4.0;
  cost.alone *= wide;
  cost.of_group *= wide * static_cast<double>(kLineWidth<T>);
  return cost;
}

// Workers take full groups in turn, as many each; of the rest, each worker has at most one group,
// which must be faster than as many members alone.
LaneShares lane_shares(const LaneCost& cost, index members, index most, int workers) {
  if (cost.of_group >= static_cast<double>(most) * cost.alone) return {};
  const index round = most * workers;
  LaneShares shares{.members = members / round * round, .groups = members / round * workers};
  const index rest = members - shares.members;
  const index each = (rest + workers - 1) / workers;  // members of a worker, if all are alone
  if (cost.of_group < static_cast<double>(each) * cost.alone) {
    shares.members = members;
    shares.groups += std::min<index>(workers, rest);
  }
  return shares;
}

template LaneCost lane_cost(const Network<float>&, index);
template LaneCost lane_cost(const Network<double>&, index);

}  // namespace foxnn
