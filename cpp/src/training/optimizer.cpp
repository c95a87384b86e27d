// The table of optimizers, the ranges of their constants, and the coefficients of a step.
#include "foxnn/optimizer.hpp"

#include <cmath>
#include <iterator>
#include <stdexcept>

#include "base/messages.hpp"
#include "training/mean_decays.hpp"

namespace foxnn {
namespace {

#define FOXNN_TRAITS(kind, step, ...) {__VA_ARGS__},
constexpr OptimizerTraits kOptimizers[] = {FOXNN_OPTIMIZERS(FOXNN_TRAITS)};
#undef FOXNN_TRAITS
static_assert(std::size(kOptimizers) == kOptimizerCount);

constexpr OptimizerConstant kConstants[] = {
    {"momentum", &Optimizer::momentum, OptimizerConstant::share},
    {"beta_1", &Optimizer::beta_1, OptimizerConstant::share},
    {"beta_2", &Optimizer::beta_2, OptimizerConstant::share},
    {"rho", &Optimizer::rho, OptimizerConstant::share},
    {"epsilon", &Optimizer::epsilon, OptimizerConstant::above_zero},
    {"weight_decay", &Optimizer::weight_decay, OptimizerConstant::not_negative},
};

const char* allowed(const OptimizerConstant& constant, double value) {
  switch (constant.range) {
    case OptimizerConstant::share:
      return value >= 0.0 && value < 1.0 ? nullptr : "at least 0 and below 1";
    case OptimizerConstant::not_negative:
      return value >= 0.0 && !std::isinf(value) ? nullptr : "finite and at least 0";
    case OptimizerConstant::above_zero:
      return value > 0.0 && !std::isinf(value) ? nullptr : "finite and above 0";
  }
  return nullptr;
}

}  // namespace

const OptimizerTraits& optimizer_traits(OptimizerKind kind) {
  return kOptimizers[static_cast<int>(kind)];
}

std::span<const OptimizerConstant> optimizer_constants() { return kConstants; }

void Optimizer::check() const {
  for (const OptimizerConstant& constant : kConstants) {
    const double value = this->*constant.value;
    if (const char* range = allowed(constant, value)) {
      throw std::invalid_argument(std::string(constant.name) + " must be " + range + ", got " +
                                  text_of(value));
    }
  }
}

Optimizer parse_optimizer(std::string_view name) {
  const OptimizerTraits& traits = find_name("optimizer", name, kOptimizers);
  return {.kind = static_cast<OptimizerKind>(&traits - kOptimizers),
          .momentum = traits.default_momentum};
}

bool Optimizer::remembers(int moment) const {
  const Remembers what = moment == 0 ? traits().steps : traits().squares;
  return what == Remembers::always || (what == Remembers::with_momentum && momentum > 0.0);
}

std::string_view optimizer_name(OptimizerKind kind) { return optimizer_traits(kind).name; }

std::vector<std::string> optimizer_names() { return all_names(kOptimizers); }

MeanCorrections mean_corrections(const Optimizer& optimizer, std::uint64_t step) {
  return MeanDecays().at(optimizer, step);
}

UpdateCoefficients update_coefficients(const Optimizer& optimizer, double learning_rate,
                                       std::uint64_t step) {
  return update_coefficients(optimizer, learning_rate, mean_corrections(optimizer, step));
}

UpdateCoefficients update_coefficients(const Optimizer& optimizer, double learning_rate,
                                       const MeanCorrections& corrections) {
  if (!optimizer.traits().corrects_means) {
    return {.rate = learning_rate,
            .decay = optimizer.momentum,
            .gain = 1.0,
            .decay_squares = optimizer.rho,
            .gain_squares = 1.0 - optimizer.rho,
            .square_scale = 1.0,
            .epsilon = optimizer.epsilon};
  }
  const bool shrinks = optimizer.traits().shrinks_weights;
  return {.rate = corrections.rate(learning_rate),
          .decay = optimizer.beta_1,
          .gain = 1.0 - optimizer.beta_1,
          .decay_squares = optimizer.beta_2,
          .gain_squares = 1.0 - optimizer.beta_2,
          .square_scale = corrections.square_scale(),
          .epsilon = optimizer.epsilon,
          .shrink = shrinks ? learning_rate * optimizer.weight_decay : 0.0};
}

}  // namespace foxnn
