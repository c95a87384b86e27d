// The order of the samples in an epoch, and the current position in it.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "foxnn/random.hpp"
#include "foxnn/rows.hpp"

namespace foxnn {

class EpochOrder {
 public:
  /// Draws a new order. Returns false if `stop` returned true; there is then no order.
  bool shuffle(const Random& random, index samples, const StopRequest& stop) {
    position_ = 0;
    if (shuffled_indices(random, static_cast<std::size_t>(samples), order_, stop)) return true;
    order_.clear();
    return false;
  }
  /// Takes the samples in their original order.
  void take_in_order(index samples) {
    position_ = 0;
    if (!order_.empty()) return;
    order_.resize(static_cast<std::size_t>(samples));
    std::iota(order_.begin(), order_.end(), 0u);
  }

  /// The number of samples of the epoch that are done.
  index position() const { return position_; }
  void set_position(index position) { position_ = position; }
  bool is_over(index samples) const { return order_.empty() || position_ >= samples; }
  /// The samples of the epoch from position `first` on.
  const std::uint32_t* from(index first) const { return order_.data() + first; }

 private:
  std::vector<std::uint32_t> order_;
  index position_ = 0;
};

}  // namespace foxnn
