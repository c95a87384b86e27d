// The losses of a group's batch, their gradient, and the sums of each member: what training/tally
// does for one network.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/member_table.hpp"
#include "population/lane_pass.hpp"
#include "population/lane_samples.hpp"

namespace foxnn {

template <class T>
class LaneTally {
 public:
  /// For batches of up to `batch` rows, out of `rows_ahead` rows of targets that are read together.
  LaneTally(const std::vector<GroupMember<T>>& members, index batch, index rows_ahead);

  /// Whether the loss of a network can be computed in lanes.
  static bool takes(const Network<T>& network);
  bool takes_raw() const { return takes_raw_; }
  T* targets() { return targets_.data(); }

  /// Lets a member go on from the sums of a report.
  void begin(std::size_t member, const StepReport& report);
  /// Begins steps with batches of which member m has counts[m] rows.
  void begin_steps(const std::vector<index>& counts, bool are_weighted);
  /// Computes the losses of a step, and the gradient, and adds the losses to the sums of those that
  /// make it. The batch begins `first` rows behind what was read first.
  void judge(index first, const LaneSamples<T>& samples, LanePass<T>& pass);
  /// Counts the steps that were made.
  void end_steps(index made);
  /// Whether the last step of a member that has made it was of a loss that is not finite. There is
  /// none but where `some_diverged`.
  bool some_diverged() const { return some_diverged_; }
  bool diverged(std::size_t member) const { return !std::isfinite(step_.losses[member]); }
  /// Writes the sums of a member's epoch.
  void end(std::size_t member, StepReport& report) const;

 private:
  static constexpr index kLine = kLineWidth<T>;

  void judge_rows(index rows, const T* targets, LanePass<T>& pass);
  void set_scale(std::size_t member, double weight);
  void add_step(index first, const LaneSamples<T>& samples);
  void add_counted_rows(index first, const LaneSamples<T>& samples);

  const Network<T>& network_;
  const bool takes_raw_, sums_;
  Buffer<T> targets_, scale_;
  Buffer<T> terms_;  // of losses that are sums over the outputs
  std::vector<double> losses_;
  std::vector<index> counts_;  // of the steps that were begun; and the most of them
  index rows_ = 0;
  bool are_weighted_ = false, are_alike_ = false;  // all that make them have as many rows
  std::vector<std::uint8_t> matches_;
  // Of each member: sums of the losses and weights of a step, of the step before, of its epoch, and
  // of its last step with a finite loss. Lanes of members that make no step hold any numbers.
  struct Sums {
    double losses[kLine] = {}, weights[kLine] = {};
  };
  Sums step_, before_, epoch_, last_;
  void keep_last(std::size_t member, const Sums& sums);
  index steps_[kLine] = {}, counted_[kLine] = {}, correct_[kLine] = {};
  bool some_diverged_ = false;
};

extern template class LaneTally<float>;
extern template class LaneTally<double>;

}  // namespace foxnn
