// Dropout of hidden layers' outputs, as requested by `fit(dropout=...)`. The masks are drawn
// together with the batch. The layers apply them while their outputs are in the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "layers/dropout_masks.hpp"
#include "network/batch.hpp"
#include "network/pass.hpp"

namespace foxnn {

template <class T>
class HiddenDropout {
 public:
  /// A rate for each node but the last, or no rates.
  HiddenDropout(const Network<T>& network, const std::vector<double>& rates, index batch) {
    for (std::size_t i = 0; i < rates.size(); ++i) {
      if (rates[i] <= 0.0) continue;
      const Form& outputs = network.layer(static_cast<index>(i)).output();
      const auto make = [&] { return Batch<T>::panels(batch, outputs.layout.columns()); };
      nodes_.push_back(
          {static_cast<index>(i), DropoutMasks<T>(rates[i], outputs), 0, {make(), make()}, make()});
    }
  }

  bool is_used() const { return !nodes_.empty(); }
  /// Makes a pass with two slots apply the masks, or stop applying them.
  void apply_to(Pass<T>& pass, bool applies) {
    for (Node& node : nodes_) {
      pass.set_dropout(node.place, applies ? node.dropped.rows() : Rows<T>(),
                       {node.masks[0].rows(), node.masks[1].rows()});
    }
  }
  void begin_epoch(Network<T>& network) {
    seed_ = network.seed();
    for (Node& node : nodes_) node.draw = network.next_draw();
  }
  /// Draws the masks of rows [begin, end) of a batch whose first row is sample `first` of the
  /// epoch.
  void draw(index first, index begin, index end, int slot, Leaving* leaving) {
    // In a long step, in parts: a thousand rows of a thousand outputs take a millisecond.
    const index part = leaving ? 1024 : end - begin;
    for (; begin < end && !(leaving && leaving->now()); begin += part) {
      for (Node& node : nodes_) {
        node.maker.draw(seed_, node.draw, first, begin, std::min(begin + part, end),
                        node.masks[slot].rows());
      }
    }
  }

 private:
  struct Node {
    index place;
    DropoutMasks<T> maker;
    std::uint32_t draw;
    Batch<T> masks[2], dropped;
  };

  std::uint64_t seed_ = 0;
  std::vector<Node> nodes_;
};

}  // namespace foxnn
