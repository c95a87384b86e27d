// What a kernel set provides for a population in lanes (members-inl.hpp): a table of its own, since
// only populations need it. Every line of a cache holds one number of each member: a weight, or an
// input, output or target for a sample. So all distances are those of arrays without lanes, times a
// line.
#pragma once

#include "kernels/kernel_table.hpp"

namespace foxnn {

/// A product of lines: c[i][j] = init[j] + the sum over p of a[i][p] b[p][j]; no init if it is
/// null. Lines of init and the columns of c follow each other; the other distances are between
/// neighbours in i, j and p.
template <class T>
struct MemberProduct {
  index m, n, k;
  const T* a;
  index a_row, a_step;
  const T* b;
  index b_step, b_column;
  const T* init;
  T* c;
  index c_row;
};

/// The coefficients of a step of an optimizer, as in UpdateArguments: a line of each.
template <class T>
struct MemberUpdateArguments {
  static constexpr index kDistance = kLineWidth<T>;
  const T *rate, *decay, *gain, *decay_squares, *gain_squares, *square_scale, *epsilon;

  MemberUpdateArguments from(index lane) const {
    return {rate + lane,         decay + lane,        gain + lane,   decay_squares + lane,
            gain_squares + lane, square_scale + lane, epsilon + lane};
  }
};

/// What is applied to gradients g and weights w before the step, a line of each; null where no
/// member has any. g += l1 sign(w) + l2 w for the members with one of both above 0; then g is
/// clipped to -clip ... clip; and then w -= shrink w.
template <class T>
struct MemberRules {
  const T *l1 = nullptr, *l2 = nullptr, *clip = nullptr, *shrink = nullptr;
};

/// How the weights of a child come about (breed in evolution.hpp).
struct Breeding {
  std::uint64_t changes;  ///< a weight changes if 32 random bits are below this
  double speed;
  bool relative;
};

template <class T>
struct MemberKernels {
  void (*multiply)(const MemberProduct<T>& product);
  /// n lines from the rows of as many members as a line has, x[members x n]; and back.
  void (*put_together)(index n, const T* x, T* lines);
  void (*take_apart)(index n, const T* lines, T* x);
  /// n weights of a child, each with a block of random bits: words[0] to words[3], `distance`
  /// apart.
  void (*breed)(index n, const T* mother, const T* father, const Breeding& how,
                const std::uint32_t* words, index distance, T* child);
  /// The losses of rows of n outputs, loss[rows x a line], and delta = scale * d loss / d a, with a
  /// line of scales. Rows of all arrays are `distance` apart. Null for losses without such a
  /// kernel.
  using Loss = void (*)(index rows, index n, index distance, const T* a, const T* y, const T* scale,
                        T* delta, double* loss);
  Loss loss_of_outputs[kLossCount];
  Loss loss_of_sums[kLossCount];
  /// Whether KernelTable's kernel for a loss gives terms to be added up: with lines as its rows.
  bool has_terms_of_outputs[kLossCount];
  bool has_terms_of_sums[kLossCount];
  /// loss[rows x a line] = the sums of n terms.
  void (*sum_terms)(index rows, index n, index distance, const T* terms, double* loss);
  /// matches[rows x a line], as the kernels of the same names have them.
  void (*match)(index rows, index n, index distance, const T* a, const T* y, std::uint8_t* matches);
  void (*match_sides)(index rows, index n, index distance, const T* z, const T* y,
                      std::uint8_t* matches);
  /// n numbers w and their moments after a step with the gradients g.
  void (*update[kOptimizerCount])(index n, T* w, const T* g, T* m, T* v,
                                  const MemberUpdateArguments<T>& c);
  void (*apply_rules)(index n, T* g, T* w, const MemberRules<T>& rules);
  /// sums[n] += the squares of x[n].
  void (*add_squares)(index n, const T* x, T* sums);
};

struct MemberKernelSet {
  MemberKernels<float> f32;
  MemberKernels<double> f64;
};
const MemberKernelSet& reference_member_kernels();
#if FOXNN_X86_KERNELS
const MemberKernelSet& avx2_member_kernels();
const MemberKernelSet& avx512_member_kernels();
#elif FOXNN_ARM_KERNELS
const MemberKernelSet& neon_member_kernels();
#endif
/// Those of the set in use.
const MemberKernelSet& active_member_kernels();

template <class T>
const MemberKernels<T>& member_kernels();
template <>
inline const MemberKernels<float>& member_kernels<float>() {
  return active_member_kernels().f32;
}
template <>
inline const MemberKernels<double>& member_kernels<double>() {
  return active_member_kernels().f64;
}

}  // namespace foxnn
