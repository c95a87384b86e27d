// The network as Python sees it: one class over both number types, which refuses to be changed
// while it trains.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <string>
#include <utility>
#include <variant>

#include "foxnn/network.hpp"

namespace foxnn::python {

class AnyNetwork {
 public:
  AnyNetwork(bool single, std::uint64_t seed) {
    if (single) {
      network_.emplace<Network<float>>(seed);
    } else {
      network_.emplace<Network<double>>(seed);
    }
  }
  AnyNetwork(const AnyNetwork& other) : network_(other.network_) {}

  /// Calls f with the Network<float> or Network<double>.
  template <class Function>
  decltype(auto) visit(Function&& f) {
    return std::visit(std::forward<Function>(f), network_);
  }
  template <class Function>
  decltype(auto) visit(Function&& f) const {
    return std::visit(std::forward<Function>(f), network_);
  }

  /// The same for what changes the network. Throws std::runtime_error during a training.
  template <class Function>
  decltype(auto) change(Function&& f) {
    if (busy_) throw std::runtime_error("the network cannot be changed while it is training");
    return std::visit(std::forward<Function>(f), network_);
  }

  /// Held by the one who trains the network.
  class Training {
   public:
    explicit Training(AnyNetwork& network) : network_(network) {
      if (network.busy_.exchange(true)) {
        throw std::runtime_error("the network is already training, in another thread");
      }
    }
    ~Training() { network_.busy_ = false; }
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;

   private:
    AnyNetwork& network_;
  };

 private:
  std::variant<Network<float>, Network<double>> network_{std::in_place_index<0>, 0u};
  std::atomic<bool> busy_{false};
};

}  // namespace foxnn::python
