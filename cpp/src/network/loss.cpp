// The table of losses, made from their rows, and the output activations that they need.
#include "foxnn/loss.hpp"

#include <cmath>
#include <iterator>
#include <stdexcept>

#include "base/messages.hpp"

namespace foxnn {
namespace {

#define FOXNN_TRAITS(kind, of_outputs, of_sums, ...) {__VA_ARGS__},
constexpr LossTraits kLosses[] = {FOXNN_LOSSES(FOXNN_TRAITS)};
#undef FOXNN_TRAITS
static_assert(std::size(kLosses) == kLossCount);
constexpr LossTraits kOutside = {.name = "outside", .targets = Targets::outside};

void check_parameters(const Loss& loss) {
  const LossTraits& traits = loss_traits(loss.kind);
  const std::vector<double>& numbers = loss.parameters;
  const auto refuse = [&](const char* needs) {
    throw std::invalid_argument("loss '" + std::string(traits.name) + "' needs " + needs);
  };
  switch (traits.parameters) {
    case LossParameters::none:
      if (!numbers.empty()) refuse("no parameters");
      return;
    case LossParameters::levels: {
      double last = 0.0;
      bool ascends = !numbers.empty();
      for (const double level : numbers) {
        ascends = ascends && level > last && level < 1.0;
        last = level;
      }
      if (!ascends) refuse("levels between 0 and 1 in ascending order");
      return;
    }
    case LossParameters::gamma:
      if (numbers.size() != 1 || !(numbers[0] >= 0.0) || !std::isfinite(numbers[0])) {
        refuse("one number, at least 0");
      }
  }
}

}  // namespace

const LossTraits& loss_traits(LossKind loss) {
  return loss == LossKind::outside ? kOutside : kLosses[static_cast<int>(loss)];
}

LossKind parse_loss(std::string_view name) {
  if (name == kOutside.name) return LossKind::outside;
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
    case Targets::repeated:
      return "repeated";
    case Targets::outside:
      return "outside";
  }
  return "";
}

std::int64_t Loss::outputs_per_target() const {
  if (kind == LossKind::gaussian_nll) return 2;
  return kind == LossKind::quantile ? static_cast<std::int64_t>(parameters.size()) : 1;
}

void check_loss(const Loss& loss, const Activation& output, std::int64_t channels) {
  check_parameters(loss);
  const LossTraits& traits = loss_traits(loss.kind);
  if (const std::int64_t each = loss.outputs_per_target(); channels % each != 0) {
    throw std::invalid_argument("loss '" + std::string(traits.name) + "' needs " +
                                std::to_string(each) + " outputs for each target, got " +
                                std::to_string(channels) +
                                (channels == 1 ? " output" : " outputs"));
  }
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
