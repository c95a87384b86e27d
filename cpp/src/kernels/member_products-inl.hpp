// Products for a population in lanes (members-inl.hpp): every weight and every input is a line, so
// that nothing is broadcast, and a tile loads all that it multiplies. Every element is the chain of
// gemm-inl.hpp.
#pragma once

#include "kernels/gemm-inl.hpp"
#include "kernels/member_table.hpp"

namespace foxnn {
namespace {

// The tile of a product of lines: R x C chains, with C lines of b and one of a in registers.
// 4 x 6 + 6 + 1 are 31 of the 32 registers of AVX-512, 4 x 3 + 3 + 1 all 16 of AVX2. The reference
// set has one tile of one line, which takes a tenth of the code.
constexpr bool kHasMemberTiles = kTileRows > 4;
constexpr int kMemberRows = kHasMemberTiles ? 4 : 1;
constexpr int kMemberColumns = kTileRows > 6 ? 6 : kHasMemberTiles ? 3 : 1;

// Tiles have 4 rows or 1, and 6, 4, 2 or 1 columns (3, 2 or 1): all sizes would take three times
// the code.
constexpr int member_rows(index left) { return left >= kMemberRows ? kMemberRows : 1; }
constexpr int member_columns(index left) {
  return left >= kMemberColumns ? kMemberColumns : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
constexpr bool has_member_tile(int rows, int columns) {
  return member_rows(rows) == rows && member_columns(columns) == columns;
}

// Where neighbours are at run time. The multiples that no address can have are hidden from the
// compiler, which would otherwise count up a pointer for each neighbour.
struct Distance {
  index one, three, five;

  explicit Distance(index distance) : one(distance), three(3 * distance), five(5 * distance) {
    __asm__("" : "+r"(three), "+r"(five));
  }
  [[gnu::always_inline]] index of(int i) const { return i == 3 ? three : i == 5 ? five : i * one; }
};

// Rows first ... first + rows - 1, a multiple of R, of C columns.
template <class T, int R, int C>
void member_tiles(const MemberProduct<T>& product, index first, index rows, index column) {
  const Distance next_row(product.a_row), next_column(product.b_column);
  const index steps = product.k, a_step = product.a_step, b_step = product.b_step;
  const Vec<T> zero = Vec<T>::all(T(0));
  for (index lane = 0; lane < kLineWidth<T>; lane += Vec<T>::lanes) {
    Vec<T> init[C];
    FOXNN_UNROLL
    for (int j = 0; j < C; ++j) {
      // Adding a zero turns a negative zero into a positive one, as `start` does.
      const T* const line = product.init + (column + j) * kLineWidth<T> + lane;
      init[j] = product.init ? Vec<T>::load(line) + zero : zero;
    }
    for (index row = first; row < first + rows; row += R) {
      const T* a = product.a + row * product.a_row + lane;
      const T* b = product.b + column * product.b_column + lane;
      Vec<T> sums[R][C];
      FOXNN_UNROLL
      for (int i = 0; i < R; ++i) {
        FOXNN_UNROLL
        for (int j = 0; j < C; ++j) sums[i][j] = init[j];
      }
      for (index p = 0; p < steps; ++p, a += a_step, b += b_step) {
        Vec<T> line[C];
        FOXNN_UNROLL
        for (int j = 0; j < C; ++j) line[j] = Vec<T>::load(b + next_column.of(j));
        FOXNN_UNROLL
        for (int i = 0; i < R; ++i) {
          const Vec<T> element = Vec<T>::load(a + next_row.of(i));
          FOXNN_UNROLL
          for (int j = 0; j < C; ++j) sums[i][j] = fma(element, line[j], sums[i][j]);
        }
      }
      T* const c = product.c + row * product.c_row + column * kLineWidth<T> + lane;
      FOXNN_UNROLL
      for (int i = 0; i < R; ++i) {
        FOXNN_UNROLL
        for (int j = 0; j < C; ++j) sums[i][j].store(c + i * product.c_row + j * kLineWidth<T>);
      }
    }
  }
}

template <class T>
struct MemberTiles {
  using Function = void (*)(const MemberProduct<T>&, index, index, index);
  Function of[kMemberRows + 1][kMemberColumns + 1] = {};

  template <int R = kMemberRows, int C = kMemberColumns>
  constexpr void fill() {
    if constexpr (has_member_tile(R, C)) of[R][C] = member_tiles<T, R, C>;
    if constexpr (C > 1) {
      fill<R, C - 1>();
    } else if constexpr (R > 1) {
      fill<R - 1>();
    }
  }
  constexpr MemberTiles() { fill(); }
};
template <class T>
constexpr MemberTiles<T> kMemberTiles;

// Columns are the outer loop: those of b stay in the first-level cache, where their tiles read them
// again and again, while a streams by.
template <class T>
void member_multiply(const MemberProduct<T>& product) {
  for (index column = 0; column < product.n;) {
    const int columns = member_columns(product.n - column);
    for (index row = 0; row < product.m;) {
      const int height = member_rows(product.m - row);
      const index rows = (product.m - row) / height * height;
      kMemberTiles<T>.of[height][columns](product, row, rows, column);
      row += rows;
    }
    column += columns;
  }
}

}  // namespace
}  // namespace foxnn
