// The losses of a batch, their gradient with respect to the outputs, and the sums of a run.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "foxnn/shards.hpp"
#include "foxnn/trainer.hpp"
#include "network/judge.hpp"
#include "training/truncation.hpp"

namespace foxnn {

template <class T>
class Tally {
 public:
  /// `lengths`: the samples are sequences of different lengths. `is_outside`: the losses are
  /// computed outside the engine, and written to `losses`. `in_shards`: the gradient is divided by
  /// the weights of the samples later, when those of all shards are known.
  Tally(const Network<T>& network, const TrainingPlan& plan, index batch, bool lengths,
        bool is_outside, bool in_shards)
      : top_(network.top()),
        judge_(network),
        takes_raw_(!is_outside && network.loss_takes_preactivations()),
        sums_(plan.reduction == Reduction::sum || in_shards),
        losses_(static_cast<std::size_t>(batch)) {
    const auto counted = plan.count_matches ? static_cast<std::size_t>(batch) : 0;
    if (judge_.positions.count == 1) {
      matches_.resize(counted);
    } else {
      of_positions_.emplace(network, batch);
      correct_.resize(counted);
    }
    if (of_positions_ && lengths) positions_.resize(static_cast<std::size_t>(batch));
  }

  /// Whether losses take the output layer's preactivations.
  bool takes_raw() const { return takes_raw_; }

  double* losses() { return losses_.data(); }
  /// The factor of the loss gradient, in a batch of `rows` samples.
  T scale(index rows, const double* weights, const std::uint32_t* sample) const {
    const T together = static_cast<T>(total_weight(rows, weights, sample));
    // If all weights are zero, so is the gradient.
    return sums_ ? T(1) : together > T(0) ? T(1) / together : T(0);
  }

  /// Computes losses, and d loss / d outputs (or preactivations), of rows first ... first + count -
  /// 1 of a batch of samples `sample`. The views begin with row `first`. `with_step`: how many
  /// first rows of the batch have each position; null: all of them.
  void judge(index first, index count, T scale, const Samples& samples, const std::uint32_t* sample,
             const Rows<T>& out, const Rows<T>& target, const Rows<T>& error,
             const std::uint32_t* with_step = nullptr) {
    if (!takes_raw_) top_.finish_rows(count, out);
    if (of_positions_) {
      return (*of_positions_)(first, count, out, target, scale, error,
                              RowWeights(samples, sample, first), losses_.data() + first,
                              correct_.empty() ? nullptr : correct_.data() + first, with_step,
                              positions_.empty() ? nullptr : positions_.data() + first);
    }
    const double* weights = samples.weights;
    judge_(count, out, target, scale, error, losses_.data() + first,
           matches_.empty() ? nullptr : matches_.data() + first);
    for (index r = 0; weights && r < count; ++r) {
      const T weight = static_cast<T>(weights[sample[first + r]]);
      for (index i = 0; i < judge_.outputs; ++i) error.at(r)[i] *= weight;
    }
  }

  /// Adds a step with a batch of samples to a report.
  void count_step(index rows, const Samples& samples, const std::uint32_t* sample,
                  StepReport& report) {
    const double sum = weighted_sum(losses_.data(), rows, samples, sample);
    const double weight = total_weight(rows, samples.weights, sample);
    report.loss += sum;
    report.weight += weight;
    report.samples += rows;
    ++report.steps;
    count(rows, sum, weight, report);
  }
  /// The same for a piece of sequences: row r is `shares[r]` of its sequence, which has a loss and
  /// a weight once all its pieces are counted. `samples`: as many as the batch has, if it is the
  /// last piece of that, and otherwise 0.
  void count_piece(index rows, const Drawn& drawn, const double* shares, index samples,
                   StepReport& report) {
    const double sum = weighted_sum(losses_.data(), rows, drawn.samples, drawn.sample);
    const double weight = total_weight(rows, drawn.samples.weights, drawn.sample);
    const double* const weights = drawn.samples.weights;
    const bool are_weighted = !weights || drawn.samples.position_weights;
    for (index r = 0; r < rows; ++r) {
      const double own = weights ? weights[r] : 1.0;
      report.loss += losses_[static_cast<std::size_t>(r)] * (are_weighted ? 1.0 : own) * shares[r];
      report.weight += own * shares[r];
    }
    report.samples += samples;
    report.steps += samples > 0 ? 1 : 0;
    count(rows, sum, weight, report);
  }
  /// The sums over a shard's part of a batch: of `rows` samples, from row `first` of the batch on.
  /// `sample`: of that row.
  ShardSums sums_of(index first, index rows, const Samples& samples,
                    const std::uint32_t* sample) const {
    ShardSums sums;
    sums.loss = weighted_sum(losses_.data() + first, rows, samples, sample);
    sums.weight = total_weight(rows, samples.weights, sample);
    sums.correct = static_cast<double>(correct_of(first, rows));
    sums.positions = static_cast<double>(positions_of(first, rows));
    return sums;
  }
  /// Adds steps to a report, of which the sums over the samples are known.
  void count_sums(index steps, index rows, const ShardSums& sums, StepReport& report) {
    report.loss += sums.loss;
    report.weight += sums.weight;
    report.correct += static_cast<index>(sums.correct);
    report.positions += static_cast<index>(sums.positions);
    report.samples += rows;
    report.steps += steps;
    end_step(sums.loss, sums.weight, report);
  }
  /// The mean loss of the last batch with a finite loss.
  double last_loss() const { return last_sum_ / last_weight_; }

 private:
  // What all steps have.
  void count(index rows, double sum, double weight, StepReport& report) {
    report.correct += correct_of(0, rows);
    report.positions += positions_of(0, rows);
    end_step(sum, weight, report);
  }
  index correct_of(index first, index rows) const {
    const auto sum_of = [=](const auto& counts) {
      if (counts.empty()) return index{0};
      return std::accumulate(counts.begin() + first, counts.begin() + first + rows, index{0});
    };
    return sum_of(matches_) + sum_of(correct_);
  }
  index positions_of(index first, index rows) const {
    if (positions_.empty()) return rows * judge_.positions.count;
    const auto begin = positions_.begin() + first;
    return std::accumulate(begin, begin + rows, index{0});
  }
  void end_step(double sum, double weight, StepReport& report) {
    if (!std::isfinite(sum)) {
      report.diverged = true;
    } else if (weight > 0.0) {
      last_sum_ = sum, last_weight_ = weight;
    }
  }

  const Layer<T>& top_;
  const Judge<T> judge_;
  const bool takes_raw_, sums_;
  std::vector<double> losses_;
  std::optional<PositionJudge<T>> of_positions_;  // unless outputs have one position
  // Of samples and of positions; empty if matches are not counted.
  std::vector<std::uint8_t> matches_;
  std::vector<std::uint32_t> correct_;
  std::vector<std::uint32_t> positions_;  // of each sample, if they differ
  double last_sum_ = 0.0, last_weight_ = 0.0;
};

}  // namespace foxnn
