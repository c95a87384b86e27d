// Recurrent layers called one by one: sequences of different lengths in a batch, and states that
// are carried on. What stands in a step that a sequence does not have is NaN, and shows nowhere.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "foxnn/buffer.hpp"
#include "foxnn/foxnn.hpp"
#include "layers/kinds.hpp"

namespace foxnn {
namespace {

constexpr index kSteps = 7;

std::size_t at(index i) { return static_cast<std::size_t>(i); }

template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

// Numbers in compact panels, NaN at first.
template <class T>
class Panels {
 public:
  Panels(index rows, const Form& form) : form_(form), rows_(rows) {
    const index panels = panel_count<T>(form.layout.columns());
    numbers_ = Buffer<T>(panels * rows * kPanelWidth<T>);
    std::fill_n(numbers_.data(), numbers_.size(), kNan<T>);
  }
  Rows<T> rows() { return {numbers_.data(), kPanelWidth<T>, rows_ * kPanelWidth<T>}; }
  T& number(index row, index position, index channel) {
    const index column = position * form_.layout.pitch + channel;
    return rows().at(row, column / kPanelWidth<T>)[column % kPanelWidth<T>];
  }
  index positions() const { return form_.shape.positions(); }
  index channels() const { return form_.shape.channels; }

 private:
  Form form_;
  index rows_;
  Buffer<T> numbers_;
};

// Collects a gradient, of which each number must come once.
template <class T>
class Collected final : public GradientSink<T> {
 public:
  explicit Collected(index count) : numbers(at(count)), times_(at(count)) {}
  void take(index offset, index count, T* gradient) override {
    for (index i = 0; i < count; ++i) {
      numbers[at(offset + i)] = gradient[i];
      FOXNN_CHECK(++times_[at(offset + i)] == 1);
      gradient[i] = kNan<T>;  // it may be changed
    }
  }
  typename GradientSink<T>::Targets targets(index) const override { return {}; }
  std::vector<T> numbers;

 private:
  std::vector<int> times_;
};

// A layer over sequences of so many steps, with parameters that depend on nothing else.
template <class T>
struct Made {
  Made(const LayerSpec& spec, index steps, index channels) {
    const Shape shape{{steps}, channels};
    layer = make_layer<T>(spec, {Form{shape, Layout::panels<T>(shape)}});
    parameters = Buffer<T>(layer->parameter_count());
    layer->attach(parameters.data());
    layer->initialize(3, 0, {});
    for (const Array& array : layer->arrays()) {
      if (array.role != Array::Role::bias) continue;
      std::vector<T> values(at(array.size()));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = T(i % 7) / T(8) - T(0.25);
      layer->pack(array, values.data(), parameters.data(), {});
    }
  }
  std::unique_ptr<Layer<T>> layer;
  Buffer<T> parameters;
};

// What a pass in both directions gives.
template <class T>
struct Result {
  Result(index rows, const Layer<T>& layer)
      : y(rows, layer.output()),
        below(rows, layer.input()),
        end(at(rows * layer.state_size()), kNan<T>),
        gradient(layer.parameter_count()) {}
  Panels<T> y, below;
  std::vector<T> end;
  Collected<T> gradient;
};

// The number of input (row, step, channel), and of the gradient by an output.
template <class T>
T input(index row, index step, index channel) {
  return T((row * 31 + step * 17 + channel * 7) % 41) / T(32) - T(0.6);
}
template <class T>
T error(index row, index step, index channel) {
  return T((row * 13 + step * 29 + channel * 5) % 37) / T(64) - T(0.3);
}

// Passes rows `from`, ... of lengths[...], and their steps from `start` on, through a layer.
template <class T>
Result<T> pass(const Layer<T>& layer, index from, const std::vector<index>& lengths, index start,
               int workers, const std::vector<T>& begin) {
  const auto batch = static_cast<index>(lengths.size());
  const index steps = layer.input().shape.axes.front();
  std::vector<std::uint32_t> counts(at(steps));
  for (const index length : lengths) {
    for (index t = 0; t < length; ++t) ++counts[at(t)];
  }
  Panels<T> x(batch, layer.input()), delta(batch, layer.output());
  for (index r = 0; r < batch; ++r) {
    for (index t = 0; t < lengths[at(r)]; ++t) {
      for (index c = 0; c < x.channels(); ++c) x.number(r, t, c) = input<T>(from + r, start + t, c);
    }
    const index outputs = delta.positions() > 1 ? lengths[at(r)] : 1;
    for (index t = 0; t < outputs; ++t) {
      for (index c = 0; c < delta.channels(); ++c) {
        delta.number(r, t, c) = error<T>(from + r, start + t, c);
      }
    }
  }
  Result<T> result(batch, layer);
  Buffer<T> memory(layer.kept_size(batch));
  std::fill_n(memory.data(), memory.size(), kNan<T>);
  const ScratchSize size = layer.scratch_size(batch);
  std::vector<Stretch> stretches(at(size.stretches));
  const Rows<const T> inputs = x.rows();
  Outputs<T> out{.y = result.y.rows()};
  out.kept = memory.data();
  out.steps = {counts.data(), counts.data()};
  out.begin = begin.empty() ? nullptr : begin.data();
  out.end = layer.state_size() > 0 ? result.end.data() : nullptr;
  Back<T> back{.x = &inputs, .y = result.y.rows()};
  back.kept = memory.data();
  back.delta = delta.rows();
  back.steps = out.steps;
  const auto by_all = [&](auto f) {
    for (int w = 0; w < workers; ++w) {
      Buffer<T> numbers(size.numbers);
      std::fill_n(numbers.data(), size.numbers, kNan<T>);
      Scratch<T> scratch;
      scratch.numbers = numbers.data();
      scratch.stretches = stretches.data();
      f(Share{w, workers}, scratch);
    }
  };
  by_all([&](Share share, Scratch<T> s) { layer.forward(share, batch, &inputs, out, s); });
  // In inference nothing is kept.
  Result<T> inferred(batch, layer);
  Outputs<T> alone = out;
  alone.kept = nullptr;
  alone.y = inferred.y.rows();
  alone.end = layer.state_size() > 0 ? inferred.end.data() : nullptr;
  by_all([&](Share share, Scratch<T> s) { layer.forward(share, batch, &inputs, alone, s); });
  for (index r = 0; r < batch; ++r) {
    const index outputs = delta.positions() > 1 ? lengths[at(r)] : 1;
    for (index t = 0; t < outputs; ++t) {
      for (index c = 0; c < delta.channels(); ++c) {
        FOXNN_CHECK(inferred.y.number(r, t, c) == result.y.number(r, t, c));
      }
    }
  }
  FOXNN_CHECK(inferred.end == result.end);
  by_all([&](Share share, Scratch<T> s) { layer.backward(share, batch, back, s); });
  by_all([&](Share share, Scratch<T> s) {
    layer.backward_input(share, batch, 0, back, result.below.rows(), {}, s);
  });
  by_all([&](Share share, Scratch<T> s) {
    layer.backward_parameters(share, batch, back, result.gradient, s);
  });
  return result;
}

std::vector<LayerSpec> specs() {
  std::vector<LayerSpec> found;
  for (const char* kind : {"rnn", "gru", "lstm"}) {
    for (const index units : {5, 32, 70}) {
      for (const bool sequences : {false, true}) {
        for (const char* direction : {"", "reverse", "bidirectional"}) {
          // Only one of the widest layers, whose products take most of the time.
          if (test::kSanitized && units == 70 && (sequences || *direction)) continue;
          LayerSpec spec{.kind = kind, .options = {{"units", units}}};
          spec.options["return_sequences"] = sequences;
          if (*direction) spec.options[direction] = true;
          found.push_back(spec);
        }
      }
    }
  }
  return found;
}

// Each row of a batch has the bits that it has alone, over as many steps as it has.
template <class T>
void test_rows_of_different_lengths(index channels, const std::vector<index>& lengths) {
  for (const LayerSpec& spec : specs()) {
    const Made<T> made(spec, kSteps, channels);
    Result<T> all = pass<T>(*made.layer, 0, lengths, 0, 1, {});
    std::vector<double> sums(all.gradient.numbers.size());
    for (index r = 0; r < static_cast<index>(lengths.size()); ++r) {
      const index length = lengths[at(r)];
      const Made<T> own(spec, length, channels);
      Result<T> one = pass<T>(*own.layer, r, {length}, 0, 1, {});
      for (index t = 0; t < one.y.positions(); ++t) {
        for (index c = 0; c < one.y.channels(); ++c) {
          FOXNN_CHECK(one.y.number(0, t, c) == all.y.number(r, t, c));
        }
      }
      for (index t = 0; t < length; ++t) {
        for (index c = 0; c < channels; ++c) {
          FOXNN_CHECK(one.below.number(0, t, c) == all.below.number(r, t, c));
        }
      }
      const index size = own.layer->state_size();
      FOXNN_CHECK(std::equal(one.end.begin(), one.end.end(), all.end.begin() + r * size));
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += static_cast<double>(one.gradient.numbers[i]);
      }
    }
    const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double found = static_cast<double>(all.gradient.numbers[i]);
      FOXNN_CHECK(std::fabs(found - sums[i]) <= 100 * unit);
    }
    for (const int workers : {2, 3, 8}) {
      const Result<T> divided = pass<T>(*made.layer, 0, lengths, 0, workers, {});
      FOXNN_CHECK(divided.gradient.numbers == all.gradient.numbers);
    }
  }
}

// A sequence that is cut in two gives the same if the state is carried on. A reversed one is read
// from its end on.
template <class T>
void test_states_are_carried_on() {
  constexpr index kCut = 3;
  for (const LayerSpec& spec : specs()) {
    const Made<T> whole(spec, kSteps, 3), first(spec, kCut, 3), second(spec, kSteps - kCut, 3);
    const bool reverse = spec.flag("reverse", false);
    if (whole.layer->state_size() == 0) {
      FOXNN_CHECK(spec.flag("bidirectional", false));
      continue;
    }
    const index parts = spec.kind == "lstm" ? 2 : 1;
    FOXNN_CHECK(whole.layer->state_size() == parts * spec.whole("units"));
    const auto of_first = [&](const std::vector<T>& begin) {
      return pass<T>(*first.layer, 0, {kCut, kCut}, 0, 1, begin);
    };
    const auto of_second = [&](const std::vector<T>& begin) {
      return pass<T>(*second.layer, 0, {kSteps - kCut, kSteps - kCut}, kCut, 1, begin);
    };
    Result<T> all = pass<T>(*whole.layer, 0, {kSteps, kSteps}, 0, 1, {});
    Result<T> before = reverse ? of_second({}) : of_first({});
    Result<T> after = reverse ? of_first(before.end) : of_second(before.end);
    FOXNN_CHECK(after.end == all.end);
    Result<T>&low = reverse ? after : before, &high = reverse ? before : after;
    for (index r = 0; r < 2; ++r) {
      for (index c = 0; c < all.y.channels(); ++c) {
        if (all.y.positions() == 1) {
          FOXNN_CHECK(after.y.number(r, 0, c) == all.y.number(r, 0, c));
          continue;
        }
        for (index t = 0; t < kSteps; ++t) {
          const T found = t < kCut ? low.y.number(r, t, c) : high.y.number(r, t - kCut, c);
          FOXNN_CHECK(found == all.y.number(r, t, c));
        }
      }
    }
  }
}

template <class T>
void test_refusals() {
  const auto made = [](const LayerSpec& spec, const Shape& shape) {
    make_layer<T>(spec, {Form{shape, Layout::panels<T>(shape)}});
  };
  const LayerSpec good{.kind = "gru", .options = {{"units", index{3}}}};
  made(good, Shape{{4}, 2});
  for (const Shape& shape : {Shape{{}, 2}, Shape{{3, 4}, 2}}) {
    FOXNN_CHECK(test::throws<std::invalid_argument>([&] { made(good, shape); }));
  }
  LayerSpec both = good;
  both.options["bidirectional"] = both.options["reverse"] = true;
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { made(both, Shape{{4}, 2}); }));
  LayerSpec none = good;
  none.options["units"] = index{0};
  FOXNN_CHECK(test::throws<std::invalid_argument>([&] { made(none, Shape{{4}, 2}); }));
  LayerSpec huge = good;
  huge.options["units"] = index{1} << 40;
  FOXNN_CHECK(test::throws<std::bad_alloc>([&] { made(huge, Shape{{4}, 2}); }));
}

template <class T>
void test_all() {
  test_rows_of_different_lengths<T>(35, {7, 7, 6, 4, 4, 4, 1, 1});
  // Few channels and units: the gradient of the weights is added up slice by slice.
  test_rows_of_different_lengths<T>(3, {7, 7, 7, 7, 6, 6, 6, 5, 5, 4, 3, 3, 3, 3, 2, 2, 2, 1, 1});
  test_states_are_carried_on<T>();
  test_refusals<T>();
}

}  // namespace
}  // namespace foxnn

int main() {
  foxnn::test_all<float>();
  foxnn::test_all<double>();
  return foxnn::test::failures == 0 ? 0 : 1;
}
