// How members are trained: which of them together, and one by one.
#include "population/group.hpp"

#include <algorithm>

#include "network/cost.hpp"
#include "population/lane_cost.hpp"
#include "population/lane_trainer.hpp"

namespace foxnn {
namespace {

// A step in lanes is not left before its end, so longer ones are made alone: well below the 0.2 s
// that a user may wait.
constexpr double kLongestStep = 0.05;

// One member, of any layers: a Trainer with one worker.
template <class T>
class Alone final : public Group<T> {
 public:
  Alone(const GroupMember<T>& member, const StopRequest& drop)
      : trainer_(*member.network, member.samples, with_one_worker(*member.plan)),
        seconds_(
            training_cost(*member.network, std::min(member.plan->batch_size, member.samples.size()))
                .alone *
            static_cast<double>(trainer_.steps_per_epoch())) {
    trainer_.drop_steps_on(drop);
  }

  index size() const override { return 1; }
  double seconds() const override { return seconds_; }
  index steps_per_epoch(index) const override { return trainer_.steps_per_epoch(); }
  void set_learning_rate(index, double rate) override { trainer_.set_learning_rate(rate); }
  std::uint32_t draw_of_epoch(index) const override { return trainer_.draw_of_epoch(); }
  bool go_on_within_epoch(index, std::uint32_t draw, const StepReport& done) override {
    return trainer_.go_on_within_epoch(draw, done);
  }
  void run_epoch(const std::uint8_t* trains, const StopRequest& stop,
                 StepReport* reports) override {
    if (trains[0]) reports[0] = trainer_.run_epoch(stop);
  }

 private:
  static TrainingPlan with_one_worker(TrainingPlan plan) {
    plan.threads = 1;
    return plan;
  }

  Trainer<T> trainer_;
  double seconds_;
};

// The end of the members from `first` on that can be in one group, if the first one can.
template <class T>
std::size_t end_of_alike(const std::vector<GroupMember<T>>& members, std::size_t first) {
  std::size_t end = first + 1;
  if (!LaneTrainer<T>::takes(members[first])) return end;
  while (end < members.size() && LaneTrainer<T>::are_alike(members[first], members[end]) &&
         LaneTrainer<T>::takes(members[end])) {
    ++end;
  }
  return end;
}

// Adds groups of alike members: of equal sizes in lanes where that is faster, else one by one.
template <class T>
void add_alike(const std::vector<GroupMember<T>>& alike, const StopRequest& drop, int workers,
               std::vector<std::unique_ptr<Group<T>>>& groups) {
  const auto& [network, samples, plan] = alike.front();
  const auto count = static_cast<index>(alike.size());
  LaneShares lanes;
  if (count > 1) {
    const LaneCost cost = lane_cost(*network, std::min(plan->batch_size, samples.size()));
    if (cost.of_group < kLongestStep) lanes = lane_shares(cost, count, kMostMembers<T>, workers);
  }
  for (index g = 0; g < lanes.groups; ++g) {
    const Share share{static_cast<int>(g), static_cast<int>(lanes.groups)};
    groups.push_back(std::make_unique<LaneTrainer<T>>(std::vector<GroupMember<T>>(
        alike.begin() + share.first(lanes.members), alike.begin() + share.last(lanes.members))));
  }
  for (index i = lanes.members; i < count; ++i) {
    groups.push_back(std::make_unique<Alone<T>>(alike[static_cast<std::size_t>(i)], drop));
  }
}

}  // namespace

template <class T>
std::vector<std::unique_ptr<Group<T>>> groups_of(const std::vector<GroupMember<T>>& members,
                                                 const StopRequest& drop, int workers) {
  std::vector<std::unique_ptr<Group<T>>> groups;
  for (std::size_t first = 0; first < members.size();) {
    const std::size_t end = end_of_alike(members, first);
    add_alike<T>({members.begin() + index(first), members.begin() + index(end)}, drop, workers,
                 groups);
    first = end;
  }
  return groups;
}

template std::vector<std::unique_ptr<Group<float>>> groups_of(
    const std::vector<GroupMember<float>>&, const StopRequest&, int);
template std::vector<std::unique_ptr<Group<double>>> groups_of(
    const std::vector<GroupMember<double>>&, const StopRequest&, int);

}  // namespace foxnn
