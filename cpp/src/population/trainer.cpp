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
    : population_(population),
      samples_(samples),
      threads_(threads),
      plans_(std::move(plans)),
      stops_(std::make_unique<Stops>()) {
  check_plans(population.size(), plans_);
  places_.resize(plans_.size());
  make_groups();
}

template <class T>
void PopulationTrainer<T>::make_groups() {
  std::vector<GroupMember<T>> members;
  std::vector<index> numbers;
  for (index i = 0; i < population_.size(); ++i) {
    Place& place = at(i);
    if (has_group(i)) place.draw_of_epoch = group_of(i).draw_of_epoch(place.within);
    if (place.has_ended) continue;
    const MemberPlan& plan = plans_[static_cast<std::size_t>(i)];
    members.push_back({&population_.member(i), samples_, &plan.plan});
    numbers.push_back(i);
    Samples& own = members.back().samples;
    if (!plan.rows.empty()) own.rows = plan.rows;
    if (plan.weights) own.weights = plan.weights, own.position_weights = plan.position_weights;
  }
  std::vector<std::unique_ptr<Group<T>>> groups =
      groups_of(members, stops_->within_steps(), allowed_workers(threads_).workers);
  groups_ = std::move(groups);
  members_of_.clear();
  for (Place& place : places_) place.group = kNoGroup;
  auto next = numbers.begin();
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    members_of_.emplace_back(next, next + groups_[g]->size());
    for (index i = 0; i < groups_[g]->size(); ++i, ++next) {
      at(*next).group = g;
      at(*next).within = i;
      at(*next).steps_per_epoch = groups_[g]->steps_per_epoch(i);
    }
  }
  grouped_ = static_cast<index>(numbers.size());
}

template <class T>
PopulationTrainer<T>::~PopulationTrainer() = default;

template <class T>
void PopulationTrainer<T>::drop_steps_on(StopRequest request) {
  stops_->drop_on(std::move(request));
}

template <class T>
void PopulationTrainer<T>::set_learning_rate(index member, double rate) {
  if (!has_group(member)) return;
  group_of(member).set_learning_rate(at(member).within, rate);
  plans_[static_cast<std::size_t>(member)].plan.learning_rate = rate;
}

template <class T>
void PopulationTrainer<T>::end(index member) {
  at(member).has_ended = true;
  at(member).has_steps_left = false;
}

template <class T>
index PopulationTrainer<T>::steps_per_epoch(index member) const {
  return at(member).steps_per_epoch;
}

template <class T>
std::uint32_t PopulationTrainer<T>::draw_of_epoch(index member) const {
  if (!has_group(member)) return at(member).draw_of_epoch;
  return group_of(member).draw_of_epoch(at(member).within);
}

template <class T>
void PopulationTrainer<T>::begin_epoch() {
  for (Place& place : places_) {
    if (place.has_ended) continue;
    place.report = {};
    place.has_steps_left = true;
  }
  begins_epoch_ = true;
}

template <class T>
bool PopulationTrainer<T>::go_on_within_epoch(index member, std::uint32_t draw,
                                              const StepReport& done) {
  begins_epoch_ = false;
  Place& place = at(member);
  if (!group_of(member).go_on_within_epoch(place.within, draw, done)) return false;
  place.report = done;
  place.has_steps_left = !place.has_ended && done.steps < steps_per_epoch(member);
  return true;
}

template <class T>
bool PopulationTrainer<T>::run_epoch(const StopRequest& stop) {
  // Members that have ended leave their lanes to others.
  const index left = std::count_if(places_.begin(), places_.end(),
                                   [](const Place& place) { return !place.has_ended; });
  if (begins_epoch_ && left < grouped_ - grouped_ / 4) make_groups();
  begins_epoch_ = false;
  std::vector<std::size_t> active;
  Cost cost{.begin = kSecondsToBegin};
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const std::vector<index>& members = members_of_[g];
    if (std::none_of(members.begin(), members.end(),
                     [this](index i) { return at(i).has_steps_left; })) {
      continue;
    }
    active.push_back(g);
    cost.alone += groups_[g]->seconds();
  }
  stops_->begin(stop);
  return in_turn(static_cast<index>(active.size()), workers_for(cost, threads_), *stops_,
                 [&](index i) { run_group(active[static_cast<std::size_t>(i)]); });
}

template <class T>
void PopulationTrainer<T>::run_group(std::size_t g) {
  const std::vector<index>& members = members_of_[g];
  std::vector<std::uint8_t> trains(members.size());
  std::vector<StepReport> reports(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) trains[i] = at(members[i]).has_steps_left;
  groups_[g]->run_epoch(trains.data(), stops_->after_steps(), reports.data());
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!trains[i]) continue;
    Place& place = at(members[i]);
    place.report = reports[i];
    place.has_steps_left = !reports[i].diverged && reports[i].steps < place.steps_per_epoch;
    place.has_ended = reports[i].diverged;
  }
}

template class PopulationTrainer<float>;
template class PopulationTrainer<double>;

}  // namespace foxnn
