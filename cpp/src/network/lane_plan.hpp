// The steps of a pass: the nodes of a network, and for batches that are worth it the values that
// lie in lanes, with what turns values from rows into lanes and back.
#pragma once

#include <memory>
#include <vector>

#include "foxnn/network.hpp"

namespace foxnn {

/// A layer in a pass.
template <class T>
struct Stage {
  const Layer<T>* layer = nullptr;
  std::vector<index> reads = {};  ///< earlier stages, or kNetworkInput
  index node = -1;                ///< of the network; -1: it turns a value
  InLanes lanes = {};
};

/// What decides where values lie.
struct LaneNeeds {
  index rows = 0;  ///< the samples of a batch
  bool backward = false;
  bool gradient_of_input = false;
};

/// Whether a layer of the network gains by having the batch in lanes.
template <class T>
bool has_lanes(const Network<T>& network, const LaneNeeds& needs);

template <class T>
class LanePlan {
 public:
  /// Without needs, all values lie in rows.
  LanePlan(const Network<T>& network, const LaneNeeds& needs);

  const std::vector<Stage<T>>& stages() const { return stages_; }
  /// The stage that computes a node.
  index stage_of(index node) const { return stage_of_[static_cast<std::size_t>(node)]; }

 private:
  index stage_of_value(index node) const { return node == kNetworkInput ? node : stage_of(node); }
  bool lies_in_lanes(index stage) const {
    return stage != kNetworkInput && stages_[static_cast<std::size_t>(stage)].lanes.y;
  }
  bool gives_lanes(const Node<T>& node, const LaneNeeds& needs) const;
  index turned(index stage, const Form& form);

  std::vector<Stage<T>> stages_;
  std::vector<index> stage_of_;
  std::vector<std::unique_ptr<Layer<T>>> turning_;
};

extern template class LanePlan<float>;
extern template class LanePlan<double>;

}  // namespace foxnn
