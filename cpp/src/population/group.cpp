// How members are trained: which of them together, and one by one.
#include "population/group.hpp"

#include <algorithm>

#include "network/cost.hpp"

namespace foxnn {
namespace {

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

}  // namespace

template <class T>
std::vector<std::unique_ptr<Group<T>>> groups_of(const std::vector<GroupMember<T>>& members,
                                                 const StopRequest& drop) {
  std::vector<std::unique_ptr<Group<T>>> groups;
  for (const GroupMember<T>& member : members) {
    groups.push_back(std::make_unique<Alone<T>>(member, drop));
  }
  return groups;
}

template std::vector<std::unique_ptr<Group<float>>> groups_of(
    const std::vector<GroupMember<float>>&, const StopRequest&);
template std::vector<std::unique_ptr<Group<double>>> groups_of(
    const std::vector<GroupMember<double>>&, const StopRequest&);

}  // namespace foxnn
