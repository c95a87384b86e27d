// Training on pieces of sequences. What passes from piece to piece is checked from Python, beside
// an oracle; here, a network without states must learn as from pieces that are sequences.
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "parameters.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

constexpr index kChannels = 3, kOutputs = 2, kLongest = 10, kPiece = 4, kBatch = 5;
// The batches are sorted already; each batch ends at another piece.
const std::vector<std::int64_t> kLengths{10, 9, 8, 4, 1, 8, 8, 5, 3, 3, 4, 2};

LayerSpec each(index units) {
  LayerSpec spec = dense_spec(units, "tan_h");
  spec.options["each_position"] = true;
  return spec;
}
LayerSpec recurrent(const char* kind) {
  return {.kind = kind, .options = {{"units", index{5}}, {"return_sequences", true}}};
}

template <class T>
Network<T> network(const std::vector<LayerSpec>& layers) {
  Network<T> made(Shape{{kLongest}, kChannels}, 5, true);
  made.append(layers);
  made.initialize();
  return made;
}

template <class T>
std::vector<T> numbers(index steps, index width) {
  std::vector<T> made(static_cast<std::size_t>(steps * width));
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<T>(i * 29 % 41) / T(32);
  return made;
}

template <class T>
std::vector<T> trained(Network<T>& network, const Samples& samples, index truncate) {
  TrainingPlan plan{.batch_size = kBatch, .learning_rate = 0.05, .shuffle = false};
  plan.truncate = truncate;
  plan.optimizer = parse_optimizer("adam");
  Trainer<T> trainer(network, samples, plan);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const StepReport report = trainer.run_epoch({});
    FOXNN_CHECK(!report.diverged && report.samples == samples.size());
    FOXNN_CHECK(report.steps == trainer.steps_per_epoch());
    FOXNN_CHECK(trainer.pieces_done() == 0 && trainer.states().empty());
  }
  return test::parameters_of(network);
}

// Sequences of some lengths, with targets and a weight for each step.
template <class T>
struct Sequences {
  std::vector<T> x, y;
  std::vector<double> weights, of_steps;
  std::vector<std::int64_t> lengths;
  index steps = 0;

  Samples samples() const {
    Samples found;
    found.inputs = test::view(x, steps * kChannels);
    found.inputs.lengths = lengths.data();
    found.inputs.step_columns = kChannels;
    found.outputs = test::view(y, steps * kOutputs);
    found.weights = weights.data();
    found.position_weights = of_steps.data();
    found.positions = steps;
    return found;
  }
  void weigh() {
    for (std::size_t r = 0; r < lengths.size(); ++r) {
      const double* const own = of_steps.data() + r * static_cast<std::size_t>(steps);
      double sum = 0.0;
      for (index p = 0; p < lengths[r]; ++p) sum += own[p];
      weights.push_back(sum / static_cast<double>(lengths[r]));
    }
  }
};

template <class T>
Sequences<T> whole() {
  Sequences<T> made;
  const auto rows = static_cast<index>(kLengths.size());
  made.x = numbers<T>(rows * kLongest, kChannels);
  made.y = numbers<T>(rows * kLongest, kOutputs);
  made.of_steps = numbers<double>(rows * kLongest, 1);
  made.lengths = kLengths;
  made.steps = kLongest;
  made.weigh();
  return made;
}

// The rows of a batch that take part in a piece, as sequences of their own.
template <class T>
Sequences<T> part_of(const Sequences<T>& all, index first, index piece) {
  Sequences<T> made;
  made.steps = kPiece;
  const index last = std::min(first + kBatch, static_cast<index>(all.lengths.size()));
  const auto copy = [&](auto& to, const auto& from, index row, index length, index width) {
    const auto begin = from.begin() + (row * kLongest + piece * kPiece) * width;
    to.insert(to.end(), begin, begin + length * width);
    to.resize(to.size() + static_cast<std::size_t>((kPiece - length) * width));
  };
  for (index row = first; row < last; ++row) {
    const index left = all.lengths[static_cast<std::size_t>(row)] - piece * kPiece;
    if (left <= 0) continue;
    made.lengths.push_back(std::min(left, kPiece));
    copy(made.x, all.x, row, made.lengths.back(), kChannels);
    copy(made.y, all.y, row, made.lengths.back(), kOutputs);
    copy(made.of_steps, all.of_steps, row, made.lengths.back(), 1);
  }
  made.weigh();
  return made;
}

template <class T>
void test_pieces_without_states_are_sequences() {
  const Sequences<T> all = whole<T>();
  Network<T> cut = network<T>({each(17), each(kOutputs)}), by_hand = cut;
  const std::vector<T> found = trained(cut, all.samples(), kPiece);
  const auto planned = by_hand.with_steps(kPiece);
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const index first : {index{0}, kBatch, 2 * kBatch}) {
      for (index piece = 0; piece * kPiece < kLengths[static_cast<std::size_t>(first)]; ++piece) {
        const Sequences<T> part = part_of(all, first, piece);
        TrainingPlan plan{.batch_size = kBatch, .learning_rate = 0.05, .shuffle = false};
        plan.optimizer = parse_optimizer("adam");
        Trainer<T>(*planned, part.samples(), plan).run_epoch({});
      }
    }
  }
  FOXNN_CHECK(found == test::parameters_of(by_hand));
}

template <class T>
void test_states_pass_on() {
  const Sequences<T> all = whole<T>();
  for (const char* kind : {"rnn", "gru", "lstm"}) {
    const Network<T> fresh = network<T>({recurrent(kind), each(kOutputs)});
    std::vector<std::vector<T>> found;
    for (const index truncate : {index{0}, kLongest, kLongest + 1, index{1}, kPiece, kPiece}) {
      Network<T> own = fresh;
      found.push_back(trained(own, all.samples(), truncate));
    }
    FOXNN_CHECK(found[1] == found[0] && found[2] == found[0]);
    FOXNN_CHECK(found[3] != found[0] && found[4] != found[0] && found[5] == found[4]);
  }
}

// Samples of one length, and a network that has it.
void test_samples_of_one_shape() {
  Network<float> fixed(Shape{{kLongest}, kChannels}, 5);
  fixed.append({recurrent("lstm"), each(kOutputs)});
  fixed.initialize();
  const std::vector<float> before = test::parameters_of(fixed);
  const auto x = numbers<float>(12 * kLongest, kChannels), y = numbers<float>(12 * kLongest, 2);
  const Samples samples{test::view(x, kLongest * kChannels), test::view(y, kLongest * kOutputs)};
  FOXNN_CHECK(trained(fixed, samples, kPiece) != before);
}

void test_refusals() {
  const Sequences<float> all = whole<float>();
  const auto refuses = [&](const std::vector<LayerSpec>& layers) {
    Network<float> own = network<float>(layers);
    return test::throws<std::invalid_argument>([&] { trained(own, all.samples(), kPiece); });
  };
  FOXNN_CHECK(!refuses({recurrent("gru"), each(kOutputs)}));
  LayerSpec both = recurrent("gru"), reverse = both, last = both;
  both.options["bidirectional"] = true;
  reverse.options["reverse"] = true;
  last.options["return_sequences"] = false;
  for (const LayerSpec& spec : {both, reverse}) FOXNN_CHECK(refuses({spec, each(kOutputs)}));
  FOXNN_CHECK(refuses({last, dense_spec(kOutputs)}));
  Network<float> own = network<float>({recurrent("gru"), each(kOutputs)});
  TrainingPlan plan;
  plan.truncate = -1;
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { plan.check<float>(); }));
  plan.truncate = kPiece;
  Trainer<float> trainer(own, all.samples(), plan);
  std::vector<float> gradient(static_cast<std::size_t>(own.parameters().size()));
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { trainer.set_samples(all.samples()); }));
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { trainer.step(all.samples()); }));
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { trainer.gradient(gradient.data()); }));
  const StepReport none;
  for (const index pieces : {index{-1}, index{3}}) {
    FOXNN_CHECK(
        test::throws<std::invalid_argument>([&] { trainer.go_on_within_epoch(0, none, pieces); }));
  }
  FOXNN_CHECK(
      test::throws<std::invalid_argument>([&] { trainer.go_on_within_epoch(0, none, 1, {{}}); }));
}

}  // namespace
}  // namespace foxnn

int main() {
  using namespace foxnn;
  test_pieces_without_states_are_sequences<float>();
  test_pieces_without_states_are_sequences<double>();
  test_states_pass_on<float>();
  test_states_pass_on<double>();
  test_samples_of_one_shape();
  test_refusals();
  return foxnn::test::failures == 0 ? 0 : 1;
}
