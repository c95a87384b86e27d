// The distributions from which weights are drawn.
#include "foxnn/initializer.hpp"

#include <cmath>

#include "base/messages.hpp"
#include "foxnn/random.hpp"

namespace foxnn {
namespace {

struct Entry {
  std::string_view name;
  InitializerKind kind;
};

constexpr Entry kInitializers[] = {
    {"auto", InitializerKind::automatic},
    {"glorot_uniform", InitializerKind::glorot_uniform},
    {"glorot_normal", InitializerKind::glorot_normal},
    {"he_uniform", InitializerKind::he_uniform},
    {"he_normal", InitializerKind::he_normal},
    {"lecun_normal", InitializerKind::lecun_normal},
    {"uniform", InitializerKind::uniform},
    {"zeros", InitializerKind::zeros},
};

struct Distribution {
  bool normal;
  double scale;  // standard deviation, or half the width
};

// Glorot and Bengio, 2010; He et al., 2015; LeCun et al., 1998.
Distribution distribution(InitializerKind kind, double inputs, double neurons) {
  switch (kind) {
    case InitializerKind::glorot_uniform:
      return {false, std::sqrt(6.0 / (inputs + neurons))};
    case InitializerKind::glorot_normal:
      return {true, std::sqrt(2.0 / (inputs + neurons))};
    case InitializerKind::he_uniform:
      return {false, std::sqrt(6.0 / inputs)};
    case InitializerKind::he_normal:
      return {true, std::sqrt(2.0 / inputs)};
    case InitializerKind::lecun_normal:
      return {true, std::sqrt(1.0 / inputs)};
    case InitializerKind::uniform:
      return {false, 1.0};
    default:
      return {false, 0.0};
  }
}

}  // namespace

InitializerKind parse_initializer(std::string_view name) {
  return find_name("init", name, kInitializers).kind;
}

std::vector<std::string> initializer_names() { return all_names(kInitializers); }

Buffer<double> initial_parameters(InitializerKind kind, const Activation& activation,
                                  std::ptrdiff_t inputs, std::ptrdiff_t neurons, std::uint64_t seed,
                                  std::uint32_t layer, const StopRequest& stop) {
  if (kind == InitializerKind::automatic) {
    kind =
        activation.is_rectifier() ? InitializerKind::he_uniform : InitializerKind::glorot_uniform;
  }
  const std::size_t weights = static_cast<std::size_t>(inputs) * static_cast<std::size_t>(neurons);
  Buffer<double> parameters(inputs * neurons + neurons);
  const Distribution d =
      distribution(kind, static_cast<double>(inputs), static_cast<double>(neurons));
  if (d.scale == 0.0) return parameters;
  const Random random(seed, Stream::weights, layer);
  const std::size_t drawn =
      kind == InitializerKind::uniform ? weights + static_cast<std::size_t>(neurons) : weights;
  // This takes a few milliseconds, and consists of whole blocks as `normals` generates them.
  constexpr std::size_t kAtOnce = 1 << 16;
  for (std::size_t first = 0; first < drawn; first += kAtOnce) {
    if (first > 0 && stop && stop()) throw Stopped();
    const std::size_t last = std::min(first + kAtOnce, drawn);
    if (d.normal) {
      random.normals(first, last - first, parameters.data() + first);
      for (std::size_t i = first; i < last; ++i) parameters.data()[i] *= d.scale;
    } else {
      for (std::size_t i = first; i < last; ++i) {
        parameters.data()[i] = (2.0 * random.uniform(i) - 1.0) * d.scale;
      }
    }
  }
  return parameters;
}

}  // namespace foxnn
