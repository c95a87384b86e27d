// Dropout in a group: the masks of each member, for outputs that drop out in training and for
// dropout layers, drawn as for a single network.
#pragma once

#include <cstdint>
#include <vector>

#include "layers/dropout_masks.hpp"
#include "population/group.hpp"
#include "population/lane_pass.hpp"

namespace foxnn {

template <class T>
class LaneMasks {
 public:
  LaneMasks(const std::vector<GroupMember<T>>& members, LanePass<T>& pass, index batch);

  /// Which outputs drop out for at least one member, by node.
  static std::vector<bool> dropout(const std::vector<GroupMember<T>>& members);
  /// Whether any outputs do.
  bool are_used() const { return !masks_.empty(); }
  /// Takes the numbers of the sub-streams that a member's epoch draws from.
  void begin_epoch(std::size_t member, Network<T>& network);
  /// Draws the masks of a member's next `count` rows, the first of which is sample `first` of its
  /// epoch.
  void draw(std::size_t member, const Network<T>& network, index first, index count);

 private:
  static constexpr index kLine = kLineWidth<T>;

  // Of a stage of the pass.
  struct Masks {
    LaneStage<T>* stage;
    std::vector<DropoutMasks<T>> makers;  // of each member
    std::vector<bool> are_drawn;          // whether a member's outputs drop out
    std::vector<std::uint32_t> draws;
  };

  std::vector<Masks> masks_;
  Buffer<T> drawn_;  // masks of one member
};

extern template class LaneMasks<float>;
extern template class LaneMasks<double>;

}  // namespace foxnn
