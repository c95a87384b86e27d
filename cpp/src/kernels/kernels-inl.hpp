// A kernel set as a table: the functions of the *-inl headers compiled against the Vec that the
// including file chose. Everything has internal linkage, so that the linker never uses one set's
// copy of a function for another set.
//
// What a Vec<T> promises, so that kernel sets agree bit for bit (vec_avx2.hpp, vec_avx512.hpp,
// vec_neon.hpp, vec_reference.hpp; cpp/tests/vec_promises-inl.hpp checks it):
// - `fma(a, b, c)` and `fnma(a, b, c)` are a b + c and c - a b, rounded once. Nothing else is
//   fused.
// - `max(a, b)` and `min(a, b)` return b where either is not a number, or where both are equal, as
//   the x86 instructions do: max(0, z) keeps a NaN in z, where max(z, 0) would hide it.
// - `a < b` is false where either is not a number.
// - `first(n)` is the mask of the first n lanes: none for n <= 0, all for n >= lanes.
// - `round` rounds halves to even. The sign of a zero from `round` and `floor` may be either.
// - `copysign(a, b)` is for an a whose sign bit is clear.
// - `bits_below(bits, a)` is the number whose bit pattern is `bits` minus that of a, lane by lane.
// - `scale(a, n)` is a 2^n for an |a| from 1/2 to 2, or 0, and whole n from -150 to 130 (float64:
//   -1080 to 1030). It is exact unless the result is subnormal, which is rounded once, or too
//   large, which is an infinity.
// - `exponent` and `mantissa` are for normal numbers above zero: a is mantissa 2^exponent, with a
//   mantissa from 1 to below 2.
#pragma once

#include "kernels/activation-inl.hpp"
#include "kernels/conv-inl.hpp"
#include "kernels/depthwise-inl.hpp"
#include "kernels/gemm-inl.hpp"
#include "kernels/half-inl.hpp"
#include "kernels/lanes-inl.hpp"
#include "kernels/loss-inl.hpp"
#include "kernels/math-inl.hpp"
#include "kernels/narrow-inl.hpp"
#include "kernels/norm-inl.hpp"
#include "kernels/pairs-inl.hpp"
#include "kernels/philox-inl.hpp"
#include "kernels/pool-inl.hpp"
#include "kernels/recurrent-inl.hpp"
#include "kernels/row-inl.hpp"
#include "kernels/row_loss-inl.hpp"
#include "kernels/stored-inl.hpp"
#include "kernels/update-inl.hpp"

namespace foxnn {
namespace {

template <class T, class A>
constexpr void set_activation(KernelTable<T>& table, ActivationKind kind) {
  const int i = static_cast<int>(kind);
  table.activate[i] = activate<T, A>;
  table.activate_keep[i] = activate_keep<T, A>;
  table.apply_slope[i] = apply_slope<T, A>;
  table.keeps_slope[i] = A::keeps_slope;
}

template <class T>
constexpr KernelTable<T> make_table() {
  KernelTable<T> t{};
  t.lanes = static_cast<int>(Vec<T>::lanes);
  t.tile_rows = kTileRows;
  t.lane_lines = kLaneLines;
  t.peak = peak<T>;
  t.multiply = multiply<T>;
  t.multiply_row = multiply_row<T>;
  t.multiply_listed = multiply_listed<T>;
  t.list_columns = list_columns<T>;
  t.multiply_transposed = multiply_transposed<T>;
  t.list_samples = list_samples_of_tiles<T>;
  if constexpr (kHasPairs<T>) {
    t.pair_rows = kPairRows;
    t.multiply_pair = multiply_pair<T>;
    t.multiply_listed_pair = multiply_listed_pair<T>;
    t.multiply_transposed_pair = multiply_transposed_pair<T>;
    t.list_samples_of_pairs = list_samples_of_tiles<T, kPairRows>;
    t.multiply_stretches_pair = multiply_stretches_pair<T>;
    t.add_products_pair = add_products_pair<T>;
    t.multiply_lanes_pair = multiply_lanes_pair<T>;
  }
  t.multiply_stretches = multiply_stretches<T>;
  t.multiply_half = multiply_half<T>;
  t.multiply_transposed_half = multiply_transposed_half<T>;
  t.add_products = add_products<T>;
  t.multiply_lanes = multiply_lanes<T>;
  t.add_lane_products = add_lane_products<T>;
  t.sum_lanes = sum_lanes<T>;
  t.multiply_taps = multiply_taps<T>;
  t.add_taps = add_taps<T>;
  t.sum_lines = sum_lines<T>;
  t.narrow_multiply = narrow_multiply<T>;
  t.narrow_gradient = narrow_gradient<T, false>;
  t.narrow_gradient_on = narrow_gradient<T, true>;
  t.sum_rows = sum_rows<T>;
  t.transpose = transpose<T>;
#define FOXNN_SET(kind, arithmetic, ...) set_activation<T, arithmetic>(t, ActivationKind::kind);
  FOXNN_ACTIVATIONS(FOXNN_SET)
#undef FOXNN_SET
  t.softmax = softmax<T>;
  t.softmax_backward = softmax_backward<T>;
#define FOXNN_SET(kind, of_outputs, of_sums, ...)                                     \
  t.loss_of_outputs[static_cast<int>(LossKind::kind)] = loss_kernel<T, of_outputs>(); \
  t.loss_of_sums[static_cast<int>(LossKind::kind)] = loss_kernel<T, of_sums>();
  FOXNN_LOSSES(FOXNN_SET)
#undef FOXNN_SET
  t.add_lanes = add_lanes<T>;
  t.match = match<T>;
  t.match_sides = match_sides<T>;
#define FOXNN_SET(kind, step, ...) \
  t.update[static_cast<int>(OptimizerKind::kind)] = step<T, UpdateArguments<T>>;
  FOXNN_OPTIMIZERS(FOXNN_SET)
#undef FOXNN_SET
  t.add_penalty = add_penalty<T>;
  t.clip = clip<T>;
  t.add_to = add_to<T>;
  t.scale = scale<T>;
  t.shrink = shrink<T>;
  t.sum_squares = sum_squares<T>;
  t.multiply_elements = multiply_elements<T>;
  t.column_sums = column_sums<T>;
  t.normalize = normalize<T>;
  t.normalize_backward = normalize_backward<T>;
  t.normalize_lanes = normalize_lanes<T>;
  t.normalize_lanes_backward = normalize_lanes_backward<T>;
  t.layer_norm = layer_norm<T>;
  t.layer_norm_backward = layer_norm_backward<T>;
  t.layer_norm_gradient = layer_norm_gradient<T>;
  t.cell[static_cast<int>(Cell::rnn)] = rnn_cell<T>;
  t.cell[static_cast<int>(Cell::gru)] = gru_cell<T>;
  t.cell[static_cast<int>(Cell::lstm)] = lstm_cell<T>;
  t.cell_back[static_cast<int>(Cell::rnn)] = rnn_cell_back<T>;
  t.cell_back[static_cast<int>(Cell::gru)] = gru_cell_back<T>;
  t.cell_back[static_cast<int>(Cell::lstm)] = lstm_cell_back<T>;
  t.sum_gates = sum_gates<T>;
  t.largest = largest<T>;
  t.sum_where_largest = sum_where_largest<T>;
  t.sum_of_shares = sum_of_shares<T>;
  t.read_f32 = read_row<T, float>;
  t.read_f64 = read_row<T, double>;
  t.read_u8 = read_row<T, std::uint8_t>;
  t.read_scaled_f32 = read_scaled_row<T, float>;
  t.read_scaled_f64 = read_scaled_row<T, double>;
  t.read_scaled_u8 = read_scaled_row<T, std::uint8_t>;
  t.all_finite = all_finite<T>;
  t.math[static_cast<int>(MathFunction::exp)] = map<T, exp<T>>;
  t.math[static_cast<int>(MathFunction::log)] = map<T, log<T>>;
  t.math[static_cast<int>(MathFunction::tanh)] = map<T, tanh<T>>;
  t.math[static_cast<int>(MathFunction::sigmoid)] = map<T, sigmoid<T>>;
  t.math[static_cast<int>(MathFunction::sin)] = map<T, sin<T>>;
  t.math[static_cast<int>(MathFunction::cos)] = map<T, cos<T>>;
  t.math[static_cast<int>(MathFunction::atan)] = map<T, atan<T>>;
  t.math[static_cast<int>(MathFunction::normal_cdf)] = map<T, normal_cdf<T>>;
  return t;
}

constexpr KernelSet kKernels{kKernelSetName, philox, make_table<float>(), make_table<double>()};

}  // namespace
}  // namespace foxnn
