// Samples as the engine reads them: views of arrays that the caller owns. Numbers of other types
// are converted row by row while they are read; there is no converted copy of the whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include "foxnn/rows.hpp"
#include "foxnn/scaling.hpp"

namespace foxnn {

enum class ElementType { f32, f64, u8 };

/// Equally spaced rows, each of contiguous numbers. With a scaling, the numbers are scaled as they
/// are read.
struct MatrixView {
  const std::byte* data = nullptr;
  ElementType type = ElementType::f32;
  index rows = 0;
  index columns = 0;
  index row_bytes = 0;  ///< distance between rows
  const Scaling* scaling = nullptr;

  const std::byte* row(index i) const { return data + i * row_bytes; }
};

/// Inputs with their targets, or with the class of each sample.
struct Samples {
  MatrixView inputs;
  MatrixView outputs;                    ///< unused if there are labels
  const std::int64_t* labels = nullptr;  ///< from 0 to the network's outputs - 1
  const double* weights = nullptr;       ///< of the samples; null: all weigh the same

  index size() const { return inputs.rows; }
};

/// Row i of a matrix as numbers of type T, into the first row of `out`. `nonzero`, if given,
/// records which numbers are not zero, in the form that Rows uses.
template <class T>
void read_row(const MatrixView& matrix, index i, const Rows<T>& out,
              std::uint32_t* nonzero = nullptr);

/// Rows order[0] ... order[count - 1], one after the other.
template <class T>
void read_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* out);

/// Prefetches row i; to be called some time before it is read.
inline void fetch_row(const MatrixView& matrix, index i) {
  for (index at = 0; at < matrix.row_bytes; at += 64) __builtin_prefetch(matrix.row(i) + at);
}

/// The targets of sample i; a label becomes a row with a single 1.
template <class T>
void read_target(const Samples& samples, index i, index outputs, const Rows<T>& out);

/// Whether every number of the matrix, unscaled, is finite, and remains so as a T.
template <class T>
bool all_finite(const MatrixView& matrix);

}  // namespace foxnn
