// The costs of a network's passes, from which the number of workers is chosen.
#pragma once

#include <optional>

#include "base/cost.hpp"
#include "foxnn/network.hpp"

namespace foxnn {

/// The cost of a training step with a batch of `batch` samples; `stored`: of those that go by their
/// stored numbers, how many a sample has.
template <class T>
Cost training_cost(const Network<T>& network, index batch, std::optional<double> stored = {});
/// The cost of a forward pass over independent samples.
template <class T>
Cost forward_cost(const Network<T>& network, index samples, std::optional<double> stored = {});

}  // namespace foxnn
