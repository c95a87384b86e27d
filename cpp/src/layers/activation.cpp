// The table of activations, made from their rows: names, parameters and families.
#include "foxnn/activation.hpp"

#include <iterator>
#include <limits>
#include <stdexcept>

#include "base/messages.hpp"

namespace foxnn {
namespace {

#define FOXNN_TRAITS(kind, arithmetic, ...) {__VA_ARGS__},
constexpr ActivationTraits kActivations[] = {FOXNN_ACTIVATIONS(FOXNN_TRAITS)};
#undef FOXNN_TRAITS
static_assert(std::size(kActivations) == kActivationCount);

const ActivationTraits& traits_by_name(std::string_view name) {
  for (const ActivationTraits& traits : kActivations) {
    if (traits.name == name || has_word(traits.aliases, name)) return traits;
  }
  throw_unknown("activation", name, kActivations);
}

}  // namespace

const ActivationTraits& activation_traits(ActivationKind kind) {
  return kActivations[static_cast<int>(kind)];
}

Activation Activation::parse(std::string_view name, const std::vector<double>& parameters) {
  const ActivationTraits& traits = traits_by_name(name);
  const std::string shown(traits.name);
  if (parameters.size() > (traits.takes_alpha ? 1u : 0u)) {
    throw std::invalid_argument("activation '" + shown + "' takes " +
                                (traits.takes_alpha ? "one parameter, alpha" : "no parameters") +
                                ", got " + std::to_string(parameters.size()));
  }
  const double alpha = parameters.empty() ? traits.default_alpha : parameters[0];
  // The same limit holds for float32 and float64, so that networks of either type accept the value.
  if (constexpr double largest = std::numeric_limits<float>::max();
      !(alpha >= 0.0 && alpha <= largest)) {
    throw std::invalid_argument("alpha of activation '" + shown + "' must be from 0 to " +
                                text_of(largest) + ", got " + text_of(alpha));
  }
  return {static_cast<ActivationKind>(&traits - kActivations), alpha};
}

std::vector<double> Activation::parameters() const {
  if (traits().takes_alpha) return {parameter};
  return {};
}

std::vector<std::string> activation_names() { return all_names(kActivations); }

}  // namespace foxnn
