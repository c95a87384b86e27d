// Reading samples of any number type.
#include "foxnn/dataset.hpp"

#include <algorithm>
#include <limits>

#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

template <class Source>
const Source* as(const std::byte* p) {
  return reinterpret_cast<const Source*>(p);
}

}  // namespace

template <class T>
void read_row(const MatrixView& matrix, index i, T* out) {
  const KernelTable<T>& k = active_kernels().table<T>();
  const std::byte* row = matrix.row(i);
  switch (matrix.type) {
    case ElementType::f32:
      return k.convert_f32(matrix.columns, as<float>(row), out);
    case ElementType::f64:
      return k.convert_f64(matrix.columns, as<double>(row), out);
    case ElementType::u8:
      return k.convert_u8(matrix.columns, as<std::uint8_t>(row), out);
  }
}

template <class T>
void read_target(const Samples& samples, index i, index outputs, T* out) {
  if (!samples.labels) return read_row(samples.outputs, i, out);
  std::fill_n(out, outputs, T(0));
  out[samples.labels[i]] = T(1);
}

template <class T>
bool all_finite(const MatrixView& matrix) {
  const KernelSet& kernels = active_kernels();
  // What a float cannot hold becomes infinite in a double, too, when multiplied by this. The
  // largest float itself stays below, whatever the rounding.
  constexpr bool kNarrows = sizeof(T) < sizeof(double);
  constexpr double kFactor = kNarrows ? std::numeric_limits<double>::max() /
                                            double{std::numeric_limits<float>::max()} *
                                            (1.0 - 4.0 * std::numeric_limits<double>::epsilon())
                                      : 1.0;
  for (index i = 0; i < matrix.rows; ++i) {
    if (matrix.type == ElementType::f32) {
      if (!kernels.f32.all_finite(matrix.columns, as<float>(matrix.row(i)), 1.0f)) return false;
    } else if (matrix.type == ElementType::f64) {
      if (!kernels.f64.all_finite(matrix.columns, as<double>(matrix.row(i)), kFactor)) return false;
    }
  }
  return true;
}

template bool all_finite<float>(const MatrixView&);
template bool all_finite<double>(const MatrixView&);
template void read_row(const MatrixView&, index, float*);
template void read_row(const MatrixView&, index, double*);
template void read_target(const Samples&, index, index, float*);
template void read_target(const Samples&, index, index, double*);

}  // namespace foxnn
