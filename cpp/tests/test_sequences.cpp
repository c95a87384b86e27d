// Networks of sequences of any length: a batch of different lengths gives what each sequence gives
// alone, and what stands after its end is never read, so it is NaN here.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "view.hpp"

namespace foxnn {
namespace {

constexpr index kChannels = 5, kLongest = 29;
const std::vector<std::int64_t> kLengths = {7, 29, 8,  8,  21, 13, 9,  28, 11, 29,
                                            7, 17, 25, 10, 7,  12, 16, 23, 19};

std::size_t at(index i) { return static_cast<std::size_t>(i); }

LayerSpec conv(index filters, double kernel, double stride, index groups, const char* padding) {
  return {.kind = "conv1d",
          .options = {{"filters", filters},
                      {"groups", groups},
                      {"kernel", std::vector<double>{kernel}},
                      {"stride", std::vector<double>{stride}},
                      {"dilation", std::vector<double>{1.0}},
                      {"padding", std::string(padding)},
                      {"activation", std::string("tan_h")},
                      {"parameters", std::vector<double>{}}}};
}
LayerSpec pool(const char* kind, double size, double stride, const char* padding) {
  return {.kind = kind,
          .options = {{"kernel", std::vector<double>{size}},
                      {"stride", std::vector<double>{stride}},
                      {"padding", std::string(padding)}}};
}
LayerSpec dense(index units) {
  LayerSpec spec = dense_spec(units, "tan_h");
  spec.options["each_position"] = true;
  return spec;
}
LayerSpec batch_norm() {
  return {.kind = "batch_norm", .options = {{"epsilon", 1e-5}, {"momentum", 0.9}}};
}

std::vector<std::vector<LayerSpec>> networks() {
  const LayerSpec layer_norm{.kind = "layer_norm", .options = {{"epsilon", 1e-5}}};
  const LayerSpec larger{.kind = "up_sample", .options = {{"factor", std::vector<double>{2.0}}}};
  const LayerSpec mean{.kind = "global_average_pool"}, most{.kind = "global_max_pool"};
  return {
      {dense(35), layer_norm, dense(3)},
      {conv(6, 3, 1, 1, "same"), pool("max_pool1d", 2, 2, "valid"), conv(34, 2, 1, 2, "valid")},
      {conv(10, 3, 2, 5, "same"), conv(20, 2, 1, 10, "same"), mean, dense_spec(2)},
      {larger, conv(33, 4, 3, 1, "same"), pool("average_pool1d", 3, 2, "same"), most},
      {dense(16), conv(16, 3, 1, 1, "same"), batch_norm(), dense(2)},
  };
}

template <class T>
std::unique_ptr<Network<T>> network(const std::vector<LayerSpec>& layers) {
  auto made = std::make_unique<Network<T>>(Shape{{7}, kChannels}, 5, true);
  made->append(layers);
  made->initialize();
  return made;
}

// Rows of `width` steps, NaN after the ends.
template <class T>
std::vector<T> rows(index width) {
  std::vector<T> x(kLengths.size() * at(width * kChannels), std::numeric_limits<T>::quiet_NaN());
  for (std::size_t r = 0; r < kLengths.size(); ++r) {
    for (index i = 0; i < kLengths[r] * kChannels; ++i) {
      const index mixed = (static_cast<index>(r) * 37 + i * 11) % 41;
      x[r * at(width * kChannels) + at(i)] = static_cast<T>(mixed - 20) / T(16);
    }
  }
  return x;
}

template <class T>
MatrixView sequences(const std::vector<T>& x, index width) {
  MatrixView view = test::view(x, width * kChannels);
  view.columns = kLongest * kChannels;
  view.lengths = kLengths.data();
  view.step_columns = kChannels;
  return view;
}

template <class T>
void many_are_as_each_alone(const std::vector<LayerSpec>& layers) {
  const auto all = network<T>(layers), planned = all->with_steps(kLongest);
  const std::vector<T> x = rows<T>(kLongest);
  std::vector<T> many(kLengths.size() * at(planned->outputs()));
  using Outcome = typename Network<T>::Outcome;
  FOXNN_CHECK(planned->predict(sequences(x, kLongest), many.data(), 0, {}) == Outcome::done);
  for (std::size_t r = 0; r < kLengths.size(); ++r) {
    const auto own = all->with_steps(kLengths[r]);
    std::vector<T> one(at(own->outputs()));
    MatrixView view = test::view(x, kLongest * kChannels);
    view.data += static_cast<index>(r) * view.row_bytes;
    view.rows = 1;
    view.columns = kLengths[r] * kChannels;
    FOXNN_CHECK(own->predict(view, one.data(), 0, {}) == Outcome::done);
    const T* const found = many.data() + r * at(planned->outputs());
    FOXNN_CHECK(std::memcmp(found, one.data(), one.size() * sizeof(T)) == 0);
    FOXNN_CHECK(std::all_of(found + one.size(), found + planned->outputs(),
                            [](T value) { return value == T(0); }));
  }
}

template <class T>
void padding_counts_nowhere(const std::vector<LayerSpec>& layers) {
  std::vector<std::vector<T>> found;
  for (const index width : {kLongest, kLongest + 6}) {
    const auto all = network<T>(layers);
    const std::vector<T> before(all->parameters().data(),
                                all->parameters().data() + all->parameters().size());
    const auto planned = all->with_steps(kLongest);
    const std::vector<T> x = rows<T>(width), y(kLengths.size() * at(planned->outputs()), T(0.25));
    Samples samples;
    samples.inputs = sequences(x, width);
    samples.outputs = test::view(y, planned->outputs());
    Trainer<T> trainer(*planned, samples, {.batch_size = 8, .learning_rate = 0.01});
    for (int epoch = 0; epoch < 2; ++epoch) {
      const StepReport report = trainer.run_epoch({});
      FOXNN_CHECK(!report.diverged && report.steps == 3);
    }
    Evaluation evaluation;
    FOXNN_CHECK(planned->evaluate(samples, evaluation, 0, {}));
    FOXNN_CHECK(evaluation.loss == evaluation.loss);
    // The plan has trained the parameters of the network that it was made from.
    found.emplace_back(all->parameters().data(),
                       all->parameters().data() + all->parameters().size());
    FOXNN_CHECK(found.back() != before);
  }
  FOXNN_CHECK(found[0] == found[1]);
}

void refuses_what_needs_a_length() {
  Network<float> steps(Shape{{7}, kChannels}, 1, true);
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { steps.append({dense_spec(2)}); }));
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { steps.append({{.kind = "flatten"}}); }));
  steps.append({conv(4, 5, 1, 1, "valid")});
  FOXNN_CHECK(steps.steps_after(9) == 5 && steps.steps_after(4) == 0);
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { steps.with_steps(4); }));
  Network<float> fixed(Shape{{7}, kChannels}, 1);
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { fixed.with_steps(8); }));
  FOXNN_CHECK(test::throws<std::invalid_argument>(
      [] { Network<float>(Shape{{7, 3}, kChannels}, 1, true); }));
}

}  // namespace
}  // namespace foxnn

int main() {
  for (const auto& layers : foxnn::networks()) {
    foxnn::many_are_as_each_alone<float>(layers);
    foxnn::many_are_as_each_alone<double>(layers);
    foxnn::padding_counts_nowhere<float>(layers);
    foxnn::padding_counts_nowhere<double>(layers);
  }
  foxnn::refuses_what_needs_a_length();
  return foxnn::test::failures == 0 ? 0 : 1;
}
