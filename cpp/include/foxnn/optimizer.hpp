// The rules by which gradients change parameters: stochastic gradient descent, with momentum
// (heavy ball or Nesterov's), Adam, AdamW and RMSprop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foxnn {

enum class OptimizerKind { sgd, momentum, nesterov, adam, adamw, rmsprop };

/// A rule and its constants.
struct Optimizer {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;            ///< of momentum, nesterov and rmsprop
  double beta_1 = 0.9;              ///< decay of Adam's mean of the gradients
  double beta_2 = 0.999;            ///< decay of Adam's mean of their squares
  double rho = 0.9;                 ///< decay of RMSprop's mean of squared gradients
  double epsilon = 1e-8;            ///< added to the root of Adam and RMSprop
  double weight_decay = 0.01;       ///< of adamw: weights shrink by rate * weight_decay a step
  std::uint64_t restart_after = 0;  ///< Adam forgets its moments after so many steps; 0: never

  /// Throws std::invalid_argument when a constant is out of its range.
  void check() const;
  bool is_adam() const { return kind == OptimizerKind::adam || kind == OptimizerKind::adamw; }
  /// Whether it remembers a number beside each parameter: a mean of the steps or gradients (0), of
  /// their squares (1).
  bool remembers(int moment) const;

  bool operator==(const Optimizer&) const = default;
};

/// "sgd", "momentum", "nesterov", "adam", "adamw" or "rmsprop" with the usual constants.
Optimizer parse_optimizer(std::string_view name);
std::string_view optimizer_name(OptimizerKind kind);
std::vector<std::string> optimizer_names();

/// What one step needs of a rule: `step` is Kingma and Ba's t, from 1.
struct UpdateCoefficients {
  double rate;           ///< Adam: the learning rate over (1 - beta_1^t)
  double decay;          ///< momentum, or beta_1
  double gain;           ///< 1 - beta_1
  double decay_squares;  ///< beta_2, or rho
  double gain_squares;   ///< 1 - beta_2, or 1 - rho
  double square_scale;   ///< 1 / (1 - beta_2^t)
  double epsilon;
  double shrink = 0.0;  ///< the part of themselves that weights lose before the step
};
UpdateCoefficients update_coefficients(const Optimizer& optimizer, double learning_rate,
                                       std::uint64_t step);

}  // namespace foxnn
