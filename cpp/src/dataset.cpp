// Reading samples of any number type.
#include "foxnn/dataset.hpp"

#include <algorithm>

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

bool all_finite(const MatrixView& matrix) {
  const KernelSet& kernels = active_kernels();
  for (index i = 0; i < matrix.rows; ++i) {
    if (matrix.type == ElementType::f32) {
      if (!kernels.f32.all_finite(matrix.columns, as<float>(matrix.row(i)))) return false;
    } else if (matrix.type == ElementType::f64) {
      if (!kernels.f64.all_finite(matrix.columns, as<double>(matrix.row(i)))) return false;
    }
  }
  return true;
}

template void read_row(const MatrixView&, index, float*);
template void read_row(const MatrixView&, index, double*);
template void read_target(const Samples&, index, index, float*);
template void read_target(const Samples&, index, index, double*);

}  // namespace foxnn
