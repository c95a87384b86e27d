// The memory of a batch of sparse samples: their stored numbers in the type of the network, scaled,
// row after row, with room to arrange them by column.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "foxnn/buffer.hpp"
#include "foxnn/dataset.hpp"
#include "foxnn/layer.hpp"

namespace foxnn {

template <class T>
class StoredBatch {
 public:
  /// For so many rows. `by_column`: with the memory for the backward pass.
  StoredBatch(index rows, index columns, bool by_column)
      : starts_(rows + 1), ends_(by_column ? columns : 0), by_column_(by_column) {}

  /// Makes room for a batch of so many stored numbers, unless there is.
  void make_room(index stored) {
    if (stored <= values_.size()) return;
    if (stored > std::numeric_limits<std::uint32_t>::max()) {
      throw std::invalid_argument("a batch of more than 2^32 - 1 numbers that are stored");
    }
    Buffer<T> values(stored), sorted(by_column_ ? stored : 0);
    Buffer<std::uint32_t> columns(stored), rows(by_column_ ? stored : 0);
    values_ = std::move(values), sorted_ = std::move(sorted);
    columns_ = std::move(columns), rows_ = std::move(rows);
  }

  /// Reads the worker's share of a batch of `rows` rows, the r-th of which is row_of(r) of x.
  template <class RowOf>
  void read(const Share& share, const MatrixView& x, index rows, RowOf row_of, Leaving* leaving) {
    const index first = share.first(rows), last = share.last(rows);
    index at = 0;
    for (index r = 0; r < first; ++r) at += x.stored(row_of(r), row_of(r) + 1);
    for (index r = first; r < last; ++r) {
      if (leaving && r % 64 == 0 && leaving->now()) return;
      // Rows can be anywhere in memory: the next one is prefetched while this one is converted.
      if (r + 1 < last) fetch_stored(x, row_of(r + 1));
      const index row = row_of(r);
      starts_.data()[r] = static_cast<std::uint32_t>(at);
      read_stored(x, row, values_.data() + at, columns_.data() + at);
      at += x.stored(row, row + 1);
    }
    if (last == rows) starts_.data()[rows] = static_cast<std::uint32_t>(at);
  }

  StoredRows<T> rows() {
    return {values_.data(), columns_.data(), starts_.data(),
            ends_.data(),   sorted_.data(),  rows_.data()};
  }

 private:
  Buffer<T> values_, sorted_;
  Buffer<std::uint32_t> columns_, starts_, ends_, rows_;
  bool by_column_;
};

/// The most stored numbers in a batch of any `batch` rows of a sparse matrix, or somewhat more.
inline index most_stored(const MatrixView& sparse, index batch) {
  index longest = 0;
  for (index i = 0; i < sparse.rows; ++i) longest = std::max(longest, sparse.stored(i, i + 1));
  const index all = sparse.stored(0, sparse.rows);
  return longest > 0 && batch > all / longest ? all : batch * longest;
}

/// The mean number of stored numbers of a row; the number of columns if the matrix is dense.
inline double stored_per_row(const MatrixView& x) {
  if (!x.is_sparse()) return static_cast<double>(x.columns);
  return static_cast<double>(x.stored(0, x.rows)) / static_cast<double>(std::max<index>(1, x.rows));
}

}  // namespace foxnn
