// How a layer's weights begin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foxnn/activation.hpp"
#include "foxnn/buffer.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

enum class InitializerKind {
  automatic,  ///< He (uniform) for the rectifiers, Glorot (uniform) for the others
  glorot_uniform,
  glorot_normal,
  he_uniform,
  he_normal,
  lecun_normal,
  uniform,  ///< FoxNN's: weights and biases from -1 to 1
  zeros,
};

InitializerKind parse_initializer(std::string_view name);
std::vector<std::string> initializer_names();

/// Weights (inputs x neurons, row by row) and then biases of a layer. The numbers depend on the
/// seed and `layer` alone: not on the platform, and not on the type that they are rounded to.
/// Throws Stopped where `stop` says yes.
Buffer<double> initial_parameters(InitializerKind kind, const Activation& activation,
                                  std::ptrdiff_t inputs, std::ptrdiff_t neurons, std::uint64_t seed,
                                  std::uint32_t layer, const StopRequest& stop = {});

}  // namespace foxnn
