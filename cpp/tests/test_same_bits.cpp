// The same bits on every processor: small trainings of every layer kind, activation, loss and
// optimizer, whose results are compared with a record, byte by byte.
//
//   test_same_bits tests/data/same_bits.txt    compares
//   test_same_bits                             prints the record
//
// Whoever records anew changes what every user's seed gives, which is told in CHANGELOG.md. The
// record is of the kernel set in use (FOXNN_FORCE_ISA), and all of them have the same. Inputs are
// made without functions of the C library, which differ.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/powers.hpp"
#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "layers/kinds.hpp"
#include "networks_of_all.hpp"
#include "parameters.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using namespace test;

constexpr int kNoSuchSet = 77;  // ctest skips a test that returns this
constexpr index kSamples = 50;

std::map<std::string, std::string> record;
std::set<std::string> kinds_met;

template <class T>
constexpr const char* kType = sizeof(T) == 4 ? "float32" : "float64";

// FNV-1a, in hexadecimal, over the lines of one name.
class Hash {
 public:
  template <class V>
  void add(const std::vector<V>& values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t i = 0; i < values.size() * sizeof(V); ++i) {
      hash_ = (hash_ ^ bytes[i]) * 1099511628211u;
    }
    for (const V value : values) FOXNN_CHECK(std::isfinite(value));
  }
  std::string text() const {
    char text[32];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash_));
    return text;
  }

 private:
  std::uint64_t hash_ = 14695981039346656037u;
};

template <class T>
std::vector<T> numbers(index count, std::uint32_t draw, double low, double high) {
  std::vector<T> values(static_cast<std::size_t>(count));
  const Random random(5, RandomStream::weights, draw);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<T>(low + (high - low) * random.uniform(i));
  }
  return values;
}

template <class T>
struct Task {
  Network<T> network;
  std::vector<T> x, y;
  std::vector<double> weights = numbers<double>(kSamples, 3, 0.5, 1.5);

  explicit Task(const Case& given) : network(Shape::of(given.shape), 3) {
    network.append(given.layers);
    network.set_loss(parse_loss(given.loss), given.loss_numbers);
    network.initialize();
    x = numbers<T>(kSamples * network.inputs(), 1, -1.0, 1.0);
    if (const index limit = network.index_limit(); limit > 0) {
      for (T& number : x) number = std::floor((number + T(1)) * T(0.5) * T(limit));
    }
    for (std::size_t i = 0; i < x.size(); i += 3) x[i] = T(0);
    y = numbers<T>(kSamples * network.outputs(), 2, 0.0, 1.0);
    if (loss_traits(network.loss()).targets == Targets::classes) {
      const index width = network.outputs();
      std::fill(y.begin(), y.end(), T(0));
      for (index i = 0; i < kSamples; ++i) y[static_cast<std::size_t>(i * width + i % width)] = 1;
    }
  }
  Samples samples() const {
    return {view(x, network.inputs()), view(y, network.outputs()), nullptr, weights.data()};
  }
};

void meet(const std::vector<LayerSpec>& layers) {
  for (const LayerSpec& layer : layers) {
    kinds_met.insert(layer.kind);
    for (const auto& branch : layer.branches) meet(branch);
  }
}

template <class T>
void add_training(Task<T>& task, TrainingPlan plan, index steps, Hash& hash) {
  Network<T>& network = task.network;
  Trainer<T> trainer(network, task.samples(), plan);
  const StepReport report = trainer.run_steps(steps, {});
  FOXNN_CHECK(report.steps == steps && !report.diverged);
  hash.add(std::vector<double>{report.loss, report.last_loss});
  hash.add(test::parameters_of(network));
}

template <class T>
void add_answers(const Task<T>& task, Hash& hash) {
  const Network<T>& network = task.network;
  const MatrixView x = view(task.x, network.inputs());
  std::vector<T> out(task.y.size());
  FOXNN_CHECK(network.predict(x, out.data(), 0, {}) == Network<T>::Outcome::done);
  hash.add(out);
  Evaluation found;
  network.evaluate(task.samples(), found, 0, {});
  hash.add(std::vector<double>{found.loss});
  if (network.index_limit() > 0) return;
  std::vector<T> slopes(static_cast<std::size_t>(kSamples * network.inputs()));
  network.input_gradient(x, 0, 1, slopes.data(), 0, {});
  hash.add(slopes);
}

template <class T>
void trainings(const char* group, const std::vector<Case>& cases) {
  // Named one by one, so that another one changes no record.
  const char* optimizers[] = {"adam", "sgd", "nesterov", "adamw", "momentum", "rmsprop"};
  std::size_t turn = 0;
  for (const Case& given : cases) {
    meet(given.layers);
    Hash hash;
    Task<T> task(given);
    TrainingPlan plan{.batch_size = 20, .learning_rate = 0.003};
    plan.optimizer = parse_optimizer(optimizers[turn++ % std::size(optimizers)]);
    plan.l2 = 1e-3;
    plan.clip_norm = turn % 3 == 0 ? 0.5 : 0.0;
    add_training(task, plan, 7, hash);
    add_answers(task, hash);
    record[std::string(group) + ", " + given.name + ", " + kType<T>] = hash.text();
  }
}

// Every rule with everything on, long enough for moments to vanish.
template <class T>
void optimizers() {
  const Case narrow{"", {3}, {dense_spec(8, "tanh"), dense_spec(8, "relu"), dense_spec(2)}};
  const Case wide{"", {70}, {dense_spec(90, "relu"), dense_spec(40, "gelu"), dense_spec(3)}};
  for (const std::string& name : optimizer_names()) {
    Hash hash;
    for (const Case& given : {narrow, wide}) {
      for (const bool sorted : {false, true}) {
        Task<T> task(given);
        task.network.set_sorted_summation(sorted);
        const auto inputs = static_cast<std::size_t>(task.network.inputs());
        task.network.set_scaling(
            {std::vector<double>(inputs, 0.25), std::vector<double>(inputs, 1.5)}, {});
        TrainingPlan plan{.batch_size = 13, .learning_rate = 0.003};
        plan.optimizer = parse_optimizer(name);
        plan.l1 = 1e-4;
        plan.l2 = 1e-3;
        plan.clip_value = 0.1;
        plan.dropout.assign(static_cast<std::size_t>(task.network.size() - 1), 0.25);
        add_training(task, plan, 9, hash);
        add_answers(task, hash);
      }
    }
    // Inputs that are always zero: what the rule remembers decays until it is subnormal.
    Task<T> task(narrow);
    std::fill(task.x.begin(), task.x.end(), T(0));
    TrainingPlan plan{.batch_size = 50, .learning_rate = 0.003, .optimizer = parse_optimizer(name)};
    plan.optimizer.beta_1 = plan.optimizer.beta_2 = plan.optimizer.rho = 0.1;
    plan.optimizer.momentum = 0.1;
    plan.l2 = 1e-3;
    add_training(task, plan, 2, hash);
    std::fill(task.y.begin(), task.y.end(), T(0.5));
    add_training(task, plan, sizeof(T) == 4 ? 50 : 330, hash);
    for (const Buffer<T>& moments : task.network.optimizer().moments) {
      hash.add(std::vector<T>(moments.data(), moments.data() + moments.size()));
    }
    record["optimizers, " + name + ", " + kType<T>] = hash.text();
  }
}

// Sequences of different lengths, in pieces.
template <class T>
void sequences() {
  constexpr index kLongest = 17, kChannels = 3, kOutputs = 2;
  const auto lengths = [] {
    std::vector<std::int64_t> made;
    for (std::int64_t i = 0; i < kSamples; ++i) made.push_back(1 + i * 7 % kLongest);
    return made;
  }();
  for (const char* kind : {"rnn", "gru", "lstm"}) {
    Hash hash;
    for (const index truncate : {0, 5}) {
      Network<T> network(Shape{{kLongest}, kChannels}, 5, true);
      network.append({recurrent(kind, 33, false, true), norm(), each_position(kOutputs, "tanh")});
      network.initialize();
      const auto x = numbers<T>(kSamples * kLongest * kChannels, 1, -1.0, 1.0);
      const auto y = numbers<T>(kSamples * kLongest * kOutputs, 2, -0.5, 0.5);
      Samples samples{view(x, kLongest * kChannels), view(y, kLongest * kOutputs)};
      samples.inputs.lengths = lengths.data();
      samples.inputs.step_columns = kChannels;
      samples.positions = kLongest;
      TrainingPlan plan{.batch_size = 20, .optimizer = parse_optimizer("adam")};
      plan.truncate = truncate;
      Trainer<T> trainer(network, samples, plan);
      FOXNN_CHECK(!trainer.run_epoch({}).diverged);
      hash.add(test::parameters_of(network));
    }
    record[std::string("sequences, ") + kind + ", " + kType<T>] = hash.text();
  }
}

// Samples by their stored numbers.
template <class T>
void sparse() {
  constexpr index kColumns = 120;
  Hash hash;
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> columns;
  for (index r = 0; r < kSamples; ++r) {
    for (index c = r % 7; c < kColumns; c += 3 + r % 11) {
      columns.push_back(static_cast<std::int32_t>(c));
    }
    starts.push_back(static_cast<std::int64_t>(columns.size()));
  }
  const auto stored = numbers<T>(static_cast<index>(columns.size()), 1, -1.0, 1.0);
  MatrixView x = view(stored, kColumns);
  x.rows = kSamples;
  x.row_bytes = 0;
  x.starts = starts.data();
  x.stored_columns = columns.data();
  const auto y = numbers<T>(kSamples * 2, 2, 0.0, 1.0);
  for (const index width : {7, 33, 100}) {
    Network<T> network({{}, kColumns}, 3);
    network.append({dense_spec(width, "silu"), dense_spec(2)});
    network.initialize();
    Trainer<T> trainer(network, {x, view(y, 2)}, {.optimizer = parse_optimizer("adam")});
    FOXNN_CHECK(!trainer.run_steps(5, {}).diverged);
    hash.add(test::parameters_of(network));
  }
  record[std::string("sparse samples, ") + kType<T>] = hash.text();
}

// Populations in lanes, of which two are not full, and what evolution does.
template <class T>
void populations() {
  const char* losses[] = {"mse", "cross_entropy", "binary_cross_entropy", "huber"};
  const char* outputs[] = {"tanh", "softmax", "sigmoid", "identity_x"};
  const std::vector<std::string> rules = optimizer_names();
  for (std::size_t i = 0; i < std::max(rules.size(), std::size(losses)); ++i) {
    const std::string& rule = rules[i % rules.size()];
    const std::size_t l = i % std::size(losses);
    const Case given{"", {6}, {dense_spec(15, "tanh"), dense_spec(5, outputs[l])}, losses[l]};
    std::vector<std::unique_ptr<Task<T>>> tasks;
    std::vector<Network<T>*> members;
    std::vector<MemberPlan> plans;
    for (int m = 0; m < 19; ++m) {
      tasks.push_back(std::make_unique<Task<T>>(given));
      members.push_back(&tasks.back()->network);
      TrainingPlan plan{.batch_size = 20, .learning_rate = 0.002 * (1 + m)};
      plan.optimizer = parse_optimizer(rule);
      if (m % 2 == 1) plan.optimizer.beta_2 = 0.99;
      plan.l1 = m % 3 == 0 ? 1e-3 : 0.0;
      plan.clip_norm = 0.3;
      plan.dropout = {0.25};
      plans.push_back({.plan = plan});
    }
    Population<T> population(members);
    PopulationTrainer<T> trainer(population, tasks.front()->samples(), plans, 0);
    Hash hash;
    for (int epoch = 0; epoch < 2; ++epoch) {
      trainer.begin_epoch();
      FOXNN_CHECK(trainer.run_epoch({}));
    }
    std::vector<T> out(members.size() * tasks.front()->y.size());
    population.predict(view(tasks.front()->x, 6), false, out.data(), 0, {});
    hash.add(out);
    for (index m = 0; m < population.size(); ++m) {
      hash.add(test::parameters_of(population.member(m)));
      hash.add(std::vector<double>{trainer.epoch(m).loss});
    }
    record["populations, " + rule + ", " + losses[l] + ", " + kType<T>] = hash.text();
  }
  constexpr index kWeights = 1000, kPairs = 3;
  const auto parents = numbers<T>(2 * kWeights, 1, -1.0, 1.0);
  const auto center = numbers<double>(kWeights, 2, -1.0, 1.0);
  const std::vector<std::uint32_t> mothers{0, 1, 0}, fathers{1, 1, 0};
  std::vector<T> children(3 * kWeights), members(2 * kPairs * kWeights);
  const Draw draw{.seed = 7, .generation = 3};
  breed(parents.data(), kWeights, mothers, fathers, 1, {.share = 0.5, .speed = 0.1}, draw,
        children.data(), 0, {});
  perturb(center.data(), kWeights, kPairs, 0.1, draw, members.data(), 0, {});
  Hash hash;
  hash.add(children);
  hash.add(members);
  record[std::string("evolution, ") + kType<T>] = hash.text();
}

template <class T>
void record_all() {
  trainings<T>("kinds", cases_of_kinds());
  trainings<T>("activations", cases_of_activations());
  trainings<T>("losses", cases_of_losses());
  optimizers<T>();
  sequences<T>();
  sparse<T>();
  populations<T>();
}

// The powers that Adam's corrections are made of.
void steps_of_adam() {
  Hash hash;
  std::vector<double> found;
  for (const char* name : {"adam", "adamw"}) {
    Optimizer rule = parse_optimizer(name);
    for (const double beta : {0.0, 0.1, 0.9, 0.999, 0.9999}) {
      rule.beta_1 = beta;
      for (std::uint64_t t = 1; t < 100'000'000'000; t += 1 + t / 5) {
        found.push_back(mean_corrections(rule, t).mean);
      }
    }
  }
  hash.add(found);
  record["steps of adam"] = hash.text();
  // They depend on nothing that was asked for before, and are right.
  Powers forward, backward;
  for (std::uint64_t n = 0; n < 500; ++n) {
    const double power = forward.of(0.9, n), other = std::pow(0.9, static_cast<double>(n));
    FOXNN_CHECK(std::abs(power - other) <= 0x1p-52 * other);
    FOXNN_CHECK(Powers().of(0.9, n) == power);
    FOXNN_CHECK(backward.of(0.9, 499 - n) == Powers().of(0.9, 499 - n));
    FOXNN_CHECK(backward.of(0.8, n) == Powers().of(0.8, n));
  }
}

bool compare(const char* path) {
  std::ifstream file(path);
  std::map<std::string, std::string> expected;
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (colon != std::string::npos) expected[line.substr(0, colon)] = line.substr(colon + 2);
  }
  FOXNN_CHECK(!expected.empty());
  for (const auto& [name, hash] : record) {
    if (expected[name] != hash) std::printf("differs: %s\n", name.c_str());
  }
  std::printf("%s: %zu results\n", std::string(kernel_set()).c_str(), record.size());
  return record == expected;
}

}  // namespace
}  // namespace foxnn

int main(int count, char** arguments) {
  using namespace foxnn;
  try {
    kernel_set();
  } catch (const std::invalid_argument& error) {
    std::printf("%s\n", error.what());
    return kNoSuchSet;
  }
  record_all<float>();
  record_all<double>();
  steps_of_adam();
  for (const std::string& kind : layer_kinds()) {
    // The two that join the branches of a composite are made by it.
    if (kind == "add" || kind == "concatenate") continue;
    if (!kinds_met.contains(kind)) std::printf("no network has a layer %s\n", kind.c_str());
    FOXNN_CHECK(kinds_met.contains(kind));
  }
  if (count > 1) {
    FOXNN_CHECK(compare(arguments[1]));
  } else {
    for (const auto& [name, hash] : record) std::cout << name << ": " << hash << "\n";
  }
  return foxnn::test::failures == 0 ? 0 : 1;
}
