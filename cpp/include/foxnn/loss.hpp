// The losses by name, and which output layers they suit. Their arithmetic is in the kernels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foxnn/activation.hpp"

namespace foxnn {

/// Of a sample with outputs a and wanted outputs y; each is summed over the outputs.
enum class LossKind {
  mse,                   ///< (a - y)^2 / 2
  cross_entropy,         ///< -y log a; needs a softmax output
  binary_cross_entropy,  ///< -y log a - (1 - y) log(1 - a); needs a sigmoid output
  mae,                   ///< |a - y|
  huber,                 ///< (a - y)^2 / 2 where |a - y| < 1, else |a - y| - 1/2
  poisson,               ///< a - y log a; needs outputs above zero: exp or softplus
};

LossKind parse_loss(std::string_view name);
std::string_view loss_name(LossKind loss);
std::vector<std::string> loss_names();

/// Throws std::invalid_argument where the loss does not suit outputs of that activation.
void check_loss(LossKind loss, const Activation& output);
/// True where loss and activation are computed together from the preactivations z: it is more
/// exact, and d loss / d z is a - y.
bool takes_preactivations(LossKind loss, const Activation& output);
/// True for losses by which a network classifies.
bool classifies(LossKind loss);

}  // namespace foxnn
