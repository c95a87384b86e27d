// Products of bytes, written once against Dot (four products a column, added to a sum) and Ends
// (what becomes of sums), and compiled per kernel set. Sums are exact, so that neither tiles nor
// sets matter.
//
// A Dot has kColumns columns a sum; kSums sums together are put as kColumns * kSums columns, in
// order. (Instructions that add only two products need two sums for them.)
#pragma once

#ifdef __clang__
#define FOXNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FOXNN_UNROLL _Pragma("GCC unroll 16")
#endif

namespace foxnn {
namespace {

// The most rows and columns of a tile.
constexpr index kMostRows = 14, kMostColumns = 32;

// The bytes at which column `column` of the first group begins.
inline const std::int8_t* weights_at(const ByteProduct& product, index column) {
  const index panel = product.run_count * product.groups * kByteLine;
  return product.weights + column / kByteColumns * panel + column % kByteColumns * kByteGroup;
}

// sums[r][...] = products of R rows with V sums' columns from `column` on.
template <class D, int R, int V>
void sum_tile(const ByteProduct& product, const std::uint8_t* from, index column,
              std::int32_t* sums) {
  using Sum = typename D::Sum;
  const std::int8_t* lines[V];
  Sum held[R][V];
  FOXNN_UNROLL
  for (int v = 0; v < V; ++v) {
    lines[v] = weights_at(product, column + v * D::kColumns);
    const Sum first = D::start(product.bias + column + v * D::kColumns);
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) held[r][v] = first;
  }
  const index step = product.step;
  index place = 0;
  for (index run = 0; run < product.run_count; ++run) {
    const std::uint8_t* at = from + product.runs[run];
    for (index group = 0; group < product.groups; ++group, at += kByteGroup, place += kByteLine) {
      typename D::Weights weights[V];
      FOXNN_UNROLL
      for (int v = 0; v < V; ++v) weights[v] = D::weights(lines[v] + place);
      FOXNN_UNROLL
      for (int r = 0; r < R; ++r) {
        const typename D::Left left = D::left(at + r * step);
        FOXNN_UNROLL
        for (int v = 0; v < V; ++v) D::add(held[r][v], left, weights[v]);
      }
    }
  }
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    FOXNN_UNROLL
    for (int v = 0; v < V; v += D::kSums) {
      D::put(held[r] + v, sums + r * kMostColumns + v * D::kColumns);
    }
  }
}

// The same of so many rows, at most R.
template <class D, int R, int V>
void sum_rows(index rows, const ByteProduct& product, const std::uint8_t* from, index column,
              std::int32_t* sums) {
  if constexpr (R > 1) {
    if (rows < R) return sum_rows<D, R - 1, V>(rows, product, from, column, sums);
  }
  sum_tile<D, R, V>(product, from, column, sums);
}

// Sums of so many rows and columns as what the product gives. Bytes are written by whole vectors:
// what is behind the last column is the next row, which is written later. (What is written are
// bytes, which might be anything: so all that is read in the loop is copied before.)
template <class E>
void finish_rows(const ByteProduct& product, const std::int32_t* sums, index row, index rows,
                 index column, index columns) {
  const ByteFinish finish = product.finish;
  const float* const factors = finish.factors + column;
  const index width = product.columns, place = row * width + column;
  if (product.bytes && !finish.table) {
    std::uint8_t* bytes = product.bytes + place;
    for (index r = 0; r < rows; ++r, sums += kMostColumns, bytes += width) {
      for (index c = 0; c < columns; c += E::lanes) {
        E::to_bytes(sums + c, factors + c, finish.lowest, finish.highest, finish.offset, bytes + c);
      }
    }
    return;
  }
  std::uint8_t* const bytes = product.bytes ? product.bytes + place : nullptr;
  float* const numbers = product.bytes ? nullptr : product.numbers + place;
  for (index r = 0; r < rows; ++r, sums += kMostColumns) {
    alignas(64) float scaled[kMostColumns];
    for (index c = 0; c < columns; c += E::lanes) {
      E::to_floats(sums + c, factors + c, scaled + c);
    }
    for (index c = 0; c < columns; ++c) {
      if (numbers) {
        numbers[r * width + c] = scaled[c];
      } else {
        bytes[r * width + c] =
            finish.table[whole(scaled[c], finish.lowest, finish.highest) + finish.offset];
      }
    }
  }
}

// Columns [column, column + columns) of all rows, in tiles of about equal heights.
template <class D, class E, int R, int V>
void multiply_columns(const ByteProduct& product, index column, index columns) {
  static_assert(R <= kMostRows && V * D::kColumns <= kMostColumns);
  alignas(64) std::int32_t sums[kMostRows * kMostColumns];
  const index tiles = (product.rows + R - 1) / R;
  for (index tile = 0; tile < tiles; ++tile) {
    const index first = product.rows * tile / tiles;
    const index rows = product.rows * (tile + 1) / tiles - first;
    sum_rows<D, R, V>(rows, product, product.from + first * product.step, column, sums);
    finish_rows<E>(product, sums, first, rows, column, columns);
  }
}

// Written without branches, so that compilers make vectors of it.
bool quantize_numbers(index count, const float* x, float factor, float lowest, float highest,
                      std::int32_t offset, std::uint8_t* out) {
  constexpr index kLanes = 16;
  float wrong[kLanes] = {};  // NaN where something is not finite
  index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (index k = 0; k < kLanes; ++k) {
      wrong[k] += x[i + k] * 0.0f;
      out[i + k] = static_cast<std::uint8_t>(whole(x[i + k] * factor, lowest, highest) + offset);
    }
  }
  for (; i < count; ++i) {
    wrong[0] += x[i] * 0.0f;
    out[i] = static_cast<std::uint8_t>(whole(x[i] * factor, lowest, highest) + offset);
  }
  bool are_finite = true;
  for (index k = 0; k < kLanes; ++k) are_finite = are_finite && wrong[k] == 0.0f;
  return are_finite;
}

}  // namespace
}  // namespace foxnn
