// The losses by name. Their arithmetic is in the kernels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace foxnn {

enum class LossKind {
  mse,            ///< half the squared error, summed over the outputs
  cross_entropy,  ///< -sum_j y_j log(softmax(z)_j); needs a softmax output
};

LossKind parse_loss(std::string_view name);
std::string_view loss_name(LossKind loss);
std::vector<std::string> loss_names();

}  // namespace foxnn
