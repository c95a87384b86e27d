// The distributions from which weights are drawn.
#include "foxnn/initializer.hpp"

#include <algorithm>
#include <cmath>

#include "base/messages.hpp"
#include "foxnn/random.hpp"

namespace foxnn {
namespace {

enum class Fan { none, inputs, both };

struct Entry {
  std::string_view name;
  double square = 0.0;  // 0: all zeros
  Fan by = Fan::none;
  bool normal = false;
  bool draws_biases = false;
};

#define FOXNN_ENTRY(kind, ...) {__VA_ARGS__},
constexpr Entry kInitializers[] = {FOXNN_INITIALIZERS(FOXNN_ENTRY)};
#undef FOXNN_ENTRY

// The standard deviation, or half the width.
double scale_of(const Entry& entry, double inputs, double neurons) {
  switch (entry.by) {
    case Fan::none:
      return std::sqrt(entry.square);
    case Fan::inputs:
      return std::sqrt(entry.square / inputs);
    case Fan::both:
      return std::sqrt(entry.square / (inputs + neurons));
  }
  return 0.0;
}

}  // namespace

InitializerKind parse_initializer(std::string_view name) {
  return static_cast<InitializerKind>(&find_name("init", name, kInitializers) - kInitializers);
}

std::vector<std::string> initializer_names() { return all_names(kInitializers); }

void draw_parameters(InitializerKind kind, const Activation& activation, std::ptrdiff_t inputs,
                     std::ptrdiff_t neurons, std::uint64_t seed, std::uint32_t layer,
                     const StopRequest& stop, const TakeDrawn& take) {
  if (kind == InitializerKind::automatic) {
    kind =
        activation.is_rectifier() ? InitializerKind::he_uniform : InitializerKind::glorot_uniform;
  }
  const Entry& entry = kInitializers[static_cast<int>(kind)];
  const double scale = scale_of(entry, static_cast<double>(inputs), static_cast<double>(neurons));
  if (scale == 0.0) return;
  const Random random(seed, Stream::weights, layer);
  const std::ptrdiff_t drawn = inputs * neurons + (entry.draws_biases ? neurons : 0);
  // This takes a few milliseconds, and consists of whole blocks as `normals` generates them.
  constexpr std::ptrdiff_t kAtOnce = 1 << 16;
  Buffer<double> piece(std::min(kAtOnce, drawn));
  for (std::ptrdiff_t first = 0; first < drawn; first += kAtOnce) {
    if (first > 0 && stop && stop()) throw Stopped();
    const std::ptrdiff_t count = std::min(kAtOnce, drawn - first);
    if (entry.normal) {
      random.normals(static_cast<std::size_t>(first), static_cast<std::size_t>(count),
                     piece.data());
      for (std::ptrdiff_t i = 0; i < count; ++i) piece.data()[i] *= scale;
    } else {
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        piece.data()[i] = (2.0 * random.uniform(static_cast<std::size_t>(first + i)) - 1.0) * scale;
      }
    }
    take(first, count, piece.data());
  }
}

}  // namespace foxnn
