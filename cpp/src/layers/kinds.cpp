// The only list of layer kinds. Composites are not in it: they are combinations of other layers,
// which network/plan.cpp resolves.
#include "layers/kinds.hpp"

#include "base/messages.hpp"
#include "layers/arrange.hpp"
#include "layers/batch_norm.hpp"
#include "layers/conv.hpp"
#include "layers/dense.hpp"
#include "layers/depthwise.hpp"
#include "layers/elementwise.hpp"
#include "layers/embedding.hpp"
#include "layers/layer_norm.hpp"
#include "layers/pool.hpp"
#include "layers/recurrent.hpp"

namespace foxnn {
namespace {

template <class T>
using Make = std::unique_ptr<Layer<T>> (*)(const LayerSpec&, const std::vector<Form>&);

struct Kind {
  std::string_view name;
  Wants (*wants)(const LayerSpec&, const Shape&);
  Make<float> make_single;
  Make<double> make_double;
};

template <template <class> class Made>
constexpr Kind kind(std::string_view name, Wants (*wants)(const LayerSpec&, const Shape&)) {
  return {
      name, wants,
      [](const LayerSpec& spec, const std::vector<Form>& inputs) -> std::unique_ptr<Layer<float>> {
        return std::make_unique<Made<float>>(spec, inputs);
      },
      [](const LayerSpec& spec, const std::vector<Form>& inputs) -> std::unique_ptr<Layer<double>> {
        return std::make_unique<Made<double>>(spec, inputs);
      }};
}

template <Wants wants>
Wants always(const LayerSpec&, const Shape&) {
  return wants;
}

// A convolution is made as one of two layers.
template <class T>
std::unique_ptr<Layer<T>> make_convolution(const LayerSpec& spec, const std::vector<Form>& inputs) {
  if (is_depthwise(spec, inputs.front().shape)) return std::make_unique<Depthwise<T>>(spec, inputs);
  return std::make_unique<Conv<T>>(spec, inputs);
}

constexpr Kind convolution(std::string_view name) {
  const auto wants = [](const LayerSpec& spec, const Shape& input) {
    return is_depthwise(spec, input) ? Wants::panels : Wants::any;
  };
  return {name, wants, make_convolution<float>, make_convolution<double>};
}

// Steps that follow each other are read where they are, unless one would cross the border of a
// panel; then each gets panels of its own.
Wants of_recurrent(const LayerSpec&, const Shape& input) {
  return kPanelWidth<double> % input.channels == 0 ? Wants::any : Wants::panels;
}

constexpr Kind kKinds[] = {
    kind<Dense>("dense",
                [](const LayerSpec& spec, const Shape&) {
                  return spec.flag("each_position", false) ? Wants::panels : Wants::packed;
                }),
    convolution("conv1d"),
    convolution("conv2d"),
    convolution("conv3d"),
    kind<ActivationLayer>("activation", always<Wants::any>),
    kind<Reshape>("flatten", always<Wants::any>),
    kind<Reshape>("reshape", always<Wants::any>),
    kind<DropoutLayer>("dropout", always<Wants::any>),
    kind<LayerNorm>("layer_norm", always<Wants::panels>),
    kind<MaxPool>("max_pool1d", always<Wants::panels>),
    kind<MaxPool>("max_pool2d", always<Wants::panels>),
    kind<MaxPool>("max_pool3d", always<Wants::panels>),
    kind<AveragePool>("average_pool1d", always<Wants::panels>),
    kind<AveragePool>("average_pool2d", always<Wants::panels>),
    kind<AveragePool>("average_pool3d", always<Wants::panels>),
    kind<MaxPool>("global_max_pool", always<Wants::panels>),
    kind<AveragePool>("global_average_pool", always<Wants::panels>),
    kind<AveragePool>("up_sample", always<Wants::panels>),
    kind<BatchNorm>("batch_norm", always<Wants::panels>),
    kind<Embedding>("embedding", always<Wants::packed>),
    kind<Recurrent>("rnn", of_recurrent),
    kind<Recurrent>("gru", of_recurrent),
    kind<Recurrent>("lstm", of_recurrent),
    // Layers that join the branches of a composite.
    kind<Add>("add", always<Wants::panels>),
    kind<Concatenate>("concatenate", always<Wants::panels>),
};

}  // namespace

Wants layer_wants(const LayerSpec& spec, const Shape& input) {
  return find_name("layer kind", spec.kind, kKinds).wants(spec, input);
}

template <>
std::unique_ptr<Layer<float>> make_layer(const LayerSpec& spec, const std::vector<Form>& inputs) {
  return find_name("layer kind", spec.kind, kKinds).make_single(spec, inputs);
}
template <>
std::unique_ptr<Layer<double>> make_layer(const LayerSpec& spec, const std::vector<Form>& inputs) {
  return find_name("layer kind", spec.kind, kKinds).make_double(spec, inputs);
}

std::vector<std::string> layer_kinds() { return all_names(kKinds); }

}  // namespace foxnn
