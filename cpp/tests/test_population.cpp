// Populations: each member answers, learns and ends with the very bits of the same network alone,
// on rows and weights of its own, from the middle of an epoch, too.
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using test::view;

constexpr index kSamples = 83, kInputs = 6, kOutputs = 3, kMembers = 7;

struct Case {
  const char* optimizer;
  index batch;
  bool shuffle = true, rows = false, weights = false, labels = false, wide = false;
  double dropout = 0.0, clip_norm = 0.0;
};
const std::vector<Case> kCases{
    {.optimizer = "adam", .batch = 16},
    {.optimizer = "sgd", .batch = 1, .rows = true},
    {.optimizer = "nesterov", .batch = 32, .shuffle = false, .rows = true, .weights = true},
    {.optimizer = "adamw", .batch = 100, .weights = true, .labels = true, .clip_norm = 0.5},
    {.optimizer = "rmsprop", .batch = 10, .rows = true, .labels = true, .wide = true},
    {.optimizer = "adam", .batch = 7, .rows = true, .wide = true, .dropout = 0.3},
};

template <class T>
struct Data {
  std::vector<T> x, y;
  std::vector<double> weights;
  std::vector<std::int64_t> labels;

  Data() {
    const Random random(3, RandomStream::weights);
    for (std::uint64_t i = 0; i < kSamples * kInputs; ++i) {
      x.push_back(static_cast<T>(random.uniform(i)));
    }
    for (std::uint64_t i = 0; i < kSamples * kOutputs; ++i) {
      y.push_back(static_cast<T>(random.uniform(5000 + i)));
    }
    for (std::uint64_t i = 0; i < kSamples; ++i) {
      labels.push_back(static_cast<std::int64_t>(i * 7 % kOutputs));
    }
    for (std::uint64_t i = 0; i < kSamples * kMembers; ++i) {
      weights.push_back(0.25 + static_cast<double>(i * 5 % 7));
    }
  }
  Samples samples(bool labelled) const {
    Samples made{view(x, kInputs), view(y, kOutputs)};
    if (labelled) made.labels = labels.data(), made.outputs = {};
    return made;
  }
};

template <class T>
std::vector<Network<T>> members(const Case& how) {
  std::vector<Network<T>> made;
  made.reserve(kMembers);
  for (std::uint64_t i = 0; i < kMembers; ++i) {
    Network<T>& network = made.emplace_back(Shape{{}, kInputs}, 11 + i);
    network.append({dense_spec(how.wide ? 70 : 8, "tan_h"),
                    dense_spec(kOutputs, how.labels ? "softmax" : "sigmoid")});
    if (how.labels) network.set_loss(LossKind::cross_entropy);
    network.initialize();
  }
  return made;
}

template <class T>
std::vector<Network<T>*> pointers(std::vector<Network<T>>& networks) {
  std::vector<Network<T>*> found;
  for (Network<T>& network : networks) found.push_back(&network);
  return found;
}

template <class T>
std::vector<MemberPlan> plans(const Case& how, const Data<T>& data) {
  std::vector<MemberPlan> made;
  for (index i = 0; i < kMembers; ++i) {
    MemberPlan plan{.plan = {.batch_size = how.batch,
                             .learning_rate = 0.001 * static_cast<double>(1 + i),
                             .optimizer = parse_optimizer(how.optimizer),
                             .shuffle = how.shuffle,
                             .count_matches = how.labels,
                             .l1 = 1e-4 * static_cast<double>(i % 2),
                             .l2 = 1e-3 * static_cast<double>(i % 3),
                             .clip_norm = how.clip_norm}};
    if (how.dropout > 0.0) plan.plan.dropout = {how.dropout + 0.1 * static_cast<double>(i % 2)};
    for (index row = 0; how.rows && row < 40 + 3 * i; ++row) {
      plan.rows.push_back(static_cast<std::uint32_t>((row * 7 + i) % kSamples));
    }
    if (how.weights) plan.weights = data.weights.data() + i * kSamples;
    made.push_back(plan);
  }
  return made;
}

// The samples that a member sees, copied.
template <class T>
struct Copied {
  std::vector<T> x, y;
  std::vector<double> weights;
  std::vector<std::int64_t> labels;
  Samples samples;

  Copied(const Data<T>& data, const MemberPlan& plan, bool labelled) {
    std::vector<std::uint32_t> rows = plan.rows;
    for (std::uint32_t i = 0; plan.rows.empty() && i < kSamples; ++i) rows.push_back(i);
    for (const index row : rows) {
      x.insert(x.end(), data.x.begin() + row * kInputs, data.x.begin() + (row + 1) * kInputs);
      y.insert(y.end(), data.y.begin() + row * kOutputs, data.y.begin() + (row + 1) * kOutputs);
      labels.push_back(data.labels[static_cast<std::size_t>(row)]);
      if (plan.weights) weights.push_back(plan.weights[row]);
    }
    samples = {view(x, kInputs), view(y, kOutputs)};
    if (labelled) samples.labels = labels.data(), samples.outputs = {};
    if (plan.weights) samples.weights = weights.data();
  }
};

template <class T>
bool same_bits(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}

template <class T>
bool same(const Network<T>& a, const Network<T>& b) {
  return same_bits(a.parameters(), b.parameters()) && a.draw() == b.draw() &&
         a.optimizer().step == b.optimizer().step &&
         same_bits(a.optimizer().moments[0], b.optimizer().moments[0]) &&
         same_bits(a.optimizer().moments[1], b.optimizer().moments[1]);
}

bool same(const StepReport& a, const StepReport& b) {
  return a.steps == b.steps && a.samples == b.samples && a.loss == b.loss && a.weight == b.weight &&
         a.correct == b.correct && a.positions == b.positions && a.last_loss == b.last_loss;
}

constexpr int kEpochs = 3;

template <class T>
void test_case(const Case& how) {
  const Data<T> data;
  std::vector<Network<T>> alone = members<T>(how), together = members<T>(how);
  const std::vector<MemberPlan> all = plans(how, data);
  Population<T> population(pointers(together));
  PopulationTrainer<T> trainer(population, data.samples(how.labels), all, 0);
  std::vector<StepReport> reports;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    if (epoch == 1) trainer.end(2);
    if (epoch == 2) trainer.set_learning_rate(1, 0.0005);
    trainer.begin_epoch();
    FOXNN_CHECK(trainer.run_epoch({}));
    for (index i = 0; i < kMembers; ++i) reports.push_back(trainer.epoch(i));
  }
  for (index i = 0; i < kMembers; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Copied<T> own(data, all[at], how.labels);
    Trainer<T> one(alone[at], own.samples, all[at].plan);
    for (int epoch = 0; epoch < (i == 2 ? 1 : kEpochs); ++epoch) {
      if (epoch == 2 && i == 1) one.set_learning_rate(0.0005);
      const StepReport report = one.run_epoch({});
      FOXNN_CHECK(same(report, reports[static_cast<std::size_t>(epoch * kMembers + i)]));
    }
    FOXNN_CHECK(same(alone[at], together[at]));
  }
  FOXNN_CHECK(trainer.has_ended(2) && !trainer.has_ended(0));

  // Evaluations, over their own rows and over all.
  std::vector<index> which;
  std::vector<Samples> seen;
  for (index i = 0; i < kMembers; i += 2) {
    which.push_back(i);
    seen.push_back(data.samples(how.labels));
    const MemberPlan& plan = all[static_cast<std::size_t>(i)];
    seen.back().rows = plan.rows;
    seen.back().weights = plan.weights;
  }
  std::vector<Evaluation> found(which.size());
  FOXNN_CHECK(population.evaluate(which, seen, found, 0, {}));
  for (std::size_t k = 0; k < which.size(); ++k) {
    const auto at = static_cast<std::size_t>(which[k]);
    const Copied<T> own(data, all[at], how.labels);
    Evaluation expected;
    FOXNN_CHECK(alone[at].evaluate(own.samples, expected, 1, {}));
    FOXNN_CHECK(found[k].loss == expected.loss && found[k].correct == expected.correct &&
                found[k].positions == expected.positions);
  }

  // Answers, for the same samples and for samples of their own, few and many.
  for (const index rows : {index{1}, index{5}, index{11}}) {
    for (const bool each : {false, true}) {
      MatrixView x = view(data.x, kInputs);
      x.rows = each ? rows * kMembers : rows;
      const auto width = static_cast<std::size_t>(rows * kOutputs);
      std::vector<T> out(width * kMembers), expected(width);
      FOXNN_CHECK(population.predict(x, each, out.data(), 0, {}) == Network<T>::Outcome::done);
      for (index i = 0; i < kMembers; ++i) {
        MatrixView own = x;
        own.rows = rows;
        if (each) own.data += i * rows * x.row_bytes;
        alone[static_cast<std::size_t>(i)].predict(own, expected.data(), 1, {});
        FOXNN_CHECK(std::memcmp(expected.data(), out.data() + static_cast<std::size_t>(i) * width,
                                width * sizeof(T)) == 0);
      }
    }
  }
}

// An epoch that another run has begun goes on.
template <class T>
void test_going_on() {
  const Case how{.optimizer = "adam", .batch = 8, .rows = true};
  const Data<T> data;
  std::vector<Network<T>> whole = members<T>(how), parts = members<T>(how);
  const std::vector<MemberPlan> all = plans(how, data);
  {
    Population<T> population(pointers(whole));
    PopulationTrainer<T> trainer(population, data.samples(false), all, 0);
    for (int epoch = 0; epoch < 2; ++epoch) {
      trainer.begin_epoch();
      FOXNN_CHECK(trainer.run_epoch({}));
    }
  }
  Population<T> population(pointers(parts));
  std::vector<StepReport> done;
  std::vector<std::uint32_t> draws;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Samples samples = data.samples(false);
    samples.rows = all[i].rows;
    Trainer<T> trainer(parts[i], samples, all[i].plan);
    FOXNN_CHECK(trainer.begin_epoch());
    for (std::size_t step = 0; step < i; ++step) trainer.run_batch({});
    done.push_back(trainer.epoch());
    draws.push_back(trainer.draw_of_epoch());
  }
  PopulationTrainer<T> trainer(population, data.samples(false), all, 0);
  for (index i = 0; i < kMembers; ++i) {
    const auto at = static_cast<std::size_t>(i);
    FOXNN_CHECK(trainer.go_on_within_epoch(i, draws[at], done[at]));
  }
  FOXNN_CHECK(trainer.run_epoch({}));
  trainer.begin_epoch();
  FOXNN_CHECK(trainer.run_epoch({}));
  for (std::size_t i = 0; i < whole.size(); ++i) FOXNN_CHECK(same(whole[i], parts[i]));
}

// One that diverges ends, and the others learn on.
void test_divergence() {
  const Case how{.optimizer = "sgd", .batch = 8};
  const Data<float> data;
  std::vector<Network<float>> networks = members<float>(how), before = members<float>(how);
  std::vector<MemberPlan> all = plans(how, data);
  float infinite = 1e38f;
  for (Network<float>* network : {&networks[3], &before[3]}) {
    network->set_activation(1, Activation::parse("identity_x", {}));
    for (index i = 0; i < network->parameters().size(); ++i) {
      if (network->parameters().data()[i] != 0.0f) network->parameters().data()[i] = infinite;
    }
  }
  for (std::size_t i = 0; i < networks.size(); ++i) {
    if (i == 3) continue;
    networks[i].set_activation(1, Activation::parse("identity_x", {}));
  }
  Population<float> population(pointers(networks));
  PopulationTrainer<float> trainer(population, data.samples(false), all, 0);
  for (int epoch = 0; epoch < 2; ++epoch) {
    trainer.begin_epoch();
    FOXNN_CHECK(trainer.run_epoch({}));
  }
  for (index i = 0; i < kMembers; ++i) {
    FOXNN_CHECK(trainer.epoch(i).diverged == (i == 3) && trainer.has_ended(i) == (i == 3));
  }
  FOXNN_CHECK(same_bits(networks[3].parameters(), before[3].parameters()));
}

void test_refusals() {
  const Case how{.optimizer = "sgd", .batch = 8};
  const Data<float> data;
  std::vector<Network<float>> networks = members<float>(how);
  using Refused = std::invalid_argument;
  FOXNN_CHECK(test::throws<Refused>([] { Population<float>({}); }));
  FOXNN_CHECK(test::throws<Refused>([&] { Population<float>({&networks[0], &networks[0]}); }));
  Network<float> other(Shape{{}, kInputs}, 1);
  other.append({dense_spec(9, "tan_h"), dense_spec(kOutputs, "sigmoid")});
  FOXNN_CHECK(test::throws<Refused>([&] { Population<float>({&networks[0], &other}); }));
  Population<float> population(pointers(networks));
  const auto refuses = [&](const std::vector<MemberPlan>& given) {
    return test::throws<Refused>(
        [&] { PopulationTrainer<float>(population, data.samples(false), given, 0); });
  };
  std::vector<MemberPlan> all = plans(how, data);
  all.pop_back();
  FOXNN_CHECK(refuses(all));
  all = plans(how, data);
  all[1].plan.batch_size = 9;
  FOXNN_CHECK(refuses(all));
  all = plans(how, data);
  all[1].plan.optimizer = parse_optimizer("adam");
  FOXNN_CHECK(refuses(all));
  all = plans(how, data);
  all[6].rows = {0, kSamples};
  FOXNN_CHECK(refuses(all));
  std::vector<float> out(kSamples * kMembers * kOutputs);
  MatrixView x = view(data.x, kInputs);
  FOXNN_CHECK(
      test::throws<Refused>([&] { population.predict(x, true, out.data(), 0, {}); }));  // 83 of 7
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  for (const Case& how : kCases) {
    test_case<float>(how);
    test_case<double>(how);
  }
  test_going_on<float>();
  test_going_on<double>();
  test_divergence();
  test_refusals();
  return test::failures == 0 ? 0 : 1;
}
