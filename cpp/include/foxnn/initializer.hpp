// The initial weights of a layer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "foxnn/activation.hpp"
#include "foxnn/buffer.hpp"
#include "foxnn/stop_request.hpp"

/// All initializers. A row has the value of InitializerKind, and an entry of the table in
/// layers/initializer.cpp: the name, and the distribution. Its variance (if it is uniform, the
/// square of half its width) is `square`, divided by the number of inputs or of inputs and neurons.
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

/// Draws the weights of a layer (inputs x neurons, row by row), followed by the biases, and passes
/// them on piece by piece: take(first, count, numbers). What is not drawn is zero. The numbers
/// depend only on the seed and `layer`, not on the platform or the type that they are rounded to.
/// `readers` is the number of outputs that read an input, on which Glorot's scale depends; 0: all
/// neurons. Throws Stopped if `stop` returns true.
using TakeDrawn = std::function<void(std::ptrdiff_t, std::ptrdiff_t, const double*)>;
void draw_parameters(InitializerKind kind, const Activation& activation, std::ptrdiff_t inputs,
                     std::ptrdiff_t neurons, std::uint64_t seed, std::uint32_t layer,
                     const StopRequest& stop, const TakeDrawn& take, std::ptrdiff_t readers = 0);

/// Draws an orthogonal matrix of n rows, all of them equally likely (Saxe et al., "Exact solutions
/// to the nonlinear dynamics of learning in deep linear neural networks", 2014), from the seed's
/// normal numbers from `first` on, and passes on its rows: take(row, numbers). The numbers depend
/// on the platform as little as those of draw_parameters. Throws Stopped if `stop` returns true.
using TakeRow = std::function<void(std::ptrdiff_t, const double*)>;
void draw_orthogonal(std::ptrdiff_t n, std::uint64_t seed, std::uint32_t layer,
                     std::ptrdiff_t first, const StopRequest& stop, const TakeRow& take);

}  // namespace foxnn
