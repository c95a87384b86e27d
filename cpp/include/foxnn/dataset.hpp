// Samples as the engine reads them: views of arrays that belong to somebody else. Numbers of
// other types are converted row by row as they are read, never as a whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include "foxnn/rows.hpp"
#include "foxnn/scaling.hpp"

namespace foxnn {

enum class ElementType { f32, f64, u8 };

/// Rows of equally spaced numbers; the numbers of a row are neighbours. With a scaling they are
/// read as scaled.
struct MatrixView {
  const std::byte* data = nullptr;
  ElementType type = ElementType::f32;
  index rows = 0;
  index columns = 0;
  index row_bytes = 0;  ///< from one row to the next
  const Scaling* scaling = nullptr;

  const std::byte* row(index i) const { return data + i * row_bytes; }
};

/// Inputs with the outputs wanted for them, or with the class of each.
struct Samples {
  MatrixView inputs;
  MatrixView outputs;                    ///< unused where labels are given
  const std::int64_t* labels = nullptr;  ///< from 0 to the network's outputs - 1
  const double* weights = nullptr;       ///< how much each counts; none: all the same

  index size() const { return inputs.rows; }
};

/// Row i of a matrix as numbers of type T, into the first row of `out`. `nonzero`, where given, is
/// told which numbers are not zero, as Rows keeps it.
template <class T>
void read_row(const MatrixView& matrix, index i, const Rows<T>& out,
              std::uint32_t* nonzero = nullptr);

/// Rows order[0] ... order[count - 1], one behind the other.
template <class T>
void read_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* out);

/// Asks for row i: to be called some time before it is read.
inline void fetch_row(const MatrixView& matrix, index i) {
  for (index at = 0; at < matrix.row_bytes; at += 64) __builtin_prefetch(matrix.row(i) + at);
}

/// The outputs wanted for sample i; a label becomes a row with a single 1.
template <class T>
void read_target(const Samples& samples, index i, index outputs, const Rows<T>& out);

/// True when every number of the matrix, unscaled, is finite, and still is as a T.
template <class T>
bool all_finite(const MatrixView& matrix);

}  // namespace foxnn
