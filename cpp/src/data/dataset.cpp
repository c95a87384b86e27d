// Reading samples of any number type.
#include "foxnn/dataset.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "base/parallel.hpp"
#include "data/sparse.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

// Reading this much takes a millisecond, a hundred times as long as waking a team.
constexpr index kManyBytes = 16 << 20;

template <class Source>
const Source* as(const std::byte* p) {
  return reinterpret_cast<const Source*>(p);
}

// If the number of columns is known at compile time, a row is a few moves without a loop, and rows
// that follow each other (kPacked) are at fixed distances.
template <int kColumns, bool kPacked, class Source, class T>
void read_short_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* out,
                     index distance) {
  for (index r = 0; r < count; ++r, out += kPacked ? kColumns : distance) {
    const Source* row = as<Source>(matrix.row(order[r]));
    for (int i = 0; i < kColumns; ++i) out[i] = static_cast<T>(row[i]);
  }
}

template <bool kPacked, class Source, class T, int... kColumns>
void read_short_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* out,
                     index distance, std::integer_sequence<int, kColumns...>) {
  (void)((matrix.columns == kColumns + 1 &&
          (read_short_rows<kColumns + 1, kPacked, Source>(matrix, order, count, out, distance),
           true)) ||
         ...);
}

}  // namespace

namespace {

template <class T>
void read_sequence(const MatrixView& matrix, index i, const Rows<T>& out, std::uint32_t* nonzero,
                   T missing) {
  constexpr index kWidth = kPanelWidth<T>;
  MatrixView steps = matrix;
  steps.lengths = nullptr;
  steps.columns = matrix.columns_of(i);
  read_row(steps, i, out, nonzero);
  for (index c = steps.columns; c < matrix.columns;) {
    const index next = std::min(matrix.columns, (c / kWidth + 1) * kWidth);
    std::fill_n(out.at(0, c / kWidth) + c % kWidth, next - c, missing);
    if (nonzero && c % kWidth == 0) nonzero[c / kWidth * (out.panel / out.stride)] = 0;
    c = next;
  }
}

}  // namespace

template <class T>
void read_row(const MatrixView& matrix, index i, const Rows<T>& out, std::uint32_t* nonzero,
              T missing) {
  if (matrix.is_sparse()) return read_whole_row(matrix, i, out, nonzero);
  if (matrix.lengths) return read_sequence(matrix, i, out, nonzero, missing);
  const KernelTable<T>& k = kernels<T>();
  const std::byte* row = matrix.row(i);
  const index step = out.panel / out.stride, n = matrix.columns;
  if (matrix.scaling) {
    const double *shift = matrix.scaling->shift.data(), *factor = matrix.scaling->factor.data();
    switch (matrix.type) {
      case ElementType::f32:
        return k.read_scaled_f32(n, as<float>(row), shift, factor, out.data, out.panel, nonzero,
                                 step);
      case ElementType::f64:
        return k.read_scaled_f64(n, as<double>(row), shift, factor, out.data, out.panel, nonzero,
                                 step);
      case ElementType::u8:
        return k.read_scaled_u8(n, as<std::uint8_t>(row), shift, factor, out.data, out.panel,
                                nonzero, step);
    }
  }
  switch (matrix.type) {
    case ElementType::f32:
      return k.read_f32(n, as<float>(row), out.data, out.panel, nonzero, step);
    case ElementType::f64:
      return k.read_f64(n, as<double>(row), out.data, out.panel, nonzero, step);
    case ElementType::u8:
      return k.read_u8(n, as<std::uint8_t>(row), out.data, out.panel, nonzero, step);
  }
}

namespace {

template <bool kPacked, class T>
[[gnu::always_inline]] inline void copy_rows(const MatrixView& matrix, const std::uint32_t* order,
                                             index count, T* out, index distance) {
  if (matrix.scaling || matrix.is_sparse()) {
    for (index r = 0; r < count; ++r, out += distance) {
      read_row(matrix, order[r], Rows<T>{out, kPanelWidth<T>});
    }
    return;
  }
  const auto copy = [&]<class Source>(const Source*) {
    if (matrix.columns <= kShortRow) {
      using Lengths = std::make_integer_sequence<int, kShortRow>;
      return read_short_rows<kPacked, Source>(matrix, order, count, out, distance, Lengths());
    }
    for (index r = 0; r < count; ++r, out += distance) {
      const Source* row = as<Source>(matrix.row(order[r]));
      for (index i = 0; i < matrix.columns; ++i) out[i] = static_cast<T>(row[i]);
    }
  };
  switch (matrix.type) {
    case ElementType::f32:
      return copy(static_cast<const float*>(nullptr));
    case ElementType::f64:
      return copy(static_cast<const double*>(nullptr));
    case ElementType::u8:
      return copy(static_cast<const std::uint8_t*>(nullptr));
  }
}

}  // namespace

template <class T>
void read_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* out) {
  copy_rows<true>(matrix, order, count, out, matrix.columns);
}

template <class T>
void read_rows_apart(const MatrixView& matrix, const std::uint32_t* order, index count, T* out,
                     index distance) {
  copy_rows<false>(matrix, order, count, out, distance);
}

template <class T>
void read_target(const Samples& samples, index i, index outputs, const Rows<T>& out) {
  if (!samples.labels) return read_row(samples.outputs, i, out);
  std::fill_n(out.data, outputs, T(0));
  const index channels = outputs / samples.positions;
  samples.labels.visit(i * samples.positions, [&](const auto* labels) {
    for (index p = 0; p < samples.positions; ++p) {
      // The labels are the caller's array, which may be changed while it is learned.
      const auto label = static_cast<index>(labels[p]);
      if (label >= 0 && label < channels) out.data[p * channels + label] = T(1);
    }
  });
}

template <class T>
bool all_finite(const MatrixView& matrix) {
  const KernelSet& kernels = active_kernels();
  // Multiplied by this factor, a number too large for a float (from half a step above the largest
  // one, which is rounded up) becomes infinite in a double, too.
  constexpr bool kNarrows = sizeof(T) < sizeof(double);
  constexpr double kFirstTooLarge = double{std::numeric_limits<float>::max()} * (1.0 + 0x1p-25);
  constexpr double kFactor = kNarrows ? std::numeric_limits<double>::max() / kFirstTooLarge : 1.0;
  const auto numbers_are = [&](const std::byte* from, index count) {
    if (matrix.type == ElementType::f32)
      return kernels.f32.all_finite(count, as<float>(from), 1.0f);
    if (matrix.type == ElementType::f64) {
      return kernels.f64.all_finite(count, as<double>(from), kFactor);
    }
    return true;
  };
  const index bytes = bytes_of(matrix.type);
  const auto rows_are = [&](index first, index last) {
    if (matrix.is_sparse()) {
      return numbers_are(matrix.data + matrix.starts[first] * bytes, matrix.stored(first, last));
    }
    // Contiguous rows are read as one long row, which saves a call for each.
    if (matrix.row_bytes == matrix.columns * bytes && !matrix.lengths) {
      return numbers_are(matrix.row(first), (last - first) * matrix.columns);
    }
    for (index i = first; i < last; ++i) {
      if (!numbers_are(matrix.row(i), matrix.columns_of(i))) return false;
    }
    return true;
  };
  // Several cores read from memory faster than one.
  const index read =
      matrix.is_sparse() ? matrix.stored(0, matrix.rows) * bytes : matrix.rows * matrix.row_bytes;
  const bool large = read > kManyBytes;
  std::atomic<bool> finite{true};
  run_team(large ? allowed_workers(0).workers : 1, [&](const Team& team) {
    const Share share = team.share();
    if (!rows_are(share.first(matrix.rows), share.last(matrix.rows))) finite = false;
  });
  return finite;
}

namespace {

// The position of the first of `count` numbers that is no index; `count` if all are.
template <class Number>
index first_no_index(const Number* numbers, index count, index limit) {
  const double below = static_cast<double>(limit);
  const auto is_index = [below](Number given) {
    const double number = static_cast<double>(given);
    const bool is_within = number >= 0.0 && number < below;
    return is_within &&
           static_cast<double>(static_cast<std::int64_t>(is_within ? number : 0.0)) == number;
  };
  return std::find_if_not(numbers, numbers + count, is_index) - numbers;
}

}  // namespace

index first_no_index(const MatrixView& matrix, index limit) {
  const auto first_of = [&](const std::byte* from, index count) {
    switch (matrix.type) {
      case ElementType::f32:
        return first_no_index(as<float>(from), count, limit);
      case ElementType::f64:
        return first_no_index(as<double>(from), count, limit);
      case ElementType::u8:
        return first_no_index(as<std::uint8_t>(from), count, limit);
    }
    return count;
  };
  if (matrix.is_sparse()) {
    const index all = matrix.stored(0, matrix.rows), found = first_of(matrix.data, all);
    return found < all ? found : -1;
  }
  for (index i = 0; i < matrix.rows; ++i) {
    const index count = matrix.columns_of(i), found = first_of(matrix.row(i), count);
    if (found < count) return i * matrix.columns + found;
  }
  return -1;
}

template bool all_finite<float>(const MatrixView&);
template bool all_finite<double>(const MatrixView&);
template void read_row(const MatrixView&, index, const Rows<float>&, std::uint32_t*, float);
template void read_row(const MatrixView&, index, const Rows<double>&, std::uint32_t*, double);
template void read_rows(const MatrixView&, const std::uint32_t*, index, float*);
template void read_rows(const MatrixView&, const std::uint32_t*, index, double*);
template void read_rows_apart(const MatrixView&, const std::uint32_t*, index, float*, index);
template void read_rows_apart(const MatrixView&, const std::uint32_t*, index, double*, index);
template void read_target(const Samples&, index, index, const Rows<float>&);
template void read_target(const Samples&, index, index, const Rows<double>&);

}  // namespace foxnn
