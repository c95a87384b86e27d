// The order of the samples in an epoch, and the current position in it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "foxnn/random.hpp"
#include "foxnn/rows.hpp"

namespace foxnn {

/// A place in an epoch: the first sample of a batch, and a piece of its sequences. Without
/// truncation, all of a batch is one piece.
struct Spot {
  index first = 0, piece = 0;
};

class EpochOrder {
 public:
  using Chosen = std::span<const std::uint32_t>;

  /// Draws a new order of so many samples, which are these rows (empty: all). Returns false if
  /// `stop` returned true; there is then no order.
  bool shuffle(const Random& random, index samples, Chosen rows, const StopRequest& stop) {
    set_spot({});
    is_in_order_ = false;
    if (!shuffled_indices(random, static_cast<std::size_t>(samples), order_, stop)) {
      clear();
      return false;
    }
    if (!rows.empty()) {
      for (std::uint32_t& sample : order_) sample = rows[sample];
    }
    is_there_ = true;
    return true;
  }
  /// Takes an order of so many samples, which may be none.
  void take(std::vector<std::uint32_t> order) {
    set_spot({});
    is_in_order_ = false;
    order_ = std::move(order);
    is_there_ = true;
  }
  /// Afterwards there is no order.
  void clear() {
    order_.clear();
    is_there_ = is_in_order_ = false;
  }
  /// Takes the samples in their original order.
  void take_in_order(index samples, Chosen rows) {
    set_spot({});
    is_there_ = true;
    if (!rows.empty()) {
      order_.assign(rows.begin(), rows.end());
      is_in_order_ = false;
      return;
    }
    if (!order_.empty() && is_in_order_) return;
    order_.resize(static_cast<std::size_t>(samples));
    std::iota(order_.begin(), order_.end(), 0u);
    is_in_order_ = true;
  }
  /// Lets the longest sequences of each batch come first; those of one length stay in their order.
  void sort_batches(index samples, index batch, const std::int64_t* lengths) {
    for (index first = 0; first < samples; first += batch) {
      sort_part(first, std::min(batch, samples - first), lengths);
    }
  }
  /// The same for one part of the order.
  void sort_part(index first, index count, const std::int64_t* lengths) {
    const auto is_longer = [lengths](std::uint32_t a, std::uint32_t b) {
      return lengths[a] > lengths[b];
    };
    const auto begin = order_.begin() + first;
    std::stable_sort(begin, begin + count, is_longer);
    is_in_order_ = false;
  }

  /// The number of samples of the epoch that are done, and which piece of the next batch is next.
  const Spot& spot() const { return spot_; }
  void set_spot(const Spot& spot) { spot_ = spot; }
  bool is_over(index samples) const { return !is_there_ || spot_.first >= samples; }
  /// The samples of the epoch from position `first` on.
  const std::uint32_t* from(index first) const { return order_.data() + first; }

 private:
  std::vector<std::uint32_t> order_;
  bool is_there_ = false;
  bool is_in_order_ = false;  // 0, 1, 2, ...
  Spot spot_;
};

}  // namespace foxnn
