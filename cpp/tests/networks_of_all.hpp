// Small networks that together have every kind of layer, every activation and every loss, with odd
// sizes, described by specs.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "foxnn/foxnn.hpp"

namespace foxnn::test {

inline LayerSpec spec(const char* kind,
                      std::map<std::string, LayerSpec::Option, std::less<>> options = {},
                      std::vector<std::vector<LayerSpec>> branches = {}) {
  return {.kind = kind, .options = std::move(options), .branches = std::move(branches)};
}
inline LayerSpec each_position(index units, const char* activation) {
  LayerSpec made = dense_spec(units, activation);
  made.options["each_position"] = true;
  return made;
}
inline LayerSpec conv(const char* kind, index filters, index groups, std::vector<double> kernel,
                      double stride, const char* activation) {
  const std::vector<double> strides(kernel.size(), stride);
  return spec(kind, {{"filters", filters},
                     {"groups", groups},
                     {"kernel", kernel},
                     {"stride", strides},
                     {"padding", std::string("same")},
                     {"activation", std::string(activation)}});
}
inline LayerSpec pool(const char* kind, std::vector<double> kernel) {
  return spec(kind, {{"kernel", kernel}, {"stride", kernel}, {"padding", std::string("valid")}});
}
inline LayerSpec recurrent(const char* kind, index units, bool both, bool sequences) {
  return spec(kind, {{"units", units}, {"bidirectional", both}, {"return_sequences", sequences}});
}
inline LayerSpec norm() { return spec("layer_norm", {{"epsilon", 1e-5}}); }
inline LayerSpec batch_norm() { return spec("batch_norm", {{"epsilon", 1e-5}, {"momentum", 0.9}}); }

struct Case {
  std::string name;
  std::vector<index> shape;
  std::vector<LayerSpec> layers;
  std::string loss = "mse";
  std::vector<double> loss_numbers = {};
};

// Every kind of layer, with odd sizes, some of them in lanes.
inline std::vector<Case> cases_of_kinds() {
  const LayerSpec flatten = spec("flatten"), dropout = spec("dropout", {{"rate", 0.3}});
  const LayerSpec larger = spec("up_sample", {{"factor", std::vector<double>{2.0}}});
  const LayerSpec bent = spec("activation", {{"activation", std::string("sin")}});
  const auto reshape = [](std::vector<double> to) { return spec("reshape", {{"shape", to}}); };
  return {
      {"narrow", {3}, {dense_spec(8, "tanh"), dense_spec(5, "sigmoid"), dense_spec(2)}},
      {"wide", {70}, {dense_spec(97, "tanh"), dropout, norm(), dense_spec(41, "gelu"), bent}},
      {"each position", {5, 3}, {each_position(37, "sin"), norm(), each_position(3, "tanh")}},
      {"conv1d",
       {12, 3},
       {conv("conv1d", 36, 1, {3}, 1, "tanh"), pool("max_pool1d", {2}),
        conv("conv1d", 8, 4, {3}, 2, "gelu"), batch_norm(), flatten, dense_spec(3)}},
      {"conv2d",
       {6, 7, 2},
       {conv("conv2d", 6, 1, {3, 2}, 1, "relu"), pool("average_pool2d", {2, 2}), batch_norm(),
        conv("conv2d", 33, 1, {2, 2}, 1, "tanh"), pool("max_pool2d", {2, 2}), dense_spec(2)}},
      {"few channels", {9, 8, 1}, {conv("conv2d", 4, 1, {3, 3}, 1, "tanh"), dense_spec(2)}},
      {"conv3d",
       {4, 3, 5, 2},
       {conv("conv3d", 9, 1, {2, 2, 2}, 1, "tanh"), pool("average_pool3d", {2, 1, 2}),
        pool("max_pool3d", {2, 1, 1}), dense_spec(2)}},
      {"depthwise", {6, 5, 17}, {conv("conv2d", 17, 17, {3, 3}, 1, "tanh"), dense_spec(3)}},
      {"pools",
       {12, 5},
       {pool("average_pool1d", {2}), larger, conv("conv1d", 33, 1, {2}, 1, "elu"),
        spec("parallel", {}, {{spec("global_max_pool")}, {spec("global_average_pool")}}),
        dense_spec(2)}},
      {"embedding",
       {6},
       {spec("embedding", {{"count", index{300}}, {"size", index{9}}}), bent, flatten,
        dense_spec(2)}},
      {"rnn", {7, 3}, {recurrent("rnn", 20, true, true), recurrent("rnn", 33, false, false)}},
      {"gru", {7, 3}, {recurrent("gru", 20, true, true), recurrent("gru", 33, false, false)}},
      {"lstm", {7, 3}, {recurrent("lstm", 20, true, true), recurrent("lstm", 33, false, false)}},
      {"residual",
       {7},
       {spec("residual", {}, {{dense_spec(9, "tanh"), dense_spec(7, "sin")}, {}}),
        reshape({7.0, 1.0}), each_position(3, "elu"), flatten, dense_spec(2)}},
      {"pairs of panels",
       {5, 3, 34},
       {conv("conv2d", 80, 1, {2, 3}, 1, "relu"), conv("conv2d", 96, 1, {3, 2}, 2, "tanh"),
        conv("conv2d", 64, 1, {1, 1}, 1, "gelu"), dense_spec(2)}},
      {"pairs of neurons",
       {301},
       {dense_spec(260, "relu"), dense_spec(128, "tanh"), dense_spec(2)}},
  };
}

inline std::vector<Case> cases_of_activations() {
  std::vector<Case> made;
  for (const std::string& name : activation_names()) {
    const bool ends = Activation::parse(name).is_for_output();
    std::vector<LayerSpec> layers{dense_spec(33, ends ? "tanh" : name), dense_spec(15, name)};
    made.push_back({name, {13}, layers});
  }
  return made;
}

inline std::vector<Case> cases_of_losses() {
  std::vector<Case> made;
  for (const std::string& name : loss_names()) {
    const LossTraits& traits = loss_traits(parse_loss(name));
    std::string output = "identity_x";
    if (traits.outputs.has(ActivationKind::softmax)) output = "softmax";
    if (traits.outputs.has(ActivationKind::sigmoid)) output = "sigmoid";
    if (traits.outputs.has(ActivationKind::exp)) output = "exp";
    std::vector<double> given;
    if (traits.parameters == LossParameters::gamma) given = {2.0};
    if (traits.parameters == LossParameters::levels) given = {0.25, 0.5};
    for (const index width : {2, 34}) {
      made.push_back({name + " " + std::to_string(width),
                      {13},
                      {dense_spec(15, "tanh"), dense_spec(width, output)},
                      name,
                      given});
    }
  }
  return made;
}

}  // namespace foxnn::test
