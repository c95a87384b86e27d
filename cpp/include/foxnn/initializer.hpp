// How a layer's weights begin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foxnn/activation.hpp"
#include "foxnn/buffer.hpp"
#include "foxnn/stop_request.hpp"

/// All initializers. A row has the value of InitializerKind and what layers/initializer.cpp says
/// of it: its name, and the distribution, whose variance, or the square of half the width where it
/// is even, is `square` over the sum of those inputs and neurons that are named.
#define FOXNN_INITIALIZERS(ROW)                                                               \
  /* He (uniform) for the rectifiers, Glorot (uniform) for the others */                      \
  ROW(automatic, .name = "auto")                                                              \
  /* Glorot and Bengio, 2010 */                                                               \
  ROW(glorot_uniform, .name = "glorot_uniform", .square = 6.0, .by = Fan::both)               \
  ROW(glorot_normal, .name = "glorot_normal", .square = 2.0, .by = Fan::both, .normal = true) \
  /* He et al., 2015 */                                                                       \
  ROW(he_uniform, .name = "he_uniform", .square = 6.0, .by = Fan::inputs)                     \
  ROW(he_normal, .name = "he_normal", .square = 2.0, .by = Fan::inputs, .normal = true)       \
  /* LeCun et al., 1998 */                                                                    \
  ROW(lecun_normal, .name = "lecun_normal", .square = 1.0, .by = Fan::inputs, .normal = true) \
  /* FoxNN's: weights and biases from -1 to 1 */                                              \
  ROW(uniform, .name = "uniform", .square = 1.0, .draws_biases = true)                        \
  ROW(zeros, .name = "zeros")

namespace foxnn {

#define FOXNN_KIND(kind, ...) kind,
enum class InitializerKind { FOXNN_INITIALIZERS(FOXNN_KIND) };
#undef FOXNN_KIND

InitializerKind parse_initializer(std::string_view name);
std::vector<std::string> initializer_names();

/// Weights (inputs x neurons, row by row) and then biases of a layer. The numbers depend on the
/// seed and `layer` alone: not on the platform, and not on the type that they are rounded to.
/// Throws Stopped where `stop` says yes.
Buffer<double> initial_parameters(InitializerKind kind, const Activation& activation,
                                  std::ptrdiff_t inputs, std::ptrdiff_t neurons, std::uint64_t seed,
                                  std::uint32_t layer, const StopRequest& stop = {});

}  // namespace foxnn
