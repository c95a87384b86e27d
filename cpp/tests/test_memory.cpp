// Every allocation of the engine fails once. Each call must then throw std::bad_alloc, leave the
// network as it was, and succeed when it is repeated. And what a buffer leaves to the next.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "parameters.hpp"
#include "view.hpp"

namespace {

// Counts down to the allocation that fails, at 0. Below 0, none fails.
long until_failure = -1;

bool fails_now() {
  if (until_failure == 0) {
    until_failure = -1;
    return true;
  }
  if (until_failure > 0) --until_failure;
  return false;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (fails_now()) throw std::bad_alloc();
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The engine's buffers come from calloc, which the linker redirects to these functions (--wrap).
extern "C" {
void* __real_calloc(std::size_t count, std::size_t size);
void* __wrap_calloc(std::size_t count, std::size_t size) {
  return fails_now() ? nullptr : __real_calloc(count, size);
}
}

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace foxnn {
namespace {

using test::view;

constexpr index kSamples = 50, kInputs = 9, kOutputs = 3;

template <class T>
Network<T> made(bool narrow) {
  Network<T> network({{}, kInputs}, 7);
  network.append({dense_spec(narrow ? 5 : 70, "gelu"), dense_spec(kOutputs, "sigmoid")});
  network.initialize();
  return network;
}

// Of sequences of three steps.
template <class T>
Network<T> of_sequences() {
  Network<T> network({{3}, kInputs / 3}, 7);
  LayerSpec dense = dense_spec(kOutputs, "sigmoid");
  dense.options["each_position"] = true;
  network.append(
      {{.kind = "lstm", .options = {{"units", index{4}}, {"return_sequences", true}}}, dense});
  network.initialize();
  return network;
}

// Calls f(network), for one that `make` makes, with ever later allocations failing, until none
// fails. Returns the number of allocations. If `changes`, a call that succeeds may change the
// network.
template <class T, class Make, class Function>
long fail_in_turn_on(Make make, bool changes, Function f) {
  for (long failing = 0;; ++failing) {
    Network<T> network = make();
    const std::vector<T> before = test::parameters_of(network);
    bool failed = false;
    until_failure = failing;
    try {
      f(network);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    until_failure = -1;
    if (failed || !changes) {
      const std::vector<T> after = test::parameters_of(network);
      FOXNN_CHECK(std::memcmp(before.data(), after.data(), before.size() * sizeof(T)) == 0);
    }
    f(network);  // a failed call leaves nothing half done
    if (!failed) return failing;
  }
}

template <class T, class Function>
long fail_in_turn(bool narrow, bool changes, Function f) {
  return fail_in_turn_on<T>([narrow] { return made<T>(narrow); }, changes, f);
}

// In pieces of two steps.
template <class T>
void test_pieces() {
  const std::vector<T> x(kSamples * kInputs, T(0.5)), y(kSamples * 3 * kOutputs, T(0.25));
  const Samples samples{view(x, kInputs), view(y, 3 * kOutputs)};
  TrainingPlan plan{.batch_size = 20, .optimizer = parse_optimizer("adam")};
  plan.truncate = 2;
  const auto run = [&](Network<T>& network) { Trainer<T>(network, samples, plan).run_epoch({}); };
  FOXNN_CHECK(fail_in_turn_on<T>(of_sequences<T>, true, run) > 10);
}

template <class T>
void test_calls(bool narrow) {
  std::vector<T> x(kSamples * kInputs), y(kSamples * kOutputs);
  const Random random(1, RandomStream::weights);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(random.uniform(i));
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(random.uniform(i * 7));
  const Samples samples{view(x, kInputs), view(y, kOutputs)};
  std::vector<T> out(kSamples * kOutputs), slopes(kSamples * kOutputs * kInputs);

  for (const char* optimizer : {"sgd", "nesterov", "adam", "adamw", "rmsprop"}) {
    for (const bool more : {false, true}) {
      TrainingPlan plan{.batch_size = 20, .optimizer = parse_optimizer(optimizer)};
      if (more) plan.clip_norm = 0.1, plan.dropout = {0.5};
      const long count = fail_in_turn<T>(narrow, true, [&](Network<T>& network) {
        Trainer<T> trainer(network, samples, plan);
        trainer.run_epoch({});
        trainer.run_batch({});
      });
      FOXNN_CHECK(count > 10);
    }
  }
  // The same samples by rows, as of a sparse matrix that stores every number.
  std::vector<std::int64_t> starts;
  std::vector<std::int32_t> columns;
  for (index i = 0; i <= kSamples; ++i) starts.push_back(i * kInputs);
  for (index i = 0; i < kSamples * kInputs; ++i) {
    columns.push_back(static_cast<std::int32_t>(i % kInputs));
  }
  Samples sparse = samples;
  sparse.inputs.starts = starts.data();
  sparse.inputs.stored_columns = columns.data();
  const TrainingPlan sparse_plan{.batch_size = 20, .optimizer = parse_optimizer("adam")};
  const long sparse_count = fail_in_turn<T>(narrow, true, [&](Network<T>& network) {
    Trainer<T>(network, sparse, sparse_plan).run_epoch({});
  });
  FOXNN_CHECK(sparse_count > 10);
  const auto reads = [&](auto f) { return fail_in_turn<T>(narrow, false, f); };
  FOXNN_CHECK(reads([&](Network<T>& n) { n.predict(sparse.inputs, out.data(), 0, {}); }) > 0);
  FOXNN_CHECK(reads([&](Network<T>& n) { n.predict(samples.inputs, out.data(), 0, {}); }) > 0);
  FOXNN_CHECK(reads([&](Network<T>& n) {
                n.input_gradient(samples.inputs, 0, kOutputs, slopes.data(), 0, {});
              }) > 0);
  FOXNN_CHECK(reads([&](Network<T>& n) {
                Evaluation result;
                n.evaluate(samples, result, 0, {});
              }) > 0);
  FOXNN_CHECK(reads([](Network<T>& n) { const Network<T> copy(n); }) > 0);
  FOXNN_CHECK(reads([](Network<T>& n) { const SingleSample<T> single(n); }) > 0);
  FOXNN_CHECK(reads([](Network<T>& n) {
                n.set_scaling(
                    Scaling{std::vector<double>(kInputs, 1.0), std::vector<double>(kInputs, 2.0)},
                    {});
              }) > 0);
  FOXNN_CHECK(fail_in_turn<T>(narrow, true, [](Network<T>& n) {
                const index layers = n.size();
                if (layers == 2) n.append({dense_spec(kOutputs, "relu")});
                FOXNN_CHECK(n.size() == 3);
              }) > 0);
}

// Long memory goes to the next buffer of its size: cleared, or as it is if that one is unset.
void test_kept_memory() {
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
  constexpr std::ptrdiff_t kNumbers = 1 << 18;
  const auto left = [](std::ptrdiff_t numbers) {
    Buffer<float> buffer(numbers);
    std::fill_n(buffer.data(), numbers, 3.0f);
    return static_cast<const void*>(buffer.data());
  };
  const void* const place = left(kNumbers);
  {
    Buffer<float> next(kNumbers), another(kNumbers);
    FOXNN_CHECK(next.data() == place && another.data() != place);
    FOXNN_CHECK(std::all_of(next.data(), next.data() + kNumbers, [](float x) { return x == 0; }));
    next.data()[0] = 3.0f;
    const Buffer<float> copy = next;
    FOXNN_CHECK(copy.data()[0] == 3.0f && copy.data()[1] == 0.0f);
  }
  FOXNN_CHECK(left(kNumbers) != nullptr);
  Buffer<float> unset = Buffer<float>::unset(kNumbers);
  FOXNN_CHECK(unset.data()[0] == 3.0f ||
              unset.data()[0] == 0.0f);  // the system may have cleared it
  // A buffer of another size, and memory that is too long to be kept, begin with zeros.
  for (const std::ptrdiff_t numbers : {kNumbers + 1, std::ptrdiff_t{1} << 25}) {
    left(numbers);
    const Buffer<float> clear(numbers);
    FOXNN_CHECK(std::all_of(clear.data(), clear.data() + numbers, [](float x) { return x == 0; }));
  }
  // Where there is no more memory, what is kept is given back.
  {
    const Buffer<float> one(kNumbers), two(kNumbers);
  }
  until_failure = 0;
  FOXNN_CHECK(Buffer<float>(kNumbers / 2).data() != nullptr && until_failure < 0);
  until_failure = 0;
  FOXNN_CHECK(test::throws<std::bad_alloc>([] { Buffer<float> none(kNumbers / 4); }));
#endif
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_pieces<float>();
  test_pieces<double>();
  for (const bool narrow : {false, true}) {
    test_calls<float>(narrow);
    test_calls<double>(narrow);
  }
  test_kept_memory();  // at the end: with memory that is kept, an allocation that fails is repeated
  return foxnn::test::failures == 0 ? 0 : 1;
}
