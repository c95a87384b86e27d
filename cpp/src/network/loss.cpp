// The table of losses, and the output activations that they need.
#include "foxnn/loss.hpp"

#include <stdexcept>

#include "base/messages.hpp"

namespace foxnn {
namespace {

struct Entry {
  std::string_view name;
  LossKind kind;
};

// In the order of LossKind.
constexpr Entry kLosses[] = {
    {"mse", LossKind::mse},
    {"cross_entropy", LossKind::cross_entropy},
    {"binary_cross_entropy", LossKind::binary_cross_entropy},
    {"mae", LossKind::mae},
    {"huber", LossKind::huber},
    {"poisson", LossKind::poisson},
};

}  // namespace

LossKind parse_loss(std::string_view name) { return find_name("loss", name, kLosses).kind; }
std::string_view loss_name(LossKind loss) { return kLosses[static_cast<int>(loss)].name; }
std::vector<std::string> loss_names() { return all_names(kLosses); }

void check_loss(LossKind loss, const Activation& output) {
  const auto needs = [&](const char* what) {
    throw std::invalid_argument("loss '" + std::string(loss_name(loss)) + "' needs " + what +
                                ", got '" + std::string(output.name()) + "'");
  };
  using enum ActivationKind;
  if (loss == LossKind::cross_entropy && output.kind != softmax) needs("a softmax output layer");
  if (loss == LossKind::binary_cross_entropy && output.kind != sigmoid) {
    needs("a sigmoid output layer");
  }
  if (loss == LossKind::poisson && output.kind != exp && output.kind != softplus) {
    needs("an output layer above zero: exp or softplus");
  }
}

bool takes_preactivations(LossKind loss, const Activation& output) {
  return classifies(loss) || (loss == LossKind::poisson && output.kind == ActivationKind::exp);
}

bool classifies(LossKind loss) {
  return loss == LossKind::cross_entropy || loss == LossKind::binary_cross_entropy;
}

}  // namespace foxnn
