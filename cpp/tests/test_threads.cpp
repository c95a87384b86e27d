// The engine in several threads at once: the results of a network are the same to the last bit,
// whether or not other threads train at the same time. With FOXNN_FORCE_THREADS every team has that
// many workers, and ThreadSanitizer observes their accesses.
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include "base/apart.hpp"
#include "check.hpp"
#include "foxnn/foxnn.hpp"

namespace foxnn {
namespace {

template <class T>
MatrixView view(const std::vector<T>& values, index columns) {
  const ElementType type = sizeof(T) == 4 ? ElementType::f32 : ElementType::f64;
  return {reinterpret_cast<const std::byte*>(values.data()), type,
          static_cast<index>(values.size()) / columns, columns,
          columns * static_cast<index>(sizeof(T))};
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

constexpr index kInputs = 37, kOutputs = 9, kSamples = 250;

// Samples of all types that the engine reads.
struct Data {
  std::vector<float> x, y;
  std::vector<double> wide, weights;
  std::vector<std::int64_t> labels;

  Data()
      : x(kSamples * kInputs),
        y(kSamples * kOutputs),
        wide(x.size()),
        weights(kSamples),
        labels(kSamples) {
    const Random random(1, RandomStream::weights);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = i % 3 == 0 ? 0.0f : static_cast<float>(random.uniform(i));
      wide[i] = static_cast<double>(x[i]);
    }
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(random.uniform(i * 7));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      labels[i] = static_cast<std::int64_t>(i * 5 % kOutputs);
      weights[i] = 0.5 + static_cast<double>(i % 4);
    }
  }
};

// A training task. There is one for each combination that divides its work differently.
struct Task {
  const char* optimizer;
  bool classifies = false, sorted = false, one_layer = false;
  double l1 = 0.0, dropout = 0.0, clip_norm = 0.0, clip_value = 0.0;
};

const std::vector<Task> kTasks{
    {.optimizer = "sgd", .one_layer = true},
    {.optimizer = "sgd", .l1 = 1e-4},
    {.optimizer = "nesterov", .classifies = true},
    {.optimizer = "adam", .classifies = true, .dropout = 0.3},
    {.optimizer = "adam", .sorted = true},
    {.optimizer = "adamw", .dropout = 0.2, .clip_norm = 0.1},
    {.optimizer = "rmsprop", .classifies = true, .clip_value = 0.01},
};

// All results of the task, as one sequence of numbers.
template <class T>
std::vector<double> results(const Task& task, const Data& data) {
  Network<T> network({{}, kInputs}, 3);
  network.set_sorted_summation(task.sorted);
  if (!task.one_layer) network.append({dense_spec(70, "gelu"), dense_spec(40, "elu", {0.5})});
  network.append({dense_spec(kOutputs, task.classifies ? "softmax" : "tanh")});
  network.initialize();
  if (task.classifies) network.set_loss(LossKind::cross_entropy);
  Samples samples{sizeof(T) == 4 ? view(data.x, kInputs) : view(data.wide, kInputs), {}};
  if (task.classifies) {
    samples.labels = data.labels.data();
    samples.weights = data.weights.data();
  } else {
    samples.outputs = view(data.y, kOutputs);
  }
  TrainingPlan plan{.batch_size = 60,
                    .learning_rate = 0.01,
                    .optimizer = parse_optimizer(task.optimizer),
                    .count_matches = task.classifies,
                    .l1 = task.l1,
                    .clip_value = task.clip_value,
                    .clip_norm = task.clip_norm};
  if (task.dropout > 0.0) plan.dropout.assign(2, task.dropout);
  std::vector<double> found;
  {
    Trainer<T> trainer(network, samples, plan);
    for (int epoch = 0; epoch < 2; ++epoch) {
      const StepReport report = trainer.run_epoch([] { return false; });
      FOXNN_CHECK(report.samples == kSamples && !report.stopped && !report.diverged);
      found.push_back(report.loss);
      found.push_back(static_cast<double>(report.correct));
    }
    trainer.run_batch({});
    std::vector<T> gradient(static_cast<std::size_t>(network.parameters().size()));
    found.push_back(trainer.gradient(gradient.data()));
    found.insert(found.end(), gradient.begin(), gradient.end());
  }
  const Buffer<T>& parameters = network.parameters();
  found.insert(found.end(), parameters.data(), parameters.data() + parameters.size());
  Evaluation evaluation;
  FOXNN_CHECK(network.evaluate(samples, evaluation, 0, [] { return false; }));
  found.push_back(evaluation.loss);
  std::vector<T> out(kSamples * kOutputs);
  FOXNN_CHECK(network.predict(samples.inputs, out.data(), 0, {}) == Network<T>::Outcome::done);
  found.insert(found.end(), out.begin(), out.end());
  MatrixView few = samples.inputs;
  few.rows = 20;
  std::vector<T> slopes(20 * kOutputs * kInputs);
  FOXNN_CHECK(network.input_gradient(few, 0, kOutputs, slopes.data(), 0, {}));
  found.insert(found.end(), slopes.begin(), slopes.end());
  return found;
}

// Calls f(i) for i = 0 ... count - 1, each in its own thread.
template <class Function>
void in_threads(std::size_t count, Function f) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& thread : threads) thread.join();
}

template <class T>
void test_networks_at_once() {
  const Data data;
  std::vector<std::vector<double>> alone, together(kTasks.size());
  for (const Task& task : kTasks) alone.push_back(results<T>(task, data));
  in_threads(kTasks.size(), [&](std::size_t i) { together[i] = results<T>(kTasks[i], data); });
  for (std::size_t i = 0; i < kTasks.size(); ++i) FOXNN_CHECK(same_bits(alone[i], together[i]));
}

// Several readers share a network and its cached state.
void test_one_network_read_at_once() {
  const Data data;
  Network<float> network({{}, kInputs}, 5);
  network.append({dense_spec(90, "silu"), dense_spec(kOutputs, "sigmoid")});
  network.initialize();
  network.set_scaling({std::vector<double>(kInputs, 0.5), std::vector<double>(kInputs, 2.0)}, {});
  const Network<float>& shared = network;
  const auto answers = [&] {
    std::vector<float> out(kSamples * kOutputs);
    FOXNN_CHECK(shared.predict(view(data.x, kInputs), out.data(), 0, {}) ==
                Network<float>::Outcome::done);
    const Network<float> copy(shared);
    const Buffer<float>& parameters = copy.parameters();
    out.insert(out.end(), parameters.data(), parameters.data() + parameters.size());
    Evaluation evaluation;
    FOXNN_CHECK(
        shared.evaluate({view(data.x, kInputs), view(data.y, kOutputs)}, evaluation, 0, {}));
    out.push_back(static_cast<float>(evaluation.loss));
    SingleSample<float> single(shared);
    std::memcpy(single.input(), data.x.data(), kInputs * sizeof(float));
    const float* answer = single.answer();
    out.insert(out.end(), answer, answer + kOutputs);
    return out;
  };
  const std::vector<float> expected = answers();
  std::vector<std::vector<float>> found(4);
  in_threads(found.size(), [&](std::size_t i) { found[i] = answers(); });
  for (const std::vector<float>& one : found) FOXNN_CHECK(same_bits(one, expected));
}

// First uses, from several threads, of what is initialized once.
void test_first_uses() {
  std::vector<std::string> names(4);
  in_threads(names.size(), [&](std::size_t i) { names[i] = std::string(kernel_set()); });
  for (const std::string& name : names) FOXNN_CHECK(name == names.front());
}

// A stop request is set by another thread.
void test_stop_from_another_thread() {
  const Data data;
  Network<float> network({{}, kInputs}, 1);
  network.append({dense_spec(64, "relu"), dense_spec(kOutputs, "tanh")});
  network.initialize();
  std::atomic<bool> stop{false}, polled{false};
  TrainingPlan plan{.batch_size = 50, .optimizer = parse_optimizer("sgd")};
  Trainer<float> trainer(network, {view(data.x, kInputs), view(data.y, kOutputs)}, plan);
  std::thread other([&] {
    while (!polled) std::this_thread::yield();
    stop = true;
  });
  const StepReport report = trainer.run_steps(index{1} << 40, [&] {
    polled = true;
    return stop.load();
  });
  other.join();
  FOXNN_CHECK(report.stopped && !report.diverged);
}

// A caller within a parallel region has already used its cores, so the engine gets one.
void test_within_a_parallel_region() {
#ifdef _OPENMP
  int most = 0;
  const Data data;
  const std::vector<double> expected = results<float>(kTasks[1], data);
#pragma omp parallel num_threads(2) reduction(max : most)
  {
    most = thread_limit();
    const std::vector<double> found = results<float>(kTasks[1], data);
#pragma omp critical
    FOXNN_CHECK(same_bits(found, expected));
  }
  FOXNN_CHECK(most == 1);
#endif
}

// A worker that begins on the processor of another one goes elsewhere, and may go anywhere after.
void test_workers_begin_apart() {
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
  constexpr int kTimes = 50;
  int moved = 0;
  for (int i = 0; i < kTimes; ++i) {
    Apart apart;
    std::thread([&] {
      cpu_set_t here;
      CPU_ZERO(&here);
      const int processor = sched_getcpu();
      CPU_SET(processor, &here);
      sched_setaffinity(0, sizeof(here), &here);
      apart.begin_worker();
      FOXNN_CHECK(sched_getcpu() == processor);  // the first stays
      std::thread([&] {
        apart.begin_worker();  // this one may be nowhere else
        FOXNN_CHECK(sched_getcpu() == processor);
        sched_setaffinity(0, sizeof(allowed), &allowed);
        apart.begin_worker();
        moved += sched_getcpu() != processor;
        cpu_set_t after;
        sched_getaffinity(0, sizeof(after), &after);
        FOXNN_CHECK(CPU_EQUAL(&after, &allowed));
      }).join();
    }).join();
  }
  // The system may move it back at any time.
  FOXNN_CHECK(moved > kTimes / 2);
#endif
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_first_uses();
  test_networks_at_once<float>();
  test_networks_at_once<double>();
  test_one_network_read_at_once();
  test_stop_from_another_thread();
  test_within_a_parallel_region();
  test_workers_begin_apart();
  return foxnn::test::failures == 0 ? 0 : 1;
}
