// Layers of every kind, with the engine alone: gradients by finite differences, the same bits on
// any number of workers, frozen layers, and a custom layer that uses every feature of the
// interface.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "parameters.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

using test::view;

constexpr index kSamples = 50;

// Subtracts the mean of each column (in training that of the batch, in inference a running mean),
// and adds a bias. Its `backward` has separate work, which changes delta. For one panel of
// columns.
template <class T>
class Centering final : public Layer<T> {
 public:
  explicit Centering(const Form& input)
      : Layer<T>({.kind = "centering"}, {input}), columns_(input.shape.size()) {
    this->set_output(input);
    this->add_array("bias", {columns_}, kPanelWidth<T>, Array::Role::bias);
    this->add_array("mean", {columns_}, kPanelWidth<T>, Array::Role::running);
  }
  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Centering>(*this); }
  double flops() const override { return 4.0 * static_cast<double>(columns_); }
  index kept_size(index) const override { return kPanelWidth<T>; }

  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T>) const override {
    const T* bias = this->parameters();
    T* running = this->own_parameters() + kPanelWidth<T>;
    // Columns are divided between the workers: each mean is computed by one of them.
    for (index c = share.first(columns_); c < share.last(columns_); ++c) {
      T mean = running[c];
      if (out.training) {
        mean = T(0);
        for (index r = 0; r < batch; ++r) mean += x->at(r)[c];
        mean /= static_cast<T>(batch);
        running[c] += T(0.1) * (mean - running[c]);
      }
      if (out.kept) out.kept[c] = out.training ? T(1) : T(0);
      for (index r = 0; r < batch; ++r) out.y.at(r)[c] = x->at(r)[c] - mean + bias[c];
    }
  }
  bool has_backward() const override { return true; }
  void backward(Share share, index batch, const Back<T>& back, Scratch<T>) const override {
    // The gradient of the bias is kept before the mean is subtracted from delta.
    for (index c = share.first(columns_); c < share.last(columns_); ++c) {
      T sum = T(0);
      for (index r = 0; r < batch; ++r) sum += back.delta.at(r)[c];
      sums_[static_cast<std::size_t>(c)] = sum;
      if (back.kept[c] == T(0)) continue;
      for (index r = 0; r < batch; ++r) back.delta.at(r)[c] -= sum / static_cast<T>(batch);
    }
  }
  void backward_input(Share share, index batch, index, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T>) const override {
    const index first = share.first(batch), rows = share.last(batch) - first;
    for (index r = first; r < first + rows; ++r) {
      std::copy_n(back.delta.at(r), columns_, delta_below.at(r));
    }
    below.finish_rows(first, rows, columns_, delta_below);
  }
  void backward_parameters(Share share, index, const Back<T>&, GradientSink<T>& sink,
                           Scratch<T>) const override {
    if (share.worker != 0) return;
    alignas(64) T gradient[kPanelWidth<T>] = {};
    std::copy_n(sums_.data(), columns_, gradient);
    sink.take(0, kPanelWidth<T>, gradient);
  }

 private:
  index columns_;
  mutable std::vector<T> sums_ = std::vector<T>(static_cast<std::size_t>(kPanelWidth<T>));
};

LayerSpec each_position(index units, const std::string& activation) {
  LayerSpec spec = dense_spec(units, activation);
  spec.options["each_position"] = true;
  return spec;
}
LayerSpec function(const std::string& name) {
  return {.kind = "activation", .options = {{"activation", name}}};
}
LayerSpec composite(const std::string& kind, std::vector<std::vector<LayerSpec>> branches) {
  return {.kind = kind, .options = {}, .branches = std::move(branches)};
}

// A 2-D convolution with a window of 3 by 2.
LayerSpec convolution(index filters, index groups, const std::string& activation) {
  return {.kind = "conv2d",
          .options = {{"filters", filters},
                      {"groups", groups},
                      {"kernel", std::vector<double>{3.0, 2.0}},
                      {"stride", std::vector<double>{1.0, 1.0}},
                      {"padding", std::string("same")},
                      {"activation", activation}}};
}

struct Case {
  const char* name;
  std::vector<index> shape;
  std::vector<LayerSpec> layers;
  bool draws = false;
  const char* loss = "mse";
};

std::vector<Case> cases() {
  const LayerSpec flatten{.kind = "flatten"};
  const LayerSpec reshape{.kind = "reshape",
                          .options = {{"shape", std::vector<double>{4.0, 5.0, 3.0}}}};
  const LayerSpec dropout{.kind = "dropout", .options = {{"rate", 0.3}}};
  const LayerSpec norm{.kind = "layer_norm", .options = {{"epsilon", 1e-5}}};
  LayerSpec free = dense_spec(3, "tanh");
  free.options["bias"] = false;
  return {
      {"each position", {5, 3}, {each_position(4, "tanh"), each_position(37, "sin"), free}},
      {"positions come out", {5, 3}, {each_position(40, "tanh"), each_position(3, "sigmoid")}},
      {"classes at positions",
       {5, 3},
       {each_position(6, "tanh"), each_position(3, "softmax")},
       false,
       "cross_entropy"},
      {"many classes at positions", {5, 3}, {each_position(41, "softmax")}, false, "cross_entropy"},
      {"classes without gaps",
       {7},
       {dense_spec(60, "tanh"), reshape, function("softmax")},
       false,
       "cross_entropy"},
      {"shares at positions", {60}, {reshape, each_position(2, "softmax")}},
      {"sides without gaps",
       {7},
       {dense_spec(60, "tanh"), reshape, function("sigmoid")},
       false,
       "binary_cross_entropy"},
      {"flatten", {4, 5, 3}, {each_position(33, "tanh"), flatten, function("gelu"), dense_spec(3)}},
      {"reshape", {60}, {reshape, each_position(6, "tanh"), function("sin"), dense_spec(3)}},
      {"dropout", {5, 3}, {dropout, each_position(6, "tanh"), dropout, dense_spec(3)}, true},
      {"layer norm", {7}, {norm, dense_spec(37, "tanh"), norm, dense_spec(2)}},
      {"layer norm at positions", {4, 6}, {each_position(37, "tanh"), norm, dense_spec(2)}},
      {"convolution", {4, 3, 5}, {convolution(36, 1, "tanh"), convolution(8, 4, "sin"), free}},
      {"depthwise", {4, 3, 5}, {convolution(5, 5, "tanh"), convolution(35, 5, "sin"), free}},
      {"residual",
       {7},
       {composite("residual", {{dense_spec(9, "tanh"), dense_spec(7, "sin")}, {}}),
        composite("residual", {{dense_spec(5, "gelu")}, {dense_spec(5, "identity")}}),
        dense_spec(2)}},
      {"parallel",
       {4, 6},
       {composite("parallel", {{each_position(9, "tanh")},
                               {each_position(33, "elu"), each_position(40, "tanh")},
                               {function("sin")}}),
        each_position(3, "tanh"), dense_spec(2)}},
      {"nested",
       {7},
       {composite("residual", {{composite("parallel", {{dense_spec(3, "tanh")},
                                                       {function("gaussian"), dense_spec(4)}})},
                               {}}),
        function("tanh"), dense_spec(2, "identity"), function("sigmoid")}},
  };
}

template <class T>
Network<T> made(const Case& given, bool with_own = false) {
  Network<T> network(Shape::of(given.shape), 3);
  network.append(given.layers);
  if (with_own) {
    network.append(std::make_unique<Centering<T>>(network.output_form()));
    network.append({dense_spec(2, "tanh")});
  } else {
    network.set_loss(parse_loss(given.loss));
  }
  network.initialize();
  return network;
}

template <class T>
std::vector<T> numbers(index count, double scale) {
  std::vector<T> values(static_cast<std::size_t>(count));
  const Random random(1, RandomStream::weights);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<T>(scale * (2.0 * random.uniform(i * 3) - 1.0));
  }
  return values;
}

// Compares a gradient with finite differences of the loss.
void check_gradient(const char* name, Network<double>& network, const Samples& samples,
                    const std::vector<double>& gradient) {
  for (std::size_t i = 0; i < gradient.size(); i += 1 + gradient.size() / 40) {
    const double kept = network.parameters().data()[i], step = 1e-6;
    const auto loss_at = [&](double value) {
      network.parameters().data()[i] = value;
      Evaluation found;
      network.evaluate(samples, found, 1, {});
      return found.loss;
    };
    const double slope = (loss_at(kept + step) - loss_at(kept - step)) / (2.0 * step);
    network.parameters().data()[i] = kept;
    // The gradient of padding is zero, and finite differences there are meaningless.
    if (gradient[i] == 0.0) continue;
    if (!(std::abs(slope - gradient[i]) < 1e-6)) {
      std::printf("%s: %g is not %g\n", name, gradient[i], slope);
      FOXNN_CHECK(false);
    }
  }
}

std::vector<double> gradient_of(Network<double>& network, const Samples& samples) {
  std::vector<double> gradient(test::parameters_of(network).size());
  Trainer<double> trainer(network, samples, {.batch_size = kSamples, .shuffle = false});
  trainer.gradient(gradient.data());
  return gradient;
}

void test_gradients() {
  for (const Case& given : cases()) {
    if (given.draws) continue;
    Network<double> network = made<double>(given);
    const auto x = numbers<double>(kSamples * network.inputs(), 1.0);
    const auto y = numbers<double>(kSamples * network.outputs(), 0.5);
    const Samples samples{view(x, network.inputs()), view(y, network.outputs())};
    check_gradient(given.name, network, samples, gradient_of(network, samples));
  }
}

// Labels and weights of positions: the same bits as with targets of zeros and ones, and weights of
// which only the ratios matter.
void test_positions() {
  for (const Case& given : cases()) {
    if (std::strcmp(given.loss, "cross_entropy") != 0) continue;
    Network<double> network = made<double>(given);
    const index positions = network.output_shape().positions();
    const index channels = network.output_shape().channels;
    const auto x = numbers<double>(kSamples * network.inputs(), 1.0);
    std::vector<std::int64_t> labels(static_cast<std::size_t>(kSamples * positions));
    std::vector<double> y(labels.size() * static_cast<std::size_t>(channels));
    std::vector<double> weights(labels.size()), means(kSamples);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      labels[i] = static_cast<std::int64_t>(i * 7) % channels;
      y[i * static_cast<std::size_t>(channels) + static_cast<std::size_t>(labels[i])] = 1.0;
      weights[i] = static_cast<double>(i % 3);
      means[i / static_cast<std::size_t>(positions)] += weights[i] / static_cast<double>(positions);
    }
    Samples samples{
        view(x, network.inputs()), {}, labels.data(), means.data(), weights.data(), positions};
    const std::vector<double> gradient = gradient_of(network, samples);
    check_gradient(given.name, network, samples, gradient);
    const std::vector<std::int8_t> bytes(labels.begin(), labels.end());
    const std::vector<std::int16_t> shorts(labels.begin(), labels.end());
    const std::vector<std::int32_t> ints(labels.begin(), labels.end());
    for (const Labels same : {Labels(bytes.data()), Labels(shorts.data()), Labels(ints.data())}) {
      samples.labels = same;
      FOXNN_CHECK(gradient_of(network, samples) == gradient);
    }
    samples.labels = nullptr;
    samples.outputs = view(y, network.outputs());
    FOXNN_CHECK(gradient_of(network, samples) == gradient);
    samples.positions = positions + 1;
    FOXNN_CHECK(test::throws<std::invalid_argument>([&] { gradient_of(network, samples); }));
  }
}

template <class T>
std::vector<T> trained(const Case& given, bool with_own) {
  Network<T> network = made<T>(given, with_own);
  const auto x = numbers<T>(kSamples * network.inputs(), 1.0);
  const auto y = numbers<T>(kSamples * network.outputs(), 0.5);
  TrainingPlan plan{.batch_size = 20, .optimizer = parse_optimizer("adam")};
  plan.l2 = 1e-3;
  plan.clip_norm = 0.5;
  {
    Trainer<T> trainer(network, {view(x, network.inputs()), view(y, network.outputs())}, plan);
    FOXNN_CHECK(!trainer.run_steps(7, {}).diverged);
  }
  std::vector<T> found = test::parameters_of(network), out(y.size());
  FOXNN_CHECK(network.predict(view(x, network.inputs()), out.data(), 0, {}) ==
              Network<T>::Outcome::done);
  found.insert(found.end(), out.begin(), out.end());
  // A single sample has the same outputs.
  SingleSample<T> single(network);
  std::copy_n(x.data(), network.inputs(), single.input());
  FOXNN_CHECK(std::memcmp(single.answer(), out.data(),
                          static_cast<std::size_t>(network.outputs()) * sizeof(T)) == 0);
  return found;
}

// A hash (FNV-1a) of all results, in hexadecimal.
std::string fingerprint() {
  std::uint64_t hash = 14695981039346656037u;
  const auto add = [&](const auto& values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t i = 0; i < values.size() * sizeof(values[0]); ++i) {
      hash = (hash ^ bytes[i]) * 1099511628211u;
    }
  };
  for (const Case& given : cases()) {
    const bool is_flat = made<float>(given).output_shape().is_flat();
    for (const bool with_own : {false, true}) {
      if (with_own && !is_flat) continue;
      add(trained<float>(given, with_own));
      add(trained<double>(given, with_own));
    }
  }
  char text[32];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

// The number of workers is fixed for the lifetime of a process, so each number needs its own.
void test_threads(const std::string& program) {
  std::string expected;
  const char* emulator = std::getenv("FOXNN_EMULATOR");  // of another processor's programs
  for (const char* workers : {"1", "2", "3"}) {
    const std::string command = std::string("FOXNN_FORCE_THREADS=") + workers + " " +
                                (emulator ? emulator : "") + " '" + program + "' fingerprint";
    std::FILE* pipe = popen(command.c_str(), "r");
    char found[32] = "";
    FOXNN_CHECK(pipe && std::fgets(found, sizeof found, pipe));
    FOXNN_CHECK(pipe && pclose(pipe) == 0);
    FOXNN_CHECK(std::strlen(found) == 16);
    if (expected.empty()) expected = found;
    FOXNN_CHECK(expected == found);
  }
}

// Training steps on so many samples that each is long: as they are, or asked again and again
// whether to drop them. At the `stop`-th question the answer is yes, unless it is 0.
template <class T>
std::vector<T> long_steps(const Case& given, const char* optimizer, bool asked, int stop,
                          int& questions) {
  constexpr index kMany = test::kSanitized ? 1700 : 17000;
  Network<T> network = made<T>(given);
  auto x = numbers<T>(kMany * network.inputs(), 1.0);
  for (std::size_t i = 0; i < x.size(); i += 3) x[i] = T(0);  // of which lists are made
  const auto y = numbers<T>(kMany * network.outputs(), 0.5);
  TrainingPlan plan{
      .batch_size = kMany, .optimizer = parse_optimizer(optimizer), .shuffle = false, .threads = 1};
  plan.l2 = 1e-3;
  Trainer<T> trainer(network, {view(x, network.inputs()), view(y, network.outputs())}, plan);
  if (asked) trainer.drop_steps_on([&] { return ++questions == stop; });
  const StepReport report = trainer.run_steps(1, {});
  FOXNN_CHECK(report.steps == (report.stopped ? 0 : 1) && !report.diverged);
  FOXNN_CHECK(report.stopped == (stop > 0 && questions >= stop));
  return test::parameters_of(network);
}

void test_long_steps() {
  std::vector<Case> all = cases();
  all.push_back({"narrow", {3}, {dense_spec(8, "tanh"), dense_spec(8, "gelu"), dense_spec(2)}});
  all.push_back({"wide", {70}, {dense_spec(90, "tanh"), dense_spec(40, "gelu"), dense_spec(3)}});
  for (const Case& given : all) {
    int none = 0, questions = 0, again = 0;
    const auto expected = long_steps<float>(given, "adam", false, 0, none);
    FOXNN_CHECK(none == 0);
    FOXNN_CHECK(long_steps<float>(given, "adam", true, 0, questions) == expected);
    const std::vector<float> before = test::parameters_of(made<float>(given));
    FOXNN_CHECK(before != expected);
    if (questions == 0) continue;  // this machine takes less than the 20 ms between two questions
    FOXNN_CHECK(long_steps<float>(given, "adam", true, 1, again) == before);
  }
}

void test_own_layer() {
  const Case given{"own", {6}, {dense_spec(9, "tanh")}};
  Network<float> network = made<float>(given, true);
  const auto x = numbers<float>(kSamples * 6, 1.0), y = numbers<float>(kSamples * 2, 0.5);
  const std::vector<float> before = test::parameters_of(network);
  Trainer<float> trainer(network, {view(x, 6), view(y, 2)}, {.learning_rate = 0.1});
  trainer.run_steps(5, {});
  const Layer<float>& own = network.layer(1);
  std::vector<float> bias(9), mean(9);
  own.unpack(own.arrays()[0], own.parameters(), bias.data(), Order::plain, {});
  own.unpack(own.arrays()[1], own.parameters(), mean.data(), Order::plain, {});
  FOXNN_CHECK(std::all_of(bias.begin(), bias.end(), [](float b) { return b != 0.0f; }));
  FOXNN_CHECK(std::all_of(mean.begin(), mean.end(), [](float m) { return m != 0.0f; }));
  FOXNN_CHECK(test::throws<std::invalid_argument>([] {
    Network<float> other({{}, 3}, 0);
    other.append(std::make_unique<Centering<float>>(Form{{{}, 4}, {1, 4, 4}}));
  }));
}

void test_frozen() {
  const Case given{"frozen", {6}, {dense_spec(9, "tanh"), dense_spec(7, "gelu"), dense_spec(2)}};
  const auto x = numbers<float>(kSamples * 6, 1.0), y = numbers<float>(kSamples * 2, 0.5);
  for (const std::string& name : optimizer_names()) {
    for (const double clip_norm : {0.0, 0.1}) {
      for (index frozen = 0; frozen < 3; ++frozen) {
        Network<float> network = made<float>(given);
        network.set_trained(frozen, false);
        const std::vector<float> before = test::parameters_of(network);
        TrainingPlan plan{.batch_size = 20, .optimizer = parse_optimizer(name), .l1 = 1e-3};
        plan.clip_norm = clip_norm;
        Trainer<float> trainer(network, {view(x, 6), view(y, 2)}, plan);
        trainer.run_steps(5, {});
        const std::vector<float> after = test::parameters_of(network);
        for (index i = 0; i < 3; ++i) {
          const index count = network.layer(i).parameter_count();
          const auto first = static_cast<std::size_t>(network.offset(i));
          const bool same = std::memcmp(before.data() + first, after.data() + first,
                                        static_cast<std::size_t>(count) * sizeof(float)) == 0;
          FOXNN_CHECK(same == (i == frozen));
        }
      }
    }
  }
}

void test_what_does_not_fit() {
  using std::invalid_argument;
  const auto refuses = [](const std::vector<index>& shape, const std::vector<LayerSpec>& layers) {
    Network<float> network(Shape::of(shape), 0);
    FOXNN_CHECK(test::throws<invalid_argument>([&] { network.append(layers); }));
    FOXNN_CHECK(network.size() == 0 && network.parts().empty());
  };
  refuses({4}, {composite("residual", {{dense_spec(5)}, {}})});
  refuses({4}, {composite("residual", {{dense_spec(4)}})});
  refuses({4, 3}, {composite("parallel", {{each_position(2, "tanh")}, {dense_spec(2)}})});
  refuses({4}, {{.kind = "reshape", .options = {{"shape", std::vector<double>{3.0}}}}});
  refuses({4}, {dense_spec(3, "softmax"), dense_spec(3)});
  refuses({4, 3}, {each_position(5, "softmax"), each_position(5, "tanh")});
  refuses({4, 3}, {each_position(1, "softmax")});
  refuses({4}, {{.kind = "dropout", .options = {{"rate", 1.0}}}});
  refuses({4}, {{.kind = "dropout"}});

  // A loss that the new output does not suit is refused, and not kept.
  Network<float> network(Shape::of({4}), 0);
  network.append({dense_spec(2, "sigmoid")});
  network.set_loss(LossKind::binary_cross_entropy);
  FOXNN_CHECK(test::throws<invalid_argument>([&] { network.append({dense_spec(2, "tanh")}); }));
  FOXNN_CHECK(network.size() == 1 && network.loss() == LossKind::binary_cross_entropy);
  network.append({dense_spec(3, "sigmoid")});
}

// Outputs with positions: what takes them as one row is refused for every number of channels.
template <class T>
void test_outputs_at_positions() {
  constexpr index kPositions = 4;
  const std::pair<const char*, const char*> both[] = {
      {"softmax", "cross_entropy"}, {"softmax", "mse"},      {"sigmoid", "binary_cross_entropy"},
      {"exp", "poisson"},           {"softplus", "poisson"}, {"tanh", "huber"}};
  for (const index channels : {2, 5, 16, 32, 41}) {
    for (const auto& [activation, loss] : both) {
      Network<T> network(Shape::of({kPositions, 3}), 3), flat(Shape::of({3}), 3);
      network.append({each_position(channels, activation)});
      flat.append({dense_spec(channels, activation)});
      const auto x = numbers<T>(kSamples * network.inputs(), 1.0);
      auto y = numbers<T>(kSamples * network.outputs(), 0.5);
      for (T& target : y) target = std::abs(target);
      const Samples samples{view(x, network.inputs()), view(y, network.outputs())};
      const Samples by_position{view(x, 3), view(y, channels)};
      const auto evaluated = [&, name = loss](Network<T>& each, const Samples& given) {
        each.set_loss(parse_loss(name));
        each.initialize();
        Evaluation found;
        each.evaluate(given, found, 1, {});
        return found;
      };
      const Evaluation one = evaluated(network, samples), other = evaluated(flat, by_position);
      FOXNN_CHECK(one.correct == other.correct);
      // Some parts are added up in T.
      const double unit = double{std::numeric_limits<T>::epsilon()};
      FOXNN_CHECK(std::abs(one.loss - other.loss) < 64.0 * unit * other.loss);
      std::vector<T> found(y.size()), expected(y.size());
      network.predict(samples.inputs, found.data(), 1, {});
      flat.predict(by_position.inputs, expected.data(), 1, {});
      FOXNN_CHECK(found == expected);
    }
  }
}

// Channels that double from layer to layer without a parameter: refused before a size overflows.
void test_sizes_without_end() {
  const LayerSpec twice = composite("parallel", {{function("tanh")}, {function("tanh")}});
  Network<float> network(Shape::of({4, 3}), 0);
  FOXNN_CHECK(
      test::throws<std::bad_alloc>([&] { network.append(std::vector<LayerSpec>(60, twice)); }));
  FOXNN_CHECK(network.size() == 0);
  network.append(std::vector<LayerSpec>(3, twice));
  FOXNN_CHECK(network.outputs() == 4 * 3 * 8);
}

}  // namespace
}  // namespace foxnn

int main(int count, char** arguments) {
  using namespace foxnn;
  if (count > 1 && std::string(arguments[1]) == "fingerprint") {
    std::fputs(fingerprint().c_str(), stdout);
    return foxnn::test::failures == 0 ? 0 : 1;
  }
  test_gradients();
  test_positions();
  test_threads(arguments[0]);
  test_long_steps();
  test_own_layer();
  test_frozen();
  test_what_does_not_fit();
  test_outputs_at_positions<float>();
  test_outputs_at_positions<double>();
  test_sizes_without_end();
  return foxnn::test::failures == 0 ? 0 : 1;
}
