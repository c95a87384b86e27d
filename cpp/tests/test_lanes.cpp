// Batches in lanes: which values of a network lie so, and the lists by which a convolution reads
// them. The results are tested with those of the other layouts.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "check.hpp"
#include "foxnn/foxnn.hpp"
#include "layers/lane_lists.hpp"
#include "network/lane_plan.hpp"

namespace foxnn {
namespace {

using Numbers = std::vector<double>;

LayerSpec conv(index filters, double kernel, const std::string& padding = "valid",
               index groups = 1) {
  return {.kind = "conv2d",
          .options = {{"filters", filters},
                      {"groups", groups},
                      {"kernel", Numbers{kernel, kernel}},
                      {"stride", Numbers{1.0, 1.0}},
                      {"dilation", Numbers{1.0, 1.0}},
                      {"padding", padding},
                      {"activation", std::string("relu")}}};
}
LayerSpec pool() {
  return {.kind = "max_pool2d",
          .options = {{"kernel", Numbers{2.0, 2.0}},
                      {"stride", Numbers{2.0, 2.0}},
                      {"padding", std::string("valid")}}};
}
LayerSpec norm() { return {.kind = "layer_norm", .options = {{"epsilon", 1e-5}}}; }
LayerSpec batch_norm() {
  return {.kind = "batch_norm", .options = {{"epsilon", 1e-5}, {"momentum", 0.9}}};
}

// The stages of a pass in one letter each: R for outputs in rows, L for lanes; in lower case, a
// stage that turns a value.
template <class T>
std::string stages(const std::vector<index>& shape, const std::vector<LayerSpec>& layers,
                   const LaneNeeds& needs) {
  Network<T> network(Shape::of(shape), 0);
  network.append(layers);
  const LanePlan<T> plan(network, needs);
  std::string found;
  for (const Stage<T>& stage : plan.stages()) {
    const char* letters = stage.node < 0 ? "rl" : "RL";
    found += letters[stage.lanes.y ? 1 : 0];
  }
  for (index i = 0; i < network.size(); ++i) {
    FOXNN_CHECK(plan.stages()[static_cast<std::size_t>(plan.stage_of(i))].node == i);
  }
  return found;
}

template <class T>
void test_plans() {
  const LaneNeeds training{.rows = 64, .backward = true};
  const std::vector<LayerSpec> lenet{conv(6, 5, "same"), pool(),        conv(16, 5), pool(),
                                     dense_spec(84),     dense_spec(10)};
  const index line = static_cast<index>(64 / sizeof(T));
  const LaneNeeds few{.rows = line - 1, .backward = true};
  if (sizeof(T) == 4) {
    // What arranges the pool's outputs for the dense layer takes them from lanes.
    FOXNN_CHECK(stages<T>({28, 28, 1}, lenet, training) == "lLLLLRRR");
    FOXNN_CHECK(stages<T>({28, 28, 1}, lenet, few) == "RRRRRRR");
    FOXNN_CHECK(stages<T>({28, 28, 1}, lenet, {}) == "RRRRRRR");
  } else {
    // A position of 16 channels has no gaps, and needs no arranging.
    FOXNN_CHECK(stages<T>({28, 28, 1}, lenet, training) == "lLLLLrRR");
    FOXNN_CHECK(stages<T>({28, 28, 1}, lenet, few) == "RRRRRR");
    FOXNN_CHECK(stages<T>({28, 28, 1}, lenet, {}) == "RRRRRR");
  }
  // Filters that fill the lanes; the inputs' gradient would not, but is not computed.
  FOXNN_CHECK(stages<T>({9, 9, 1}, {conv(32, 3), conv(64, 3), pool(), dense_spec(10)}, training) ==
              "RRRR");
  // The network's outputs are in rows.
  FOXNN_CHECK(stages<T>({9, 9, 1}, {conv(3, 3), conv(3, 3)}, training) == "lLrR");
  // Normalization by channel goes where its inputs are.
  FOXNN_CHECK(stages<T>({9, 9, 1}, {conv(4, 3), batch_norm(), pool(), dense_spec(2)}, training) ==
              "lLLLRR");
  // A layer between that takes rows.
  FOXNN_CHECK(stages<T>({9, 9, 2}, {conv(3, 3), norm(), conv(3, 3), pool(), dense_spec(2)},
                        training) == "lLrRlLLRR");
  // Both branches read the same value, one of them in rows.
  const LayerSpec parallel{
      .kind = "parallel", .options = {}, .branches = {{conv(3, 3, "same")}, {norm()}, {}}};
  FOXNN_CHECK(stages<T>({9, 9, 2}, {conv(3, 3), parallel, dense_spec(2)}, training) ==
              "lLLrRrrRRR");
}

// What a position reads is what the window says, wherever it stands.
void test_lists() {
  for (const std::string padding : {"valid", "same"}) {
    for (const double stride : {1.0, 2.0}) {
      LayerSpec spec = conv(5, 3, padding);
      spec.options["stride"] = Numbers{stride, 1.0};
      spec.options["dilation"] = Numbers{1.0, 2.0};
      const Shape input = Shape::of({7, 9, 6});
      const Window window(spec, input);
      const index outputs = Shape{window.output_axes(), 1}.positions();
      const LaneRows reads{6, 3, 32}, gives{5, 5, 32};
      const LaneLists lists(window, input.positions(), outputs, reads, gives);
      const auto check = [](const LanePatterns::Reads& found, std::span<const Tap> taps,
                            const LaneRows& rows) {
        std::vector<index> columns, lines, expected_columns, expected_lines;
        for (const Stretch& run : found.stretches) {
          for (index i = 0; i < run.count; ++i) {
            columns.push_back(found.first * rows.pitch * rows.row + run.column + i * rows.row);
            lines.push_back(run.line + i);
          }
        }
        for (const Tap& tap : taps) {
          for (index i = 0; i < rows.count; ++i) {
            expected_columns.push_back((index{tap.position} * rows.pitch + i) * rows.row);
            expected_lines.push_back(index{tap.place} * rows.count + i);
          }
        }
        FOXNN_CHECK(columns == expected_columns && lines == expected_lines);
      };
      for (index p = 0; p < outputs; ++p) {
        check(lists.of_outputs.of(p), window.of_output(p), reads);
        std::vector<std::uint32_t> found(static_cast<std::size_t>(window.places()),
                                         static_cast<std::uint32_t>(input.positions()));
        for (const Tap& tap : window.of_output(p)) found[tap.place] = tap.position;
        for (index place = 0; place < window.places(); ++place) {
          FOXNN_CHECK(lists.reads[static_cast<std::size_t>(place * outputs + p)] ==
                      found[static_cast<std::size_t>(place)]);
        }
      }
      for (index p = 0; p < input.positions(); ++p) {
        check(lists.of_inputs.of(p), window.of_input(p), gives);
      }
    }
  }
}

}  // namespace
}  // namespace foxnn

int main() {
  foxnn::test_plans<float>();
  foxnn::test_plans<double>();
  foxnn::test_lists();
  if (foxnn::test::failures > 0) return 1;
  std::printf("all good\n");
  return 0;
}
