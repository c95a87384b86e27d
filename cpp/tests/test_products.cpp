// The work that layers say they have, beside a count by hand: what a batch is laid out by, and how
// many workers are worthwhile.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"

namespace foxnn {
namespace {

using Numbers = std::vector<double>;

// A layer over windows, axis by axis.
struct Case {
  std::vector<index> inputs;
  index channels, filters, groups = 1;
  Numbers kernel, stride, dilation;
  std::string padding = "valid";
};

LayerSpec conv(const Case& at) {
  return {.kind = "conv" + std::to_string(at.inputs.size()) + "d",
          .options = {{"filters", at.filters},
                      {"groups", at.groups},
                      {"kernel", at.kernel},
                      {"stride", at.stride},
                      {"dilation", at.dilation},
                      {"padding", at.padding},
                      {"activation", std::string("identity_x")}}};
}

// A network of one layer, perhaps behind one that arranges its inputs.
template <class T>
struct Single {
  Single(const Shape& shape, const LayerSpec& spec) : network(shape, 0) { network.append({spec}); }
  const Layer<T>* operator->() const {
    const Layer<T>& first = network.layer(0);
    return first.spec().kind == "arrange" ? &network.layer(1) : &first;
  }

  Network<T> network;
};

// Places of the kernel that lie within the inputs, over all positions of the output of an axis.
double pairs_of(const Case& at, std::size_t axis) {
  const index n = at.inputs[axis];
  const auto kernel = static_cast<index>(at.kernel[axis]),
             stride = static_cast<index>(at.stride[axis]),
             dilation = static_cast<index>(at.dilation[axis]);
  const index span = (kernel - 1) * dilation + 1;
  index outputs = (n - span) / stride + 1, before = 0;
  if (at.padding == "same") {
    outputs = (n + stride - 1) / stride;
    before = std::max(index{0}, (outputs - 1) * stride + span - n) / 2;
  }
  double found = 0.0;
  for (index p = 0; p < outputs; ++p) {
    for (index k = 0; k < kernel; ++k) {
      const index read = p * stride + k * dilation - before;
      if (read >= 0 && read < n) found += 1.0;
    }
  }
  return found;
}

double pairs_of(const Case& at) {
  double found = 1.0;
  for (std::size_t axis = 0; axis < at.inputs.size(); ++axis) found *= pairs_of(at, axis);
  return found;
}

Shape shape_of(const Case& at) {
  std::vector<index> lengths = at.inputs;
  lengths.push_back(at.channels);
  return Shape::of(lengths);
}

// With the lanes that stay empty behind so many channels.
template <class T>
double padded(index channels) {
  const double line = 64.0 / sizeof(T);
  return std::ceil(static_cast<double>(channels) / line) * line;
}

const std::vector<Case> kCases = {
    {{28, 28}, 1, 6, 1, {5, 5}, {1, 1}, {1, 1}, "same"},
    {{14, 14}, 6, 16, 1, {5, 5}, {1, 1}, {1, 1}},
    {{26, 26}, 32, 64, 1, {3, 3}, {1, 1}, {1, 1}},
    {{9, 8}, 3, 33, 1, {3, 2}, {2, 1}, {1, 2}, "same"},
    {{9, 8}, 8, 12, 4, {3, 3}, {1, 2}, {2, 1}},
    {{6, 6}, 40, 80, 2, {3, 3}, {1, 1}, {1, 1}, "same"},
    {{50}, 12, 17, 1, {5}, {2}, {3}},
    {{3, 3}, 2, 5, 1, {5, 5}, {1, 1}, {2, 2}, "same"},  // padding on every side
    {{5, 4, 6}, 2, 7, 1, {2, 1, 3}, {1, 1, 2}, {1, 1, 1}, "same"},
};

// With samples as rows: the filters of a group fill lines forward, and its channels for the
// inputs' gradient. With the batch in lanes: only what there is.
template <class T>
void test_convolutions() {
  for (const Case& at : kCases) {
    const Single<T> layer(shape_of(at), conv(at));
    const double pairs = pairs_of(at), groups = static_cast<double>(at.groups);
    const index channels = at.channels / at.groups, filters = at.filters / at.groups;
    const Products counted = layer->products();
    FOXNN_CHECK(counted.full == pairs * groups * static_cast<double>(channels * filters));
    FOXNN_CHECK(counted.forward ==
                pairs * groups * static_cast<double>(channels) * padded<T>(filters));
    FOXNN_CHECK(counted.of_inputs ==
                pairs * groups * static_cast<double>(filters) * padded<T>(channels));
    // Where either side leaves lanes empty, a batch may lie in lanes.
    const bool is_full = counted.forward == counted.full && counted.of_inputs == counted.full;
    FOXNN_CHECK(layer->lane_use() == (is_full ? LaneUse::never : LaneUse::weighed));
    FOXNN_CHECK(layer->flops() == 2.0 * (is_full ? counted.forward : counted.full));
  }
}

// Channels lie side by side in lines, which the filters of a channel share.
template <class T>
void test_depthwise() {
  for (const index channels : {3, 16, 64, 70}) {
    for (const index times : {1, 3}) {
      const Case at{{9, 8}, channels, channels * times, channels, {3, 2}, {2, 1}, {1, 2}, "same"};
      const Single<T> layer(shape_of(at), conv(at));
      FOXNN_CHECK(layer->flops() ==
                  2.0 * pairs_of(at) * static_cast<double>(times) * padded<T>(channels));
      FOXNN_CHECK(layer->lane_use() == LaneUse::never);
      FOXNN_CHECK(layer->products().full == 0.0);  // there is no choice to weigh
    }
  }
}

template <class T>
void test_dense() {
  for (const index units : {1, 16, 33}) {
    LayerSpec spec = dense_spec(units);
    // Each of 4 * 3 positions with its 5 channels, and all of them together. Biases are one more
    // input.
    FOXNN_CHECK(Single<T>(Shape::of({4, 3, 5}), spec)->flops() == 2.0 * 61.0 * padded<T>(units));
    spec.options["each_position"] = true;
    FOXNN_CHECK(Single<T>(Shape::of({4, 3, 5}), spec)->flops() ==
                2.0 * 12.0 * 6.0 * padded<T>(units));
  }
}

// Two for each number that a window reads.
template <class T>
void test_pools() {
  for (const char* kind : {"max_pool2d", "average_pool2d"}) {
    for (const char* padding : {"valid", "same"}) {
      const Case at{{9, 7}, 20, 20, 1, {3, 2}, {2, 2}, {1, 1}, padding};
      const LayerSpec spec{
          .kind = kind,
          .options = {{"kernel", at.kernel}, {"stride", at.stride}, {"padding", at.padding}}};
      const double found = Single<T>(shape_of(at), spec)->flops();
      FOXNN_CHECK(found == 2.0 * pairs_of(at) * 20.0);
    }
  }
}

}  // namespace
}  // namespace foxnn

int main() {
  foxnn::test_convolutions<float>();
  foxnn::test_convolutions<double>();
  foxnn::test_depthwise<float>();
  foxnn::test_depthwise<double>();
  foxnn::test_dense<float>();
  foxnn::test_dense<double>();
  foxnn::test_pools<float>();
  foxnn::test_pools<double>();
  if (foxnn::test::failures > 0) return 1;
  std::printf("all good\n");
  return 0;
}
