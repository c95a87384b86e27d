// The steps of an epoch of a group: what training/run does for one network.
#include "population/lane_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/stop_poll.hpp"
#include "base/subnormals.hpp"
#include "population/lane_cost.hpp"

namespace foxnn {
namespace {

// Up to so many lines of parameters, the step is made once for all of them: their gradient (16 KB)
// is still in the first-level cache.
constexpr index kFewLines = 256;
// Lines of a piece of a longer gradient: 8 KB, with as much of the parameters and moments.
constexpr index kLinesOfPiece = 128;

// Rows that small batches are read ahead. Numbers are put into lanes by blocks of sixteen; and what
// is read, with the parameters and moments of tiny networks, leaves room in a first-level cache.
constexpr index kRowsAhead = 16;

// The samples of the largest batch.
template <class T>
index batch_of(const std::vector<GroupMember<T>>& members) {
  index most = 0;
  for (const GroupMember<T>& member : members) most = std::max(most, member.samples.size());
  return std::min(members.front().plan->batch_size, most);
}

template <class T>
std::vector<TrainingPlan> plans_of(const std::vector<GroupMember<T>>& members) {
  std::vector<TrainingPlan> plans;
  for (const GroupMember<T>& member : members) plans.push_back(*member.plan);
  return plans;
}

// Whether a Trainer would take these samples.
template <class T>
bool fit(const Network<T>& network, const Samples& samples) {
  const index n = samples.size();
  return n > 0 && n <= index{std::numeric_limits<std::uint32_t>::max()} &&
         samples.inputs.columns == network.inputs() &&
         (samples.labels || samples.outputs.columns == network.outputs()) &&
         std::none_of(samples.rows.begin(), samples.rows.end(),
                      [&](std::uint32_t row) { return index{row} >= samples.inputs.rows; });
}

}  // namespace

template <class T>
bool LaneTrainer<T>::takes(const GroupMember<T>& member) {
  const Network<T>& network = *member.network;
  const TrainingPlan& plan = *member.plan;
  const MatrixView& x = member.samples.inputs;
  if (!LaneLayout<T>::holds(network) || !fit(network, member.samples) || x.is_sparse() ||
      x.lengths || member.samples.position_weights || member.samples.positions != 1 ||
      plan.truncate > 0 || plan.label_smoothing > 0.0 || network.index_limit() > 0 ||
      !LaneTally<T>::takes(network)) {
    return false;
  }
  for (index i = 0; i < network.size(); ++i) {
    if (!network.layer(i).is_trained()) return false;
  }
  if (network.top().finishes_rows() && !network.loss_takes_preactivations()) return false;
  const auto nodes = at(network.size());
  if (!plan.dropout.empty() && plan.dropout.size() + 1 != nodes) return false;
  for (std::size_t i = 0; i < plan.dropout.size(); ++i) {
    if (plan.dropout[i] > 0.0 && !network.layer(index(i)).takes_masks()) return false;
  }
  return true;
}

template <class T>
bool LaneTrainer<T>::are_alike(const GroupMember<T>& a, const GroupMember<T>& b) {
  const TrainingPlan &one = *a.plan, &other = *b.plan;
  return LaneLayout<T>::are_alike(*a.network, *b.network) && one.batch_size == other.batch_size &&
         one.reduction == other.reduction && one.count_matches == other.count_matches &&
         one.optimizer.kind == other.optimizer.kind &&
         one.optimizer.remembers(0) == other.optimizer.remembers(0) &&
         one.optimizer.remembers(1) == other.optimizer.remembers(1);
}

template <class T>
LaneTrainer<T>::LaneTrainer(const std::vector<GroupMember<T>>& members)
    : members_([&] {
        std::vector<Member> made;
        for (const GroupMember<T>& member : members) {
          member.plan->template check<T>();
          made.push_back({member.network, *member.plan});
        }
        return made;
      }()),
      batch_(batch_of(members)),
      rows_ahead_(std::max(batch_, kRowsAhead)),
      layout_(*members.front().network),
      samples_(members, rows_ahead_),
      update_(layout_, plans_of(members)),
      pass_(*members.front().network, layout_, batch_, rows_ahead_, LaneMasks<T>::dropout(members),
            true, kLinesOfPiece),
      masks_(members, pass_, batch_),
      tally_(members, batch_, rows_ahead_),
      counts_(members.size()),
      read_(members.size()),
      saved_(layout_.lines() * kLine) {
  if (layout_.lines() <= kFewLines || update_.clips_norm()) {
    gradient_ = Buffer<T>(layout_.lines() * kLine);
  }
  for (index i = 0; i < size(); ++i) {
    const LaneCost cost = lane_cost(*members.front().network, batch_);
    seconds_ = std::max(seconds_, cost.of_group * static_cast<double>(steps_per_epoch(i)));
  }
}

template <class T>
index LaneTrainer<T>::steps_per_epoch(index i) const {
  const index n = samples_.size(at(i)), batch = std::min(members_[at(i)].plan.batch_size, n);
  return (n + batch - 1) / batch;
}

template <class T>
void LaneTrainer<T>::set_learning_rate(index i, double rate) {
  TrainingPlan plan = members_[at(i)].plan;
  plan.learning_rate = rate;
  plan.check<T>();
  members_[at(i)].plan = plan;
  update_.set_plan(at(i), plan);
}

template <class T>
void LaneTrainer<T>::begin_epoch(std::size_t m) {
  Member& member = members_[m];
  member.report = StepReport();
  member.draw_of_epoch = member.network->draw();
  samples_.begin_epoch(m, member.plan.shuffle, *member.network);
  masks_.begin_epoch(m, *member.network);
}

template <class T>
bool LaneTrainer<T>::go_on_within_epoch(index i, std::uint32_t draw, const StepReport& done) {
  const index all = samples_.size(at(i)), batch = std::min(members_[at(i)].plan.batch_size, all);
  if (done.steps < 0 || done.steps > steps_per_epoch(i) ||
      done.samples != std::min(done.steps * batch, all)) {
    throw std::invalid_argument("an epoch of " + std::to_string(all) + " samples in batches of " +
                                std::to_string(batch) + " has no " + std::to_string(done.steps) +
                                " steps of " + std::to_string(done.samples) + " samples");
  }
  Member& member = members_[at(i)];
  member.network->set_draw(draw);
  begin_epoch(at(i));
  samples_.set_position(at(i), done.samples);
  member.report = done;
  member.report.positions = done.samples;
  member.is_saved = false;
  return true;
}

template <class T>
void LaneTrainer<T>::load() {
  std::vector<const T*> parameters(members_.size()), moments[2] = {parameters, parameters};
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (!members_[m].runs) continue;
    const Network<T>& network = *members_[m].network;
    const OptimizerState<T>& state = network.optimizer();
    parameters[m] = network.parameters().data();
    for (int i = 0; i < 2; ++i) moments[i][m] = state.moments[i].data();
    update_.set_step(m, state.step);
  }
  layout_.load(parameters, update_.parameters());
  for (int i = 0; i < 2; ++i) {
    if (update_.remembers(i)) layout_.load(moments[i], update_.moments(i));
  }
  // The parameters to which members are reset that diverge: those at the start of their epochs.
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    if (!member.runs || (member.is_saved && member.report.steps > 0)) continue;
    for (index i = index(m); i < saved_.size(); i += kLine) {
      saved_.data()[i] = update_.parameters()[i];
    }
    member.is_saved = true;
  }
}

template <class T>
void LaneTrainer<T>::store(bool all) {
  std::vector<T*> parameters(members_.size()), moments[2] = {parameters, parameters};
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const Member& member = members_[m];
    if (!member.is_unwritten || (member.runs && !all)) continue;
    OptimizerState<T>& state = member.network->optimizer();
    parameters[m] = member.network->parameters().data();
    for (int i = 0; i < 2; ++i) moments[i][m] = state.moments[i].data();
    state.step = update_.step_of(m);
  }
  layout_.store(update_.parameters(), parameters);
  for (int i = 0; i < 2; ++i) {
    if (update_.remembers(i)) layout_.store(update_.moments(i), moments[i]);
  }
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (!parameters[m]) continue;
    Member& member = members_[m];
    member.is_unwritten = false;
    tally_.end(m, member.report);
    const index count = member.network->parameters().size();
    if (!kernels<T>().all_finite(count, parameters[m], T(1))) member.report.diverged = true;
    if (!member.report.diverged) continue;
    std::vector<T*> to(members_.size());
    to[m] = parameters[m];
    layout_.store(saved_.data(), to);
    member.network->reset_optimizer();
  }
}

template <class T>
void LaneTrainer<T>::run_epoch(const std::uint8_t* trains, const StopRequest& stop,
                               StepReport* reports) {
  const SubnormalsAsZero subnormals;
  bool goes_on = false;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    member.runs = member.is_unwritten = trains[m] != 0;
    if (!member.runs) continue;
    member.network->use_optimizer(member.plan.optimizer);
    if (samples_.is_between_epochs(m)) begin_epoch(m);
    member.report.stopped = false;
    goes_on = true;
  }
  load();
  for (std::size_t m = 0; m < members_.size(); ++m) tally_.begin(m, members_[m].report);
  StopPoll poll;
  while (goes_on) {
    const index steps = begin_steps();
    index made = 0;
    bool stopped = false;
    do {
      step(made * rows_);
      stopped = poll.after_step(stop);
      ++made;
    } while (made < steps && !stopped && !tally_.some_diverged());
    goes_on = end_steps(made, stopped);
  }
  store(true);
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (trains[m]) reports[m] = members_[m].report;
  }
}

template <class T>
index LaneTrainer<T>::begin_steps() {
  index steps = rows_ahead_;
  rows_ = 0;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const index left = samples_.size(m) - samples_.position(m), batch = members_[m].plan.batch_size;
    counts_[m] = members_[m].runs ? std::min(left, batch) : 0;
    if (members_[m].runs) steps = std::min(steps, left / batch);
    rows_ = std::max(rows_, counts_[m]);
  }
  steps = std::max<index>(1, std::min(steps, rows_ahead_ / rows_));
  gaps_.clear();
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (counts_[m] > 0 && counts_[m] < rows_) gaps_.push_back({index(m), counts_[m], rows_});
    read_[m] = steps * counts_[m];
  }
  samples_.read(read_, pass_.input(), tally_.targets());
  tally_.begin_steps(counts_, samples_.are_weighted());
  return steps;
}

template <class T>
void LaneTrainer<T>::step(index first) {
  for (std::size_t m = 0; m < members_.size() && masks_.are_used(); ++m) {
    if (counts_[m] == 0) continue;
    masks_.draw(m, *members_[m].network, samples_.position(m) + first, counts_[m]);
  }
  update_.begin_step();
  pass_.begin_with(first);
  pass_.forward(rows_, update_.parameters(), tally_.takes_raw(), gaps_);
  tally_.judge(first, samples_, pass_);
  move();
}

template <class T>
bool LaneTrainer<T>::end_steps(index made, bool stopped) {
  tally_.end_steps(made);
  bool goes_on = false, some_end = false;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    if (!member.runs) continue;
    samples_.set_position(m, samples_.position(m) + made * counts_[m]);
    member.report.diverged = tally_.diverged(m);
    member.report.stopped = stopped;
    member.runs = !member.report.diverged && !samples_.is_between_epochs(m);
    some_end = some_end || !member.runs;
    goes_on = goes_on || member.runs;
  }
  goes_on = goes_on && !stopped;
  // Their lanes go on with the others: what they hold now is written at once.
  if (goes_on && some_end) store(false);
  return goes_on;
}

// Along the gradient, in the order of a single network: penalties, clipping, decay, step.
template <class T>
void LaneTrainer<T>::move() {
  T* const whole = gradient_.size() ? gradient_.data() : nullptr;
  pass_.backward(rows_, update_.parameters(), !tally_.takes_raw(), gaps_, whole,
                 [&](index line, index weights, index biases, T* gradient) {
                   update_.prepare(line, weights, biases, gradient);
                   if (whole) return;
                   update_.shrink(line, weights);
                   update_.take(line, weights + biases, gradient);
                 });
  if (!whole) return;
  if (update_.clips_norm()) update_.clip_norms(whole);
  for (const LaneArray& array : layout_.arrays()) {
    if (array.is_penalised) update_.shrink(array.line, array.count);
  }
  update_.take(0, layout_.lines(), whole);
}

template class LaneTrainer<float>;
template class LaneTrainer<double>;

}  // namespace foxnn
