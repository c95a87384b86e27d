// The distributions from which weights are drawn.
#include "foxnn/initializer.hpp"

#include <algorithm>
#include <cmath>

#include "base/messages.hpp"
#include "base/pieces.hpp"
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

// The sum of products, in a fixed order, of eight parts that do not wait for each other.
double product(std::ptrdiff_t n, const double* a, const double* b) {
  double parts[8] = {};
  std::ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::ptrdiff_t k = 0; k < 8; ++k) parts[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) parts[i % 8] += a[i] * b[i];
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])) +
         ((parts[4] + parts[5]) + (parts[6] + parts[7]));
}

}  // namespace

InitializerKind parse_initializer(std::string_view name) {
  return static_cast<InitializerKind>(&find_name("init", name, kInitializers) - kInitializers);
}

std::vector<std::string> initializer_names() { return all_names(kInitializers); }

void draw_parameters(InitializerKind kind, const Activation& activation, std::ptrdiff_t inputs,
                     std::ptrdiff_t neurons, std::uint64_t seed, std::uint32_t layer,
                     const StopRequest& stop, const TakeDrawn& take, std::ptrdiff_t readers) {
  if (kind == InitializerKind::automatic) {
    kind =
        activation.is_rectifier() ? InitializerKind::he_uniform : InitializerKind::glorot_uniform;
  }
  const Entry& entry = kInitializers[static_cast<int>(kind)];
  const double scale = scale_of(entry, static_cast<double>(inputs),
                                static_cast<double>(readers > 0 ? readers : neurons));
  if (scale == 0.0) return;
  const Random random(seed, RandomStream::weights, layer);
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

// The rows of a matrix of normal numbers, each made orthogonal to those before it (Gram and
// Schmidt).
void draw_orthogonal(std::ptrdiff_t n, std::uint64_t seed, std::uint32_t layer,
                     std::ptrdiff_t first, const StopRequest& stop, const TakeRow& take) {
  const Random random(seed, RandomStream::weights, layer);
  Buffer<double> rows(n * n);
  Pieces pieces(stop);
  for (std::ptrdiff_t r = 0; r < n; ++r) {
    double* const row = rows.data() + r * n;
    random.normals(static_cast<std::uint64_t>(first + r * n), static_cast<std::size_t>(n), row);
    for (std::ptrdiff_t q = 0; q < r; ++q) {
      const double* const before = rows.data() + q * n;
      const double along = product(n, row, before);
      for (std::ptrdiff_t i = 0; i < n; ++i) row[i] -= along * before[i];
      pieces.after(n);
    }
    const double norm = std::sqrt(product(n, row, row));
    for (std::ptrdiff_t i = 0; i < n; ++i) row[i] /= norm;
    take(r, row);
  }
}

}  // namespace foxnn
