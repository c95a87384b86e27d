// The training of a population, epoch by epoch: which members have steps left, and the workers that
// take their groups in turn.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "foxnn/population.hpp"
#include "network/cost.hpp"
#include "population/group.hpp"
#include "population/in_turn.hpp"

namespace foxnn {
namespace {

void check_plans(index members, const std::vector<MemberPlan>& plans) {
  if (static_cast<index>(plans.size()) != members) {
    throw std::invalid_argument("there must be a plan for each of the " + std::to_string(members) +
                                " members, got " + std::to_string(plans.size()));
  }
  for (const MemberPlan& plan : plans) {
    if (plan.plan.batch_size != plans.front().plan.batch_size) {
      throw std::invalid_argument("batch_size must be the same for all members");
    }
    if (plan.plan.optimizer.kind != plans.front().plan.optimizer.kind) {
      throw std::invalid_argument("optimizer must be of the same kind for all members");
    }
    if (plan.plan.truncate > 0) {
      throw std::invalid_argument("members of a population cannot be trained with truncate");
    }
  }
}

}  // namespace

template <class T>
PopulationTrainer<T>::PopulationTrainer(Population<T>& population, const Samples& samples,
                                        std::vector<MemberPlan> plans, int threads)
    : threads_(threads), plans_(std::move(plans)), stops_(std::make_unique<Stops>()) {
  check_plans(population.size(), plans_);
  std::vector<GroupMember<T>> members;
  for (index i = 0; i < population.size(); ++i) {
    const MemberPlan& plan = plans_[static_cast<std::size_t>(i)];
    members.push_back({&population.member(i), samples, &plan.plan});
    Samples& own = members.back().samples;
    if (!plan.rows.empty()) own.rows = plan.rows;
    if (plan.weights) own.weights = plan.weights, own.position_weights = plan.position_weights;
  }
  groups_ = groups_of(members, stops_->within_steps(), allowed_workers(threads).workers);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    first_of_group_.push_back(static_cast<index>(places_.size()));
    for (index i = 0; i < groups_[g]->size(); ++i) places_.push_back({.group = g, .within = i});
  }
}

template <class T>
PopulationTrainer<T>::~PopulationTrainer() = default;

template <class T>
void PopulationTrainer<T>::drop_steps_on(StopRequest request) {
  stops_->drop_on(std::move(request));
}

template <class T>
void PopulationTrainer<T>::set_learning_rate(index member, double rate) {
  group_of(member).set_learning_rate(at(member).within, rate);
}

template <class T>
void PopulationTrainer<T>::end(index member) {
  at(member).has_ended = true;
  at(member).has_steps_left = false;
}

template <class T>
index PopulationTrainer<T>::steps_per_epoch(index member) const {
  return group_of(member).steps_per_epoch(at(member).within);
}

template <class T>
std::uint32_t PopulationTrainer<T>::draw_of_epoch(index member) const {
  return group_of(member).draw_of_epoch(at(member).within);
}

template <class T>
void PopulationTrainer<T>::begin_epoch() {
  for (Place& place : places_) {
    if (place.has_ended) continue;
    place.report = {};
    place.has_steps_left = true;
  }
}

template <class T>
bool PopulationTrainer<T>::go_on_within_epoch(index member, std::uint32_t draw,
                                              const StepReport& done) {
  Place& place = at(member);
  if (!group_of(member).go_on_within_epoch(place.within, draw, done)) return false;
  place.report = done;
  place.has_steps_left = !place.has_ended && done.steps < steps_per_epoch(member);
  return true;
}

template <class T>
bool PopulationTrainer<T>::run_epoch(const StopRequest& stop) {
  std::vector<std::size_t> active;
  Cost cost{.begin = kSecondsToBegin};
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const auto first = places_.begin() + first_of_group_[g];
    const auto last = first + groups_[g]->size();
    if (std::none_of(first, last, [](const Place& place) { return place.has_steps_left; }))
      continue;
    active.push_back(g);
    cost.alone += groups_[g]->seconds();
  }
  stops_->begin(stop);
  return in_turn(static_cast<index>(active.size()), workers_for(cost, threads_), *stops_,
                 [&](index i) {
                   const std::size_t g = active[static_cast<std::size_t>(i)];
                   run_group(first_of_group_[g], *groups_[g]);
                 });
}

template <class T>
void PopulationTrainer<T>::run_group(index first, Group<T>& group) {
  const auto count = static_cast<std::size_t>(group.size());
  std::vector<std::uint8_t> trains(count);
  std::vector<StepReport> reports(count);
  for (std::size_t i = 0; i < count; ++i) {
    trains[i] = at(first + static_cast<index>(i)).has_steps_left;
  }
  group.run_epoch(trains.data(), stops_->after_steps(), reports.data());
  for (std::size_t i = 0; i < count; ++i) {
    if (!trains[i]) continue;
    Place& place = at(first + static_cast<index>(i));
    place.report = reports[i];
    place.has_steps_left =
        !reports[i].diverged && reports[i].steps < group.steps_per_epoch(static_cast<index>(i));
    place.has_ended = reports[i].diverged;
  }
}

template class PopulationTrainer<float>;
template class PopulationTrainer<double>;

}  // namespace foxnn
