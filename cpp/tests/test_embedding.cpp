// The embedding without Python: what it does with numbers that are no indices, where it may stand,
// and which rows of its table a step changes.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using test::view;

constexpr index kCount = 40, kSize = 5, kPositions = 3;

LayerSpec embedding(index count = kCount, index size = kSize) {
  return {.kind = "embedding", .options = {{"count", count}, {"size", size}}};
}

template <class T>
Network<T> made() {
  Network<T> network(Shape::of({kPositions}), 1);
  network.append({embedding(), dense_spec(2, "tanh")});
  network.initialize();
  return network;
}

template <class T>
std::vector<T> table_of(const Network<T>& network) {
  const Layer<T>& layer = network.layer(0);
  std::vector<T> table(kCount * kSize);
  layer.unpack(layer.arrays()[0], layer.parameters(), table.data(), Order::plain, {});
  return table;
}

template <class T>
void test_numbers_that_are_no_indices() {
  const Network<T> network = made<T>();
  FOXNN_CHECK(network.index_limit() == kCount);
  constexpr T kNone = std::numeric_limits<T>::quiet_NaN();
  constexpr T kEndless = std::numeric_limits<T>::infinity();
  for (const T wrong : {T(-1), T(kCount), T(1e30), T(-1e30), kNone, kEndless, -kEndless}) {
    const std::vector<T> x{T(0), wrong, T(kCount - 1)};
    std::vector<T> y(kPositions * kSize);
    network.node_outputs(view(x, kPositions), {0}, {y.data()}, 1, {});
    for (index i = 0; i < kPositions * kSize; ++i) {
      FOXNN_CHECK(std::isnan(y[static_cast<std::size_t>(i)]) == (i / kSize == 1));
    }
    // A step that cannot be made leaves the network as it is.
    Network<T> trained(network);
    const std::vector<T> wanted(2), before = table_of(trained);
    Trainer<T> trainer(trained, {view(x, kPositions), view(wanted, 2)}, {});
    FOXNN_CHECK(trainer.run_steps(1, {}).diverged);
    FOXNN_CHECK(table_of(trained) == before);
  }
}

template <class T>
void test_indices_are_told() {
  const std::vector<T> right{T(0), T(39), T(5), T(7), T(1), T(2)};
  FOXNN_CHECK(first_no_index(view(right, 3), kCount) == -1);
  FOXNN_CHECK(first_no_index(view(right, 3), 39) == 1);
  FOXNN_CHECK(first_no_index(view(right, 3), 7) == 1);
  std::vector<T> wrong = right;
  wrong[4] = T(0.5);
  FOXNN_CHECK(first_no_index(view(wrong, 3), kCount) == 4);
  wrong[3] = std::numeric_limits<T>::quiet_NaN();
  FOXNN_CHECK(first_no_index(view(wrong, 2), kCount) == 3);
}

// Of the rows that are not named only those change that the optimizer remembers.
template <class T>
void test_rows_that_a_step_changes() {
  for (const std::string& name : optimizer_names()) {
    const Optimizer rule = parse_optimizer(name);
    if (rule.traits().shrinks_weights) continue;  // which changes all
    Network<T> network = made<T>();
    const auto changed_by = [&](const std::vector<T>& x) {
      const std::vector<T> before = table_of(network), wanted(2, T(0.5));
      TrainingPlan plan{.batch_size = 1, .learning_rate = 0.1, .optimizer = rule};
      Trainer<T> trainer(network, {view(x, kPositions), view(wanted, 2)}, plan);
      trainer.run_steps(1, {});
      const std::vector<T> after = table_of(network);
      std::vector<index> rows;
      for (index row = 0; row < kCount; ++row) {
        const std::size_t at = static_cast<std::size_t>(row * kSize);
        if (std::memcmp(&before[at], &after[at], kSize * sizeof(T)) != 0) rows.push_back(row);
      }
      return rows;
    };
    FOXNN_CHECK(changed_by({T(7), T(39), T(7)}) == std::vector<index>({7, 39}));
    const bool remembers = rule.remembers(0);
    FOXNN_CHECK(changed_by({T(2), T(2), T(7)}) ==
                (remembers ? std::vector<index>({2, 7, 39}) : std::vector<index>({2, 7})));
  }
}

// Rows of a large table make steps late, in the order and with the bits of a sweep over the table
// in every step, which clipping by a norm needs, even one that is never reached.
template <class T>
void test_late_steps(const Optimizer& rule) {
  constexpr index kRows = 3000, kWidth = 40, kSamples = 300;
  const Random random(7, RandomStream::weights);
  std::vector<T> x, y;
  for (index i = 0; i < kSamples * kPositions; ++i) {
    x.push_back(std::floor(static_cast<T>(random.uniform(static_cast<std::size_t>(i)) * kRows)));
    y.push_back(static_cast<T>(i % 7) / T(8));
  }
  const auto trained = [&](double clip_norm) {
    Network<T> network(Shape::of({kPositions}), 1);
    network.append({embedding(kRows, kWidth), dense_spec(kPositions, "tanh")});
    network.initialize();
    TrainingPlan plan{.batch_size = 3, .learning_rate = 0.01, .optimizer = rule};
    plan.clip_norm = clip_norm;
    Trainer<T> trainer(network, {view(x, kPositions), view(y, kPositions)}, plan);
    trainer.run_steps(90, {});
    trainer.run_steps(41, {});
    std::vector<T> found;
    const auto add = [&](const Buffer<T>& some) {
      found.insert(found.end(), some.data(), some.data() + some.size());
    };
    add(network.parameters());
    for (const Buffer<T>& moment : network.optimizer().moments) add(moment);
    return found;
  };
  const std::vector<T> late = trained(0.0), swept = trained(1e30);
  FOXNN_CHECK(late.size() == swept.size());
  FOXNN_CHECK(std::memcmp(late.data(), swept.data(), late.size() * sizeof(T)) == 0);
}

void test_what_does_not_fit() {
  using std::invalid_argument;
  const LayerSpec reshape{.kind = "reshape", .options = {{"shape", std::vector<double>{1.0, 3.0}}}};
  const LayerSpec flatten{.kind = "flatten"};
  Network<float> network(Shape::of({kPositions}), 0);
  const auto refuses = [&](const std::vector<LayerSpec>& layers) {
    FOXNN_CHECK(test::throws<invalid_argument>([&] { network.append(layers); }));
  };
  refuses({dense_spec(3), embedding()});
  refuses({embedding(), embedding()});
  refuses({embedding(0)});
  refuses({embedding(4, 0)});
  refuses({embedding((index{1} << 24) + 1)});  // indices that a float does not hold
  refuses({{.kind = "parallel", .branches = {{dense_spec(3), embedding()}, {flatten}}}});
  FOXNN_CHECK(network.size() == 0 && network.index_limit() == 0);

  network.append({reshape, flatten});
  network.set_scaling({{1.0, 2.0, 3.0}, {1.0, 1.0, 1.0}}, {});
  refuses({embedding()});
  network.set_scaling({}, {});
  // What begins with the inputs in another shape may go on with an embedding later.
  network.append({embedding(), dense_spec(2)});
  FOXNN_CHECK(network.index_limit() == kCount);
  FOXNN_CHECK(test::throws<invalid_argument>(
      [&] { network.set_scaling({{1.0, 2.0, 3.0}, {1.0, 1.0, 1.0}}, {}); }));
  refuses({embedding()});
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_numbers_that_are_no_indices<float>();
  test_numbers_that_are_no_indices<double>();
  test_indices_are_told<float>();
  test_indices_are_told<double>();
  test_rows_that_a_step_changes<float>();
  test_rows_that_a_step_changes<double>();
  for (const std::string& name : optimizer_names()) {
    test_late_steps<float>(parse_optimizer(name));
    test_late_steps<double>(parse_optimizer(name));
  }
  Optimizer restarted = parse_optimizer("adam");
  restarted.restart_after = 30;
  test_late_steps<float>(restarted);
  test_what_does_not_fit();
  return test::failures == 0 ? 0 : 1;
}
