// The order in which an epoch takes the samples, and how far it is.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "foxnn/random.hpp"
#include "foxnn/rows.hpp"

namespace foxnn {

class EpochOrder {
 public:
  /// Draws a new order; false: `stop` has said yes, and there is none.
  bool shuffle(const Random& random, index samples, const StopRequest& stop) {
    position_ = 0;
    if (shuffled_indices(random, static_cast<std::size_t>(samples), order_, stop)) return true;
    order_.clear();
    return false;
  }
  /// The samples as they stand.
  void take_in_order(index samples) {
    position_ = 0;
    if (!order_.empty()) return;
    order_.resize(static_cast<std::size_t>(samples));
    std::iota(order_.begin(), order_.end(), 0u);
  }

  /// Samples of the epoch done.
  index position() const { return position_; }
  void set_position(index position) { position_ = position; }
  bool is_over(index samples) const { return order_.empty() || position_ >= samples; }
  /// The samples from one of the epoch on.
  const std::uint32_t* from(index first) const { return order_.data() + first; }

 private:
  std::vector<std::uint32_t> order_;
  index position_ = 0;
};

}  // namespace foxnn
