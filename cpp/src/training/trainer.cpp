// Plans are checked here, and runs begun, counted and measured; what a step does is in
// training_work.hpp.
#include "foxnn/trainer.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/messages.hpp"
#include "network/cost.hpp"
#include "training/training_work.hpp"

namespace foxnn {
namespace {

void check_fit(index inputs, index outputs, const Samples& samples) {
  const auto mismatch = [](const char* what, index got, index needed) {
    return std::invalid_argument(std::string(what) + " must have " + std::to_string(needed) +
                                 " columns, as the network has, got " + std::to_string(got));
  };
  if (samples.size() == 0) throw std::invalid_argument("there are no samples to train on");
  if (samples.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::invalid_argument("more than 2^32 - 1 samples");
  }
  if (samples.inputs.columns != inputs) throw mismatch("x", samples.inputs.columns, inputs);
  if (!samples.labels && samples.outputs.columns != outputs) {
    throw mismatch("y", samples.outputs.columns, outputs);
  }
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
  // A smaller one counts as zero, and a step of zero is then divided by zero.
  const bool divides = optimizer.is_adam() || optimizer.kind == OptimizerKind::rmsprop;
  if (divides && !(optimizer.epsilon >= Limits::min())) {
    throw std::invalid_argument("epsilon must be at least " + text_of(Limits::min()) + " in " +
                                type_name<T>() + ", got " + text_of(optimizer.epsilon));
  }
  if (threads < 0) {
    throw std::invalid_argument("n_threads must not be negative, got " + std::to_string(threads));
  }
  optimizer.check();
  if (optimizer.kind == OptimizerKind::adamw && !(learning_rate * optimizer.weight_decay < 1.0)) {
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
    // A smaller one counts as zero, which is none.
    if (value > 0.0 && value < Limits::min()) {
      throw std::invalid_argument(std::string(name) + " must be at least " +
                                  text_of(Limits::min()) + " in " + type_name<T>() + ", got " +
                                  text_of(value));
    }
  };
  check_clip("clip_value", clip_value);
  check_clip("clip_norm", clip_norm);
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
Trainer<T>::Trainer(Network<T>& network, const Samples& samples, const TrainingPlan& plan) {
  plan.check<T>();
  check_fit(network.inputs(), network.outputs(), samples);
  if (!plan.dropout.empty() && static_cast<index>(plan.dropout.size()) != network.size() - 1) {
    throw std::invalid_argument("dropout must have a rate for each of the " +
                                std::to_string(network.size() - 1) + " hidden layers, got " +
                                std::to_string(plan.dropout.size()));
  }
  work_ = std::make_unique<Work>(network, samples, plan);
}

template <class T>
Trainer<T>::~Trainer() = default;

template <class T>
void Trainer<T>::set_learning_rate(double rate) {
  TrainingPlan plan = work_->plan;
  plan.learning_rate = rate;
  plan.template check<T>();
  work_->plan = plan;
}

template <class T>
void Trainer<T>::drop_steps_on(StopRequest request) {
  work_->dropped.ask_by(std::move(request));
}

template <class T>
int Trainer<T>::workers() const {
  return work_->workers;
}

template <class T>
index Trainer<T>::steps_per_epoch() const {
  return (work_->samples.size() + work_->batch - 1) / work_->batch;
}

template <class T>
StepReport Trainer<T>::run_epoch(const StopRequest& stop) {
  Work& work = *work_;
  const StepReport before = work.is_between_epochs() ? StepReport() : work.epoch;
  const index left = steps_per_epoch() - before.steps;
  return work.epoch = work.run(left, stop, work.saving_within_epoch(), before);
}

template <class T>
StepReport Trainer<T>::run_steps(index steps, const StopRequest& stop) {
  return work_->run(steps, stop, Work::Saving::now);
}

template <class T>
StepReport Trainer<T>::step(const Samples& samples) {
  Work& work = *work_;
  check_fit(work.network.inputs(), work.network.outputs(), samples);
  if (samples.size() > work.batch) throw std::invalid_argument("more samples than a batch holds");
  work.samples = work.network.scaled(samples);
  if (work.order.empty()) {
    work.order.resize(static_cast<std::size_t>(work.batch));
    std::iota(work.order.begin(), work.order.end(), 0u);
  }
  work.position = 0;
  return work.run(1, {}, Work::Saving::now);
}

template <class T>
StepReport Trainer<T>::run_batch(const StopRequest& stop) {
  Work& work = *work_;
  const StepReport report = work.run(1, stop, work.saving_within_epoch());
  work.epoch.steps += report.steps;
  work.epoch.samples += report.samples;
  work.epoch.loss += report.loss;
  work.epoch.weight += report.weight;
  work.epoch.correct += report.correct;
  return report;
}

template <class T>
bool Trainer<T>::begin_epoch() {
  return work_->begin_epoch();
}

template <class T>
const StepReport& Trainer<T>::epoch() const {
  return work_->epoch;
}

template <class T>
bool Trainer<T>::go_on_within_epoch(std::uint32_t draw, const StepReport& done) {
  Work& work = *work_;
  const index samples = std::min(done.steps * work.batch, work.samples.size());
  if (done.steps < 0 || done.steps > steps_per_epoch() || done.samples != samples) {
    throw std::invalid_argument("an epoch of " + std::to_string(work.samples.size()) +
                                " samples in batches of " + std::to_string(work.batch) +
                                " has no " + std::to_string(done.steps) + " steps of " +
                                std::to_string(done.samples) + " samples");
  }
  work.network.set_draw(draw);
  if (!work.begin_epoch()) return false;
  work.position = samples;
  work.epoch = done;
  return true;
}

template <class T>
std::uint32_t Trainer<T>::draw_of_epoch() const {
  return work_->draw_of_epoch;
}

template <class T>
PhaseSeconds Trainer<T>::time_phases(index steps) {
  PhaseClock clock;
  Work& work = *work_;
  work.clock = &clock;
  work.narrow.reset();  // its parts are too small for a clock
  work.run(steps, {}, Work::Saving::now);
  work.clock = nullptr;
  return clock.seconds();
}

template <class T>
double Trainer<T>::gradient(T* out) {
  Work& work = *work_;
  if (!work.begin_epoch()) return std::numeric_limits<double>::quiet_NaN();
  work.drops = false;
  const index rows = work.batch;
  run_team(work.workers, [&](const Team& team) {
    work.gather(team, 0, 0);
    team.wait();
    work.forward(team, rows, 0);
    work.loss(team, 0, rows, 0);
    work.backward(
        team, rows, 0, {}, [&](index layer) { return StoreSink<T>(work.network, layer, out); },
        [](Leaving*) {});
  });
  StepReport report;
  work.count_step(0, rows, report);
  return report.loss / report.weight;
}

template void TrainingPlan::check<float>() const;
template void TrainingPlan::check<double>() const;
template int training_workers(const Network<float>&, index, int);
template int training_workers(const Network<double>&, index, int);
template class Trainer<float>;
template class Trainer<double>;

}  // namespace foxnn
