// The losses of a group's batch, their gradient, and the sums of each member: what training/tally
// does for one network.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/member_table.hpp"
#include "population/lane_pass.hpp"
#include "population/lane_samples.hpp"

namespace foxnn {

template <class T>
class LaneTally {
 public:
  LaneTally(const std::vector<GroupMember<T>>& members, index batch);

  /// Whether the loss of a network can be computed in lanes.
  static bool takes(const Network<T>& network);
  bool takes_raw() const { return takes_raw_; }
  T* targets() { return targets_.data(); }

  /// Computes the losses of a batch of which member m has counts[m] rows, and the gradient.
  void judge(const std::vector<index>& counts, const LaneSamples<T>& samples, LanePass<T>& pass);
  /// Adds the step to the report of a member.
  void count_step(std::size_t member, index count, const LaneSamples<T>& samples,
                  StepReport& report);
  /// The mean loss of the last batch of a member with a finite loss.
  double last_loss(std::size_t member) const { return last_sums_[member] / last_weights_[member]; }

 private:
  static constexpr index kLine = kLineWidth<T>;

  void judge_rows(index rows, LanePass<T>& pass);

  const Network<T>& network_;
  const bool takes_raw_, sums_;
  Buffer<T> targets_, scale_;
  Buffer<T> terms_;  // of losses that are sums over the outputs
  std::vector<double> losses_, last_sums_, last_weights_;
  std::vector<std::uint8_t> matches_;
  double totals_[kLine] = {};  // of all rows, without weights
  index rows_ = 0;
};

extern template class LaneTally<float>;
extern template class LaneTally<double>;

}  // namespace foxnn
