// The steps of an epoch of a group: what training/run.cpp does for one network.
#include "population/lane_trainer.hpp"

#include <algorithm>
#include <cmath>

#include "base/subnormals.hpp"

namespace foxnn {
namespace {

template <class T>
std::vector<Network<T>*> networks_of(const std::vector<LaneMember<T>>& members) {
  std::vector<Network<T>*> networks;
  for (const LaneMember<T>& member : members) networks.push_back(member.network);
  return networks;
}
template <class T>
std::vector<LaneView> views_of(const std::vector<LaneMember<T>>& members) {
  std::vector<LaneView> views;
  for (const LaneMember<T>& member : members) views.push_back(member.view);
  return views;
}
template <class T>
std::vector<TrainingPlan> plans_of(const std::vector<LaneMember<T>>& members) {
  std::vector<TrainingPlan> plans;
  for (const LaneMember<T>& member : members) plans.push_back(member.plan);
  return plans;
}

// The samples of the largest batch.
template <class T>
index batch_of(const std::vector<LaneMember<T>>& members, const Samples& samples) {
  index most = 0;
  for (const LaneMember<T>& member : members) {
    most = std::max(most, member.view.rows ? member.view.count : samples.size());
  }
  return std::min(members.front().plan.batch_size, most);
}

template <class T>
auto loss_of(const Network<T>& network) {
  const MemberKernels<T>& k = member_kernels<T>();
  return (network.loss_takes_preactivations()
              ? k.loss_of_sums
              : k.loss_of_outputs)[static_cast<int>(network.loss())];
}

// Up to so many lines of parameters, the step is made once for all of them: the gradient is still
// in the first-level cache (32 KB), with room for the parameters and moments that stream by.
constexpr index kFewLines = 256;
// Lines of a piece of a longer gradient.
constexpr index kLinesOfPiece = 128;

}  // namespace

template <class T>
bool LaneTrainer<T>::takes(const Network<T>& network, const TrainingPlan& plan,
                           const Samples& samples) {
  const MatrixView& x = samples.inputs;
  if (!LaneLayout<T>::holds(network) || x.is_sparse() || x.lengths || samples.position_weights ||
      samples.positions != 1 || plan.truncate > 0 || network.index_limit() > 0) {
    return false;
  }
  if (!loss_of(network)) return false;
  if (network.top().finishes_rows() && !network.loss_takes_preactivations()) return false;
  const auto nodes = static_cast<std::size_t>(network.size());
  if (!plan.dropout.empty() && plan.dropout.size() + 1 != nodes) return false;
  for (std::size_t i = 0; i < plan.dropout.size(); ++i) {
    if (plan.dropout[i] > 0.0 && !network.layer(index(i)).takes_masks()) return false;
  }
  return true;
}

template <class T>
bool LaneTrainer<T>::are_alike(const LaneMember<T>& a, const LaneMember<T>& b) {
  const TrainingPlan &one = a.plan, &other = b.plan;
  return LaneLayout<T>::are_alike(*a.network, *b.network) && one.batch_size == other.batch_size &&
         one.reduction == other.reduction && one.count_matches == other.count_matches &&
         one.optimizer.kind == other.optimizer.kind &&
         one.optimizer.remembers(0) == other.optimizer.remembers(0) &&
         one.optimizer.remembers(1) == other.optimizer.remembers(1);
}

template <class T>
LaneTrainer<T>::LaneTrainer(const std::vector<LaneMember<T>>& members, const Samples& samples)
    : members_([&] {
        std::vector<Member> made;
        for (const LaneMember<T>& member : members) made.push_back({member.network, member.plan});
        return made;
      }()),
      layout_(*members.front().network),
      samples_(networks_of(members), samples, views_of(members), batch_of(members, samples)),
      update_(layout_, plans_of(members)),
      pass_(*members.front().network, layout_, batch_of(members, samples), dropout(), true,
            kLinesOfPiece),
      is_raw_(members.front().network->loss_takes_preactivations()),
      counts_(members.size()),
      saved_(layout_.lines() * kLine),
      scale_(kLine) {
  const index batch = batch_of(members, samples);
  targets_ = Buffer<T>(batch * pass_.pitch(pass_.outputs()) * kLine);
  losses_.resize(static_cast<std::size_t>(batch * kLine));
  if (members.front().plan.count_matches) {
    matches_.resize(static_cast<std::size_t>(batch * kLine));
  }
  if (layout_.lines() <= kFewLines || update_.clips_norm()) {
    gradient_ = Buffer<T>(layout_.lines() * kLine);
  }
  make_masks();
  index widest = 0;
  for (const Masks& masks : masks_) {
    widest = std::max(widest, pass_.stages()[masks.stage].outputs);
  }
  drawn_ = Buffer<T>(batch * widest);
}

// The outputs that drop out for at least one member.
template <class T>
std::vector<bool> LaneTrainer<T>::dropout() const {
  std::vector<bool> drops(static_cast<std::size_t>(members_.front().network->size()));
  for (const Member& member : members_) {
    for (std::size_t i = 0; i < member.plan.dropout.size(); ++i) {
      if (member.plan.dropout[i] > 0.0) drops[i] = true;
    }
  }
  return drops;
}

template <class T>
void LaneTrainer<T>::make_masks() {
  for (std::size_t i = 0; i < pass_.stages().size(); ++i) {
    LaneStage<T>& stage = pass_.stages()[i];
    if (stage.mask.size() == 0) continue;
    Masks masks{
        .stage = i, .are_of_layer = stage.drops, .makers = {}, .are_drawn = {}, .draws = {}};
    for (const Member& member : members_) {
      const Layer<T>& layer = member.network->layer(stage.node);
      const double rate = stage.drops                   ? layer.spec().number("rate")
                          : member.plan.dropout.empty() ? 0.0
                                                        : member.plan.dropout[i];
      masks.makers.emplace_back(rate, layer.output());
      masks.are_drawn.push_back(stage.drops || rate > 0.0);
    }
    masks.draws.resize(members_.size());
    std::fill_n(stage.mask.data(), stage.mask.size(), T(1));
    masks_.push_back(std::move(masks));
  }
}

template <class T>
void LaneTrainer<T>::set_learning_rate(std::size_t member, double rate) {
  members_[member].plan.learning_rate = rate;
  update_.set_plan(member, members_[member].plan);
}

template <class T>
void LaneTrainer<T>::set_optimizer(std::size_t member, const Optimizer& rule) {
  Member& set = members_[member];
  set.plan.optimizer = rule;
  OptimizerState<T>& state = set.network->optimizer();
  const bool has_its_moments = state.rule.kind == rule.kind &&
                               state.rule.remembers(0) == rule.remembers(0) &&
                               state.rule.remembers(1) == rule.remembers(1);
  if (state.step > 0 && has_its_moments) state.rule = rule;
  update_.set_plan(member, set.plan);
}

template <class T>
bool LaneTrainer<T>::begin_epoch(const StopRequest& stop) {
  position_ = 0;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    Network<T>& network = *member.network;
    if (!samples_.begin_epoch(m, member.plan.shuffle, network, stop)) return false;
    member.report = StepReport();
    member.is_over = false;
    // Outputs that drop out take a sub-stream each, before all dropout layers.
    for (const bool are_of_layer : {false, true}) {
      for (Masks& masks : masks_) {
        if (masks.are_of_layer == are_of_layer && masks.are_drawn[m]) {
          masks.draws[m] = network.next_draw();
        }
      }
    }
  }
  std::copy_n(update_.parameters(), saved_.size(), saved_.data());
  return true;
}

template <class T>
void LaneTrainer<T>::load() {
  std::vector<const T*> parameters, moments[2];
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Network<T>& network = *members_[m].network;
    network.use_optimizer(members_[m].plan.optimizer);
    const OptimizerState<T>& state = network.optimizer();
    parameters.push_back(network.parameters().data());
    for (int i = 0; i < 2; ++i) moments[i].push_back(state.moments[i].data());
    update_.step_of(m) = state.step;
  }
  layout_.load(parameters, update_.parameters());
  for (int i = 0; i < 2; ++i) {
    if (update_.remembers(i)) layout_.load(moments[i], update_.moments(i));
  }
}

template <class T>
void LaneTrainer<T>::store(const std::vector<bool>& which) {
  std::vector<T*> parameters(members_.size()), moments[2] = {parameters, parameters};
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (!which[m]) continue;
    Network<T>& network = *members_[m].network;
    OptimizerState<T>& state = network.optimizer();
    parameters[m] = network.parameters().data();
    for (int i = 0; i < 2; ++i) moments[i][m] = state.moments[i].data();
    state.step = update_.step_of(m);
  }
  layout_.store(update_.parameters(), parameters);
  for (int i = 0; i < 2; ++i) {
    if (update_.remembers(i)) layout_.store(update_.moments(i), moments[i]);
  }
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (!which[m]) continue;
    Member& member = members_[m];
    const Buffer<T>& values = member.network->parameters();
    if (!kernels<T>().all_finite(values.size(), values.data(), T(1))) member.report.diverged = true;
    member.report.last_loss = member.last_sum / member.last_weight;
    if (member.report.diverged) restore(m);
  }
}

template <class T>
void LaneTrainer<T>::restore(std::size_t m) {
  std::vector<T*> to(members_.size());
  to[m] = members_[m].network->parameters().data();
  layout_.store(saved_.data(), to);
  members_[m].network->reset_optimizer();
  members_[m].is_over = true;
}

template <class T>
std::vector<StepReport> LaneTrainer<T>::run_epoch(const StopRequest& stop) {
  const SubnormalsAsZero subnormals;
  load();
  const bool is_new =
      std::all_of(members_.begin(), members_.end(), [](const Member& m) { return m.is_over; });
  bool stopped = is_new && !begin_epoch(stop);
  for (Member& member : members_) member.report.stopped = stopped;
  poll_.restart();
  std::vector<bool> unwritten(members_.size());
  for (std::size_t m = 0; m < members_.size(); ++m) unwritten[m] = !members_[m].is_over;
  bool goes_on = !stopped;
  while (goes_on) {
    step();
    stopped = poll_.after_step(stop);
    const bool some_ended = mark_ended(stopped, goes_on);
    goes_on = goes_on && !stopped;
    // A lane goes on with the others: what it holds at the end of its epoch is written at once.
    if (!goes_on || !some_ended) continue;
    std::vector<bool> ended(members_.size());
    for (std::size_t m = 0; m < ended.size(); ++m) ended[m] = unwritten[m] && members_[m].is_over;
    store(ended);
    for (std::size_t m = 0; m < ended.size(); ++m) unwritten[m] = unwritten[m] && !ended[m];
  }
  store(unwritten);
  std::vector<StepReport> reports;
  for (const Member& member : members_) reports.push_back(member.report);
  return reports;
}

// Marks the members whose epoch has ended; `goes_on`: whether one goes on.
template <class T>
bool LaneTrainer<T>::mark_ended(bool stopped, bool& goes_on) {
  bool some_ended = false;
  goes_on = false;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    if (member.is_over) continue;
    member.report.stopped = stopped;
    member.is_over = member.report.diverged || position_ >= samples_.size(m);
    some_ended = some_ended || member.is_over;
    goes_on = goes_on || !member.is_over;
  }
  return some_ended;
}

template <class T>
void LaneTrainer<T>::find_counts() {
  index most = 0;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    counts_[m] = members_[m].is_over ? 0 : samples_.count_from(m, position_);
    most = std::max(most, counts_[m]);
  }
  gaps_.clear();
  for (std::size_t m = 0; m < members_.size(); ++m) {
    if (counts_[m] > 0 && counts_[m] < most) gaps_.push_back({index(m), counts_[m], most});
  }
}

template <class T>
void LaneTrainer<T>::step() {
  find_counts();
  const index rows = *std::max_element(counts_.begin(), counts_.end());
  samples_.read(position_, counts_, pass_.input(), targets_.data());
  draw_masks();
  update_.begin_step();
  pass_.forward(rows, update_.parameters(), is_raw_, gaps_);
  judge(rows);
  move(rows);
  count_step(rows);
  position_ += rows;
}

template <class T>
void LaneTrainer<T>::draw_masks() {
  for (const Masks& masks : masks_) {
    LaneStage<T>& stage = pass_.stages()[masks.stage];
    for (std::size_t m = 0; m < members_.size(); ++m) {
      if (!masks.are_drawn[m] || counts_[m] == 0) continue;
      masks.makers[m].draw(members_[m].network->seed(), masks.draws[m], position_, 0, counts_[m],
                           Rows<T>{drawn_.data(), stage.outputs});
      T* to = stage.mask.data() + m;
      const T* from = drawn_.data();
      for (index r = 0; r < counts_[m]; ++r, to += pass_.pitch(stage.outputs) * kLine) {
        for (index c = 0; c < stage.outputs; ++c) to[c * kLine] = *from++;
      }
    }
  }
}

template <class T>
void LaneTrainer<T>::judge(index rows) {
  const Network<T>& network = *members_.front().network;
  const bool sums = members_.front().plan.reduction == Reduction::sum;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    double weight = static_cast<double>(counts_[m]);
    if (samples_.are_weighted()) {
      weight = 0.0;
      for (index r = 0; r < counts_[m]; ++r) weight += samples_.weight(m, position_, r);
    }
    const T together = static_cast<T>(weight);
    // If all weights are zero, so is the gradient.
    scale_.data()[m] = sums ? T(1) : together > T(0) ? T(1) / together : T(0);
  }
  const index n = pass_.outputs(), ld = pass_.pitch(n) * kLine;
  loss_of(network)(rows, n, ld, pass_.output(), targets_.data(), scale_.data(), pass_.delta(),
                   losses_.data());
  if (!matches_.empty()) {
    const MemberKernels<T>& k = member_kernels<T>();
    const auto match =
        loss_traits(network.loss()).targets == Targets::sides ? k.match_sides : k.match;
    match(rows, n, ld, pass_.output(), targets_.data(), matches_.data());
  }
  for (index r = 0; r < rows && samples_.are_weighted(); ++r) {
    T* const delta = pass_.delta() + r * ld;
    kernels<T>().multiply_elements(n, kLine, delta, kLine, samples_.weights() + r * kLine, 0, delta,
                                   kLine);
  }
}

// Along the gradient, in the order of a single network: penalties, clipping, decay, step.
template <class T>
void LaneTrainer<T>::move(index rows) {
  T* const whole = gradient_.size() ? gradient_.data() : nullptr;
  const auto shrink_all = [&] {
    for (const LaneArray& array : layout_.arrays()) {
      if (array.is_penalised) update_.shrink(array.line, array.count);
    }
  };
  pass_.backward(rows, update_.parameters(), !is_raw_, gaps_, whole,
                 [&](index line, index weights, index biases, T* gradient) {
                   update_.prepare(line, weights, biases, gradient);
                   if (whole) return;
                   update_.shrink(line, weights);
                   update_.take(line, weights + biases, gradient);
                 });
  if (!whole) return;
  if (update_.clips_norm()) update_.clip_norms(whole);
  shrink_all();
  update_.take(0, layout_.lines(), whole);
}

template <class T>
void LaneTrainer<T>::count_step(index rows) {
  double sums[kLine] = {};
  if (!samples_.are_weighted() && gaps_.empty()) {
    for (index r = 0; r < rows; ++r) {
      for (index m = 0; m < kLine; ++m) {
        sums[m] += losses_[static_cast<std::size_t>(r * kLine + m)];
      }
    }
  }
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const index count = counts_[m];
    if (count == 0) continue;
    Member& member = members_[m];
    StepReport& report = member.report;
    double weight = static_cast<double>(count);
    if (samples_.are_weighted() || !gaps_.empty()) {
      weight = sums[m] = 0.0;
      for (index r = 0; r < count; ++r) {
        const double own = samples_.are_weighted() ? samples_.weight(m, position_, r) : 1.0;
        sums[m] += losses_[static_cast<std::size_t>(r * kLine) + m] * own;
        weight += own;
      }
    }
    report.loss += sums[m];
    report.weight += weight;
    report.samples += count;
    report.positions += count;
    ++report.steps;
    for (index r = 0; r < count && !matches_.empty(); ++r) {
      report.correct += matches_[static_cast<std::size_t>(r * kLine) + m];
    }
    if (!std::isfinite(sums[m])) {
      report.diverged = true;
    } else if (weight > 0.0) {
      member.last_sum = sums[m], member.last_weight = weight;
    }
  }
}

template class LaneTrainer<float>;
template class LaneTrainer<double>;

}  // namespace foxnn
