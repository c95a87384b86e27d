// The activations by name: which there are, what parameters they take, which initializer suits
// them. Their arithmetic is in the kernels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// All activations, FoxNN's first. A row has the value of ActivationKind, the struct that computes
/// it (kernels/activation-inl.hpp), and its ActivationTraits; the enum, the names and the tables of
/// kernels are generated from these rows. Softmax works on whole rows, after the product: element
/// by element it is the identity.
#define FOXNN_ACTIVATIONS(ROW)                                                                  \
  ROW(sigmoid, Sigmoid, .name = "sigmoid", .aliases = "logistic")                               \
  ROW(sinusoid, Sinusoid, .name = "sinusoid", .aliases = "sin")                                 \
  ROW(gaussian, Gaussian, .name = "gaussian")                                                   \
  ROW(relu, Relu, .name = "relu", .is_rectifier = true)                                         \
  ROW(identity, Identity, .name = "identity_x", .aliases = "identity linear")                   \
  ROW(tanh, Tanh, .name = "tan_h", .aliases = "tanh")                                           \
  ROW(arctan, Arctan, .name = "arctan", .aliases = "atan")                                      \
  ROW(elu, Elu, .name = "elu", .takes_alpha = true, .default_alpha = 1.0, .is_rectifier = true) \
  ROW(leaky_relu, LeakyRelu, .name = "leaky_relu", .takes_alpha = true, .default_alpha = 0.01,  \
      .is_rectifier = true)                                                                     \
  ROW(selu, Selu, .name = "selu")                                                               \
  ROW(gelu, Gelu, .name = "gelu", .is_rectifier = true)                                         \
  ROW(silu, Silu, .name = "silu", .aliases = "swish", .is_rectifier = true)                     \
  ROW(softplus, Softplus, .name = "softplus", .is_rectifier = true)                             \
  ROW(exp, Exp, .name = "exp", .aliases = "exponential", .is_for_output = true)                 \
  ROW(softmax, Identity, .name = "softmax", .is_for_output = true, .joins_outputs = true)

namespace foxnn {

#define FOXNN_KIND(kind, ...) kind,
enum class ActivationKind { FOXNN_ACTIVATIONS(FOXNN_KIND) };
#undef FOXNN_KIND

#define FOXNN_ONE(...) +1
inline constexpr int kActivationCount = 0 FOXNN_ACTIVATIONS(FOXNN_ONE);
#undef FOXNN_ONE

/// The properties of an activation beside its arithmetic.
struct ActivationTraits {
  std::string_view name;
  std::string_view aliases = "";  ///< other names, separated by spaces
  bool takes_alpha = false;       ///< its parameter
  double default_alpha = 0.0;
  bool is_rectifier = false;   ///< the He initializers suit: zero or small for negative input
  bool is_for_output = false;  ///< only for the output layer: no layer may follow it
  bool joins_outputs = false;  ///< each output depends on all preactivations of the layer
};
const ActivationTraits& activation_traits(ActivationKind kind);

/// An activation with its parameter (alpha of elu and leaky_relu; unused by the others).
struct Activation {
  ActivationKind kind = ActivationKind::sigmoid;
  double parameter = 0.0;

  /// From a name or alias and its parameters; missing parameters take their default values.
  /// Throws std::invalid_argument for an unknown name or unexpected parameters.
  static Activation parse(std::string_view name, const std::vector<double>& parameters = {});

  const ActivationTraits& traits() const { return activation_traits(kind); }
  std::string_view name() const { return traits().name; }
  std::vector<double> parameters() const;
  bool is_for_output() const { return traits().is_for_output; }
  bool is_rectifier() const { return traits().is_rectifier; }
};

/// Canonical names, FoxNN's first.
std::vector<std::string> activation_names();

}  // namespace foxnn
