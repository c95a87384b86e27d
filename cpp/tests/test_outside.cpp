// Losses that are computed outside the engine: the steps of a known loss, a batch that is refused,
// and gradients with respect to the inputs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "parameters.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

constexpr index kInputs = 3, kOutputs = 2, kRows = 23, kBatch = 5;

template <class T>
Network<T> network(index hidden) {
  Network<T> made(Shape{{}, kInputs}, 5);
  made.append({dense_spec(hidden, "tan_h"), dense_spec(kOutputs, "identity_x")});
  made.initialize();
  return made;
}

template <class T>
std::vector<T> numbers(index width) {
  std::vector<T> made(static_cast<std::size_t>(kRows * width));
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<T>(i * 29 % 41) / T(32);
  return made;
}

template <class T>
bool are_near(const std::vector<T>& a, const std::vector<T>& b) {
  const T allowed = sizeof(T) == 4 ? T(1e-5) : T(1e-12);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [=](T x, T y) { return std::abs(x - y) <= allowed; });
}

template <class T>
struct Given {
  std::vector<T> x = numbers<T>(kInputs), y = numbers<T>(kOutputs);
  Samples with_targets() const {
    Samples samples = without_targets();
    samples.outputs = test::view(y, kOutputs);
    return samples;
  }
  Samples without_targets() const {
    Samples samples;
    samples.inputs = test::view(x, kInputs);
    return samples;
  }
  // The engine's mse.
  bool half_square(const OutsideBatch<T>& batch) const {
    for (index r = 0; r < batch.rows; ++r) {
      batch.losses[r] = 0.0;
      for (index i = 0; i < kOutputs; ++i) {
        const auto target = static_cast<std::size_t>(index{batch.samples[r]} * kOutputs + i);
        const T error = batch.outputs[r * kOutputs + i] - y[target];
        batch.gradient[r * kOutputs + i] = error;
        batch.losses[r] += 0.5 * static_cast<double>(error) * static_cast<double>(error);
      }
    }
    return true;
  }
};

template <class T>
void test_a_known_loss(index hidden) {
  const Given<T> given;
  const TrainingPlan plan{.batch_size = kBatch,
                          .learning_rate = 0.05,
                          .optimizer = parse_optimizer("adam"),
                          .dropout = {}};
  Network<T> own = network<T>(hidden), engine = network<T>(hidden);
  index next = 0;
  Trainer<T> of_own(own, given.without_targets(), plan, {.loss = [&](const OutsideBatch<T>& batch) {
                      FOXNN_CHECK(batch.number == next++);
                      return given.half_square(batch);
                    }});
  Trainer<T> of_engine(engine, given.with_targets(), plan);
  for (int epoch = 0; epoch < 3; ++epoch) {
    next = 0;
    const StepReport one = of_own.run_epoch({}), other = of_engine.run_epoch({});
    FOXNN_CHECK(one.steps == other.steps && next == one.steps && !one.diverged);
    FOXNN_CHECK(std::abs(one.loss - other.loss) < 1e-4 * other.loss);
  }
  FOXNN_CHECK(are_near(test::parameters_of(own), test::parameters_of(engine)));
}

template <class T>
void test_a_refused_batch(index hidden) {
  const Given<T> given;
  const TrainingPlan plan{.batch_size = kBatch,
                          .learning_rate = 0.05,
                          .optimizer = parse_optimizer("adam"),
                          .dropout = {}};
  Network<T> network = foxnn::network<T>(hidden), other = foxnn::network<T>(hidden);
  int calls = 0;
  Trainer<T> trainer(network, given.without_targets(), plan,
                     {.loss = [&](const OutsideBatch<T>& batch) {
                       return ++calls != 3 && given.half_square(batch);
                     }});
  Trainer<T> shorter(
      other, given.without_targets(), plan,
      {.loss = [&](const OutsideBatch<T>& batch) { return given.half_square(batch); }});
  const StepReport report = trainer.run_epoch({});
  FOXNN_CHECK(report.stopped && report.steps == 2 && calls == 3);
  shorter.run_batch({});
  shorter.run_batch({});
  FOXNN_CHECK(test::parameters_of(network) == test::parameters_of(other));
  FOXNN_CHECK(network.optimizer().step == 2);
  // It goes on with the batch that was refused.
  trainer.run_epoch({});
  shorter.run_epoch({});
  FOXNN_CHECK(test::parameters_of(network) == test::parameters_of(other));
}

template <class T>
void test_gradients_of_inputs(index hidden) {
  const Given<T> given;
  Network<T> network = foxnn::network<T>(hidden);
  const std::vector<T> before = test::parameters_of(network);
  TrainingPlan plan;
  plan.batch_size = kRows;
  plan.learning_rate = 0.1;
  plan.optimizer = parse_optimizer("sgd");
  plan.reduction = Reduction::sum;
  // Of the second output alone.
  Trainer<T> trainer(network, given.without_targets(), plan,
                     {.loss =
                          [](const OutsideBatch<T>& batch) {
                            for (index i = 0; i < batch.rows * kOutputs; ++i) {
                              batch.gradient[i] = static_cast<T>(i % kOutputs);
                            }
                            std::fill_n(batch.losses, batch.rows, 0.0);
                            return true;
                          },
                      .reaches_inputs = true});
  std::vector<T> found(given.x.size()), expected(given.x.size());
  network.input_gradient(given.without_targets().inputs, 1, 1, expected.data(), 0, {});
  FOXNN_CHECK(trainer.back(given.without_targets()));
  trainer.input_gradient(found.data());
  FOXNN_CHECK(are_near(found, expected));
  FOXNN_CHECK(test::parameters_of(network) == before && network.optimizer().step == 0);
  trainer.step(given.without_targets());
  trainer.input_gradient(found.data());
  FOXNN_CHECK(are_near(found, expected));
  FOXNN_CHECK(test::parameters_of(network) != before);
}

void test_what_is_refused() {
  const Given<float> given;
  Network<float> network = foxnn::network<float>(4);
  network.set_loss(LossKind::outside);
  using std::invalid_argument;
  FOXNN_CHECK(test::throws<invalid_argument>(
      [&] { Trainer<float>(network, given.with_targets(), TrainingPlan()); }));
  Evaluation found;
  FOXNN_CHECK(test::throws<invalid_argument>(
      [&] { network.evaluate(given.with_targets(), found, 0, {}); }));
  FOXNN_CHECK(
      test::throws<invalid_argument>([&] { network.set_loss(LossKind::quantile, {0.9, 0.1}); }));
  FOXNN_CHECK(test::throws<invalid_argument>(
      [&] { network.set_loss(LossKind::quantile, {0.1, 0.5, 0.9}); }));
  FOXNN_CHECK(test::throws<invalid_argument>([&] { network.set_loss(LossKind::huber, {1.0}); }));
  FOXNN_CHECK(network.loss() == LossKind::outside);
  network.set_loss(LossKind::quantile, {0.1, 0.9});
  FOXNN_CHECK(network.loss_parameters().size() == 2);
  TrainingPlan plan;
  plan.label_smoothing = 0.1;
  FOXNN_CHECK(
      test::throws<invalid_argument>([&] { Trainer<float>(network, given.with_targets(), plan); }));
}

template <class T>
void test_all() {
  for (const index hidden : {4, 40, 300}) {
    test_a_known_loss<T>(hidden);
    test_a_refused_batch<T>(hidden);
    test_gradients_of_inputs<T>(hidden);
  }
}

}  // namespace
}  // namespace foxnn

int main() {
  foxnn::test_all<float>();
  foxnn::test_all<double>();
  foxnn::test_what_is_refused();
  return foxnn::test::failures > 0;
}
