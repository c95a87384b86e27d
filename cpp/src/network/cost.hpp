// What a network's passes cost, by which the number of their workers is chosen.
#pragma once

#include "base/cost.hpp"
#include "foxnn/network.hpp"

namespace foxnn {

/// A training step of so many samples.
template <class T>
Cost training_cost(const Network<T>& network, index batch);
/// A forward pass of so many samples, which need nothing of each other.
template <class T>
Cost forward_cost(const Network<T>& network, index samples);

}  // namespace foxnn
