// Networks of bytes: every set of byte kernels, with one worker and several, against whole numbers
// that are computed plainly here, to the last bit; and stages that do not fit are refused.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "foxnn/cpu.hpp"
#include "foxnn/quantized.hpp"
#include "foxnn/random.hpp"

namespace foxnn {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed, RandomStream::weights) {}
  /// A whole number from `low` to `high`.
  int whole(int low, int high) {
    return low + static_cast<int>(random_.uniform(place_++) * (high - low + 1));
  }

 private:
  Random random_;
  std::uint64_t place_ = 0;
};

// A product over windows along the last axis but one, or a dense layer (one position).
ByteStage product(Draw& draw, index channels, index filters, index length, index kernel,
                  index before) {
  ByteStage stage;
  stage.windows.channels = channels;
  stage.windows.in[2] = length;
  stage.windows.out[2] = length + 2 * before - kernel + 1;
  stage.windows.kernel[2] = kernel;
  stage.windows.before[2] = before;
  for (index i = 0; i < kernel * channels * filters; ++i) {
    stage.weights.push_back(static_cast<std::int8_t>(draw.whole(-127, 127)));
  }
  const float spread = 60.0f * std::sqrt(static_cast<float>(kernel * channels));
  for (index f = 0; f < filters; ++f) {
    stage.bias.push_back(draw.whole(-9000, 9000));
    stage.factors.push_back(static_cast<float>(draw.whole(50, 200)) / 100.0f / spread);
  }
  stage.zero = draw.whole(0, 255);
  stage.rounding = {1.0f, -100.0f, 155.0f, 100};
  return stage;
}

// The sums of a product times their factors, at each position.
std::vector<float> scaled_sums(const ByteStage& stage, const std::uint8_t* in) {
  const ByteWindows& at = stage.windows;
  std::vector<float> out;
  for (index p = 0; p < at.out[2]; ++p) {
    for (index f = 0; f < stage.filters(); ++f) {
      const auto filter = static_cast<std::size_t>(f);
      std::int64_t sum = stage.bias[filter];
      for (index k = 0; k < at.kernel[2]; ++k) {
        const index position = p + k - at.before[2];
        if (position < 0 || position >= at.in[2]) continue;
        for (index c = 0; c < at.channels; ++c) {
          const index weight = (k * at.channels + c) * stage.filters() + f;
          sum += std::int64_t{in[position * at.channels + c] - stage.zero} *
                 stage.weights[static_cast<std::size_t>(weight)];
        }
      }
      out.push_back(static_cast<float>(sum) * stage.factors[filter]);
    }
  }
  return out;
}

std::vector<std::uint8_t> as_bytes(const ByteStage& stage, const std::vector<float>& sums) {
  std::vector<std::uint8_t> out;
  for (const float sum : sums) {
    const float within = std::min(std::max(sum, stage.rounding.lowest), stage.rounding.highest);
    const auto byte =
        static_cast<std::size_t>(static_cast<int>(std::nearbyint(within)) + stage.rounding.offset);
    out.push_back(stage.table.empty() ? static_cast<std::uint8_t>(byte) : stage.table[byte]);
  }
  return out;
}

// Two products, the second of which gives numbers.
void test_products(Draw& draw, index channels, index filters, index length, index kernel,
                   index before, bool has_table) {
  ByteStage first = product(draw, channels, filters, length, kernel, before);
  if (has_table) {
    for (int i = 0; i < 256; ++i) first.table.push_back(static_cast<std::uint8_t>(255 - i));
  }
  ByteStage last = product(draw, first.windows.out[2] * filters, 3, 1, 1, 0);
  last.gives_numbers = true;
  constexpr index kSamples = 17;
  const index inputs = channels * length;
  std::vector<std::uint8_t> x;
  for (index i = 0; i < kSamples * inputs; ++i) {
    x.push_back(static_cast<std::uint8_t>(draw.whole(0, 255)));
  }
  std::vector<float> wanted;
  for (index s = 0; s < kSamples; ++s) {
    const auto hidden = as_bytes(first, scaled_sums(first, x.data() + s * inputs));
    for (const float number : scaled_sums(last, hidden.data())) wanted.push_back(number);
  }
  const MatrixView view{reinterpret_cast<const std::byte*>(x.data()), ElementType::u8, kSamples,
                        inputs, inputs};
  for (const std::string_view name : byte_kernel_sets()) {
    const QuantizedNetwork network(inputs, {}, {first, last}, name);
    FOXNN_CHECK(network.kernels() == name);
    for (const int threads : {1, 3}) {
      std::vector<float> out(wanted.size(), -1.0f);
      const auto outcome = network.predict(view, out.data(), threads, {});
      FOXNN_CHECK(outcome == QuantizedNetwork::Outcome::done);
      const bool same = std::memcmp(out.data(), wanted.data(), out.size() * sizeof(float)) == 0;
      FOXNN_CHECK(same);
      if (!same) {
        std::fprintf(stderr, "%.*s: %ld channels, %ld filters, %d threads\n",
                     static_cast<int>(name.size()), name.data(), static_cast<long>(channels),
                     static_cast<long>(filters), threads);
      }
    }
  }
}

// Bytes and weights at their limits: here, instructions that add in 16 bits would saturate.
void test_limits() {
  ByteStage stage;
  constexpr index kInputs = 64, kFilters = 20;
  stage.windows.channels = kInputs;
  stage.weights.assign(kInputs * kFilters, -127);
  std::fill_n(stage.weights.begin(), kInputs * kFilters / 2, std::int8_t{127});
  stage.bias.assign(kFilters, 0);
  stage.factors.assign(kFilters, 1.0f);
  stage.gives_numbers = true;
  for (const int zero : {0, 128, 255}) {
    stage.zero = zero;
    const std::vector<std::uint8_t> x(kInputs, 255);
    const MatrixView view{reinterpret_cast<const std::byte*>(x.data()), ElementType::u8, 1, kInputs,
                          kInputs};
    for (const std::string_view name : byte_kernel_sets()) {
      std::vector<float> out(kFilters);
      QuantizedNetwork(kInputs, {}, {stage}, name).predict(view, out.data(), 1, {});
      FOXNN_CHECK(out == scaled_sums(stage, x.data()));
    }
  }
}

// A request to stop is heard within one large sample: nothing is answered then.
void test_stop_within_a_sample() {
  Draw draw(3);
  const index length = 2000, channels = 64, filters = 64;
  ByteStage conv;
  conv.windows.channels = channels;
  conv.windows.in = conv.windows.out = {1, length, 8};
  conv.windows.kernel = {1, 3, 3};
  conv.windows.before = {0, 1, 1};
  for (index i = 0; i < 9 * channels * filters; ++i) {
    conv.weights.push_back(static_cast<std::int8_t>(draw.whole(-127, 127)));
  }
  conv.bias.assign(filters, 0);
  conv.factors.assign(filters, 0.001f);
  ByteStage last = conv;
  last.gives_numbers = true;
  const std::vector<ByteStage> stages{conv, conv, conv, conv, conv, conv, conv, last};
  const index count = length * 8 * channels;
  const std::vector<std::uint8_t> x(static_cast<std::size_t>(count), 3);
  const MatrixView view{reinterpret_cast<const std::byte*>(x.data()), ElementType::u8, 1, count,
                        count};
  std::vector<float> out(static_cast<std::size_t>(count), -1.0f);
  int asked = 0;
  const auto stop = [&asked] { return ++asked > 0; };
  const QuantizedNetwork network(count, {}, stages, "reference");
  FOXNN_CHECK(network.predict(view, out.data(), 1, stop) == QuantizedNetwork::Outcome::stopped);
  FOXNN_CHECK(asked == 1);
  FOXNN_CHECK(std::count(out.begin(), out.end(), -1.0f) == count);
}

void test_numbers() {
  ByteStage stage;
  stage.windows.channels = 2;
  stage.weights = {1, 0, 0, 1};
  stage.bias = {0, 0};
  stage.factors = {1.0f, 1.0f};
  stage.gives_numbers = true;
  // Ties to the even number, and limits.
  const std::vector<float> x{0.5f, 1.5f, 2.5f, -3.0f, 254.5f, 300.0f};
  const std::vector<float> wanted{0.0f, 2.0f, 2.0f, 0.0f, 254.0f, 255.0f};
  const auto view = [](const std::vector<float>& from) {
    return MatrixView{reinterpret_cast<const std::byte*>(from.data()), ElementType::f32,
                      static_cast<index>(from.size()) / 2, 2, 8};
  };
  for (const std::string_view name : byte_kernel_sets()) {
    const QuantizedNetwork network(2, {}, {stage}, name);
    std::vector<float> out(x.size());
    FOXNN_CHECK(network.predict(view(x), out.data(), 1, {}) == QuantizedNetwork::Outcome::done);
    FOXNN_CHECK(out == wanted);
    std::vector<float> wrong = x;
    wrong[3] = std::numeric_limits<float>::quiet_NaN();
    FOXNN_CHECK(network.predict(view(wrong), out.data(), 1, {}) ==
                QuantizedNetwork::Outcome::not_finite);
  }
  const auto refused = [&](ByteStage wrong) {
    return test::throws<std::invalid_argument>([&] { QuantizedNetwork(2, {}, {wrong}); });
  };
  ByteStage wrong = stage;
  wrong.bias.pop_back();
  FOXNN_CHECK(refused(wrong));
  wrong = stage;
  wrong.bias[0] = std::numeric_limits<std::int32_t>::max();  // the sum could leave 32 bits
  FOXNN_CHECK(refused(wrong));
  wrong = stage;
  wrong.gives_numbers = false;  // nothing gives numbers
  FOXNN_CHECK(refused(wrong));
  FOXNN_CHECK(test::throws<std::invalid_argument>(
      [&] { QuantizedNetwork(2, {}, {stage}, "no such kernels"); }));
}

void test_all_products() {
  Draw draw(20);
  for (const index inputs : {1, 3, 4, 5, 31, 64, 97}) {
    for (const index filters : {1, 4, 5, 8, 9, 16, 17, 25, 33}) {
      test_products(draw, inputs, filters, 1, 1, 0, filters % 2 == 0);
    }
  }
  for (const index channels : {1, 3, 4, 18}) {
    for (const index filters : {6, 17, 40}) {
      test_products(draw, channels, filters, 11, 4, 2, false);
      test_products(draw, channels, filters, 11, 3, 0, true);
    }
  }
}

}  // namespace
}  // namespace foxnn

int main() {
  foxnn::test_all_products();
  foxnn::test_limits();
  foxnn::test_stop_within_a_sample();
  foxnn::test_numbers();
  return foxnn::test::failures == 0 ? 0 : 1;
}
