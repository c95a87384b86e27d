// What training and evaluation share: the evaluation of outputs, and the weighting of samples and
// their positions. The loss of a sample is the mean over the positions that it has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/dataset.hpp"
#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/network.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"

namespace foxnn {

/// The loss and match functions of a network.
template <class T>
struct Judge {
  LossKernel<T> loss;
  decltype(KernelTable<T>::match) match;
  index outputs;
  Places positions;        ///< of the outputs
  bool sums_outputs;       ///< the loss is a sum over the outputs, wherever they are
  std::vector<T> numbers;  ///< of the loss: a whole line beyond the outputs of a position, if they
                           ///< differ from output to output
  index outputs_per_target;

  /// If losses are computed outside the engine, it has none.
  explicit Judge(const Network<T>& network)
      : outputs(network.outputs()), positions(Places::positions_of(network.output_form())) {
    const KernelTable<T>& k = kernels<T>();
    const Loss own{network.loss(), network.loss_parameters()};
    const Targets targets = loss_traits(own.kind).targets;
    match = targets == Targets::sides ? k.match_sides : k.match;
    sums_outputs = targets != Targets::classes && targets != Targets::repeated;
    outputs_per_target = own.outputs_per_target();
    loss = nullptr;
    if (own.kind == LossKind::outside) return;
    const int kind = static_cast<int>(own.kind);
    loss = (network.loss_takes_preactivations() ? k.loss_of_sums : k.loss_of_outputs)[kind];
    if (own.kind != LossKind::quantile) {
      for (const double number : own.parameters) numbers.push_back(static_cast<T>(number));
      return;
    }
    const index columns = rounded_up(positions.channels, kLineWidth<T>);
    for (index c = 0; c < columns; ++c) {
      numbers.push_back(
          static_cast<T>(own.parameters[static_cast<std::size_t>(c % outputs_per_target)]));
    }
  }

  void compute(index rows, index n, const Rows<const T>& out, const Rows<const T>& target, T scale,
               const Rows<T>& delta, double* losses, T* lanes) const {
    loss(rows, n, out.data, out.stride, target.data, target.stride, scale, delta.data, delta.stride,
         losses, lanes, {numbers.data(), outputs_per_target});
  }

  /// Computes the loss of each row of a batch; also d loss / d out if `delta` is given, and whether
  /// the output is correct if `matches` is given. `out` holds the outputs, or the preactivations
  /// for losses that take them.
  void operator()(index rows, const Rows<const T>& out, const Rows<const T>& target, T scale,
                  const Rows<T>& delta, double* losses, std::uint8_t* matches) const {
    compute(rows, outputs, out, target, scale, delta, losses, nullptr);
    if (matches) match(rows, outputs, out.data, out.stride, target.data, target.stride, matches);
  }
};

/// Throws std::invalid_argument unless labels and weights of positions are as many as a sample has.
inline void check_positions(const Shape& outputs, const Samples& samples) {
  if (!samples.labels && !samples.position_weights) return;
  if (samples.positions == outputs.positions()) return;
  throw std::invalid_argument("samples must have " + std::to_string(outputs.positions()) +
                              " positions, as many as the network, got " +
                              std::to_string(samples.positions));
}

/// The weights of some rows of a batch of samples. If `sample` is null, row r is sample first + r.
class RowWeights {
 public:
  RowWeights(const Samples& samples, const std::uint32_t* sample, index first)
      : samples_(samples), sample_(sample), first_(first) {}

  bool are_given() const { return samples_.weights != nullptr; }
  /// Whether positions have weights of their own.
  bool are_of_positions() const { return samples_.position_weights != nullptr; }
  double of(index row) const { return samples_.weights[sample_of(row)]; }
  double of(index row, index position) const {
    return samples_.position_weights[sample_of(row) * samples_.positions + position];
  }

 private:
  index sample_of(index row) const { return sample_ ? index{sample_[first_ + row]} : first_ + row; }

  const Samples& samples_;
  const std::uint32_t* sample_;
  index first_;
};

/// The same for outputs with positions. It has memory for the results of a position.
template <class T>
class PositionJudge {
 public:
  /// For batches of up to `rows` rows.
  PositionJudge(const Network<T>& network, index rows)
      : judge_(network),
        parts_(Places::parts_of(network.output_form().layout)),
        lanes_(rows * kLineWidth<T>),
        losses_(static_cast<std::size_t>(rows)),
        matches_(static_cast<std::size_t>(rows)) {}

  /// Computes for each row the loss, and d loss / d out if `delta` is given; and how many positions
  /// are correct if `correct` is given. If positions have weights, losses and gradients are
  /// multiplied by them. `place` is where the first row is in the memory. `with_step`, if given,
  /// says how many rows of that memory have each position: what is missing has neither loss nor
  /// gradient, means are over the others, and `positions` becomes their number.
  void operator()(index place, index rows, const Rows<T>& out, const Rows<T>& target, T scale,
                  const Rows<T>& delta, const RowWeights& weights, double* losses,
                  std::uint32_t* correct, const std::uint32_t* with_step = nullptr,
                  std::uint32_t* positions = nullptr) {
    if (with_step) {
      return of_sequences(place, rows, out, target, scale, delta, weights, losses, correct,
                          with_step, positions);
    }
    // A sum over all outputs does not depend on where positions begin.
    const bool sums = judge_.sums_outputs && !weights.are_of_positions();
    const Places& parts = sums ? parts_ : judge_.positions;
    const index count = judge_.positions.count;
    const T own_scale = scale / static_cast<T>(count);
    double* const own = losses_.data() + place;
    T* const lanes = sums ? lanes_.data() + place * kLineWidth<T> : nullptr;
    std::fill_n(losses, rows, 0.0);
    for (index p = 0; p < parts.count; ++p) {
      const Rows<T> at = parts.at(out, p), wanted = parts.packed().at(target, p);
      const Rows<T> error = delta.data ? parts.at(delta, p) : delta;
      judge_.compute(rows, parts.channels, at, wanted, own_scale, error, own, lanes);
      if (!sums) add(rows, p, own, weights, losses);
      if (sums && ((p + 1) % kPartsOfLanes == 0 || p + 1 == parts.count)) {
        kernels<T>().add_lanes(rows, parts.channels, lanes, losses);
      }
      if (error.data && weights.are_given()) weigh(rows, p, parts.channels, error, weights);
    }
    for (index r = 0; r < rows; ++r) losses[r] /= static_cast<double>(count);
    if (correct) count_correct(place, rows, out, target, correct);
  }

 private:
  void of_sequences(index place, index rows, const Rows<T>& out, const Rows<T>& target, T scale,
                    const Rows<T>& delta, const RowWeights& weights, double* losses,
                    std::uint32_t* correct, const std::uint32_t* with_step, std::uint32_t* counts) {
    const Places& positions = judge_.positions;
    const auto rows_with = [&](index p) {
      return std::clamp<index>(index{with_step[p]} - place, 0, rows);
    };
    for (index p = 0, r = rows; p <= positions.count; ++p) {
      const index left = p < positions.count ? rows_with(p) : 0;
      while (r > left) counts[--r] = static_cast<std::uint32_t>(p);
    }
    double* const own = losses_.data() + place;
    std::fill_n(losses, rows, 0.0);
    if (correct) std::fill_n(correct, rows, 0u);
    for (index p = 0; p < positions.count && rows_with(p) > 0; ++p) {
      const index there = rows_with(p), channels = positions.channels;
      const Rows<T> at = positions.at(out, p), wanted = positions.packed().at(target, p);
      const Rows<T> error = delta.data ? positions.at(delta, p) : delta;
      judge_.compute(there, channels, at, wanted, scale, error, own, nullptr);
      add(there, p, own, weights, losses);
      for (index r = 0; error.data && r < there; ++r) {
        T factor = T(1) / static_cast<T>(counts[r]);
        if (weights.are_given()) {
          factor *= static_cast<T>(weights.are_of_positions() ? weights.of(r, p) : weights.of(r));
        }
        for (index i = 0; i < channels; ++i) error.at(r)[i] *= factor;
      }
      if (correct) add_correct(place, there, at, wanted, channels, correct);
    }
    for (index r = 0; r < rows; ++r) losses[r] /= static_cast<double>(counts[r]);
  }

  // Parts whose losses are added up in T before they go on in double: few enough to lose no more
  // digits than a row of as many lines, and enough that adding up the lanes hardly counts.
  static constexpr index kPartsOfLanes = 32;

  void add(index rows, index position, const double* own, const RowWeights& weights,
           double* losses) const {
    for (index r = 0; r < rows; ++r) {
      losses[r] += weights.are_of_positions() ? own[r] * weights.of(r, position) : own[r];
    }
  }
  // Vectors that begin in a part may have written beyond it, to where the next part will be
  // written.
  void weigh(index rows, index part, index channels, const Rows<T>& error,
             const RowWeights& weights) const {
    for (index r = 0; r < rows; ++r) {
      const bool is_own = weights.are_of_positions();
      const T factor = static_cast<T>(is_own ? weights.of(r, part) : weights.of(r));
      for (index i = 0; i < channels; ++i) error.at(r)[i] *= factor;
    }
  }
  void count_correct(index place, index rows, const Rows<T>& out, const Rows<T>& target,
                     std::uint32_t* correct) {
    const Places& positions = judge_.positions;
    std::fill_n(correct, rows, 0u);
    for (index p = 0; p < positions.count; ++p) {
      const Rows<T> at = positions.at(out, p), wanted = positions.packed().at(target, p);
      add_correct(place, rows, at, wanted, positions.channels, correct);
    }
  }
  void add_correct(index place, index rows, const Rows<T>& at, const Rows<T>& wanted,
                   index channels, std::uint32_t* correct) {
    std::uint8_t* const matches = matches_.data() + place;
    judge_.match(rows, channels, at.data, at.stride, wanted.data, wanted.stride, matches);
    for (index r = 0; r < rows; ++r) correct[r] += matches[r];
  }

  Judge<T> judge_;
  Places parts_;  // the longest without gaps
  Buffer<T> lanes_;
  std::vector<double> losses_;
  std::vector<std::uint8_t> matches_;
};

/// The sum of losses, weighted if samples have weights and losses are not yet weighted by position.
/// If `sample` is given, loss r belongs to sample[r].
inline double weighted_sum(const double* loss, index count, const Samples& samples,
                           const std::uint32_t* sample = nullptr) {
  double sum = 0.0;
  const double* const weights = samples.weights;
  if (!weights || samples.position_weights) {
    for (index r = 0; r < count; ++r) sum += loss[r];
    return sum;
  }
  for (index r = 0; r < count; ++r) sum += loss[r] * weights[sample ? sample[r] : r];
  return sum;
}

/// The sum of the weights of `count` samples.
inline double total_weight(index count, const double* weights,
                           const std::uint32_t* sample = nullptr) {
  if (!weights) return static_cast<double>(count);
  double sum = 0.0;
  for (index r = 0; r < count; ++r) sum += weights[sample ? sample[r] : r];
  return sum;
}

}  // namespace foxnn
