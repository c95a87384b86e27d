// Masks are drawn member by member, and put into the lanes.
#include "population/lane_masks.hpp"

#include <algorithm>

namespace foxnn {

template <class T>
std::vector<bool> LaneMasks<T>::dropout(const std::vector<GroupMember<T>>& members) {
  std::vector<bool> drops(static_cast<std::size_t>(members.front().network->size()));
  for (const GroupMember<T>& member : members) {
    for (std::size_t i = 0; i < member.plan->dropout.size(); ++i) {
      if (member.plan->dropout[i] > 0.0) drops[i] = true;
    }
  }
  return drops;
}

// Lanes whose outputs do not drop out keep masks of ones: products with them are exact.
template <class T>
LaneMasks<T>::LaneMasks(const std::vector<GroupMember<T>>& members, LanePass<T>& pass,
                        index batch) {
  index widest = 0;
  for (std::size_t i = 0; i < pass.stages().size(); ++i) {
    LaneStage<T>& stage = pass.stages()[i];
    if (stage.mask.size() == 0) continue;
    Masks masks{&stage, {}, {}, std::vector<std::uint32_t>(members.size())};
    for (const GroupMember<T>& member : members) {
      const Layer<T>& layer = member.network->layer(stage.node);
      const std::vector<double>& rates = member.plan->dropout;
      const double rate = stage.drops     ? layer.spec().number("rate")
                          : rates.empty() ? 0.0
                                          : rates[i];
      masks.makers.emplace_back(rate, layer.output());
      masks.are_drawn.push_back(stage.drops || rate > 0.0);
    }
    std::fill_n(stage.mask.data(), stage.mask.size(), T(1));
    widest = std::max(widest, stage.outputs);
    masks_.push_back(std::move(masks));
  }
  drawn_ = Buffer<T>(batch * widest);
}

// Outputs that drop out take a sub-stream each, before all dropout layers.
template <class T>
void LaneMasks<T>::begin_epoch(std::size_t member, Network<T>& network) {
  for (const bool are_of_layers : {false, true}) {
    for (Masks& masks : masks_) {
      if (masks.stage->drops != are_of_layers || !masks.are_drawn[member]) continue;
      masks.draws[member] = network.next_draw();
    }
  }
}

template <class T>
void LaneMasks<T>::draw(std::size_t member, const Network<T>& network, index first, index count) {
  for (const Masks& masks : masks_) {
    if (!masks.are_drawn[member]) continue;
    const index n = masks.stage->outputs, pitch = LanePass<T>::pitch(n) * kLine;
    masks.makers[member].draw(network.seed(), masks.draws[member], first, 0, count,
                              Rows<T>{drawn_.data(), n});
    T* to = masks.stage->mask.data() + member;
    const T* from = drawn_.data();
    for (index r = 0; r < count; ++r, to += pitch) {
      for (index c = 0; c < n; ++c) to[c * kLine] = *from++;
    }
  }
}

template class LaneMasks<float>;
template class LaneMasks<double>;

}  // namespace foxnn
