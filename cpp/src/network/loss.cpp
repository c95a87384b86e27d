// The table of losses, made from their rows, and the output activations that they need.
#include "foxnn/loss.hpp"

#include <iterator>
#include <stdexcept>

#include "base/messages.hpp"

namespace foxnn {
namespace {

#define FOXNN_TRAITS(kind, of_outputs, of_sums, ...) {__VA_ARGS__},
constexpr LossTraits kLosses[] = {FOXNN_LOSSES(FOXNN_TRAITS)};
#undef FOXNN_TRAITS
static_assert(std::size(kLosses) == kLossCount);

}  // namespace

const LossTraits& loss_traits(LossKind loss) { return kLosses[static_cast<int>(loss)]; }

LossKind parse_loss(std::string_view name) {
  return static_cast<LossKind>(&find_name("loss", name, kLosses) - kLosses);
}
std::string_view loss_name(LossKind loss) { return loss_traits(loss).name; }
std::vector<std::string> loss_names() { return all_names(kLosses); }

std::string_view targets_name(Targets targets) {
  switch (targets) {
    case Targets::numbers:
      return "numbers";
    case Targets::classes:
      return "classes";
    case Targets::sides:
      return "sides";
    case Targets::counts:
      return "counts";
  }
  return "";
}

void check_loss(LossKind loss, const Activation& output) {
  const LossTraits& traits = loss_traits(loss);
  if (traits.outputs.empty() || traits.outputs.has(output.kind)) return;
  throw std::invalid_argument("loss '" + std::string(traits.name) + "' needs " +
                              std::string(traits.needs) + ", got '" + std::string(output.name()) +
                              "'");
}

bool takes_preactivations(LossKind loss, const Activation& output) {
  return loss_traits(loss).joined.has(output.kind);
}

bool classifies(LossKind loss) {
  const Targets targets = loss_traits(loss).targets;
  return targets == Targets::classes || targets == Targets::sides;
}

}  // namespace foxnn
