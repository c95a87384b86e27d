// Decides which values of a pass lie in lanes. The outputs' bits do not depend on it.
#include "network/lane_plan.hpp"

#include <algorithm>

#include "layers/arrange.hpp"
#include "layers/lanes.hpp"

namespace foxnn {
namespace {

// How many times the products in lanes those in rows must be for values to be turned.
constexpr double kWorthTurning = 1.25;

// Counts the products of a step, or of a pass forward. A product takes the same time in lanes as in
// rows, so that values stay in lanes if no more products are computed there.
template <class T>
bool gains(const Node<T>& node, const LaneNeeds& needs, bool is_there) {
  if (node.layer->lane_use() != LaneUse::weighed || needs.rows < kLeastInLanes<T>) return false;
  const Products products = node.layer->products();
  double in_rows = products.forward, in_lanes = products.full;
  if (needs.backward) in_rows *= 2.0, in_lanes *= 2.0;  // as many for the gradient of the weights
  if (needs.gradient_of_input || (needs.backward && node.reads.front() != kNetworkInput)) {
    in_rows += products.of_inputs, in_lanes += products.full;
  }
  const index padded = rounded_up(needs.rows, kLineWidth<T>);
  return in_lanes * static_cast<double>(padded) * (is_there ? 1.0 : kWorthTurning) <=
         in_rows * static_cast<double>(needs.rows);
}

}  // namespace

template <class T>
bool has_lanes(const Network<T>& network, const LaneNeeds& needs) {
  for (index i = 0; i + 1 < network.size(); ++i) {
    if (gains(network.node(i), needs, false)) return true;
  }
  return false;
}

template <class T>
LanePlan<T>::LanePlan(const Network<T>& network, const LaneNeeds& needs) {
  stages_.reserve(static_cast<std::size_t>(network.size()));
  stage_of_.reserve(stages_.capacity());
  const bool has_any = has_lanes(network, needs);  // asked once: small batches take microseconds
  for (index i = 0; i < network.size(); ++i) {
    const Node<T>& node = network.node(i);
    if (!has_any) {
      stages_.push_back({node.layer.get(), node.reads, i, {}});
      stage_of_.push_back(i);
      continue;
    }
    // Losses and users take outputs row by row.
    const bool gives = i + 1 < network.size() && gives_lanes(node, needs);
    Stage<T> stage{.layer = node.layer.get(), .node = i, .lanes = {gives, gives}};
    for (std::size_t which = 0; which < node.reads.size(); ++which) {
      const index source = stage_of_value(node.reads[which]);
      const bool has = lies_in_lanes(source);
      if (node.layer->lane_use() == LaneUse::turns) stage.lanes.x = has;
      stage.reads.push_back(has == stage.lanes.x ? source
                                                 : turned(source, node.layer->inputs()[which]));
    }
    stage_of_.push_back(static_cast<index>(stages_.size()));
    stages_.push_back(std::move(stage));
  }
}

// A value on the other side: from rows in lanes, or from lanes in rows.
template <class T>
index LanePlan<T>::turned(index stage, const Form& form) {
  const bool has = lies_in_lanes(stage);
  turning_.push_back(
      std::make_unique<Arrange<T>>(LayerSpec{.kind = "arrange"}, std::vector<Form>{form}, form));
  stages_.push_back({turning_.back().get(), {stage}, -1, {has, !has}});
  return static_cast<index>(stages_.size()) - 1;
}

template <class T>
bool LanePlan<T>::gives_lanes(const Node<T>& node, const LaneNeeds& needs) const {
  const bool is_there = std::all_of(node.reads.begin(), node.reads.end(), [&](index read) {
    return lies_in_lanes(stage_of_value(read));
  });
  return node.layer->lane_use() == LaneUse::follows ? is_there : gains(node, needs, is_there);
}

template class LanePlan<float>;
template class LanePlan<double>;
template bool has_lanes(const Network<float>&, const LaneNeeds&);
template bool has_lanes(const Network<double>&, const LaneNeeds&);

}  // namespace foxnn
