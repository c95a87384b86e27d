// The table of optimizers, the ranges of their constants, and the coefficients of a step.
#include "foxnn/optimizer.hpp"

#include <cmath>
#include <stdexcept>

#include "base/messages.hpp"

namespace foxnn {
namespace {

struct Entry {
  std::string_view name;
  OptimizerKind kind;
};

// In the order of OptimizerKind.
constexpr Entry kOptimizers[] = {
    {"sgd", OptimizerKind::sgd},           {"momentum", OptimizerKind::momentum},
    {"nesterov", OptimizerKind::nesterov}, {"adam", OptimizerKind::adam},
    {"adamw", OptimizerKind::adamw},       {"rmsprop", OptimizerKind::rmsprop},
};

void check_decay(const char* name, double value) {
  if (!(value >= 0.0 && value < 1.0)) {
    throw std::invalid_argument(std::string(name) + " must be at least 0 and below 1, got " +
                                text_of(value));
  }
}

}  // namespace

void Optimizer::check() const {
  check_decay("momentum", momentum);
  check_decay("beta_1", beta_1);
  check_decay("beta_2", beta_2);
  check_decay("rho", rho);
  if (!(weight_decay >= 0.0) || std::isinf(weight_decay)) {
    throw std::invalid_argument("weight_decay must be finite and at least 0, got " +
                                text_of(weight_decay));
  }
  if (!(epsilon > 0.0) || std::isinf(epsilon)) {
    throw std::invalid_argument("epsilon must be finite and above 0, got " + text_of(epsilon));
  }
}

Optimizer parse_optimizer(std::string_view name) {
  Optimizer optimizer{.kind = find_name("optimizer", name, kOptimizers).kind};
  if (optimizer.kind == OptimizerKind::rmsprop) optimizer.momentum = 0.0;
  return optimizer;
}

bool Optimizer::remembers(int moment) const {
  if (is_adam()) return true;
  if (kind == OptimizerKind::rmsprop) return moment == 1 || momentum > 0.0;
  return moment == 0 && kind != OptimizerKind::sgd;
}

std::string_view optimizer_name(OptimizerKind kind) {
  return kOptimizers[static_cast<int>(kind)].name;
}

std::vector<std::string> optimizer_names() { return all_names(kOptimizers); }

UpdateCoefficients update_coefficients(const Optimizer& optimizer, double learning_rate,
                                       std::uint64_t step) {
  if (!optimizer.is_adam()) {
    return {.rate = learning_rate,
            .decay = optimizer.momentum,
            .gain = 1.0,
            .decay_squares = optimizer.rho,
            .gain_squares = 1.0 - optimizer.rho,
            .square_scale = 1.0,
            .epsilon = optimizer.epsilon};
  }
  const bool shrinks = optimizer.kind == OptimizerKind::adamw;
  const double t = static_cast<double>(step);
  return {.rate = learning_rate / (1.0 - std::pow(optimizer.beta_1, t)),
          .decay = optimizer.beta_1,
          .gain = 1.0 - optimizer.beta_1,
          .decay_squares = optimizer.beta_2,
          .gain_squares = 1.0 - optimizer.beta_2,
          .square_scale = 1.0 / (1.0 - std::pow(optimizer.beta_2, t)),
          .epsilon = optimizer.epsilon,
          .shrink = shrinks ? learning_rate * optimizer.weight_decay : 0.0};
}

}  // namespace foxnn
