// Training of up to sixteen networks (eight in float64) side by side in the lanes of a vector.
#pragma once

#include <memory>
#include <vector>

#include "population/group.hpp"
#include "population/lane_masks.hpp"
#include "population/lane_samples.hpp"
#include "population/lane_tally.hpp"
#include "population/lane_update.hpp"

namespace foxnn {

template <class T>
class LaneTrainer final : public Group<T> {
 public:
  /// Whether a member can be trained in lanes.
  static bool takes(const GroupMember<T>& member);
  /// Whether two members that can be can be in one group.
  static bool are_alike(const GroupMember<T>& a, const GroupMember<T>& b);

  /// From one member to kMostMembers, for all of which `takes` and `are_alike` are true. Throws
  /// std::invalid_argument as Trainer does.
  explicit LaneTrainer(const std::vector<GroupMember<T>>& members);

  index size() const override { return static_cast<index>(members_.size()); }
  double seconds() const override { return seconds_; }
  index steps_per_epoch(index i) const override;
  void set_learning_rate(index i, double rate) override;
  std::uint32_t draw_of_epoch(index i) const override { return members_[at(i)].draw_of_epoch; }
  bool go_on_within_epoch(index i, std::uint32_t draw, const StepReport& done) override;
  void run_epoch(const std::uint8_t* trains, const StopRequest& stop, StepReport* reports) override;

 private:
  static constexpr index kLine = kLineWidth<T>;
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  struct Member {
    Network<T>* network;
    TrainingPlan plan;
    StepReport report = {};
    std::uint32_t draw_of_epoch = 0;
    bool runs = false;          // it makes the next step
    bool is_unwritten = false;  // the network does not have its last steps yet
    bool is_saved = false;      // the parameters are known to which it is reset
  };

  void begin_epoch(std::size_t m);
  void load();
  // Writes members that have ended, or all, to their networks, and completes their reports.
  void store(bool all);
  // What all members that run do next alike: steps of counts_[m] rows. Returns how many, at most
  // rows_ahead_ rows of them.
  index begin_steps();
  // The step with the batch that begins `first` rows behind what was read.
  void step(index first);
  void move();
  // Whether members still run after so many steps.
  bool end_steps(index made, bool stopped);

  std::vector<Member> members_;
  const index batch_, rows_ahead_;
  double seconds_ = 0.0;
  LaneLayout<T> layout_;
  LaneSamples<T> samples_;
  LaneUpdate<T> update_;
  LanePass<T> pass_;
  LaneMasks<T> masks_;
  LaneTally<T> tally_;
  std::vector<index> counts_, read_;  // rows of the members in a step, and in all that are read
  index rows_ = 0;                    // the most of counts_
  std::vector<LaneGap> gaps_;
  Buffer<T> gradient_, saved_;
};

extern template class LaneTrainer<float>;
extern template class LaneTrainer<double>;

}  // namespace foxnn
