// Samples as the engine reads them: views of arrays, dense or sparse, that the caller owns. Numbers
// of other types are converted row by row while they are read; there is no converted copy of the
// whole, and no dense one.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "foxnn/rows.hpp"
#include "foxnn/scaling.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

enum class ElementType { f32, f64, u8 };
constexpr index bytes_of(ElementType type) {
  return type == ElementType::f32 ? 4 : type == ElementType::f64 ? 8 : 1;
}

/// Equally spaced rows, each of contiguous numbers; or a sparse matrix by rows (CSR), where `data`
/// holds only the stored numbers, row after row. With a scaling, the numbers are scaled as they are
/// read.
struct MatrixView {
  const std::byte* data = nullptr;
  ElementType type = ElementType::f32;
  index rows = 0;
  index columns = 0;
  index row_bytes = 0;  ///< distance between rows
  const Scaling* scaling = nullptr;
  /// Of a sparse matrix: the position in `data` at which each row begins, and the end of the last.
  const std::int64_t* starts = nullptr;
  /// Of a sparse matrix: the column of each stored number, ascending within a row.
  const std::int32_t* stored_columns = nullptr;
  /// Of sequences of different lengths: how many steps each row has, at least one, and the numbers
  /// of a step. What follows them in a row is not read.
  const std::int64_t* lengths = nullptr;
  index step_columns = 0;

  bool is_sparse() const { return starts != nullptr; }
  /// The columns of row i that are read.
  index columns_of(index i) const { return lengths ? lengths[i] * step_columns : columns; }
  const std::byte* row(index i) const { return data + i * row_bytes; }
  /// The number of stored numbers of rows [first, last) of a sparse matrix.
  index stored(index first, index last) const {
    return static_cast<index>(starts[last] - starts[first]);
  }
};

/// What may be wrong with the arrays of a sparse matrix.
enum class SparseFlaw {
  none,
  starts,   ///< they do not begin at 0, fall, or end beyond the stored numbers
  columns,  ///< a column is out of range
  order,    ///< the columns of a row are not in ascending order, or one is repeated
};
/// The first flaw, for arrays with `stored` numbers and columns; if `stop` returns true, none.
SparseFlaw flaw_of(const MatrixView& sparse, index stored, const StopRequest& stop);

/// Class labels: an array of integers of 1, 2, 4 or 8 bytes, or none.
class Labels {
 public:
  Labels(std::nullptr_t = nullptr) {}
  template <std::signed_integral I>
  Labels(const I* first) : first_(reinterpret_cast<const std::byte*>(first)), bytes_(sizeof(I)) {}

  explicit operator bool() const { return first_ != nullptr; }
  /// Calls f with the labels from number `begin` on, as a pointer to their type.
  template <class F>
  void visit(index begin, F f) const {
    const std::byte* from = first_ + begin * bytes_;
    if (bytes_ == 1) return f(reinterpret_cast<const std::int8_t*>(from));
    if (bytes_ == 2) return f(reinterpret_cast<const std::int16_t*>(from));
    if (bytes_ == 4) return f(reinterpret_cast<const std::int32_t*>(from));
    f(reinterpret_cast<const std::int64_t*>(from));
  }

 private:
  const std::byte* first_ = nullptr;
  index bytes_ = 0;
};

/// Inputs with their targets, or with the class of each sample, or of each of its positions.
struct Samples {
  MatrixView inputs;
  MatrixView outputs;               ///< unused if there are labels
  Labels labels = nullptr;          ///< from 0 to the channels of the outputs - 1
  const double* weights = nullptr;  ///< of the samples; null: all weigh the same
  /// Of the positions of the samples, sample by sample; `weights` are then their means. Null if
  /// there is one position.
  const double* position_weights = nullptr;
  index positions = 1;  ///< how many labels and position_weights a sample has
  /// The samples are only these rows of the arrays above, in this order; empty: all rows.
  std::span<const std::uint32_t> rows = {};

  index size() const { return rows.empty() ? inputs.rows : static_cast<index>(rows.size()); }
};

/// Row i of a matrix as numbers of type T, into the first row of `out`. `nonzero`, if given,
/// records which numbers are not zero, in the form that Rows uses. Of a sequence, the missing steps
/// become `missing`.
template <class T>
void read_row(const MatrixView& matrix, index i, const Rows<T>& out,
              std::uint32_t* nonzero = nullptr, T missing = T(0));

/// Rows order[0] ... order[count - 1], one after the other.
template <class T>
void read_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* out);
/// The same, `distance` apart: a function of its own, because a step of a tiny network would notice
/// one argument more.
template <class T>
void read_rows_apart(const MatrixView& matrix, const std::uint32_t* order, index count, T* out,
                     index distance);
/// The most numbers of a row that is a few moves without a loop.
inline constexpr index kShortRow = 8;
/// Whether these two are several times as fast as `read_row` for each of them: rows of a few
/// numbers, which take less time than a call.
inline bool has_short_rows(const MatrixView& matrix) {
  return matrix.columns <= kShortRow && !matrix.scaling && !matrix.is_sparse() && !matrix.lengths;
}

/// The stored numbers of row i of a sparse matrix as numbers of type T, and their columns.
template <class T>
void read_stored(const MatrixView& sparse, index i, T* values, std::uint32_t* columns);

/// Prefetches row i of a dense matrix; to be called some time before it is read.
inline void fetch_row(const MatrixView& matrix, index i) {
  for (index at = 0; at < matrix.row_bytes; at += 64) __builtin_prefetch(matrix.row(i) + at);
}
/// The same of a sparse matrix.
inline void fetch_stored(const MatrixView& sparse, index i) {
  const index first = sparse.starts[i], count = sparse.stored(i, i + 1);
  const index bytes = bytes_of(sparse.type);
  const auto* columns = reinterpret_cast<const std::byte*>(sparse.stored_columns + first);
  for (index at = 0; at < count * bytes; at += 64) {
    __builtin_prefetch(sparse.data + first * bytes + at);
  }
  for (index at = 0; at < count * index{sizeof(std::int32_t)}; at += 64) {
    __builtin_prefetch(columns + at);
  }
}

/// The targets of sample i; a label becomes a 1 among zeros.
template <class T>
void read_target(const Samples& samples, index i, index outputs, const Rows<T>& out);

/// Whether every number of the matrix (every stored one), unscaled, is finite, and remains so as a
/// T.
template <class T>
bool all_finite(const MatrixView& matrix);

/// The position of the first number that is not a whole one from 0 to `limit` - 1, row by row (of a
/// sparse matrix, among its stored numbers); -1 if there is none.
index first_no_index(const MatrixView& matrix, index limit);

}  // namespace foxnn
