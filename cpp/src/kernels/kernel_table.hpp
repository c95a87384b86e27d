// What a kernel set provides: plain functions on plain arrays, one table per number type. A set is
// compiled for one instruction set in a separate file; dispatch.cpp chooses among the sets.
//
// Shapes. Weights lie in panels: a panel holds `width` neighbouring neurons of all inputs, input by
// input, [inputs][width]. A width is 64 or 128 bytes; a batch's rows are padded to it, and kernels
// may overwrite the padding: weights there are zero. A kernel that reads whole rows of a batch
// takes them as Rows (rows.hpp); within a panel a stride (ld...) is enough.
#pragma once

#include <cstddef>
#include <cstdint>

#include "foxnn/activation.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/optimizer.hpp"
#include "foxnn/rows.hpp"

namespace foxnn {

/// Bytes to which a row of neurons is padded: one AVX-512 register, and a line of the cache.
inline constexpr index kLineBytes = 64;

template <class T>
inline constexpr index kLineWidth = kLineBytes / static_cast<index>(sizeof(T));

/// The number of items that a tile looks ahead in its list of columns.
inline constexpr index kListSlack = 8;

/// Columns or samples whose products are computed; an empty list: all of them. Items are offsets
/// into compact panels, ready to use: a tile has no cycle to spare for computing them. For columns,
/// `lines` has the offset of their weights, in lines of the panel's first line.
struct List {
  const std::uint32_t* items = nullptr;
  const std::uint32_t* lines = nullptr;
  index count = 0;
};
/// Memory that tiles prefetch while they compute, so that it is in the second-level cache when it
/// is needed: `chunks` pieces of `lines` cache lines, `stride` bytes apart. A tile prefetches four
/// lines every `pace` times four steps, and leaves the rest to the next tile.
struct Ahead {
  const char* at = nullptr;
  index stride = 0, lines = 0, chunks = 0;
  index pace = 1;
  index taken = 0;  ///< lines of the current chunk

  Ahead() = default;
  Ahead(const void* first, index stride_, index lines_, index chunks_, index pace_ = 1)
      : at(static_cast<const char*>(first)),
        stride(stride_),
        lines(lines_),
        chunks(chunks_),
        pace(pace_) {}
};
/// What a product prefetches: weights, and rows.
struct Errands {
  Ahead weights, rows;
};
/// Panels of weights that a tile of two of them multiplies.
inline constexpr int kPairPanels = 2;

/// The most tiles in a panel of inputs: 32 columns in tiles of 4, the smallest of any kernel set.
inline constexpr index kMostTiles = 8;

/// Whether kernels have tiles of so many rows: of more than six, only even numbers, since the odd
/// ones would make the code of the widest kernel set by a third larger.
constexpr bool has_tiles_of(index rows) { return rows <= 6 || rows % 2 == 0; }

/// The rows of the next tile where `left` are left, at most `most`, of which there are tiles. All
/// are of nearly equal size: 32 rows make 12 + 10 + 10, and not 14 + 14 + 4, because a tile of few
/// rows waits for its own sums.
constexpr index tile_height(index left, index most) {
  const index tiles = (left + most - 1) / most, height = (left + tiles - 1) / tiles;
  if (has_tiles_of(height)) return height;
  if (height < left) return height + 1;
  // An odd number in two tiles: 13 rows make 8 + 5.
  const index half = (left + 1) / 2;
  return has_tiles_of(half) ? half : half + 1;
}

/// Whether kernels have all tiles that tile_height asks for.
constexpr bool has_tiles_up_to(index most) {
  for (index left = 1; left <= 8 * most; ++left) {
    const index height = tile_height(left, most);
    if (height < 1 || height > most || height > left || !has_tiles_of(height)) return false;
  }
  return true;
}

/// The coefficients of a step of an optimizer, in the type of the parameters.
template <class T>
struct UpdateArguments {
  T rate;
  T decay, gain;  ///< of the first moment: its decay, and the factor of a new gradient
  T decay_squares, gain_squares;  ///< of the second
  T square_scale, epsilon;
};

/// A line of weights over a batch in lanes: the columns of its channel from the first position on,
/// and the positions that it reads, one for each output position.
template <class T>
struct LaneLine {
  const T* x = nullptr;
  const std::uint32_t* positions = nullptr;
};

/// The most lines of weights of a tile of any kernel set.
inline constexpr index kMostLaneLines = 4;

/// The cells of recurrent layers.
enum class Cell { rnn, gru, lstm };
inline constexpr int kCellCount = 3;

/// Rows of a step of a recurrent layer, for the units of a panel. All are kPanelWidth apart.
template <class T>
struct CellStep {
  T* gates = nullptr;  ///< those of the units; those of the next gate are `panel` apart
  index panel = 0;
  const T* before = nullptr;  ///< the memory (LSTM) or the state (GRU) before the step
  T* memory = nullptr;        ///< LSTM: after it, and its tanh
  T* squashed = nullptr;
  T* h = nullptr;  ///< the state after it
  T* y = nullptr;  ///< the same once more, ldy apart; null: it is not wanted
  index ldy = 0;
};
/// The same on the way back.
template <class T>
struct CellBack {
  T* gates = nullptr;
  index panel = 0;
  const T* before = nullptr;
  const T* squashed = nullptr;
  const T* later = nullptr;  ///< d loss / d h by the next step's products
  const T* delta = nullptr;  ///< and as the layer's output, ldd apart; null: 0
  index ldd = 0;
  /// d loss / d memory (LSTM), or what of d loss / d h does not go through products (GRU): of the
  /// next step, and then of this one.
  T* carry = nullptr;
};

/// Elementary functions, for tests, initializers and tables.
enum class MathFunction { exp, log, tanh, sigmoid, sin, cos, atan, normal_cdf };
inline constexpr int kMathFunctionCount = 8;

/// Registers that KernelTable::peak uses: more than a latency of 4 cycles on two ports needs.
inline constexpr index kPeakRegisters = 12;

/// Blocks of random bits made at once: four registers of the widest.
inline constexpr index kPhiloxBlocks = 64;

/// Sums into which column_sums deals out rows.
inline constexpr index kColumnSums = 4;

/// The numbers of a loss: one, or one for each output, up to the end of a line.
template <class T>
struct LossNumbers {
  const T* values;
  index outputs_per_target;
};

/// Losses of rows of n outputs, and their derivatives. A loss that is a sum over the outputs is, if
/// `lanes` is not null, added to a line of sums per row in place of `loss`: a row may have many
/// parts, and adding up the lanes of each would take longer than the rest.
template <class T>
using LossKernel = void (*)(index rows, index n, const T* a, index lda, const T* y, index ldy,
                            T scale, T* delta, index ldd, double* loss, T* lanes,
                            LossNumbers<T> numbers);

/// The step of an optimizer: w and its moments with the gradients g.
template <class T>
using UpdateKernel = void (*)(index n, T* w, const T* g, T* m, T* v, UpdateArguments<T> c);

template <class T>
struct KernelTable {
  /// Numbers in a register.
  int lanes;
  /// The most rows of a tile, and lines of weights of that of add_lane_products.
  int tile_rows, lane_lines;
  /// The most rows of a tile of two panels; 0: there is none, as where a register is less than half
  /// a panel, and functions whose names end with "pair" are null.
  int pair_rows;

  /// c[m x width] = bias + a[m x k] . panel[k x width]; no bias, or no prefetching, if they are
  /// null.
  void (*multiply)(index m, index k, const Rows<const T>& a, const T* panel, index width,
                   const T* bias, T* c, index ldc, Errands* errands);
  /// The same for one row, with `panels` panels of kPanelWidth that follow each other; those of c
  /// are `distance` apart. If `bias` is c, the sums that are there go on.
  void (*multiply_row)(index k, const Rows<const T>& a, const T* weights, index panels,
                       const T* bias, T* c, index distance);
  /// The same for one tile of rows of compact panels, over the columns of a list. Prefetches
  /// those of the panel `next`, unless it is null.
  void (*multiply_listed)(index m, const List& list, const Rows<const T>& a, const T* panel,
                          index width, const T* bias, T* c, index ldc, const T* next,
                          Errands* errands);
  /// multiply and multiply_listed for two whole panels of weights, `next` elements apart, where all
  /// panels are compact: c is that of the first, and c + part of the second.
  void (*multiply_pair)(index m, index k, const Rows<const T>& a, const T* panel, index next,
                        const T* bias, T* c, index part, Errands* errands);
  void (*multiply_listed_pair)(index m, const List& list, const Rows<const T>& a, const T* panel,
                               index next, const T* bias, T* c, index part, Errands* errands);
  /// The columns of k in which not all of these rows are zero, in items[2 k + kListSlack]; an empty
  /// list if too few columns are zero to be worth it.
  List (*list_columns)(index rows, index k, const Rows<const T>& a, std::uint32_t* items);
  /// c[rows x width] = a^T . b for the first `rows` columns of one panel of a[samples], and
  /// b[samples x width]; c is dense. Meanwhile it prefetches `rows` x `width` elements at each of
  /// `targets`. `lists`, if given, name the samples by tile.
  /// `goes_on`: c holds what earlier samples have given, and the bits become those of one call.
  void (*multiply_transposed)(index rows, index samples, const Rows<const T>& a, const List* lists,
                              const T* b, index ldb, index width, T* c, const T* const* targets,
                              bool goes_on);
  /// The lists for multiply_transposed, at most kMostTiles, in items[kMostTiles x samples].
  void (*list_samples)(index rows, index samples, const std::uint32_t* nonzero,
                       std::uint32_t* items, List* lists);
  /// multiply_transposed for two whole panels of b, `next` elements apart, where all panels are
  /// compact: c has rows x kPanelWidth numbers for the first, and then as many for the second.
  /// `targets` are three for each. `lists` are those of list_samples_of_pairs.
  void (*multiply_transposed_pair)(index rows, index samples, const T* a, const List* lists,
                                   const T* b, index next, T* c, const T* const* targets,
                                   bool goes_on);
  void (*list_samples_of_pairs)(index rows, index samples, const std::uint32_t* nonzero,
                                std::uint32_t* items, List* lists);
  /// c[m x width] = init + the products of the columns of `stretches` with their lines of b[lines x
  /// width], one after the other; rows of a are lda apart. No init if it is null.
  void (*multiply_stretches)(index m, const Stretch* stretches, index count, const T* a, index lda,
                             const T* b, index width, const T* init, T* c, index ldc);
  /// The same for two whole panels of b, `next` elements apart, where all panels are compact: c is
  /// that of the first, and c + part of the second.
  void (*multiply_stretches_pair)(index m, const Stretch* stretches, index count, const T* a,
                                  const T* b, index next, const T* init, T* c, index part);
  /// The same as multiply_stretches for a line of which at most the first half are filters; the
  /// rest of c becomes zero. Sums below `least` are replaced by it.
  void (*multiply_half)(index m, const Stretch* stretches, index count, const T* a, index lda,
                        const T* b, const T* init, T least, T* c, index ldc);
  /// c[rows x a line] = a^T . b for the first `rows` columns of one panel of a[samples], and
  /// b[samples x half a line]; the rest of c becomes zero.
  void (*multiply_transposed_half)(index rows, index samples, const T* a, index lda, const T* b,
                                   index ldb, T* c);
  /// c[rows x width] += the sum over the positions, and at each over the samples, of the products
  /// of row r's column, a + columns[position * step + r], with b + places[position]. A step of 1:
  /// the columns of the rows are neighbours, and only the first is given; otherwise it is `rows`.
  /// At most tile_rows rows; c is dense. No prefetching if `errands` is null.
  void (*add_products)(index rows, index samples, index positions, const index* columns, index step,
                       const index* places, const T* a, index lda, const T* b, index ldb,
                       index width, T* c, Errands* errands);
  /// The same for two whole panels of b, `next` elements apart, where the columns of the rows are
  /// neighbours and all panels compact: c is that of the first, and c + part of the second.
  void (*add_products_pair)(index rows, index samples, index positions, const index* columns,
                            const index* places, const T* a, const T* b, index next, T* c,
                            index part, Errands* errands);
  /// The same two products over a panel of a batch in lanes (lanes-inl.hpp), whose rows are columns
  /// of kPanelWidth samples. c[rows x width] = init + the products of the columns of `stretches`
  /// with their lines of weights[lines x ldw], the first `rows` of each.
  void (*multiply_lanes)(index rows, const Stretch* stretches, index count, const T* weights,
                         index ldw, const T* x, index width, const T* init, T* c);
  /// The same for whole panels at two positions, of which the second has its columns `next`
  /// elements further on, and its sums `part`.
  void (*multiply_lanes_pair)(index rows, const Stretch* stretches, index count, const T* weights,
                              index ldw, const T* x, index next, const T* init, T* c, index part);
  /// sums[rows x filters x a line] += the products of the columns of each line of weights, `pitch`
  /// from one position to the next, with those of `filters` deltas, position by position, in
  /// `groups` lines of samples. At most lane_lines rows.
  void (*add_lane_products)(index rows, index filters, const LaneLine<T>* lines, index pitch,
                            index positions, index groups, const T* delta, index ldd, T* sums);
  /// sums[count, padded to a line] = the sums of lanes[count x a line], by halves.
  void (*sum_lanes)(index count, const T* lanes, T* sums);
  /// Channel by channel: c[m x width] = init + the products of a + column of all taps with line b +
  /// line * ldb, one after the other; rows of a are lda apart. No init if it is null.
  void (*multiply_taps)(index m, const Stretch* taps, index count, const T* a, index lda,
                        const T* b, index ldb, index width, const T* init, T* c, index ldc);
  /// Channel by channel: c[taps x width] += the sum over the positions, and at each over the
  /// samples, of the products of a + columns[position * taps + tap] with b + places[position]. At
  /// most tile_rows taps.
  void (*add_taps)(index taps, index samples, index positions, const index* columns,
                   const index* places, const T* a, index lda, const T* b, index ldb, index width,
                   T* c, index ldc);
  /// out[s] = init + the sum of values[i] lines[items[i]] over the items from ends[s - 1] (of the
  /// first sum: begin) to ends[s], for `sums` sums (at least one) of `width`; no init if it is
  /// null. Lines are `stride` apart.
  void (*sum_lines)(index sums, std::uint32_t begin, const std::uint32_t* ends, const T* values,
                    const std::uint32_t* items, const T* lines, index stride, index width,
                    const T* init, T* out, index ldo);
  /// For layers of at most a line of neurons (narrow-inl.hpp): rows are ldc apart and not padded,
  /// though a whole line is written for each. c[samples x line] = init + a[samples x k] .
  /// weights[k x line].
  void (*narrow_multiply)(index samples, index k, const T* a, index lda, const T* weights,
                          const T* init, T* c, index ldc);
  /// gradient[k x line] = a^T . b for b[samples x n], followed by a line with the sums of b.
  void (*narrow_gradient)(index samples, index k, const T* a, index lda, const T* b, index ldb,
                          index n, T* gradient);
  /// The same added to what earlier samples have given, with the bits of one call for all.
  void (*narrow_gradient_on)(index samples, index k, const T* a, index lda, const T* b, index ldb,
                             index n, T* gradient);
  /// sums[width] = the sum of b[samples x width] over the samples.
  void (*sum_rows)(index samples, const T* b, index ldb, index width, T* sums, bool goes_on);
  /// target[columns x rows padded to a line] = source[rows x columns] transposed; the padding is
  /// set to zero.
  void (*transpose)(index rows, index columns, const T* source, index lds, T* target, index ldt);

  /// z = f(z) on [rows x width], in place.
  void (*activate[kActivationCount])(index rows, index width, T* z, index ldz, T parameter);
  /// The same, and the slope f'(z) for the backward pass, only for activations whose slope cannot
  /// be computed from f(z); for the others `slope` is untouched and may be null.
  void (*activate_keep[kActivationCount])(index rows, index width, T* z, index ldz, T* slope,
                                          index lds, T parameter);
  /// delta *= f'(z), from the kept slope, or from the output if none is kept.
  void (*apply_slope[kActivationCount])(index rows, index width, T* delta, index ldd, const T* kept,
                                        index ldk, T parameter);
  bool keeps_slope[kActivationCount];

  /// z = softmax(z) by rows of n.
  void (*softmax)(index rows, index n, T* z, index ldz);
  /// delta_i = a_i (delta_i - sum_j delta_j a_j): back through a softmax with outputs a.
  void (*softmax_backward)(index rows, index n, T* delta, index ldd, const T* a, index lda);

  /// The loss of each row from the outputs a, and delta = scale * d loss / d a unless delta is
  /// null; a null pointer for losses that are computed from the preactivations only. If rows of at
  /// most 4 are contiguous, a line is read and written after the last.
  LossKernel<T> loss_of_outputs[kLossCount];
  /// The same from the preactivations z of the activations that the loss is joined with;
  /// delta = scale * d loss / d z.
  LossKernel<T> loss_of_sums[kLossCount];
  /// loss[r] += the sum of row r's line, for parts of n outputs; lines are zero afterwards.
  void (*add_lanes)(index rows, index n, T* lanes, double* loss);
  /// matches[r] = 1 if the largest number of a's row and that of y's row are in the same place; of
  /// equal numbers the first counts.
  void (*match)(index rows, index n, const T* a, index lda, const T* y, index ldy,
                std::uint8_t* matches);
  /// matches[r] = 1 if, throughout the row, z is above 0 exactly where y is above 1/2.
  void (*match_sides)(index rows, index n, const T* z, index ldz, const T* y, index ldy,
                      std::uint8_t* matches);

  /// w and its moments after a step with the gradients g; unused moments are null.
  UpdateKernel<T> update[kOptimizerCount];
  /// g += l1 sign(w) + l2 w.
  void (*add_penalty)(index n, T* g, const T* w, T l1, T l2);
  /// Clips g to -most ... most.
  void (*clip)(index n, T* g, T most);
  /// x += y, lines of them.
  void (*add_to)(index n, T* x, const T* y);
  /// x *= factor.
  void (*scale)(index n, T* x, T factor);
  /// x -= part x, rounded once: 1 - part would lose the last digits of a small part, the same ones
  /// in every step.
  void (*shrink)(index n, T* x, T part);
  /// The sum of the squares of n numbers, n a multiple of a line: by lanes of a line, then in
  /// pairs.
  double (*sum_squares)(index n, const T* x);
  /// c = a * b on [rows x width].
  void (*multiply_elements)(index rows, index width, const T* a, index lda, const T* b, index ldb,
                            T* c, index ldc);

  /// y = (x - mean) / sqrt(variance + epsilon) * gain + shift by rows of n; statistics[2 r], if
  /// given, becomes the mean of row r, and the next number the factor of its deviations.
  /// Padding becomes 0.
  void (*layer_norm)(index rows, index n, const Rows<const T>& x, const T* gain, const T* shift,
                     T epsilon, const Rows<T>& y, T* statistics);
  /// From delta = d loss / d y to d loss / d x.
  void (*layer_norm_backward)(index rows, index n, const Rows<const T>& x, const T* gain,
                              const T* statistics, const Rows<const T>& delta,
                              const Rows<T>& below);
  /// Adds d loss / d gain and d loss / d shift of some rows, for `width` columns of a panel.
  void (*layer_norm_gradient)(index rows, index width, const T* x, index ldx, const T* statistics,
                              const T* delta, index ldd, T* gain, T* shift);

  /// From the gates' preactivations to their values and the state after a step.
  void (*cell[kCellCount])(index rows, index width, CellStep<T> step);
  /// From the gates' values to d loss / d preactivations, in place.
  void (*cell_back[kCellCount])(index rows, index width, CellBack<T> step);
  /// sums[gates x a panel] += the rows of b + places[position], position by position and within it
  /// sample by sample. The panel of the next gate is `distance` after it.
  void (*sum_gates)(index samples, index positions, const index* places, index gates,
                    index distance, const T* b, index width, T* sums);

  /// For a line of columns: adds a to `first`, and a (x - mean) to `second`, where a is `other`, or
  /// x - mean if that is null. Both have kColumnSums lines, which are to be added up. This and the
  /// next two prefetch what lies `ahead` of all that they read.
  void (*column_sums)(index rows, const T* x, index ldx, const T* other, index ldo, const T* mean,
                      T* first, T* second, index ahead);
  /// y[rows x width] = (x - mean) factor gain + shift, by column.
  void (*normalize)(index rows, index width, const T* x, index ldx, const T* mean, const T* factor,
                    const T* gain, const T* shift, T* y, index ldy, index ahead);
  /// y[rows x width] = gain delta + along (x - mean) + constant, by column. y may be delta.
  void (*normalize_backward)(index rows, index width, const T* x, index ldx, const T* delta,
                             index ldd, const T* mean, const T* gain, const T* along,
                             const T* constant, T* y, index ldy, index ahead);
  /// The same two by row, for a batch in lanes.
  void (*normalize_lanes)(index rows, index width, const T* x, const T* mean, const T* factor,
                          const T* gain, const T* shift, T* y);
  void (*normalize_lanes_backward)(index rows, index width, const T* x, const T* delta,
                                   const T* mean, const T* gain, const T* along, const T* constant,
                                   T* y);

  /// y[rows x width] = the largest of x + column of all stretches: the first of equal numbers, or
  /// what is not a number. `kept`, if given, becomes the `line` of the largest.
  void (*largest)(index rows, index width, const Stretch* columns, index count, const T* x,
                  index ldx, T* y, index ldy, T* kept, index ldk);
  /// y[rows x width] = the sum of delta + column where kept + line is the `count` of a stretch.
  void (*sum_where_largest)(index rows, index width, const Stretch* columns, index count,
                            const T* delta, index ldd, const T* kept, index ldk, T* y, index ldy);
  /// y[rows x width] = the sum of x + column of all stretches, each divided by its `count`.
  void (*sum_of_shares)(index rows, index width, const Stretch* columns, index count, const T* x,
                        index ldx, T* y, index ldy);

  /// A row of n numbers as T, into panels that are `panel` elements apart. Bit c of nonzero[p *
  /// step] says whether number c of panel p is not zero, unless `nonzero` is null.
  void (*read_f32)(index n, const float* source, T* target, index panel, std::uint32_t* nonzero,
                   index step);
  void (*read_f64)(index n, const double* source, T* target, index panel, std::uint32_t* nonzero,
                   index step);
  void (*read_u8)(index n, const std::uint8_t* source, T* target, index panel,
                  std::uint32_t* nonzero, index step);
  /// The same of (x - shift) * factor, computed in double, with a shift and a factor per column.
  void (*read_scaled_f32)(index n, const float* source, const double* shift, const double* factor,
                          T* target, index panel, std::uint32_t* nonzero, index step);
  void (*read_scaled_f64)(index n, const double* source, const double* shift, const double* factor,
                          T* target, index panel, std::uint32_t* nonzero, index step);
  void (*read_scaled_u8)(index n, const std::uint8_t* source, const double* shift,
                         const double* factor, T* target, index panel, std::uint32_t* nonzero,
                         index step);
  /// False if one of the numbers, times the factor, is infinite or not a number.
  bool (*all_finite)(index n, const T* x, T factor);

  /// Executes rounds x kPeakRegisters x lanes fused multiply-adds, in enough independent chains to
  /// reach the peak of the processor. Returns a number that depends on all of them.
  T (*peak)(index rounds, T x);

  void (*math[kMathFunctionCount])(index n, const T* x, T* y);
};

struct KernelSet {
  const char* name;
  /// words[w][i] = word w of Philox's block at counter (first + i, ...), as random.hpp has it.
  void (*philox)(std::uint64_t first, std::uint32_t stream, std::uint32_t substream,
                 std::uint64_t seed, std::uint32_t words[4][kPhiloxBlocks]);
  KernelTable<float> f32;
  KernelTable<double> f64;

  template <class T>
  const KernelTable<T>& table() const;
};

template <>
inline const KernelTable<float>& KernelSet::table<float>() const {
  return f32;
}
template <>
inline const KernelTable<double>& KernelSet::table<double>() const {
  return f64;
}

const KernelSet& reference_kernels();
#if FOXNN_X86_KERNELS
const KernelSet& avx2_kernels();
const KernelSet& avx512_kernels();
#elif FOXNN_ARM_KERNELS
const KernelSet& neon_kernels();
#endif

/// The set of this name. Throws std::invalid_argument if this processor cannot run it.
const KernelSet& kernels_by_name(const char* name);
/// The set in use, chosen on first use (see cpu.hpp).
const KernelSet& active_kernels();
/// Its kernels for a type of numbers.
template <class T>
const KernelTable<T>& kernels() {
  return active_kernels().table<T>();
}

}  // namespace foxnn
