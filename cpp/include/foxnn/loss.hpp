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
/// for a sample with outputs a and targets y; each is summed over the outputs.
#define FOXNN_LOSSES(ROW)                                                                      \
  /* (a - y)^2 / 2 */                                                                          \
  ROW(mse, HalfSquaredError, None, .name = "mse")                                              \
  /* -y log a */                                                                               \
  ROW(cross_entropy, None, CrossEntropy, .name = "cross_entropy", .targets = Targets::classes, \
      .outputs = ActivationSet{ActivationKind::softmax},                                       \
      .joined = ActivationSet{ActivationKind::softmax}, .needs = "a softmax output layer")     \
  /* -y log a - (1 - y) log(1 - a) */                                                          \
  ROW(binary_cross_entropy, None, SigmoidCrossEntropy, .name = "binary_cross_entropy",         \
      .targets = Targets::sides, .outputs = ActivationSet{ActivationKind::sigmoid},            \
      .joined = ActivationSet{ActivationKind::sigmoid}, .needs = "a sigmoid output layer")     \
  /* |a - y| */                                                                                \
  ROW(mae, AbsoluteError, None, .name = "mae")                                                 \
  /* (a - y)^2 / 2 where |a - y| < 1, else |a - y| - 1/2 */                                    \
  ROW(huber, HuberLoss, None, .name = "huber")                                                 \
  /* a - y log a */                                                                            \
  ROW(poisson, PoissonLoss, ExpPoissonLoss, .name = "poisson", .targets = Targets::counts,     \
      .outputs = ActivationSet({ActivationKind::exp, ActivationKind::softplus}),               \
      .joined = ActivationSet{ActivationKind::exp},                                            \
      .needs = "an output layer above zero: exp or softplus")

namespace foxnn {

#define FOXNN_KIND(kind, ...) kind,
enum class LossKind { FOXNN_LOSSES(FOXNN_KIND) };
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
};

/// The properties of a loss beside its arithmetic.
struct LossTraits {
  std::string_view name;
  Targets targets = Targets::numbers;
  /// The output activations that it allows; empty: all.
  ActivationSet outputs = {};
  /// Those that it is computed together with, from the preactivations z: this is more accurate, and
  /// d loss / d z is a - y.
  ActivationSet joined = {};
  std::string_view needs = "";  ///< the allowed outputs, in words for a message
};
const LossTraits& loss_traits(LossKind loss);

LossKind parse_loss(std::string_view name);
std::string_view loss_name(LossKind loss);
std::vector<std::string> loss_names();
std::string_view targets_name(Targets targets);

/// Throws std::invalid_argument if the loss does not allow this output activation.
void check_loss(LossKind loss, const Activation& output);
/// Whether loss and activation are computed together from the preactivations.
bool takes_preactivations(LossKind loss, const Activation& output);
/// Whether a network with this loss is a classifier.
bool classifies(LossKind loss);

}  // namespace foxnn
