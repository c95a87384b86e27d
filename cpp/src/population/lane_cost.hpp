// What a step costs in lanes and alone: rough estimates, by which it is decided how members are
// trained.
#pragma once

#include "foxnn/network.hpp"

namespace foxnn {

/// Seconds of a training step with one worker.
struct LaneCost {
  double of_group = 0.0;  ///< of a line of members in lanes, however many there are
  double alone = 0.0;     ///< of one member by itself
};
template <class T>
LaneCost lane_cost(const Network<T>& network, index batch);

/// How many of `members` alike members, the first ones, are trained in lanes by so many workers,
/// and how many groups they are in: what is left is trained alone at the same time.
struct LaneShares {
  index members = 0, groups = 0;
};
LaneShares lane_shares(const LaneCost& cost, index members, index most, int workers);

}  // namespace foxnn
