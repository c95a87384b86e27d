// Sparse samples: every result has the bits that the same samples give with all of their zeros, and
// arrays that are not those of a sparse matrix are recognized.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using test::view;

constexpr index kRows = 130, kOutputs = 3;

// The same numbers with all zeros, and by rows.
template <class T>
struct Matrix {
  std::vector<T> all, stored;
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> columns;
  index width;

  // About `tenths` tenths of the numbers are stored, some of them zero. Row 3 is empty.
  Matrix(index columns_, int tenths) : all(kRows * columns_), width(columns_) {
    const Random random(5, RandomStream::weights);
    for (index r = 0, i = 0; r < kRows; ++r) {
      for (index c = 0; c < width; ++c, ++i) {
        const auto place = static_cast<std::size_t>(i);
        if (r == 3 || random.uniform(place * 2) * 10.0 >= tenths) continue;
        all[place] = i % 11 == 0 ? T(0) : static_cast<T>(random.uniform(place * 2 + 1) - 0.5);
        stored.push_back(all[place]);
        columns.push_back(static_cast<std::int32_t>(c));
      }
      starts.push_back(static_cast<std::int64_t>(stored.size()));
    }
  }

  MatrixView dense() const { return view(all, width); }
  MatrixView sparse() const {
    MatrixView made = view(stored, width);
    made.rows = kRows;
    made.row_bytes = 0;
    made.starts = starts.data();
    made.stored_columns = columns.data();
    return made;
  }
};

struct Task {
  const char* optimizer;
  std::vector<LayerSpec> hidden;
  bool sorted = false, centred = false;
  double l1 = 0.0, l2 = 0.0, dropout = 0.0, clip_norm = 0.0;
};

LayerSpec layer_norm() { return {.kind = "layer_norm", .options = {{"epsilon", 1e-5}}}; }

std::vector<Task> tasks() {
  return {
      {.optimizer = "adam", .hidden = {dense_spec(100, "relu")}, .l1 = 1e-3, .l2 = 1e-3},
      {.optimizer = "sgd", .hidden = {}},
      {.optimizer = "nesterov", .hidden = {dense_spec(7, "gelu")}, .clip_norm = 0.1},
      {.optimizer = "adamw", .hidden = {dense_spec(40, "tanh")}, .dropout = 0.3},
      {.optimizer = "rmsprop", .hidden = {dense_spec(33, "silu")}, .sorted = true},
      // The zeros of these do not stay zeros, so batches are read with all of them.
      {.optimizer = "sgd", .hidden = {dense_spec(20, "relu")}, .centred = true},
      {.optimizer = "sgd", .hidden = {layer_norm(), dense_spec(20, "relu")}},
  };
}

// All results of the task, as one sequence of numbers.
template <class T>
std::vector<double> results(const Task& task, const MatrixView& x) {
  Network<T> network({{}, x.columns}, 3);
  network.set_sorted_summation(task.sorted);
  network.append(task.hidden);
  network.append({dense_spec(kOutputs, "softmax")});
  network.initialize();
  network.set_loss(LossKind::cross_entropy);
  const auto count = static_cast<std::size_t>(x.columns);
  network.set_scaling(
      {std::vector<double>(count, task.centred ? 0.25 : 0.0), std::vector<double>(count, 1.5)}, {});
  std::vector<std::int64_t> labels(kRows);
  std::vector<double> weights(kRows);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<std::int64_t>(i * 7 % kOutputs);
    weights[i] = 0.5 + static_cast<double>(i % 4);
  }
  const Samples samples{x, {}, labels.data(), weights.data()};
  TrainingPlan plan{.batch_size = 40,
                    .learning_rate = 0.01,
                    .optimizer = parse_optimizer(task.optimizer),
                    .count_matches = true,
                    .l1 = task.l1,
                    .l2 = task.l2,
                    .clip_norm = task.clip_norm};
  if (task.dropout > 0.0) plan.dropout.assign(task.hidden.size(), task.dropout);
  std::vector<double> found;
  {
    Trainer<T> trainer(network, samples, plan);
    for (int epoch = 0; epoch < 2; ++epoch) {
      if (epoch == 1) trainer.set_samples(samples);
      const StepReport report = trainer.run_epoch({});
      FOXNN_CHECK(report.samples == kRows && !report.diverged);
      found.insert(found.end(), {report.loss, static_cast<double>(report.correct)});
    }
    // A single step, on fewer samples that store more each.
    Samples few = samples;
    few.inputs.rows = 20;
    FOXNN_CHECK(trainer.takes(few));
    found.push_back(trainer.step(few).loss);
  }
  const Buffer<T>& parameters = network.parameters();
  found.insert(found.end(), parameters.data(), parameters.data() + parameters.size());
  plan.batch_size = kRows;
  plan.shuffle = false;
  std::vector<T> gradient(static_cast<std::size_t>(parameters.size()));
  found.push_back(Trainer<T>(network, samples, plan).gradient(gradient.data()));
  found.insert(found.end(), gradient.begin(), gradient.end());
  Evaluation evaluation;
  FOXNN_CHECK(network.evaluate(samples, evaluation, 0, {}));
  found.push_back(evaluation.loss);
  std::vector<T> out(kRows * kOutputs), slopes(out.size() * static_cast<std::size_t>(x.columns));
  FOXNN_CHECK(network.predict(x, out.data(), 0, {}) == Network<T>::Outcome::done);
  FOXNN_CHECK(network.input_gradient(x, 0, kOutputs, slopes.data(), 0, {}));
  found.insert(found.end(), out.begin(), out.end());
  found.insert(found.end(), slopes.begin(), slopes.end());
  FOXNN_CHECK(network.node_outputs(x, {network.size() - 1}, {out.data()}, 0, {}) ==
              Network<T>::Outcome::done);
  found.insert(found.end(), out.begin(), out.end());
  return found;
}

template <class T, class Source>
void test_same_bits_as_dense() {
  const std::vector<Matrix<Source>> matrices{{5, 6}, {32, 2}, {40, 0}, {300, 1}};
  for (const Matrix<Source>& matrix : matrices) {
    for (const Task& task : tasks()) {
      const std::vector<double> dense = results<T>(task, matrix.dense());
      const std::vector<double> sparse = results<T>(task, matrix.sparse());
      FOXNN_CHECK(dense.size() == sparse.size());
      FOXNN_CHECK(std::memcmp(dense.data(), sparse.data(), dense.size() * sizeof(double)) == 0);
    }
  }
}

void test_what_goes_by_stored_numbers() {
  const Matrix<float> matrix(40, 1);
  Network<float> network({{}, 40}, 1);
  network.append({dense_spec(8, "relu")});
  FOXNN_CHECK(network.goes_by_stored(matrix.sparse()));
  FOXNN_CHECK(!network.goes_by_stored(matrix.dense()));
  std::vector<double> shift(40, 0.0), factor(40, 2.0);
  network.set_scaling({shift, factor}, {});
  FOXNN_CHECK(network.goes_by_stored(matrix.sparse()));
  shift[39] = 1e-300;
  network.set_scaling({shift, factor}, {});
  FOXNN_CHECK(!network.goes_by_stored(matrix.sparse()));
}

void test_other_samples() {
  const Matrix<float> matrix(40, 1), fuller(40, 6);
  std::vector<float> y(kRows * kOutputs, 0.5f);
  Network<float> network({{}, 40}, 1);
  network.append({dense_spec(40, "relu"), dense_spec(kOutputs, "identity_x")});
  network.initialize();
  TrainingPlan plan{.batch_size = kRows, .optimizer = parse_optimizer("sgd"), .shuffle = false};
  Trainer<float> trainer(network, {matrix.sparse(), view(y, kOutputs)}, plan);
  const Samples dense{fuller.dense(), view(y, kOutputs)};
  const Samples more{fuller.sparse(), view(y, kOutputs)};
  FOXNN_CHECK(!trainer.takes(dense) && trainer.takes(more));
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { trainer.step(dense); }));
  // These store more numbers than those that the trainer was made for.
  const double loss = trainer.step(more).loss;
  Network<float> other({{}, 40}, 1);
  other.append({dense_spec(40, "relu"), dense_spec(kOutputs, "identity_x")});
  other.initialize();
  FOXNN_CHECK(Trainer<float>(other, dense, plan).step(dense).loss == loss);
}

void test_flaws() {
  Matrix<float> matrix(40, 3);
  const auto stored = static_cast<index>(matrix.stored.size());
  const auto flaw = [&](index count) { return flaw_of(matrix.sparse(), count, {}); };
  FOXNN_CHECK(flaw(stored) == SparseFlaw::none);
  FOXNN_CHECK(flaw(stored - 1) == SparseFlaw::starts);
  const Matrix<float> good = matrix;
  matrix.starts[0] = 1;
  FOXNN_CHECK(flaw(stored) == SparseFlaw::starts);
  matrix = good;
  matrix.starts[6] = matrix.starts[5] - 1;
  FOXNN_CHECK(flaw(stored) == SparseFlaw::starts);
  for (const std::int32_t column : {-1, 40}) {
    matrix = good;
    matrix.columns.back() = column;
    FOXNN_CHECK(flaw(stored) == SparseFlaw::columns);
  }
  matrix = good;
  matrix.columns[1] = matrix.columns[0];
  FOXNN_CHECK(flaw(stored) == SparseFlaw::order);
  std::swap(matrix.columns[0], matrix.columns[2]);
  FOXNN_CHECK(flaw(stored) == SparseFlaw::order);
}

void test_infinite_numbers_are_found() {
  for (const float wrong : {INFINITY, NAN}) {
    Matrix<float> matrix(40, 2);
    Network<float> network({{}, 40}, 1);
    network.append({dense_spec(8, "relu")});
    std::vector<float> out(kRows * 8);
    FOXNN_CHECK(all_finite<float>(matrix.sparse()));
    matrix.stored.back() = wrong;
    FOXNN_CHECK(!all_finite<float>(matrix.sparse()));
    FOXNN_CHECK(network.predict(matrix.sparse(), out.data(), 0, {}) ==
                Network<float>::Outcome::not_finite);
  }
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_same_bits_as_dense<float, float>();
  test_same_bits_as_dense<float, double>();
  test_same_bits_as_dense<double, double>();
  test_what_goes_by_stored_numbers();
  test_other_samples();
  test_flaws();
  test_infinite_numbers_are_found();
  return foxnn::test::failures == 0 ? 0 : 1;
}
