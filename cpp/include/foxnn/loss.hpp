// The losses by name, and which output layers they suit. Their arithmetic is in the kernels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "foxnn/activation.hpp"

/// All losses. A row has the value of LossKind, the structs that compute it from the outputs and
/// from the preactivations (kernels/loss-inl.hpp; None where there is none), and its LossTraits;
/// the enum, the names and the tables of kernels are generated from these rows. The formulas are
/// for a sample with outputs a and targets y; each is summed over the outputs. p are the shares of
/// the classes.
#define FOXNN_LOSSES(ROW)                                                                        \
  /* (a - y)^2 / 2 */                                                                            \
  ROW(mse, HalfSquaredError, None, .name = "mse")                                                \
  /* -y log a */                                                                                 \
  ROW(cross_entropy, None, CrossEntropy, .name = "cross_entropy", .targets = Targets::classes,   \
      .outputs = ActivationSet{ActivationKind::softmax},                                         \
      .joined = ActivationSet{ActivationKind::softmax}, .slope_is_difference = true,             \
      .needs = "a softmax output layer")                                                         \
  /* -y log a - (1 - y) log(1 - a) */                                                            \
  ROW(binary_cross_entropy, None, SigmoidCrossEntropy, .name = "binary_cross_entropy",           \
      .targets = Targets::sides, .outputs = ActivationSet{ActivationKind::sigmoid},              \
      .joined = ActivationSet{ActivationKind::sigmoid}, .slope_is_difference = true,             \
      .needs = "a sigmoid output layer")                                                         \
  /* |a - y| */                                                                                  \
  ROW(mae, AbsoluteError, None, .name = "mae")                                                   \
  /* (a - y)^2 / 2 where |a - y| < 1, else |a - y| - 1/2 */                                      \
  ROW(huber, HuberLoss, None, .name = "huber")                                                   \
  /* a - y log a */                                                                              \
  ROW(poisson, PoissonLoss, ExpPoissonLoss, .name = "poisson", .targets = Targets::counts,       \
      .outputs = ActivationSet({ActivationKind::exp, ActivationKind::softplus}),                 \
      .joined = ActivationSet{ActivationKind::exp}, .slope_is_difference = true,                 \
      .needs = "an output layer above zero: exp or softplus")                                    \
  /* log cosh(a - y) */                                                                          \
  ROW(log_cosh, LogCosh, None, .name = "log_cosh")                                               \
  /* q (y - a) below a target, (1 - q) (a - y) above it */                                       \
  ROW(quantile, QuantileLoss, None, .name = "quantile", .targets = Targets::repeated,            \
      .parameters = LossParameters::levels)                                                      \
  /* (s + (y - m)^2 e^-s) / 2, with the mean m and the logarithm s of the variance as outputs */ \
  ROW(gaussian_nll, GaussianNll, None, .name = "gaussian_nll", .targets = Targets::repeated)     \
  /* -y (1 - p)^gamma log p */                                                                   \
  ROW(focal, None, Focal, .name = "focal", .targets = Targets::classes,                          \
      .outputs = ActivationSet{ActivationKind::softmax},                                         \
      .joined = ActivationSet{ActivationKind::softmax}, .parameters = LossParameters::gamma,     \
      .needs = "a softmax output layer")                                                         \
  /* -y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p) */                                      \
  ROW(binary_focal, None, SigmoidFocal, .name = "binary_focal", .targets = Targets::sides,       \
      .outputs = ActivationSet{ActivationKind::sigmoid},                                         \
      .joined = ActivationSet{ActivationKind::sigmoid}, .parameters = LossParameters::gamma,     \
      .needs = "a sigmoid output layer")

namespace foxnn {

#define FOXNN_KIND(kind, ...) kind,
enum class LossKind {
  FOXNN_LOSSES(FOXNN_KIND)  //
  outside,                  ///< none of the engine's: see outside.hpp
};
#undef FOXNN_KIND

#define FOXNN_ONE(...) +1
inline constexpr int kLossCount = 0 FOXNN_LOSSES(FOXNN_ONE);
#undef FOXNN_ONE

/// Some of the activations.
class ActivationSet {
 public:
  constexpr ActivationSet() = default;
  constexpr ActivationSet(std::initializer_list<ActivationKind> kinds) {
    for (const ActivationKind kind : kinds) bits_ |= bit(kind);
  }
  constexpr bool has(ActivationKind kind) const { return (bits_ & bit(kind)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  static constexpr std::uint64_t bit(ActivationKind kind) {
    return std::uint64_t{1} << static_cast<int>(kind);
  }
  static_assert(kActivationCount <= 64);

  std::uint64_t bits_ = 0;
};

/// What the targets of a loss are.
enum class Targets {
  numbers,  ///< any; the outputs may be scaled
  classes,  ///< probabilities of the classes, or a label per sample; a classifier
  sides,    ///< from 0 to 1, yes or no for each output; a classifier
  counts,   ///< at least 0
  /// Numbers that several outputs each are for. There is a column for each output: those of
  /// quantile have each target once per level, those of gaussian_nll have all targets and then what
  /// is not read.
  repeated,
  outside,  ///< whatever a loss outside the engine takes
};

/// What numbers a loss takes.
enum class LossParameters {
  none,
  levels,  ///< of quantiles: between 0 and 1, in ascending order
  gamma,   ///< one, at least 0
};

/// The properties of a loss beside its arithmetic.
struct LossTraits {
  std::string_view name;
  Targets targets = Targets::numbers;
  /// The output activations that it allows; empty: all.
  ActivationSet outputs = {};
  /// Those that it is computed together with, from the preactivations z: this is more accurate.
  ActivationSet joined = {};
  bool slope_is_difference = false;  ///< then d loss / d z is a - y
  LossParameters parameters = LossParameters::none;
  std::string_view needs = "";  ///< the allowed outputs, in words for a message
};
const LossTraits& loss_traits(LossKind loss);

LossKind parse_loss(std::string_view name);
std::string_view loss_name(LossKind loss);
std::vector<std::string> loss_names();
std::string_view targets_name(Targets targets);

/// A loss with its numbers.
struct Loss {
  LossKind kind = LossKind::mse;
  std::vector<double> parameters = {};

  /// How many outputs each target has.
  std::int64_t outputs_per_target() const;
  /// Whether the outputs of a target are answered in ascending order, whatever the layers say: they
  /// are sorted (Chernozhukov, Fernandez-Val and Galichon, "Quantile and probability curves without
  /// crossing", 2010). Evaluations are of what is answered; training steps follow the outputs of
  /// the last layer.
  bool sorts_outputs() const { return kind == LossKind::quantile && parameters.size() > 1; }
};

/// Throws std::invalid_argument if the numbers are not those of the loss, or if it does not allow
/// this output activation, or so many outputs at a position.
void check_loss(const Loss& loss, const Activation& output, std::int64_t channels);
/// Whether loss and activation are computed together from the preactivations.
bool takes_preactivations(LossKind loss, const Activation& output);
/// Whether a network with this loss is a classifier.
bool classifies(LossKind loss);

}  // namespace foxnn
