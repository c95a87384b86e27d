// The activations by name: which there are, what parameters they take, which initializer suits
// them. Their arithmetic is in the kernels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace foxnn {

/// The order is that of the kernel tables.
enum class ActivationKind {
  sigmoid,
  sinusoid,
  gaussian,
  relu,
  identity,
  tanh,
  arctan,
  elu,
  leaky_relu,
  selu,
  gelu,
  silu,
  softplus,
  exp,
  softmax,
};

inline constexpr int kActivationCount = static_cast<int>(ActivationKind::softmax) + 1;

/// An activation with its parameter (alpha of elu and leaky_relu; unused by the others).
struct Activation {
  ActivationKind kind = ActivationKind::sigmoid;
  double parameter = 0.0;

  /// From a name or alias and its parameters; missing parameters get their defaults.
  /// Throws std::invalid_argument for an unknown name, or parameters that it does not take.
  static Activation parse(std::string_view name, const std::vector<double>& parameters = {});

  std::string_view name() const;
  std::vector<double> parameters() const;
  /// True for those that only an output layer takes: nothing can come behind them.
  bool is_for_output() const;
  /// True where the He initializers suit: the activation is zero or small for negative input.
  bool is_rectifier() const;
};

/// Canonical names, FoxNN's first.
std::vector<std::string> activation_names();

}  // namespace foxnn
