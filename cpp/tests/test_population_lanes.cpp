// Networks that are trained side by side in the lanes of a vector get the bits that each of them
// gets from a Trainer of its own: over shapes, activations, losses, optimizers, dropout, penalties,
// clipping, weights, rows of their own, interrupted epochs and divergence.
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "population/lane_trainer.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using test::view;

// Whole numbers from a seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed, RandomStream::weights) {}
  index below(index n) { return static_cast<index>(random_.uniform(place_++) * double(n)); }
  bool one_in(index n) { return below(n) == 0; }
  double uniform() { return random_.uniform(place_++); }

 private:
  Random random_;
  std::uint64_t place_ = 0;
};

template <class T>
struct Case {
  std::vector<LayerSpec> layers;
  index inputs = 0, outputs = 0;
  LossKind loss = LossKind::mse;
  std::vector<T> x, y;
  std::vector<double> weights;
  std::vector<std::int32_t> labels;
  Samples samples;
  std::vector<TrainingPlan> plans;
  std::vector<std::vector<std::uint32_t>> rows;
  std::vector<std::vector<double>> own_weights;
};

const char* const kHidden[] = {"sigmoid", "sinusoid", "gaussian", "relu",       "identity_x",
                               "tan_h",   "arctan",   "elu",      "leaky_relu", "selu",
                               "gelu",    "silu",     "softplus"};

LayerSpec dropout_spec(double rate) { return {.kind = "dropout", .options = {{"rate", rate}}}; }
LayerSpec activation_spec(const char* name) {
  return {.kind = "activation", .options = {{"activation", std::string(name)}}};
}

template <class T>
void make_samples(Case<T>& c, index count, Dice& dice) {
  const Targets targets = loss_traits(c.loss).targets;
  for (index i = 0; i < count * c.inputs; ++i) c.x.push_back(T(2.0 * dice.uniform() - 1.0));
  if (targets == Targets::classes) {
    for (index i = 0; i < count; ++i) c.labels.push_back(std::int32_t(dice.below(c.outputs)));
  } else {
    for (index i = 0; i < count * c.outputs; ++i) {
      const double u = dice.uniform();
      c.y.push_back(T(targets == Targets::counts  ? std::floor(4.0 * u)
                      : targets == Targets::sides ? std::round(u)
                                                  : 2.0 * u - 1.0));
    }
  }
  if (dice.one_in(3)) {
    for (index i = 0; i < count; ++i) c.weights.push_back(dice.one_in(4) ? 0.0 : dice.uniform());
  }
  c.samples.inputs = view(c.x, c.inputs);
  if (c.labels.empty()) {
    c.samples.outputs = view(c.y, c.outputs);
  } else {
    c.samples.labels = c.labels.data();
  }
  c.samples.weights = c.weights.empty() ? nullptr : c.weights.data();
}

template <class T>
void make_layers(Case<T>& c, Dice& dice) {
  const index depth = 1 + dice.below(3);
  c.inputs = 1 + dice.below(dice.one_in(3) ? 40 : 7);
  if (dice.one_in(8)) c.layers.push_back(dropout_spec(0.25));
  for (index i = 0; i + 1 < depth; ++i) {
    LayerSpec layer = dense_spec(1 + dice.below(dice.one_in(3) ? 40 : 9), kHidden[dice.below(13)]);
    if (dice.one_in(6)) layer.options["bias"] = false;
    c.layers.push_back(layer);
    if (dice.one_in(6)) c.layers.push_back(dropout_spec(0.5));
    if (dice.one_in(6)) c.layers.push_back(activation_spec(kHidden[dice.below(13)]));
  }
  do {
    c.loss = static_cast<LossKind>(dice.below(kLossCount));
  } while (loss_traits(c.loss).parameters != LossParameters::none ||
           loss_traits(c.loss).targets == Targets::repeated);  // which lanes leave to others
  const ActivationSet& joined = loss_traits(c.loss).joined;
  const ActivationSet& allowed = loss_traits(c.loss).outputs;
  const char* output = kHidden[dice.below(13)];
  if (joined.has(ActivationKind::softmax)) output = "softmax";
  if (joined.has(ActivationKind::sigmoid)) output = "sigmoid";
  if (joined.has(ActivationKind::exp)) output = "exp";
  if (allowed.has(ActivationKind::softplus) && dice.one_in(2)) output = "softplus";
  c.outputs = (c.loss == LossKind::cross_entropy ? 2 : 1) + dice.below(dice.one_in(3) ? 36 : 5);
  c.layers.push_back(dense_spec(c.outputs, output));
}

template <class T>
void make_plans(Case<T>& c, index members, Dice& dice) {
  TrainingPlan plan;
  const index batches[] = {1, 3, 32};
  plan.batch_size = batches[dice.below(3)];
  plan.optimizer.kind = static_cast<OptimizerKind>(dice.below(kOptimizerCount));
  plan.optimizer.momentum = dice.one_in(2) ? 0.0 : 0.9;
  plan.reduction = dice.one_in(3) ? Reduction::sum : Reduction::mean;
  plan.shuffle = !dice.one_in(4);
  plan.count_matches = dice.one_in(2);
  plan.threads = 1;
  const bool penalises = dice.one_in(3), clips = dice.one_in(4), clips_norm = dice.one_in(4);
  const bool drops = dice.one_in(3), differs = dice.one_in(2);
  for (index m = 0; m < members; ++m) {
    const auto own = [&](double value) { return differs ? value * (1.0 + double(m)) : value; };
    plan.learning_rate = own(1e-3);
    plan.optimizer.beta_1 = differs && m % 3 == 1 ? 0.8 : 0.9;
    plan.optimizer.weight_decay = m % 2 ? 0.01 : 0.0;
    plan.optimizer.restart_after = m % 5 == 4 ? 3 : 0;
    plan.l1 = penalises && m % 3 ? own(1e-3) : 0.0;
    plan.l2 = penalises && m % 2 ? own(1e-2) : 0.0;
    plan.clip_value = clips && m % 2 ? 1e-2 : 0.0;
    plan.clip_norm = clips_norm && m % 3 ? 1e-2 : 0.0;
    plan.dropout.clear();
    for (std::size_t i = 0; drops && i + 1 < c.layers.size(); ++i) {
      const bool can = c.layers[i].kind == "dense" && (i + m) % 3 != 0;
      plan.dropout.push_back(can ? 0.1 * double(1 + m % 4) : 0.0);
    }
    c.plans.push_back(plan);
  }
}

template <class T>
void make_rows(Case<T>& c, index members, Dice& dice) {
  const index count = c.samples.size();
  const bool own_rows = dice.one_in(3), own_weights = dice.one_in(4), unequal = dice.one_in(2);
  for (index m = 0; m < members; ++m) {
    std::vector<std::uint32_t> rows;
    const index size = unequal ? 1 + dice.below(count) : (count + 1) / 2;
    for (index i = 0; own_rows && m != 1 && i < size; ++i) {
      rows.push_back(static_cast<std::uint32_t>(dice.below(count)));
    }
    c.rows.push_back(rows);
    std::vector<double> weights;
    for (index i = 0; own_weights && m % 3 && i < count; ++i) weights.push_back(dice.uniform());
    c.own_weights.push_back(weights);
  }
}

template <class T>
Network<T> network_of(const Case<T>& c, index member) {
  Network<T> network({{}, c.inputs}, 5 + static_cast<std::uint64_t>(member));
  network.append(c.layers);
  network.initialize();
  network.set_loss(c.loss);
  network.set_draw(static_cast<std::uint32_t>(member % 3));
  return network;
}

// The samples that a member sees, as samples of their own.
template <class T>
struct Seen {
  std::vector<T> x, y;
  std::vector<std::int32_t> labels;
  std::vector<double> weights;
  Samples samples;

  Seen(const Case<T>& c, std::size_t m) {
    std::vector<std::uint32_t> rows = c.rows[m];
    for (index i = 0; c.rows[m].empty() && i < c.samples.size(); ++i) {
      rows.push_back(static_cast<std::uint32_t>(i));
    }
    const std::vector<double>& all = c.own_weights[m].empty() ? c.weights : c.own_weights[m];
    for (const std::uint32_t r : rows) {
      const T* const from = c.x.data() + index{r} * c.inputs;
      x.insert(x.end(), from, from + c.inputs);
      if (!c.labels.empty()) {
        labels.push_back(c.labels[r]);
      } else {
        const T* const target = c.y.data() + index{r} * c.outputs;
        y.insert(y.end(), target, target + c.outputs);
      }
      if (!all.empty()) weights.push_back(all[r]);
    }
    samples.inputs = view(x, c.inputs);
    if (labels.empty()) {
      samples.outputs = view(y, c.outputs);
    } else {
      samples.labels = labels.data();
    }
    samples.weights = weights.empty() ? nullptr : weights.data();
  }
};

template <class T>
bool same(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

bool same(const StepReport& a, const StepReport& b) {
  return a.steps == b.steps && a.samples == b.samples && same(a.loss, b.loss) &&
         same(a.weight, b.weight) && same(a.last_loss, b.last_loss) && a.positions == b.positions &&
         a.correct == b.correct && a.stopped == b.stopped && a.diverged == b.diverged;
}

template <class T>
bool same(const Network<T>& a, const Network<T>& b) {
  return same(a.parameters(), b.parameters()) && a.draw() == b.draw() &&
         a.optimizer().step == b.optimizer().step && a.optimizer().rule == b.optimizer().rule &&
         same(a.optimizer().moments[0], b.optimizer().moments[0]) &&
         same(a.optimizer().moments[1], b.optimizer().moments[1]);
}

template <class T>
std::string name_of(const Case<T>& c, index members, std::uint64_t seed) {
  std::string name = "seed " + std::to_string(seed) + ": " + std::to_string(members) +
                     " members, [" + std::to_string(c.inputs);
  for (const LayerSpec& layer : c.layers) {
    name += ", " + layer.kind;
    if (layer.kind == "dense") name += " " + std::to_string(layer.whole("units"));
    if (layer.kind != "dropout") name += " " + layer.text("activation", "");
  }
  const TrainingPlan& plan = c.plans.back();
  return name + "], " + std::string(loss_name(c.loss)) + ", " +
         std::string(optimizer_name(plan.optimizer.kind)) + ", batch " +
         std::to_string(plan.batch_size) + ", l1 " + std::to_string(plan.l1) + ", dropout " +
         std::to_string(plan.dropout.size()) + ", clip " + std::to_string(plan.clip_value) + " " +
         std::to_string(plan.clip_norm) + (c.rows.front().empty() ? "" : ", rows") +
         (c.weights.empty() && c.own_weights.back().empty() ? "" : ", weights");
}

template <class T>
void test_case(std::uint64_t seed) {
  Dice dice(seed);
  Case<T> c;
  make_layers(c, dice);
  make_samples(c, 1 + dice.below(90), dice);
  const index members = dice.one_in(3) ? 1 + dice.below(kMostMembers<T>) : kMostMembers<T>;
  make_plans(c, members, dice);
  make_rows(c, members, dice);
  std::vector<std::unique_ptr<Network<T>>> side, alone;
  std::vector<std::unique_ptr<Trainer<T>>> trainers;
  std::vector<std::unique_ptr<Seen<T>>> seen;
  std::vector<GroupMember<T>> group;
  for (index m = 0; m < members; ++m) {
    const auto i = static_cast<std::size_t>(m);
    side.push_back(std::make_unique<Network<T>>(network_of(c, m)));
    alone.push_back(std::make_unique<Network<T>>(network_of(c, m)));
    seen.push_back(std::make_unique<Seen<T>>(c, i));
    trainers.push_back(std::make_unique<Trainer<T>>(*alone[i], seen[i]->samples, c.plans[i]));
    Samples samples = c.samples;
    samples.rows = c.rows[i];
    if (!c.own_weights[i].empty()) samples.weights = c.own_weights[i].data();
    group.push_back({side[i].get(), samples, &c.plans[i]});
    FOXNN_CHECK(LaneTrainer<T>::takes(group.back()));
    FOXNN_CHECK(LaneTrainer<T>::are_alike(group.front(), group.back()));
  }
  LaneTrainer<T> lanes(group);
  bool good = true;
  const bool rests = dice.one_in(2);
  std::vector<bool> diverged(side.size());
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<StepReport> reports(side.size());
    std::vector<std::uint8_t> trains(side.size());
    // In the second epoch, some members rest.
    for (std::size_t m = 0; m < side.size(); ++m) trains[m] = epoch != 1 || !rests || m % 4 != 1;
    lanes.run_epoch(trains.data(), {}, reports.data());
    for (std::size_t m = 0; m < side.size(); ++m) {
      // What comes after a divergence is not promised.
      if (diverged[m] || !trains[m]) continue;
      const StepReport report = trainers[m]->run_epoch({});
      diverged[m] = report.diverged;
      good = good && same(report, reports[m]) && same(*side[m], *alone[m]);
      const double rate = 1e-3 / double(epoch + 2);
      trainers[m]->set_learning_rate(rate);
      lanes.set_learning_rate(index(m), rate);
    }
  }
  if (!good) std::fprintf(stderr, "%s\n", name_of(c, members, seed).c_str());
  FOXNN_CHECK(good);
}

// A group of two members that are trained for as long as it takes to be stopped within an epoch.
void test_interrupted_epochs() {
  Case<float> c;
  c.inputs = 3, c.outputs = 1;
  c.layers = {dense_spec(40, "tanh"), dense_spec(40, "tanh"), dense_spec(1, "identity_x")};
  Dice dice(1);
  make_samples(c, 40000, dice);
  TrainingPlan plan{.batch_size = 32, .optimizer = parse_optimizer("adam"), .threads = 1};
  plan.dropout = {0.2, 0.0};
  Network<float> networks[2] = {network_of(c, 0), network_of(c, 1)};
  LaneTrainer<float> lanes({{&networks[0], c.samples, &plan}, {&networks[1], c.samples, &plan}});
  int stops = 0;
  StepReport reports[2];
  const std::uint8_t trains[] = {1, 1};
  do {
    lanes.run_epoch(trains, [] { return true; }, reports);
    stops += reports[0].stopped;
  } while (reports[0].samples < c.samples.size());
  FOXNN_CHECK(stops > 1);
  for (index m = 0; m < 2; ++m) {
    Network<float> alone = network_of(c, m);
    StepReport report = Trainer<float>(alone, c.samples, plan).run_epoch({});
    report.stopped = reports[m].stopped;
    FOXNN_CHECK(same(alone, networks[m]) && same(report, reports[m]));
  }
}

// A population of many members: in groups that are made anew when most members have ended, and
// their answers before and after.
template <class T>
void test_population(const char* output, LossKind loss, index members) {
  Case<T> c;
  c.inputs = 5, c.outputs = 3, c.loss = loss;
  c.layers = {dense_spec(7, "tanh"), dense_spec(3, output)};
  Dice dice(3);
  make_samples(c, 150, dice);
  std::vector<std::unique_ptr<Network<T>>> side, alone;
  std::vector<Network<T>*> all;
  std::vector<MemberPlan> plans;
  std::vector<std::unique_ptr<Trainer<T>>> trainers;
  for (index m = 0; m < members; ++m) {
    side.push_back(std::make_unique<Network<T>>(network_of(c, m)));
    alone.push_back(std::make_unique<Network<T>>(network_of(c, m)));
    all.push_back(side.back().get());
    TrainingPlan plan{.batch_size = 8, .optimizer = parse_optimizer("adam"), .threads = 1};
    plan.learning_rate = 1e-3 * double(1 + m);
    plans.push_back({plan});
    trainers.push_back(std::make_unique<Trainer<T>>(*alone.back(), c.samples, plan));
  }
  Population<T> population(all);
  const auto answers_are_same = [&](index rows, bool each) {
    const std::vector<T> x(c.x.begin(), c.x.begin() + rows * c.inputs * (each ? members : 1));
    std::vector<T> together(static_cast<std::size_t>(members * rows * c.outputs)), own;
    using Outcome = typename Network<T>::Outcome;
    FOXNN_CHECK(population.predict(view(x, c.inputs), each, together.data(), 0, {}) ==
                Outcome::done);
    for (index m = 0; m < members; ++m) {
      std::vector<T> out(static_cast<std::size_t>(rows * c.outputs));
      MatrixView given = view(x, c.inputs);
      given.rows = rows;
      if (each) given.data += m * rows * given.row_bytes;
      FOXNN_CHECK(side[static_cast<std::size_t>(m)]->predict(given, out.data(), 1, {}) ==
                  Outcome::done);
      own.insert(own.end(), out.begin(), out.end());
    }
    if (rows == 1 && each) {  // column by column
      std::vector<T> columns;
      for (index i = 0; i < c.inputs; ++i) {
        for (index m = 0; m < members; ++m) {
          columns.push_back(x[static_cast<std::size_t>(m * c.inputs + i)]);
        }
      }
      std::vector<T> found(together.size());
      const OneEach<T> given{columns.data(), 1, members};
      FOXNN_CHECK(population.predict(given, found.data(), 0, {}) == Outcome::done);
      FOXNN_CHECK(std::memcmp(found.data(), together.data(), found.size() * sizeof(T)) == 0);
    }
    return std::memcmp(own.data(), together.data(), own.size() * sizeof(T)) == 0;
  };
  PopulationTrainer<T> trainer(population, c.samples, plans, 2);
  bool good = answers_are_same(1, false);
  for (int epoch = 0; epoch < 4; ++epoch) {
    trainer.begin_epoch();
    FOXNN_CHECK(trainer.run_epoch({}));
    for (index m = 0; m < members; ++m) {
      const auto i = static_cast<std::size_t>(m);
      if (trainer.has_ended(m)) continue;
      const StepReport report = trainers[i]->run_epoch({});
      good = good && same(report, trainer.epoch(m)) && same(*alone[i], *side[i]);
      if (m % 3 && epoch == m % 2) trainer.end(m);
      trainer.set_learning_rate(m, 1e-4 * double(1 + m));
      trainers[i]->set_learning_rate(1e-4 * double(1 + m));
    }
    // What members answer follows their training.
    good = good && answers_are_same(1, true) && answers_are_same(3, false);
  }
  FOXNN_CHECK(good);
  // And every other change.
  side[1]->set_array(0, side[1]->layer(0).arrays()[0], c.x.data());
  FOXNN_CHECK(answers_are_same(1, true));
  Scaling scaling{std::vector<double>(5, 0.5), std::vector<double>(5, 2.0)};
  side[2]->set_scaling(scaling, {});
  FOXNN_CHECK(answers_are_same(2, false));
  for (Network<T>* const one : all) one->set_activation(0, Activation::parse("relu"));
  FOXNN_CHECK(answers_are_same(1, true));
  all[0]->set_sorted_summation(true);
  FOXNN_CHECK(answers_are_same(1, true));
  std::vector<T> wrong(static_cast<std::size_t>(c.inputs), std::numeric_limits<T>::infinity());
  std::vector<T> out(static_cast<std::size_t>(members * c.outputs));
  using Outcome = typename Network<T>::Outcome;
  FOXNN_CHECK(population.predict(view(wrong, c.inputs), false, out.data(), 0, {}) ==
              Outcome::not_finite);
  FOXNN_CHECK(answers_are_same(1, true));
}

void test_what_lanes_take() {
  const std::vector<float> x(12), y(8);
  const TrainingPlan plan{.batch_size = 2};
  const auto unchanged = [](Network<float>&, TrainingPlan&, Samples&) {};
  const auto takes = [&](const std::vector<LayerSpec>& layers, LossKind loss, auto change) {
    Network<float> network({{}, 3}, 1);
    network.append(layers);
    network.set_loss(loss);
    TrainingPlan own = plan;
    Samples samples{.inputs = view(x, 3), .outputs = view(y, 2)};
    change(network, own, samples);
    return LaneTrainer<float>::takes({&network, samples, &own});
  };
  const std::vector<LayerSpec> dense{dense_spec(4, "tanh"), dense_spec(2, "softmax")};
  FOXNN_CHECK(takes(dense, LossKind::cross_entropy, unchanged));
  FOXNN_CHECK(!takes(dense, LossKind::mse, unchanged));  // a softmax without its loss
  const LayerSpec norm{.kind = "layer_norm", .options = {{"epsilon", 1e-5}}};
  const std::vector<LayerSpec> with_norm{dense_spec(4), norm, dense_spec(2)};
  FOXNN_CHECK(!takes(with_norm, LossKind::mse, unchanged));
  const auto changed = [&](auto change) { return takes(dense, LossKind::cross_entropy, change); };
  FOXNN_CHECK(!changed([](auto& network, auto&, auto&) { network.set_sorted_summation(true); }));
  FOXNN_CHECK(!changed([](auto& network, auto&, auto&) { network.set_trained(0, false); }));
  FOXNN_CHECK(!changed([](auto&, auto& own, auto&) { own.dropout = {0.1, 0.1}; }));
  FOXNN_CHECK(!changed([](auto&, auto& own, auto&) { own.label_smoothing = 0.1; }));
  FOXNN_CHECK(
      !changed([](auto& network, auto&, auto&) { network.set_loss(LossKind::focal, {2}); }));
  const std::vector<LayerSpec> linear{dense_spec(4, "tanh"), dense_spec(2)};
  FOXNN_CHECK(takes(linear, LossKind::log_cosh, unchanged));
  FOXNN_CHECK(!takes(linear, LossKind::gaussian_nll, unchanged));
  const std::int64_t starts[] = {0, 0, 0, 0, 0};
  FOXNN_CHECK(!changed([&](auto&, auto&, auto& samples) { samples.inputs.starts = starts; }));
}

}  // namespace
}  // namespace foxnn

int main(int count, char** arguments) {
  using namespace foxnn;
  const std::uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 0;
  const std::uint64_t last = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : first + 150;
  for (std::uint64_t seed = first; seed < last; ++seed) {
    test_case<float>(seed);
    test_case<double>(seed);
  }
  // The reference set takes half a minute for as many steps.
  if (kernel_set() != "reference") test_interrupted_epochs();
  test_what_lanes_take();
  for (const int members : {3, 16, 45}) {
    test_population<float>("tan_h", LossKind::mse, members);
    test_population<float>("softmax", LossKind::cross_entropy, members);
    test_population<double>("sigmoid", LossKind::binary_cross_entropy, members);
  }
  return foxnn::test::failures == 0 ? 0 : 1;
}
