// The register tiles of the matrix products, written once against Vec and compiled per kernel
// set. Every element of a result is one chain of fused multiply-adds over the inner dimension in
// ascending order, whatever the tile that holds it: so the bits do not depend on the tiling.
#pragma once

namespace foxnn {
namespace {

// c[R x V vectors] = init + a . b over k terms. kTransposed: a is [k x R] instead of [R x k].
template <class T, int R, int V, bool kTransposed>
void multiply_tile(index k, const T* a, index lda, const T* b, index ldb, const T* init, T* c,
                   index ldc) {
  using V1 = Vec<T>;
  V1 sums[R][V];
  for (int v = 0; v < V; ++v) {
    const V1 start = init ? V1::load(init + v * V1::lanes) : V1::all(T(0));
    for (int r = 0; r < R; ++r) sums[r][v] = start;
  }
  for (index p = 0; p < k; ++p) {
    V1 columns[V];
    for (int v = 0; v < V; ++v) columns[v] = V1::load(b + p * ldb + v * V1::lanes);
    for (int r = 0; r < R; ++r) {
      const V1 element = V1::all(kTransposed ? a[p * lda + r] : a[r * lda + p]);
      for (int v = 0; v < V; ++v) sums[r][v] = fma(element, columns[v], sums[r][v]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) sums[r][v].store(c + r * ldc + v * V1::lanes);
  }
}

template <class T>
using Tile = void (*)(index, const T*, index, const T*, index, const T*, T*, index);

// The tile of a number of rows that is only known at run time.
template <class T, int V, bool kTransposed, int R = kTileRows>
Tile<T> tile_of(index rows) {
  if constexpr (R == 1) {
    return multiply_tile<T, 1, V, kTransposed>;
  } else {
    return rows == R ? multiply_tile<T, R, V, kTransposed>
                     : tile_of<T, V, kTransposed, R - 1>(rows);
  }
}

// All rows, in tiles as equal as can be: 32 rows are 11 + 11 + 10, not 14 + 14 + 4, for a tile of
// few rows waits for its own sums.
template <class T, int V, bool kTransposed>
void multiply_columns(index rows, index k, const T* a, index lda, const T* b, index ldb,
                      const T* init, T* c, index ldc) {
  index tiles = (rows + kTileRows - 1) / kTileRows;
  while (rows > 0) {
    const index height = (rows + tiles - 1) / tiles;
    tile_of<T, V, kTransposed>(height)(k, a, lda, b, ldb, init, c, ldc);
    a += height * (kTransposed ? 1 : lda);
    c += height * ldc;
    rows -= height;
    --tiles;
  }
}

template <class T, bool kTransposed>
void multiply_panel(index rows, index k, const T* a, index lda, const T* b, index ldb, index width,
                    const T* init, T* c, index ldc) {
  constexpr index kPair = 2 * Vec<T>::lanes;
  index column = 0;
  for (; column + kPair <= width; column += kPair) {
    multiply_columns<T, 2, kTransposed>(rows, k, a, lda, b + column, ldb,
                                        init ? init + column : nullptr, c + column, ldc);
  }
  for (; column < width; column += Vec<T>::lanes) {
    multiply_columns<T, 1, kTransposed>(rows, k, a, lda, b + column, ldb,
                                        init ? init + column : nullptr, c + column, ldc);
  }
}

template <class T>
void multiply(index m, index k, const T* a, index lda, const T* panel, index width, const T* bias,
              T* c, index ldc) {
  multiply_panel<T, false>(m, k, a, lda, panel, width, width, bias, c, ldc);
}

template <class T>
void multiply_transposed(index rows, index samples, const T* a, index lda, const T* b, index ldb,
                         index width, T* c) {
  multiply_panel<T, true>(rows, samples, a, lda, b, ldb, width, nullptr, c, width);
}

template <class T>
void sum_rows(index samples, const T* b, index ldb, index width, T* sums) {
  for (index column = 0; column < width; column += Vec<T>::lanes) {
    Vec<T> sum = Vec<T>::all(T(0));
    for (index s = 0; s < samples; ++s) sum = sum + Vec<T>::load(b + s * ldb + column);
    sum.store(sums + column);
  }
}

template <class T>
void transpose(index rows, index columns, const T* source, index lds, T* target, index ldt) {
  constexpr index L = Vec<T>::lanes;
  for (index i = 0; i < rows; i += L) {
    for (index j = 0; j < columns; j += L) {
      if (i + L <= rows && j + L <= columns) {
        Vec<T>::transpose(source + i * lds + j, lds, target + j * ldt + i, ldt);
        continue;
      }
      const index row_end = i + L < rows ? i + L : rows, end = j + L < columns ? j + L : columns;
      for (index jj = j; jj < end; ++jj) {
        for (index ii = i; ii < row_end; ++ii) target[jj * ldt + ii] = source[ii * lds + jj];
      }
    }
  }
  const index padded = (rows + kLineWidth<T> - 1) / kLineWidth<T> * kLineWidth<T>;
  for (index j = 0; j < columns; ++j) {
    for (index i = rows; i < padded; ++i) target[j * ldt + i] = T(0);
  }
}

}  // namespace
}  // namespace foxnn
