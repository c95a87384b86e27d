// Sparse matrices by rows (CSR): checking their arrays, and reading their rows.
#include "data/sparse.hpp"

#include <algorithm>

namespace foxnn {
namespace {

// Calls f(column, number) for each stored number of row i, in double, as the scaling takes it.
template <class Function>
void each_stored(const MatrixView& sparse, index i, const Function& f) {
  const auto visit = [&](const auto* numbers) {
    for (std::int64_t at = sparse.starts[i]; at < sparse.starts[i + 1]; ++at) {
      f(static_cast<std::uint32_t>(sparse.stored_columns[at]), numbers[at]);
    }
  };
  switch (sparse.type) {
    case ElementType::f32:
      return visit(reinterpret_cast<const float*>(sparse.data));
    case ElementType::f64:
      return visit(reinterpret_cast<const double*>(sparse.data));
    case ElementType::u8:
      return visit(reinterpret_cast<const std::uint8_t*>(sparse.data));
  }
}

template <class T>
T scaled(const Scaling& scaling, double number, std::size_t column) {
  return static_cast<T>(scaling.apply(number, column));
}

}  // namespace

SparseFlaw flaw_of(const MatrixView& sparse, index stored, const StopRequest& stop) {
  constexpr std::int64_t kBetweenPolls = 1 << 22;  // some milliseconds
  std::int64_t next_poll = kBetweenPolls;
  const std::int64_t* starts = sparse.starts;
  if (starts[0] != 0 || starts[sparse.rows] > stored) return SparseFlaw::starts;
  // All of them before the first column is read: they say where the columns are.
  for (index i = 0; i < sparse.rows; ++i) {
    if (starts[i + 1] < starts[i]) return SparseFlaw::starts;
  }
  bool in_order = true;
  for (index i = 0; i < sparse.rows; ++i) {
    std::int64_t last = -1;
    if (starts[i] >= next_poll) {
      if (stop && stop()) return SparseFlaw::none;
      next_poll += kBetweenPolls;
    }
    for (std::int64_t at = starts[i]; at < starts[i + 1]; ++at) {
      const std::int64_t column = sparse.stored_columns[at];
      if (column < 0 || column >= sparse.columns) return SparseFlaw::columns;
      in_order = in_order && column > last;
      last = column;
    }
  }
  return in_order ? SparseFlaw::none : SparseFlaw::order;
}

template <class T>
void read_stored(const MatrixView& sparse, index i, T* values, std::uint32_t* columns) {
  const Scaling* scaling = sparse.scaling;
  if (!scaling) {
    each_stored(sparse, i, [&](std::uint32_t column, auto number) {
      *columns++ = column;
      *values++ = static_cast<T>(number);
    });
    return;
  }
  each_stored(sparse, i, [&](std::uint32_t column, auto number) {
    *columns++ = column;
    *values++ = scaled<T>(*scaling, static_cast<double>(number), column);
  });
}

template <class T>
void read_whole_row(const MatrixView& sparse, index i, const Rows<T>& out, std::uint32_t* nonzero) {
  const index step = out.panel / out.stride, n = sparse.columns;
  const Scaling* scaling = sparse.scaling;
  for (index p = 0; p * kPanelWidth<T> < n; ++p) {
    const index first = p * kPanelWidth<T>, count = std::min(kPanelWidth<T>, n - first);
    T* panel = out.data + p * out.panel;
    for (index c = 0; c < count; ++c) {
      panel[c] = scaling ? scaled<T>(*scaling, 0.0, static_cast<std::size_t>(first + c)) : T(0);
    }
  }
  each_stored(sparse, i, [&](std::uint32_t column, auto number) {
    T& place = out.data[column / kPanelWidth<T> * out.panel + column % kPanelWidth<T>];
    place =
        scaling ? scaled<T>(*scaling, static_cast<double>(number), column) : static_cast<T>(number);
  });
  for (index p = 0; nonzero && p * kPanelWidth<T> < n; ++p) {
    const index count = std::min(kPanelWidth<T>, n - p * kPanelWidth<T>);
    std::uint32_t bits = 0;
    for (index c = 0; c < count; ++c) {
      bits |= std::uint32_t{out.data[p * out.panel + c] != T(0)} << c;
    }
    nonzero[p * step] = bits;
  }
}

template void read_stored(const MatrixView&, index, float*, std::uint32_t*);
template void read_stored(const MatrixView&, index, double*, std::uint32_t*);
template void read_whole_row(const MatrixView&, index, const Rows<float>&, std::uint32_t*);
template void read_whole_row(const MatrixView&, index, const Rows<double>&, std::uint32_t*);

}  // namespace foxnn
