// The table of activations: names, parameters and families.
#include "foxnn/activation.hpp"

#include <limits>
#include <stdexcept>

#include "base/messages.hpp"

namespace foxnn {
namespace {

struct Entry {
  std::string_view name;
  ActivationKind kind;
  bool takes_alpha;
  double default_alpha;
  bool is_rectifier;
  bool is_for_output = false;
};

// In the order of ActivationKind.
constexpr Entry kActivations[] = {
    {"sigmoid", ActivationKind::sigmoid, false, 0.0, false},
    {"sinusoid", ActivationKind::sinusoid, false, 0.0, false},
    {"gaussian", ActivationKind::gaussian, false, 0.0, false},
    {"relu", ActivationKind::relu, false, 0.0, true},
    {"identity_x", ActivationKind::identity, false, 0.0, false},
    {"tan_h", ActivationKind::tanh, false, 0.0, false},
    {"arctan", ActivationKind::arctan, false, 0.0, false},
    {"elu", ActivationKind::elu, true, 1.0, true},
    {"leaky_relu", ActivationKind::leaky_relu, true, 0.01, true},
    {"selu", ActivationKind::selu, false, 0.0, false},
    {"gelu", ActivationKind::gelu, false, 0.0, true},
    {"silu", ActivationKind::silu, false, 0.0, true},
    {"softplus", ActivationKind::softplus, false, 0.0, true},
    {"exp", ActivationKind::exp, false, 0.0, false, true},
    {"softmax", ActivationKind::softmax, false, 0.0, false, true},
};

struct Alias {
  std::string_view name;
  std::string_view stands_for;
};

constexpr Alias kAliases[] = {
    {"logistic", "sigmoid"},  {"sin", "sinusoid"},    {"identity", "identity_x"},
    {"linear", "identity_x"}, {"tanh", "tan_h"},      {"atan", "arctan"},
    {"swish", "silu"},        {"exponential", "exp"},
};

const Entry& entry_of(ActivationKind kind) { return kActivations[static_cast<int>(kind)]; }

}  // namespace

Activation Activation::parse(std::string_view name, const std::vector<double>& parameters) {
  for (const Alias& alias : kAliases) {
    if (alias.name == name) name = alias.stands_for;
  }
  const Entry& entry = find_name("activation", name, kActivations);
  if (parameters.size() > (entry.takes_alpha ? 1u : 0u)) {
    throw std::invalid_argument("activation '" + std::string(name) + "' takes " +
                                (entry.takes_alpha ? "one parameter, alpha" : "no parameters") +
                                ", got " + std::to_string(parameters.size()));
  }
  const double alpha = parameters.empty() ? entry.default_alpha : parameters[0];
  // The same limit holds for float32 and float64, so that networks of either type accept the value.
  if (constexpr double largest = std::numeric_limits<float>::max();
      !(alpha >= 0.0 && alpha <= largest)) {
    throw std::invalid_argument("alpha of activation '" + std::string(name) +
                                "' must be from 0 to " + text_of(largest) + ", got " +
                                text_of(alpha));
  }
  return {entry.kind, alpha};
}

std::string_view Activation::name() const { return entry_of(kind).name; }

std::vector<double> Activation::parameters() const {
  if (entry_of(kind).takes_alpha) return {parameter};
  return {};
}

bool Activation::is_for_output() const { return entry_of(kind).is_for_output; }
bool Activation::is_rectifier() const { return entry_of(kind).is_rectifier; }

std::vector<std::string> activation_names() { return all_names(kActivations); }

}  // namespace foxnn
