// The engine without Python: a network learns XOR; threads do not change a bit; sums are sorted on
// request; interrupts and divergence leave the network intact; bad arguments throw.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using test::view;

template <class T>
void test_xor() {
  const std::vector<T> x{0, 0, 0, 1, 1, 0, 1, 1}, y{0, 1, 1, 0};
  Network<T> network({{}, 2}, 3);
  network.append({dense_spec(8, "tanh"), dense_spec(1, "sigmoid")});
  network.initialize();
  TrainingPlan plan{.batch_size = 4, .learning_rate = 0.05, .optimizer = parse_optimizer("adam")};
  Trainer<T> trainer(network, {view(x, 2), view(y, 1)}, plan);
  const StepReport report = trainer.run_steps(500, {});
  FOXNN_CHECK(report.steps == 500 && report.samples == 2000 && !report.diverged);
  std::vector<T> out(4);
  FOXNN_CHECK(network.predict(view(x, 2), out.data(), 1, {}) == Network<T>::Outcome::done);
  for (std::size_t i = 0; i < 4; ++i) FOXNN_CHECK(std::abs(out[i] - y[i]) < T(0.1));
}

// Parameters after some steps of a network large enough for several threads.
std::vector<float> trained(int threads, bool sorted) {
  std::vector<float> x(300 * 90), y(300 * 40);
  const Random random(1, RandomStream::weights);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.uniform(i));
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(random.uniform(i * 7));
  Network<float> network({{}, 90}, 5);
  network.set_sorted_summation(sorted);
  network.append({dense_spec(130, "gelu"), dense_spec(40, "sigmoid")});
  network.initialize();
  TrainingPlan plan{.batch_size = 100, .optimizer = parse_optimizer("adam"), .threads = threads};
  Trainer<float> trainer(network, {view(x, 90), view(y, 40)}, plan);
  trainer.run_steps(sorted ? 2 : 10, {});
  return {network.parameters().data(), network.parameters().data() + network.parameters().size()};
}

void test_threads() {
  for (const bool sorted : {false, true}) {
    const auto one = trained(1, sorted), two = trained(2, sorted);
    FOXNN_CHECK(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)) == 0);
  }
}

// 2^26 + 24 - 2^26: terms of 1 are lost when they are added to 2^26.
void test_sorted_sums() {
  std::vector<float> x(26, 1.0f), out(1);
  x.front() = 0x1p26f;
  x.back() = -0x1p26f;
  Network<float> network({{}, 26}, 1);
  network.append({dense_spec(1, "identity_x")});
  network.set_array(0, network.layer(0).arrays()[0], std::vector<float>(26, 1.0f).data());
  for (const bool sorted : {false, true}) {
    network.set_sorted_summation(sorted);
    const Network<float> copy(network);
    FOXNN_CHECK(copy.predict(view(x, 26), out.data(), 1, {}) == Network<float>::Outcome::done);
    FOXNN_CHECK(out[0] == (sorted ? 24.0f : 0.0f));
    SingleSample<float> single(network);
    std::copy(x.begin(), x.end(), single.input());
    FOXNN_CHECK(*single.answer() == out[0]);
  }
}

// What is read, of which most is zero, and what is put there: the same answers.
void test_single_sample() {
  constexpr index kInputs = 300, kOutputs = 130;
  std::vector<float> x(kInputs), wanted(kOutputs), out(kOutputs);
  Network<float> network({{}, kInputs}, 1);
  network.append({dense_spec(kOutputs, "identity_x")});
  network.initialize();
  SingleSample<float> single(network);
  for (const std::size_t step : {std::size_t{1}, std::size_t{29}}) {
    std::fill(x.begin(), x.end(), 0.0f);
    for (std::size_t i = 0; i < x.size(); i += step) x[i] = 0.5f + static_cast<float>(i);
    FOXNN_CHECK(network.predict(view(x, kInputs), wanted.data(), 1, {}) ==
                Network<float>::Outcome::done);
    FOXNN_CHECK(single.read(view(x, kInputs)));
    single.answer(out.data());
    FOXNN_CHECK(out == wanted);
    std::copy(x.begin(), x.end(), single.input());
    FOXNN_CHECK(std::equal(wanted.begin(), wanted.end(), single.answer()));
  }
  x.back() = std::numeric_limits<float>::infinity();
  FOXNN_CHECK(!single.read(view(x, kInputs)));
}

// A sample that is read where it lies, and outputs that are written where they are wanted: what
// lies beside them counts nowhere, and stays as it is.
void test_single_sample_in_place() {
  constexpr index kInputs = 320, kOutputs = 64, kAround = 40;
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  Network<float> network({{}, kInputs}, 1);
  network.append({dense_spec(kOutputs, "identity_x")});
  network.initialize();
  SingleSample<float> single(network);
  std::vector<float> x(kInputs + 2 * kAround, kNone), out(kOutputs + 2 * kAround), wanted(kOutputs);
  MatrixView there = view(x, static_cast<index>(x.size()));
  there.data += kAround * sizeof(float);
  there.columns = kInputs;
  for (const float first : {0.5f, -3.0f}) {
    for (index i = 0; i < kInputs; ++i) {
      x[static_cast<std::size_t>(kAround + i)] = first + static_cast<float>(i);
    }
    std::fill(out.begin(), out.end(), 7.0f);
    FOXNN_CHECK(network.predict(there, wanted.data(), 1, {}) == Network<float>::Outcome::done);
    FOXNN_CHECK(single.read(there));
    single.answer(out.data() + kAround);
    FOXNN_CHECK(std::equal(wanted.begin(), wanted.end(), out.begin() + kAround));
    FOXNN_CHECK(std::count(out.begin(), out.end(), 7.0f) == 2 * kAround);
    FOXNN_CHECK(single.read(there));
    FOXNN_CHECK(std::equal(wanted.begin(), wanted.end(), single.answer()));
    std::fill_n(single.input(), kInputs, 0.0f);
    single.answer(out.data() + kAround);
    FOXNN_CHECK(std::count(out.begin(), out.end(), 0.0f) == kOutputs);
  }
  x[kAround + 7] = kNone;
  FOXNN_CHECK(!single.read(there));
}

void test_stop_and_divergence() {
  const std::vector<float> x{1, 2, 3, 4}, y{1, 0};
  Network<float> network({{}, 2}, 1);
  network.append({dense_spec(1, "identity_x")});
  network.initialize();
  const std::vector<float> before(network.parameters().data(),
                                  network.parameters().data() + network.parameters().size());
  {
    TrainingPlan plan{.batch_size = 2, .learning_rate = 1e30};
    Trainer<float> trainer(network, {view(x, 2), view(y, 1)}, plan);
    FOXNN_CHECK(trainer.run_steps(100, {}).diverged);
    FOXNN_CHECK(std::memcmp(before.data(), network.parameters().data(), before.size() * 4) == 0);
  }
  TrainingPlan plan{.batch_size = 1, .learning_rate = 1e-3};
  Trainer<float> trainer(network, {view(x, 2), view(y, 1)}, plan);
  const index many = std::numeric_limits<index>::max();
  const StepReport report = trainer.run_steps(many, [] { return true; });
  FOXNN_CHECK(report.stopped && report.steps > 0 && report.steps < many);
}

void test_layers_at_once() {
  const std::vector<LayerSpec> layers{dense_spec(40, "tanh"), dense_spec(1, "relu"),
                                      dense_spec(3, "softmax")};
  Network<float> one({{}, 5}, 7), all({{}, 5}, 7);
  for (const LayerSpec& layer : layers) {
    one.append({layer});
    one.initialize(one.size() - 1);
  }
  all.append(layers);
  all.initialize();
  const index count = one.parameters().size();
  FOXNN_CHECK(all.size() == 3 && all.parameters().size() == count &&
              all.offset(2) == one.offset(2));
  FOXNN_CHECK(std::memcmp(all.parameters().data(), one.parameters().data(),
                          static_cast<std::size_t>(count) * sizeof(float)) == 0);
  // A refused layer changes nothing.
  using foxnn::test::throws;
  Network<float> none({{}, 5}, 7);
  FOXNN_CHECK(
      throws<std::invalid_argument>([&] { none.append({layers[2], layers[0], layers[0]}); }));
  FOXNN_CHECK(none.size() == 0 && none.parameters().size() == 0);
}

void test_bad_arguments() {
  using foxnn::test::throws;
  using std::invalid_argument;
  FOXNN_CHECK(throws<invalid_argument>([] { Activation::parse("rleu"); }));
  FOXNN_CHECK(throws<invalid_argument>([] { Activation::parse("relu", {1.0}); }));
  FOXNN_CHECK(throws<invalid_argument>([] { Activation::parse("elu", {-1.0}); }));
  FOXNN_CHECK(throws<invalid_argument>([] { parse_loss("mean"); }));
  FOXNN_CHECK(throws<invalid_argument>([] { parse_optimizer("Adma"); }));
  FOXNN_CHECK(throws<invalid_argument>([] { Shape::of({0}); }));
  Network<float> network({{}, 2}, 0);
  network.append({dense_spec(3, "relu")});
  FOXNN_CHECK(throws<invalid_argument>([&] { network.append({dense_spec(0)}); }));
  FOXNN_CHECK(throws<invalid_argument>([&] { network.append({dense_spec(index(1) << 31)}); }));
  FOXNN_CHECK(throws<invalid_argument>([&] { network.append({{.kind = "dence"}}); }));
  FOXNN_CHECK(throws<invalid_argument>([&] { network.set_loss(LossKind::cross_entropy); }));
  FOXNN_CHECK(network.size() == 1 && network.outputs() == 3);
  TrainingPlan plan{.batch_size = 0};
  FOXNN_CHECK(throws<invalid_argument>([&] { plan.check<float>(); }));
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_xor<float>();
  test_xor<double>();
  test_threads();
  test_sorted_sums();
  test_single_sample();
  test_single_sample_in_place();
  test_stop_and_divergence();
  test_layers_at_once();
  test_bad_arguments();
  return foxnn::test::failures == 0 ? 0 : 1;
}
