// The parameters of a network, as a test compares them.
#pragma once

#include <vector>

#include "foxnn/network.hpp"

namespace foxnn::test {

template <class T>
std::vector<T> parameters_of(const Network<T>& network) {
  const T* const first = network.parameters().data();
  return {first, first + network.parameters().size()};
}

}  // namespace foxnn::test
