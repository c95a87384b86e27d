// Checks plans, and starts and measures runs. The runs themselves are in run.cpp.
#include "foxnn/trainer.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/messages.hpp"
#include "network/cost.hpp"
#include "training/run.hpp"

namespace foxnn {
namespace {

template <class T>
void check_fit(const Network<T>& network, const Samples& samples, bool is_outside,
               bool may_be_none = false) {
  const index inputs = network.inputs(), outputs = network.outputs();
  const auto mismatch = [](const char* what, index got, index needed) {
    return std::invalid_argument(std::string(what) + " must have " + std::to_string(needed) +
                                 " columns, as many as the network, got " + std::to_string(got));
  };
  if (samples.size() == 0 && !may_be_none)
    throw std::invalid_argument("there are no samples to train on");
  if (samples.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::invalid_argument("more than 2^32 - 1 samples");
  }
  for (const std::uint32_t row : samples.rows) {
    if (index{row} >= samples.inputs.rows) throw std::invalid_argument("rows beyond the samples");
  }
  if (samples.inputs.columns != inputs) throw mismatch("x", samples.inputs.columns, inputs);
  if (is_outside) {
    if (samples.position_weights) {
      throw std::invalid_argument("a loss outside takes no weights of positions");
    }
    return;
  }
  if (!samples.labels && samples.outputs.columns != outputs) {
    throw mismatch("y", samples.outputs.columns, outputs);
  }
  check_positions(network.output_shape(), samples);
}

// The steps of the longest sequence.
template <class T>
index longest(const Network<T>& network, const Samples& samples) {
  const std::int64_t* const lengths = samples.inputs.lengths;
  if (!lengths) return network.steps();
  if (samples.rows.empty()) return *std::max_element(lengths, lengths + samples.size());
  index most = 0;
  for (const std::uint32_t row : samples.rows) most = std::max<index>(most, lengths[row]);
  return most;
}

void refuse_pieces(const TrainingPlan& plan, const char* what) {
  if (plan.truncate == 0) return;
  throw std::invalid_argument(std::string(what) + " is not for sequences in pieces");
}

void refuse_shards(bool are_used, const char* what) {
  if (!are_used) return;
  throw std::invalid_argument(std::string(what) + " is not for samples in shards");
}

template <class T>
void check_shards(const Network<T>& network, const Samples& samples, const TrainingPlan& plan,
                  const Shards<T>& shards) {
  if (!shards.are_used()) return;
  refuse_pieces(plan, "training in shards");
  index own = 0;
  for (index s = shards.first(); s < shards.last(); ++s) {
    own += shard_size(shards.samples, shards.count(), s);
  }
  if (shards.samples < 1 || own != samples.size()) {
    throw std::invalid_argument("the shards must have " + std::to_string(own) + " samples, got " +
                                std::to_string(samples.size()));
  }
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    const auto& arrays = layer.arrays();
    const bool is_running = std::any_of(arrays.begin(), arrays.end(),
                                        [](const Array& array) { return !array.is_trained(); });
    if (is_running && layer.is_trained()) {
      throw std::invalid_argument("a layer of kind '" + layer.spec().kind +
                                  "' depends on all samples of a batch, not on those of a shard");
    }
  }
}

void check_kind(bool takes) {
  if (takes) return;
  throw std::invalid_argument(
      "sparse samples cannot follow dense ones, nor dense sparse ones; nor can sequences of "
      "different lengths follow others");
}

}  // namespace

template <class T>
void TrainingPlan::check() const {
  if (batch_size < 1) {
    throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(batch_size));
  }
  using Limits = std::numeric_limits<T>;
  if (!(learning_rate >= Limits::min() && learning_rate <= Limits::max())) {
    throw std::invalid_argument("learning_rate must be from " + text_of(Limits::min()) + " to " +
                                text_of(Limits::max()) + " in " + type_name<T>() + ", got " +
                                text_of(learning_rate));
  }
  // A smaller epsilon counts as zero, and a step of zero would be divided by zero.
  const bool divides = optimizer.traits().squares != Remembers::never;
  if (divides && !(optimizer.epsilon >= Limits::min())) {
    throw std::invalid_argument("epsilon must be at least " + text_of(Limits::min()) + " in " +
                                type_name<T>() + ", got " + text_of(optimizer.epsilon));
  }
  if (threads < 0) {
    throw std::invalid_argument("n_threads must not be negative, got " + std::to_string(threads));
  }
  if (truncate < 0) {
    throw std::invalid_argument("truncate must not be negative, got " + std::to_string(truncate));
  }
  optimizer.check();
  if (optimizer.traits().shrinks_weights && !(learning_rate * optimizer.weight_decay < 1.0)) {
    throw std::invalid_argument("learning_rate times weight_decay must be below 1, got " +
                                text_of(learning_rate) + " times " +
                                text_of(optimizer.weight_decay));
  }
  const auto check_part = [](const char* name, double value) {
    if (!(value >= 0.0 && value <= Limits::max())) {
      throw std::invalid_argument(std::string(name) + " must be from 0 to " +
                                  text_of(Limits::max()) + " in " + type_name<T>() + ", got " +
                                  text_of(value));
    }
  };
  check_part("l1", l1);
  check_part("l2", l2);
  const auto check_clip = [&](const char* name, double value) {
    check_part(name, value);
    // A smaller value counts as zero, that is, as no clipping.
    if (value > 0.0 && value < Limits::min()) {
      throw std::invalid_argument(std::string(name) + " must be at least " +
                                  text_of(Limits::min()) + " in " + type_name<T>() + ", got " +
                                  text_of(value));
    }
  };
  check_clip("clip_value", clip_value);
  check_clip("clip_norm", clip_norm);
  if (!(label_smoothing >= 0.0 && label_smoothing < 1.0)) {
    throw std::invalid_argument("label_smoothing must be at least 0 and below 1, got " +
                                text_of(label_smoothing));
  }
  for (const double rate : dropout) {
    if (!(rate >= 0.0 && rate < 1.0)) {
      throw std::invalid_argument("dropout must be at least 0 and below 1, got " + text_of(rate));
    }
  }
}

template <class T>
int training_workers(const Network<T>& network, index batch, int threads) {
  return workers_for(training_cost(network, batch), threads);
}

template <class T>
Trainer<T>::Trainer(Network<T>& network, const Samples& samples, const TrainingPlan& plan,
                    const Outside<T>& outside, const Shards<T>& shards)
    : is_outside_(static_cast<bool>(outside.loss)) {
  plan.check<T>();
  if (is_outside_) refuse_pieces(plan, "a loss outside");
  if (!is_outside_ && network.loss() == LossKind::outside) {
    throw std::invalid_argument("the loss of this network must be given");
  }
  check_fit(network, samples, is_outside_, shards.are_used());
  check_shards(network, samples, plan, shards);
  if (plan.label_smoothing > 0.0 && (is_outside_ || !classifies(network.loss()))) {
    throw std::invalid_argument("label_smoothing is for losses of classes, not for '" +
                                std::string(loss_name(network.loss())) + "'");
  }
  if (!plan.dropout.empty() && static_cast<index>(plan.dropout.size()) != network.size() - 1) {
    throw std::invalid_argument("dropout must have a rate for each of the " +
                                std::to_string(network.size() - 1) + " hidden layers, got " +
                                std::to_string(plan.dropout.size()));
  }
  for (std::size_t i = 0; i < plan.dropout.size(); ++i) {
    const Layer<T>& layer = network.layer(static_cast<index>(i));
    if (plan.dropout[i] > 0.0 && !layer.takes_masks()) {
      throw std::invalid_argument("the outputs of a layer of kind '" + layer.spec().kind +
                                  "' cannot drop out");
    }
  }
  if (plan.truncate > 0) network.check_pieces();
  if (plan.truncate == 0 || plan.truncate >= longest(network, samples)) {
    TrainingPlan whole = plan;
    whole.truncate = 0;
    run_ = std::make_unique<Run<T>>(network, samples, whole, false, outside, shards);
    return;
  }
  if (samples.inputs.is_sparse()) {
    throw std::invalid_argument("sparse samples cannot come in pieces");
  }
  pieces_ = network.with_pieces(plan.truncate);
  run_ =
      std::make_unique<Run<T>>(*pieces_, network.scaled(samples), plan, true, outside, Shards<T>());
}

template <class T>
Trainer<T>::~Trainer() = default;

template <class T>
void Trainer<T>::set_learning_rate(double rate) {
  TrainingPlan plan = run_->plan();
  plan.learning_rate = rate;
  plan.template check<T>();
  run_->set_learning_rate(rate);
}

template <class T>
void Trainer<T>::set_optimizer(const Optimizer& rule) {
  TrainingPlan plan = run_->plan();
  if (plan.optimizer.kind != rule.kind) {
    throw std::invalid_argument("the optimizer must be of the kind that the training began with");
  }
  plan.optimizer = rule;
  plan.template check<T>();
  run_->set_optimizer(rule);
}

template <class T>
void Trainer<T>::drop_steps_on(StopRequest request) {
  run_->dropped().ask_by(std::move(request));
}

template <class T>
int Trainer<T>::workers() const {
  return run_->workers();
}

template <class T>
index Trainer<T>::steps_per_epoch() const {
  return (run_->samples() + run_->batch() - 1) / run_->batch();
}

template <class T>
StepReport Trainer<T>::run_epoch(const StopRequest& stop) {
  const StepReport before = run_->is_between_epochs() ? StepReport() : run_->epoch;
  const index left = steps_per_epoch() - before.steps;
  return run_->epoch = run_->steps(left, stop, run_->saving_within_epoch(), before);
}

template <class T>
StepReport Trainer<T>::run_steps(index steps, const StopRequest& stop) {
  return run_->steps(steps, stop, Run<T>::Saving::now);
}

template <class T>
bool Trainer<T>::takes(const Samples& samples) const {
  return run_->holds(samples);
}

template <class T>
void Trainer<T>::set_samples(const Samples& samples) {
  refuse_pieces(run_->plan(), "set_samples");
  refuse_shards(run_->is_sharded(), "set_samples");
  check_fit(run_->network(), samples, is_outside_);
  check_kind(takes(samples));
  if (samples.size() != run_->batches().samples().size()) {
    throw std::invalid_argument("there must be as many samples as before");
  }
  run_->set_samples(samples);
}

template <class T>
void Trainer<T>::check_batch(const Samples& samples) const {
  check_fit(run_->network(), samples, is_outside_);
  check_kind(takes(samples));
  if (samples.size() > run_->batches().size()) {
    throw std::invalid_argument("there must be at most as many samples as a batch holds");
  }
}

template <class T>
StepReport Trainer<T>::step(const Samples& samples) {
  refuse_pieces(run_->plan(), "step");
  refuse_shards(run_->is_sharded(), "step");
  check_batch(samples);
  return run_->step_on(samples);
}

template <class T>
bool Trainer<T>::back(const Samples& samples) {
  check_batch(samples);
  return run_->back_on(samples);
}

template <class T>
void Trainer<T>::input_gradient(T* out) const {
  run_->read_input_gradient(out);
}

template <class T>
std::span<const std::uint32_t> Trainer<T>::next_batch() const {
  return run_->next_batch();
}

template <class T>
StepReport Trainer<T>::run_batch(const StopRequest& stop, const MatrixView& x) {
  refuse_shards(run_->is_sharded(), "run_batch with other inputs");
  const index rows = static_cast<index>(next_batch().size());
  if (rows == 0) throw std::invalid_argument("there is no next batch between epochs");
  const MatrixView& replaced = run_->batches().samples().inputs;
  if (x.rows != rows || x.columns != replaced.columns) {
    throw std::invalid_argument("x must have " + std::to_string(rows) + " rows of " +
                                std::to_string(replaced.columns) + " inputs");
  }
  if (x.is_sparse() || replaced.is_sparse()) {
    throw std::invalid_argument("sparse samples cannot be replaced");
  }
  if (replaced.lengths) {
    throw std::invalid_argument("sequences of different lengths cannot be replaced");
  }
  run_->give_inputs(&x);
  const StepReport report = run_batch(stop);
  run_->give_inputs(nullptr);
  return report;
}

template <class T>
StepReport Trainer<T>::run_batch(const StopRequest& stop) {
  const StepReport report = run_->steps(1, stop, run_->saving_within_epoch());
  run_->epoch.steps += report.steps;
  run_->epoch.samples += report.samples;
  run_->epoch.positions += report.positions;
  run_->epoch.loss += report.loss;
  run_->epoch.weight += report.weight;
  run_->epoch.correct += report.correct;
  return report;
}

template <class T>
bool Trainer<T>::begin_epoch() {
  return run_->begin_epoch();
}

template <class T>
const StepReport& Trainer<T>::epoch() const {
  return run_->epoch;
}

template <class T>
bool Trainer<T>::go_on_within_epoch(std::uint32_t draw, const StepReport& done, index pieces,
                                    const std::vector<std::vector<T>>& states) {
  const index batch = run_->batch(), all = run_->samples();
  const index samples = std::min(done.steps * batch, all);
  if (done.steps < 0 || done.steps > steps_per_epoch() || done.samples != samples) {
    throw std::invalid_argument("an epoch of " + std::to_string(all) + " samples in batches of " +
                                std::to_string(batch) + " has no " + std::to_string(done.steps) +
                                " steps of " + std::to_string(done.samples) + " samples");
  }
  run_->network().set_draw(draw);
  if (!run_->begin_epoch()) return false;
  const Spot spot{samples, pieces};
  if (pieces != 0) set_states(spot, states);
  run_->set_spot(spot);
  run_->epoch = done;
  // The other samples of shards may be elsewhere.
  if (!run_->is_sharded()) run_->epoch.positions = run_->positions_before(spot);
  return true;
}

template <class T>
void Trainer<T>::set_states(const Spot& spot, const std::vector<std::vector<T>>& states) {
  const index all = run_->batches().samples().size();
  if (spot.first == all || spot.piece < 0 || spot.piece >= run_->pieces_at(spot.first)) {
    throw std::invalid_argument("a batch has no " + std::to_string(spot.piece) +
                                " pieces before its last");
  }
  const auto own = run_->states(spot.piece);
  const index rows = run_->count_at(spot);
  bool fits = states.size() == own.size();
  for (std::size_t i = 0; fits && i < own.size(); ++i) {
    fits = static_cast<index>(states[i].size()) == rows * own[i].size;
  }
  if (!fits) throw std::invalid_argument("there must be a state of each layer and sequence");
  for (std::size_t i = 0; i < own.size(); ++i) {
    std::copy(states[i].begin(), states[i].end(), own[i].numbers);
  }
}

template <class T>
index Trainer<T>::pieces_done() const {
  return run_->spot().piece;
}

template <class T>
std::vector<std::vector<T>> Trainer<T>::states() const {
  std::vector<std::vector<T>> found;
  const Spot spot = run_->spot();
  if (spot.piece == 0) return found;
  const index rows = run_->count_at(spot);
  for (const auto& [numbers, size] : run_->states(spot.piece)) {
    found.emplace_back(numbers, numbers + rows * size);
  }
  return found;
}

template <class T>
std::uint32_t Trainer<T>::draw_of_epoch() const {
  return run_->draw_of_epoch();
}

template <class T>
PhaseSeconds Trainer<T>::time_phases(index steps) {
  PhaseClock clock;
  run_->set_clock(&clock);
  run_->steps(steps, {}, Run<T>::Saving::now);
  run_->set_clock(nullptr);
  return clock.seconds();
}

template <class T>
double Trainer<T>::gradient(T* out) {
  refuse_pieces(run_->plan(), "gradient");
  refuse_shards(run_->is_sharded(), "gradient");
  return run_->gradient(out);
}

template void TrainingPlan::check<float>() const;
template void TrainingPlan::check<double>() const;
template int training_workers(const Network<float>&, index, int);
template int training_workers(const Network<double>&, index, int);
template class Trainer<float>;
template class Trainer<double>;

}  // namespace foxnn
