// Training in shards: one process and several, whose gradients are exchanged between threads here,
// end with the same bits.
#include <algorithm>
#include <barrier>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "parameters.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

constexpr index kInputs = 5, kOutputs = 2, kRows = 43, kBatch = 12, kShards = 6;

// Numbers of a line of the cache, by which the gradient is divided.
template <class T>
constexpr index kLine = 64 / static_cast<index>(sizeof(T));

// What processes have for each other.
template <class T>
struct Table {
  explicit Table(index processes) : at(processes), sums(kShards), parts(size_t(processes)) {}
  std::barrier<> at;
  std::vector<ShardSums> sums;
  std::vector<std::vector<T>> parts;
  std::vector<T> whole;
  std::vector<index> counts;
  bool ends = false, fails = false;
};

template <class T>
class ThreadExchange final : public ShardExchange<T> {
 public:
  /// `lines`: of the gradient.
  ThreadExchange(Table<T>& table, const Shards<T>& shards, index lines)
      : table_(table), shards_(shards), lines_(lines) {}

  bool meet(std::span<ShardSums> sums, bool& ends) override {
    table_.at.arrive_and_wait();
    const auto first = static_cast<std::ptrdiff_t>(shards_.first());
    std::copy(sums.begin() + first, sums.begin() + static_cast<std::ptrdiff_t>(shards_.last()),
              table_.sums.begin() + first);
    if (ends) table_.ends = true;
    table_.at.arrive_and_wait();
    std::copy(table_.sums.begin(), table_.sums.end(), sums.begin());
    ends = table_.ends;
    table_.at.arrive_and_wait();
    return !table_.fails;
  }
  bool swap(const T* sent, std::span<const index> sent_counts, T* received,
            std::span<const index> received_counts) override {
    // What each has for this one stands behind what it has for those before.
    const auto own = static_cast<std::size_t>(shards_.process);
    index all = 0;
    for (const index count : sent_counts) all += count;
    table_.parts[own].assign(sent, sent + all);
    table_.at.arrive_and_wait();
    const auto processes = static_cast<std::size_t>(shards_.processes());
    for (std::size_t from = 0; from < processes; ++from) {
      const T* const part = table_.parts[from].data() + begin_of(own, from);
      received = std::copy_n(part, received_counts[from], received);
    }
    table_.at.arrive_and_wait();
    return true;
  }
  bool collect(T* whole, std::span<const index> counts) override {
    index all = 0, first = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (static_cast<index>(i) < shards_.process) first += counts[i];
      all += counts[i];
    }
    if (shards_.process == 0) table_.whole.resize(static_cast<std::size_t>(all));
    table_.at.arrive_and_wait();
    std::copy_n(whole + first, counts[static_cast<std::size_t>(shards_.process)],
                table_.whole.begin() + static_cast<std::ptrdiff_t>(first));
    table_.at.arrive_and_wait();
    std::copy(table_.whole.begin(), table_.whole.end(), whole);
    table_.at.arrive_and_wait();
    return true;
  }

 private:
  // Parts are as long as lines of the gradient are divided, times what the sender has.
  index begin_of(std::size_t to, std::size_t from) const {
    const index size = static_cast<index>(table_.parts[from].size());
    return size / lines_ * (lines_ * static_cast<index>(to) / shards_.processes());
  }

  Table<T>& table_;
  const Shards<T> shards_;
  const index lines_;
};

template <class T>
struct Given {
  std::vector<T> x, y;
  Given() {
    for (index i = 0; i < kRows * kInputs; ++i) x.push_back(static_cast<T>(i * 29 % 41) / T(32));
    for (index i = 0; i < kRows * kOutputs; ++i) y.push_back(static_cast<T>(i * 13 % 37) / T(32));
  }
};

template <class T>
Network<T> network() {
  Network<T> made(Shape{{}, kInputs}, 5);
  made.append({dense_spec(37, "tan_h"), dense_spec(kOutputs, "identity_x")});
  made.initialize();
  return made;
}

TrainingPlan plan() {
  return {.batch_size = kBatch,
          .learning_rate = 0.01,
          .optimizer = parse_optimizer("adam"),
          .clip_norm = 0.5,
          .dropout = {0.25}};
}

// The rows of the shards of a process.
template <class T>
Samples samples_of(const std::vector<T>& x, const std::vector<T>& y) {
  Samples samples;
  samples.inputs = test::view(x, kInputs);
  samples.outputs = test::view(y, kOutputs);
  return samples;
}

template <class T>
std::vector<T> rows_of(const std::vector<T>& all, index width, index first, index last) {
  return {all.begin() + static_cast<std::ptrdiff_t>(first * width),
          all.begin() + static_cast<std::ptrdiff_t>(last * width)};
}

// The parameters of each process after some epochs.
template <class T>
std::vector<std::vector<T>> trained(index processes, const StopRequest& stop = {},
                                    bool fails = false, index average_every = 0) {
  const Given<T> given;
  Table<T> table(processes);
  table.fails = fails;
  std::vector<std::vector<T>> found(static_cast<std::size_t>(processes));
  std::vector<std::thread> threads;
  for (index process = 0; process < processes; ++process) {
    threads.emplace_back([&, process] {
      Shards<T> shards{.process = process, .samples = kRows, .average_every = average_every};
      for (index i = 0; i <= processes; ++i) shards.borders.push_back(kShards * i / processes);
      index first = 0, last = 0;
      for (index s = 0; s < shards.last(); ++s) {
        const index size = shard_size(kRows, kShards, s);
        if (s < shards.first()) first += size;
        last += size;
      }
      const std::vector<T> x = rows_of(given.x, kInputs, first, last);
      const std::vector<T> y = rows_of(given.y, kOutputs, first, last);
      Network<T> one = network<T>();
      ThreadExchange<T> exchange(table, shards, one.parameters().size() / kLine<T>);
      if (processes > 1) shards.exchange = &exchange;
      Trainer<T> trainer(one, samples_of(x, y), plan(), {}, shards);
      for (int epoch = 0; epoch < 3; ++epoch) {
        const StepReport report = trainer.run_epoch(process == 0 ? stop : StopRequest());
        FOXNN_CHECK(report.samples == kRows || report.stopped);
        if (report.stopped) break;
      }
      found[static_cast<std::size_t>(process)] = test::parameters_of(one);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return found;
}

template <class T>
void test_processes() {
  const std::vector<T> alone = trained<T>(1).front();
  FOXNN_CHECK(alone != test::parameters_of(network<T>()));
  for (const index processes : {2, 3, 4, 5, 6, 8}) {
    for (const std::vector<T>& one : trained<T>(processes)) FOXNN_CHECK(one == alone);
  }
}

// One process wants to end: all do, after the same step, whenever it is that the clock says so.
template <class T>
void test_an_end_for_all() {
  const auto found = trained<T>(3, [] { return true; });
  for (const std::vector<T>& one : found) FOXNN_CHECK(one == found.front());
}

// Steps of their own: processes end alike at each average, and otherwise than with the same steps.
template <class T>
void test_averages() {
  const auto exact = trained<T>(1).front();
  FOXNN_CHECK(trained<T>(1, {}, false, 2).front() == exact);
  for (const index processes : {2, 3, 8}) {
    std::vector<std::vector<T>> seen;
    for (const index every : {1, 3, 100}) {
      const auto found = trained<T>(processes, {}, false, every);
      for (const std::vector<T>& one : found) FOXNN_CHECK(one == found.front());
      FOXNN_CHECK(found.front() != exact);
      for (const std::vector<T>& other : seen) FOXNN_CHECK(found.front() != other);
      seen.push_back(found.front());
    }
    const auto stopped = trained<T>(processes, [] { return true; }, false, 2);
    for (const std::vector<T>& one : stopped) FOXNN_CHECK(one == stopped.front());
  }
}

// An exchange that fails drops the step.
template <class T>
void test_a_lost_exchange() {
  for (const std::vector<T>& one : trained<T>(3, {}, true)) {
    FOXNN_CHECK(one == test::parameters_of(network<T>()));
  }
}

template <class T>
void test_what_is_refused() {
  const Given<T> given;
  Network<T> one = network<T>();
  const auto make = [&](const TrainingPlan& how, const Shards<T>& shards) {
    const Trainer<T> trainer(one, samples_of(given.x, given.y), how, {}, shards);
  };
  Shards<T> shards{.borders = {0, kShards}, .samples = kRows};
  make(plan(), shards);
  Shards<T> fewer = shards;
  fewer.samples = kRows - 1;
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { make(plan(), fewer); }));
  TrainingPlan pieces = plan();
  pieces.truncate = 2;
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { make(pieces, shards); }));
  Trainer<T> trainer(one, samples_of(given.x, given.y), plan(), {}, shards);
  FOXNN_CHECK(test::throws<std::invalid_argument>(
      [&] { trainer.set_samples(samples_of(given.x, given.y)); }));
}

template <class T>
void test_all() {
  test_processes<T>();
  test_an_end_for_all<T>();
  test_averages<T>();
  test_a_lost_exchange<T>();
  test_what_is_refused<T>();
}

}  // namespace
}  // namespace foxnn

int main() {
  foxnn::test_all<float>();
  foxnn::test_all<double>();
  return foxnn::test::failures == 0 ? 0 : 1;
}
