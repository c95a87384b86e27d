// The register tiles of the matrix products, written once against Vec and compiled per kernel
// set. Every element of a result is one chain of fused multiply-adds over the inner dimension in
// ascending order, whichever tile computes it, so the bits do not depend on the tiling. Products
// with a zero on the left may be skipped: a chain is never a negative zero, so adding a zero to it
// changes nothing. Lists name the products that are computed.
#pragma once

// Sums stay in registers only if the loops over them are unrolled.
#ifdef __clang__
#define FOXNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FOXNN_UNROLL _Pragma("GCC unroll 16")
#endif

namespace foxnn {
namespace {

// From the first two vectors of a row to the next two, unless these are in the next panel.
template <class T>
constexpr index kTwoVectors = 2 * Vec<T>::lanes;

// Where vector v of a row is: each two are `next` elements after those before them.
template <class T>
[[gnu::always_inline]] inline index place_of(int v, index next) {
  return v / 2 * next + v % 2 * Vec<T>::lanes;
}

// R x V vectors of sums in registers. (g++ 12 would keep members of a struct in memory.)
template <class T, int R, int V>
[[gnu::always_inline]] inline void start(Vec<T> (&sums)[R][V], const T* init) {
  const Vec<T> zero = Vec<T>::all(T(0));
  FOXNN_UNROLL
  for (int v = 0; v < V; ++v) {
    // Adding a zero turns a negative zero into a positive one: see above.
    const Vec<T> first = init ? Vec<T>::load(init + v * Vec<T>::lanes) + zero : zero;
    FOXNN_UNROLL
    for (int r = 0; r < R; ++r) sums[r][v] = first;
  }
}

// Continues the chains that an earlier call has left in c.
template <class T, int R, int V>
[[gnu::always_inline]] inline void go_on(Vec<T> (&sums)[R][V], const T* c, index ldc,
                                         index next = kTwoVectors<T>) {
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) sums[r][v] = Vec<T>::load(c + r * ldc + place_of<T>(v, next));
  }
}

// sums[r] += a[r * lda] * b.
template <class T, int R, int V>
[[gnu::always_inline]] inline void add(Vec<T> (&sums)[R][V], const T* a, index lda, const T* b,
                                       index next = kTwoVectors<T>) {
  Vec<T> columns[V];
  FOXNN_UNROLL
  for (int v = 0; v < V; ++v) columns[v] = Vec<T>::load(b + place_of<T>(v, next));
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    const Vec<T> element = Vec<T>::all(a[r * lda]);
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) sums[r][v] = fma(element, columns[v], sums[r][v]);
  }
}

template <class T, int R, int V>
[[gnu::always_inline]] inline void store(const Vec<T> (&sums)[R][V], T* c, index ldc,
                                         index next = kTwoVectors<T>) {
  FOXNN_UNROLL
  for (int r = 0; r < R; ++r) {
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) sums[r][v].store(c + r * ldc + place_of<T>(v, next));
  }
}

// Steps of the inner loop per branch. With 4 it reaches 98 % of the peak, with 1 it reaches 94 %.
// Where all 16 registers are in use, g++ keeps a sum of 4 steps in memory (91 % of the peak); 2
// reach 97 %.
constexpr index kSteps = kTileRows > 6 ? 4 : 2;

template <index kCount>
[[gnu::always_inline]] inline void fetch_lines(const void* first) {
  constexpr int kSecondLevel = 2;
  FOXNN_UNROLL
  for (index i = 0; i < kCount; ++i) {
    __builtin_prefetch(static_cast<const char*>(first) + i * kLineBytes, 0, kSecondLevel);
  }
}

// Prefetches the next four lines.
[[gnu::always_inline]] inline void fetch_ahead(Ahead& ahead) {
  fetch_lines<4>(ahead.at + ahead.taken * kLineBytes);
  ahead.taken += 4;
  if (ahead.taken < ahead.lines) return;
  ahead.taken = 0;
  ahead.at += ahead.stride;
  --ahead.chunks;
}

// Group `i` of kErrandGroup steps does its share of the prefetching.
constexpr index kErrandGroup = 4;
[[gnu::always_inline]] inline void run_errands(Errands& errands, index i) {
  if (errands.weights.chunks > 0) fetch_ahead(errands.weights);
  if (errands.rows.chunks > 0 && i % errands.rows.pace == 0) fetch_ahead(errands.rows);
}

// The tile of a list: steps per branch (with four, g++ keeps some sums in memory and reaches 92 %
// of the peak instead of 95), and steps between two prefetches.
constexpr index kListSteps = 2, kErrandSteps = 16;

// c[R x V vectors] = init + a . b over k columns of a; or c += a . b. kCompact: the stride of a's
// rows is that of compact panels, so that one register addresses all of them.
template <class T, int R, int V, bool kCompact>
void multiply_tile(index k, const Rows<const T>& a, const T* b, index ldb, const T* init, T* c,
                   index ldc, Errands* errands, bool goes_on) {
  constexpr index kWidth = kPanelWidth<T>;
  Vec<T> sums[R][V];
  if (goes_on) {
    go_on<T>(sums, c, ldc);
  } else {
    start<T>(sums, init);
  }
  const index skip = kCompact ? kWidth : a.stride;
  const T* panel = a.data;
  for (index first = 0; first < k; first += kWidth, panel += a.panel) {
    const index count = k - first < kWidth ? k - first : kWidth;
    const T* at = panel;
    index p = 0;
    for (; p + kSteps <= count; p += kSteps, at += kSteps, b += kSteps * ldb) {
      const bool is_group = kSteps % kErrandGroup == 0 || p % kErrandGroup == 0;
      if (errands && is_group) run_errands(*errands, p / kErrandGroup);
      FOXNN_UNROLL
      for (index step = 0; step < kSteps; ++step) {
        add<T>(sums, at + step, skip, b + step * ldb);
      }
    }
    for (; p < count; ++p, ++at, b += ldb) add<T>(sums, at, skip, b);
  }
  store<T>(sums, c, ldc);
}

// The same over the columns of a list only, for compact panels.
template <class T, int R, int V, index kLines>
void multiply_listed_tile(const List& list, const Rows<const T>& a, const T* b, const T* init, T* c,
                          index ldc, const T* next, Errands* errands) {
  constexpr index kWidth = kPanelWidth<T>;
  Vec<T> sums[R][V];
  start<T>(sums, init);
  const std::uint32_t *items = list.items, *lines = list.lines;
  const T* first = a.data;
  const auto step = [&](index i) __attribute__((always_inline)) {
    // The hardware prefetcher does not follow a stream with gaps.
    const T* ahead = b + lines[i + kListSlack] * kLines;
    __builtin_prefetch(ahead);
    if (V * Vec<T>::lanes > kLineWidth<T>) __builtin_prefetch(ahead + kLineWidth<T>);
    add<T>(sums, first + items[i], kWidth, b + lines[i] * kLines);
  };
  index i = 0;
  while (i + kErrandSteps <= list.count) {
    for (index j = 0; errands && j < kErrandSteps / kErrandGroup; ++j) run_errands(*errands, j);
    for (index j = 0; next && j < kErrandSteps; ++j) fetch_lines<2>(next + lines[i + j] * kLines);
    for (const index end = i + kErrandSteps; i < end; i += kListSteps) {
      FOXNN_UNROLL
      for (index j = 0; j < kListSteps; ++j) step(i + j);
    }
  }
  for (; i < list.count; ++i) step(i);
  store<T>(sums, c, ldc);
}

// Cache lines that a tile prefetches while it computes: as many at each of `count` places.
template <class T>
struct Fetch {
  const T* at[3 * kPairPanels];
  int count;
  index lines;
};

// Adds `count` products, of the samples at offsets at_a(i) and at_b(i) from the first. The lines of
// the targets are prefetched one by one, each target's during its part of the samples: all at once
// they would fill the buffers that the loads of a and b need.
template <class T, int R, int V, class OffsetA, class OffsetB>
[[gnu::always_inline]] inline void add_samples(Vec<T> (&sums)[R][V], index count, const T* a,
                                               const T* b, index next, const Fetch<T>* fetch,
                                               OffsetA at_a, OffsetB at_b) {
  const auto step = [&](index i) __attribute__((always_inline)) {
    const T* row = a + at_a(i);
    hide_from_vectorizer(row);
    add<T>(sums, row, 1, b + at_b(i), next);
  };
  index i = 0;
  for (int t = 0; fetch && t < fetch->count; ++t) {
    const T* line = fetch->at[t];
    const index end = count * (t + 1) / fetch->count;
    const index fetched = end - i < fetch->lines ? end : i + fetch->lines;
    for (; i < fetched; ++i, line += kLineWidth<T>) {
      __builtin_prefetch(line, 1);
      step(i);
    }
    for (; i < end; ++i) step(i);
  }
  for (; i < count; ++i) step(i);
}

// c[R x V vectors] = a^T . b over the samples (those of the list, where there is one), for R
// columns of a panel of a. A row of c is as wide as a panel, of one line or two: V registers, where
// two of them are a whole one, so that all of c's rows have fixed distances.
template <class T, int R, int V, bool kCompact>
void multiply_transposed_tile(index samples, const List* list, const T* a, index lda, const T* b,
                              index ldb, T* c, index ldc, const Fetch<T>* fetch, bool goes_on) {
  if constexpr (kCompact) lda = ldb = kPanelWidth<T>;
  if constexpr (kPanelWidth<T> == 2 * Vec<T>::lanes) ldc = V * Vec<T>::lanes;
  Vec<T> sums[R][V];
  if (goes_on) {
    go_on<T>(sums, c, ldc);
  } else {
    start<T>(sums, nullptr);
  }
  if (list && list->items) {
    const std::uint32_t* items = list->items;
    const auto at_a = [=](index i) { return index{items[i]}; };
    const auto at_b = [=](index i) {
      return kCompact ? index{items[i]} : index{items[i]} / kPanelWidth<T> * ldb;
    };
    add_samples<T>(sums, list->count, a, b, kTwoVectors<T>, fetch, at_a, at_b);
  } else {
    const auto at_a = [=](index i) { return i * lda; };
    const auto at_b = [=](index i) { return i * ldb; };
    add_samples<T>(sums, samples, a, b, kTwoVectors<T>, fetch, at_a, at_b);
  }
  store<T>(sums, c, ldc);
}

// The most rows of a tile whose rows are neither those of compact panels nor neighbours: the
// pointers of more would hardly fit into registers. When there were tiles of 7, 4 in their place
// made few samples of two convolutions (of 32 and 64 filters) take 12 % longer.
constexpr int kFewRows = kTileRows > 6 ? 6 : kTileRows;
static_assert(has_tiles_up_to(kTileRows) && has_tiles_up_to(kFewRows));

// The tiles by number of rows, which is known only at run time.
template <class T, int V, bool kCompact>
struct Tiles {
  using Multiply = void (*)(index, const Rows<const T>&, const T*, index, const T*, T*, index,
                            Errands*, bool);
  using MultiplyListed = void (*)(const List&, const Rows<const T>&, const T*, const T*, T*, index,
                                  const T*, Errands*);
  using MultiplyTransposed = void (*)(index, const List*, const T*, index, const T*, index, T*,
                                      index, const Fetch<T>*, bool);
  Multiply multiply[kTileRows + 1] = {};
  // For panels of one line, and of two.
  MultiplyListed multiply_listed[2][kTileRows + 1] = {};
  MultiplyTransposed multiply_transposed[kTileRows + 1] = {};

  template <int R = kTileRows>
  constexpr void fill() {
    if constexpr (kCompact ? has_tiles_of(R) : R <= kFewRows) {
      multiply[R] = multiply_tile<T, R, V, kCompact>;
      if constexpr (kCompact && V * Vec<T>::lanes <= kLineWidth<T>) {
        multiply_listed[0][R] = multiply_listed_tile<T, R, V, 1>;
      }
      if constexpr (kCompact && V == 2) {
        multiply_listed[1][R] = multiply_listed_tile<T, R, V, 2>;
      }
      multiply_transposed[R] = multiply_transposed_tile<T, R, V, kCompact>;
    }
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr Tiles() { fill(); }
};
template <class T, int V, bool kCompact>
constexpr Tiles<T, V, kCompact> kTiles;

// Heights of tiles by the number of rows that are left: two divisions by numbers that are known at
// run time only would take longer than a small tile.
template <int kMost>
struct Heights {
  static constexpr index kLast = 128;
  std::uint8_t of[kLast + 1] = {};
  constexpr Heights() {
    for (index left = 1; left <= kLast; ++left) {
      of[left] = static_cast<std::uint8_t>(tile_height(left, kMost));
    }
  }
};
template <int kMost>
constexpr Heights<kMost> kHeights;

// Calls f(first row, rows) for each tile of at most kMost rows.
template <int kMost = kTileRows, class Function>
[[gnu::always_inline]] inline void each_tile(index rows, Function f) {
  if (rows > 0 && rows <= kMost && has_tiles_of(rows)) return f(index{0}, rows);
  for (index first = 0; first < rows;) {
    const index left = rows - first;
    const index height =
        left <= Heights<kMost>::kLast ? kHeights<kMost>.of[left] : tile_height(left, kMost);
    f(first, height);
    first += height;
  }
}

// A number of vectors that is known at compile time. (The standard library's has external linkage.)
template <int kCount>
struct Vectors {
  constexpr operator int() const { return kCount; }
};

// Calls f(first column, vectors) for the columns of one tile: two registers of them, or one where a
// panel of one line is one register.
template <class T, class Function>
[[gnu::always_inline]] inline void each_pair(index width, Function f) {
  constexpr index kPair = 2 * Vec<T>::lanes;
  index column = 0;
  for (; column + kPair <= width; column += kPair) f(column, Vectors<2>());
  if constexpr (kLineWidth<T> % kPair != 0) {
    if (column < width) f(column, Vectors<1>());
  }
}

// The most columns of a at a time, in whole panels, or none: all of them. A tile of six rows reads
// a line of weights for every six cycles' products. From the first-level cache it gets them (93 %
// of the peak), from the second not always (80 % with 784 columns, on a Xeon with AVX-512): 128
// columns of a panel are 16 KB, which stay near while all rows are multiplied. Larger tiles read
// fewer lines for a product, and reach the same from both.
constexpr index kColumnsAtOnce = kTileRows > 6 ? 0 : 128;

// A tile of rows at a time: where a panel takes several tiles of columns, the rows are still in the
// first-level cache for the second.
template <class T>
void multiply(index m, index k, const Rows<const T>& a, const T* panel, index width, const T* bias,
              T* c, index ldc, Errands* errands) {
  const bool is_compact = a.stride == kPanelWidth<T>;
  const index most = kColumnsAtOnce > 0 && m > kTileRows ? kColumnsAtOnce : k;
  index first = 0;
  do {  // without columns, too: the products are the bias then
    const index count = k - first < most ? k - first : most;
    const Rows<const T> part = a.from_panel(first / kPanelWidth<T>);
    const auto run = [&]<bool kCompact>(index row, index rows) {
      const Rows<const T> from = part.from_row(row);
      T* to = c + row * ldc;
      each_pair<T>(width, [&](index column, auto vectors) {
        kTiles<T, vectors, kCompact>.multiply[rows](count, from, panel + first * width + column,
                                                    width, bias ? bias + column : nullptr,
                                                    to + column, ldc, errands, first > 0);
      });
    };
    if (is_compact) {
      each_tile(m, [&](index row, index rows) { run.template operator()<true>(row, rows); });
    } else {
      each_tile<kFewRows>(
          m, [&](index row, index rows) { run.template operator()<false>(row, rows); });
    }
    first += most;
  } while (first < k);
}

template <class T>
void multiply_listed(index m, const List& list, const Rows<const T>& a, const T* panel, index width,
                     const T* bias, T* c, index ldc, const T* next, Errands* errands) {
  const bool two = width == 2 * kLineWidth<T>;
  each_pair<T>(width, [&](index column, auto vectors) {
    const auto tile = kTiles<T, vectors, true>.multiply_listed[two][m];
    tile(list, a, panel + column, bias + column, c + column, ldc, column == 0 ? next : nullptr,
         errands);
  });
}

// A list that skips less than this fraction is not used: the plain loop is faster by about as much.
constexpr index kWorthwhile = 8;

template <class T>
List list_columns(index rows, index k, const Rows<const T>& a, std::uint32_t* items) {
  std::uint32_t* lines = items + k;
  List list{items, lines, 0};
  const std::uint32_t* nonzero = a.nonzero;
  for (index first = 0, panel = 0; first < k; first += kPanelWidth<T>, panel += a.panel) {
    const index count = k - first < kPanelWidth<T> ? k - first : kPanelWidth<T>;
    std::uint32_t used = 0;
    for (index r = 0; r < rows; ++r) used |= nonzero[r];
    // No branch to predict: unused items are overwritten.
    for (index i = 0; i < count; ++i) {
      items[list.count] = static_cast<std::uint32_t>(panel + i);
      lines[list.count] = static_cast<std::uint32_t>((first + i) * kLineWidth<T>);
      list.count += (used >> i) & 1;
    }
    nonzero += a.panel / a.stride;
  }
  return list.count > k - k / kWorthwhile ? List{} : list;
}

template <class T>
List list_samples(index samples, const std::uint32_t* nonzero, std::uint32_t columns,
                  std::uint32_t* items) {
  List list{items, nullptr, 0};
  for (index s = 0; s < samples; ++s) {
    items[list.count] = static_cast<std::uint32_t>(s * kPanelWidth<T>);
    list.count += (nonzero[s] & columns) != 0;
  }
  return list.count > samples - samples / kWorthwhile ? List{} : list;
}

template <class T, int kMost = kTileRows>
void list_samples_of_tiles(index rows, index samples, const std::uint32_t* nonzero,
                           std::uint32_t* items, List* lists) {
  each_tile<kMost>(rows, [&](index row, index height) {
    const std::uint32_t columns = ((std::uint32_t{1} << height) - 1) << row;
    *lists++ = list_samples<T>(samples, nonzero, columns, items);
    items += samples;
  });
}

template <class T, int V>
void multiply_transposed_columns(index rows, index samples, const Rows<const T>& a,
                                 const List* lists, const T* b, index ldb, index width, T* c,
                                 const T* const* targets, bool goes_on) {
  const auto run = [&](const auto& tiles, index row, index height) {
    Fetch<T> fetch{{}, 3, height * width / kLineWidth<T>};
    for (int t = 0; t < 3 && targets; ++t) fetch.at[t] = targets[t] ? targets[t] + row * width : c;
    tiles.multiply_transposed[height](samples, lists, a.data + row, a.stride, b, ldb,
                                      c + row * width, width, targets ? &fetch : nullptr, goes_on);
  };
  const bool compact = a.stride == kPanelWidth<T> && ldb == kPanelWidth<T>;
  each_tile(rows, [&](index row, index height) {
    if (compact) {
      run(kTiles<T, V, true>, row, height);
    } else {  // the list of a tile serves all of its parts
      each_tile<kFewRows>(height, [&](index part, index part_height) {
        run(kTiles<T, V, false>, row + part, part_height);
      });
    }
    if (lists) ++lists;
  });
}

template <class T>
void multiply_transposed(index rows, index samples, const Rows<const T>& a, const List* lists,
                         const T* b, index ldb, index width, T* c, const T* const* targets,
                         bool goes_on) {
  each_pair<T>(width, [&](index column, auto vectors) {
    multiply_transposed_columns<T, vectors>(rows, samples, a, lists, b + column, ldb, width,
                                            c + column, column == 0 ? targets : nullptr, goes_on);
  });
}

template <class T>
T peak(index rounds, T x) {
  const Vec<T> factor = Vec<T>::all(x), term = Vec<T>::all(T(1) - x);
  Vec<T> sums[kPeakRegisters];
  FOXNN_UNROLL
  for (auto& sum : sums) sum = term;
  for (index i = 0; i < rounds; ++i) {
    FOXNN_UNROLL
    for (auto& sum : sums) sum = fma(sum, factor, term);
  }
  Vec<T> all = sums[0];
  for (const auto& sum : sums) all = all + sum;
  T lane[Vec<T>::lanes];
  all.store(lane);
  return lane[0];
}

template <class T>
void sum_rows(index samples, const T* b, index ldb, index width, T* sums, bool goes_on) {
  // Two chains at a time: each waits for itself.
  each_pair<T>(width, [&](index column, auto vectors) {
    constexpr int V = vectors;
    Vec<T> sum[V];
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const index at = column + v * Vec<T>::lanes;
      sum[v] = goes_on ? Vec<T>::load(sums + at) : Vec<T>::all(T(0));
    }
    for (index s = 0; s < samples; ++s) {
      FOXNN_UNROLL
      for (int v = 0; v < V; ++v) {
        sum[v] = sum[v] + Vec<T>::load(b + s * ldb + column + v * Vec<T>::lanes);
      }
    }
    FOXNN_UNROLL
    for (int v = 0; v < V; ++v) sum[v].store(sums + column + v * Vec<T>::lanes);
  });
}

// A block that is smaller than L x L: its rows are padded with zeros.
template <class T>
void transpose_part(index rows, index columns, const T* source, index lds, T* target, index ldt) {
  constexpr index L = Vec<T>::lanes;
  const Vec<T> zero = Vec<T>::all(T(0));
  if (rows <= 2 || columns < L) {
    for (index j = 0; j < columns; ++j) {
      if (rows < L) zero.store(target + j * ldt);
      for (index i = 0; i < rows; ++i) target[j * ldt + i] = source[i * lds + j];
    }
    return;
  }
  alignas(kLineBytes) T block[L * L] = {};
  for (index i = 0; i < rows; ++i) Vec<T>::load(source + i * lds).store(block + i * L);
  Vec<T>::transpose(block, L, target, ldt);
}

template <class T>
[[gnu::noinline]] void transpose(index rows, index columns, const T* source, index lds, T* target,
                                 index ldt) {
  constexpr index L = Vec<T>::lanes;
  for (index i = 0; i < rows; i += L) {
    for (index j = 0; j < columns; j += L) {
      const T* from = source + i * lds + j;
      T* to = target + j * ldt + i;
      if (i + L <= rows && j + L <= columns) {
        Vec<T>::transpose(from, lds, to, ldt);
      } else {
        transpose_part(i + L < rows ? L : rows - i, j + L < columns ? L : columns - j, from, lds,
                       to, ldt);
      }
    }
  }
  if constexpr (L < kLineWidth<T>) {
    const index padded = (rows + kLineWidth<T> - 1) / kLineWidth<T> * kLineWidth<T>;
    for (index i = (rows + L - 1) / L * L; i < padded; i += L) {
      for (index j = 0; j < columns; ++j) Vec<T>::all(T(0)).store(target + j * ldt + i);
    }
  }
}

}  // namespace
}  // namespace foxnn
