// The rules by which gradients change parameters: stochastic gradient descent, with momentum
// (heavy ball or Nesterov's), Adam, AdamW and RMSprop.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// All optimizers. A row has the value of OptimizerKind, the kernel of a step
/// (kernels/update-inl.hpp), and its OptimizerTraits; the enum, the names and the tables of kernels
/// are made from these rows.
#define FOXNN_OPTIMIZERS(ROW)                                                                      \
  ROW(sgd, update_sgd, .name = "sgd")                                                              \
  ROW(momentum, update_momentum, .name = "momentum", .steps = Remembers::always)                   \
  ROW(nesterov, update_nesterov, .name = "nesterov", .steps = Remembers::always)                   \
  ROW(adam, update_adam, .name = "adam", .steps = Remembers::always, .squares = Remembers::always, \
      .corrects_means = true)                                                                      \
  ROW(adamw, update_adam, .name = "adamw", .steps = Remembers::always,                             \
      .squares = Remembers::always, .corrects_means = true, .shrinks_weights = true)               \
  ROW(rmsprop, update_rmsprop, .name = "rmsprop", .default_momentum = 0.0,                         \
      .steps = Remembers::with_momentum, .squares = Remembers::always)

namespace foxnn {

#define FOXNN_KIND(kind, ...) kind,
enum class OptimizerKind { FOXNN_OPTIMIZERS(FOXNN_KIND) };
#undef FOXNN_KIND

#define FOXNN_ONE(...) +1
inline constexpr int kOptimizerCount = 0 FOXNN_OPTIMIZERS(FOXNN_ONE);
#undef FOXNN_ONE

/// Whether a rule keeps a number for each parameter.
enum class Remembers { never, always, with_momentum };

/// The properties of a rule beside its arithmetic.
struct OptimizerTraits {
  std::string_view name;
  double default_momentum = 0.9;
  Remembers steps = Remembers::never;    ///< a mean of the steps or gradients
  Remembers squares = Remembers::never;  ///< a mean of the squares; the step is divided by its root
  bool corrects_means = false;   ///< corrects both means for their start at zero, as Adam does
  bool shrinks_weights = false;  ///< by weight_decay
};
const OptimizerTraits& optimizer_traits(OptimizerKind kind);

/// A rule and its constants.
struct Optimizer {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;            ///< of momentum, nesterov and rmsprop
  double beta_1 = 0.9;              ///< decay of Adam's mean of the gradients
  double beta_2 = 0.999;            ///< decay of Adam's mean of their squares
  double rho = 0.9;                 ///< decay of RMSprop's mean of squared gradients
  double epsilon = 1e-8;            ///< added to the root of Adam and RMSprop
  double weight_decay = 0.01;       ///< of adamw: weights shrink by rate * weight_decay a step
  std::uint64_t restart_after = 0;  ///< Adam clears its moments after this many steps; 0: never

  /// Throws std::invalid_argument if a constant is out of range.
  void check() const;
  const OptimizerTraits& traits() const { return optimizer_traits(kind); }
  /// Whether it keeps a number for each parameter: a mean of the steps or gradients (0), or of
  /// their squares (1).
  bool remembers(int moment) const;

  bool operator==(const Optimizer&) const = default;
};

/// A constant of the rules.
struct OptimizerConstant {
  std::string_view name;
  double Optimizer::* value;
  enum { share, not_negative, above_zero } range;  ///< a share is at least 0 and below 1
};
/// All but restart_after.
std::span<const OptimizerConstant> optimizer_constants();

/// The rule of this name with the default constants.
Optimizer parse_optimizer(std::string_view name);
std::string_view optimizer_name(OptimizerKind kind);
std::vector<std::string> optimizer_names();

/// The coefficients of one step of a rule: `step` is Kingma and Ba's t, from 1.
struct UpdateCoefficients {
  double rate;           ///< Adam: the learning rate over (1 - beta_1^t)
  double decay;          ///< momentum, or beta_1
  double gain;           ///< 1 - beta_1
  double decay_squares;  ///< beta_2, or rho
  double gain_squares;   ///< 1 - beta_2, or 1 - rho
  double square_scale;   ///< 1 / (1 - beta_2^t)
  double epsilon;
  double shrink = 0.0;  ///< the fraction by which weights shrink before the step
};
UpdateCoefficients update_coefficients(const Optimizer& optimizer, double learning_rate,
                                       std::uint64_t step);

/// What Adam divides its means by: 1 - beta^t, of the gradients and of their squares. They do not
/// depend on the learning rate, and take longer than the rest of the coefficients.
struct MeanCorrections {
  double mean = 1.0, squares = 1.0;

  double rate(double learning_rate) const { return learning_rate / mean; }
  double square_scale() const { return 1.0 / squares; }
};
MeanCorrections mean_corrections(const Optimizer& optimizer, std::uint64_t step);
UpdateCoefficients update_coefficients(const Optimizer& optimizer, double learning_rate,
                                       const MeanCorrections& corrections);

}  // namespace foxnn
