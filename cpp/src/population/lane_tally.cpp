// Losses are numbers of T in lanes; they are added up in double, sample by sample.
#include "population/lane_tally.hpp"

#include <algorithm>
#include <cmath>

namespace foxnn {

template <class T>
bool LaneTally<T>::takes(const Network<T>& network) {
  const MemberKernels<T>& k = member_kernels<T>();
  const int kind = static_cast<int>(network.loss());
  // Those with numbers, and those that several outputs share, go by their columns.
  const LossTraits& traits = loss_traits(network.loss());
  if (traits.parameters != LossParameters::none || traits.targets == Targets::repeated ||
      traits.targets == Targets::outside) {
    return false;
  }
  return network.loss_takes_preactivations()
             ? k.loss_of_sums[kind] || k.has_terms_of_sums[kind]
             : k.loss_of_outputs[kind] || k.has_terms_of_outputs[kind];
}

template <class T>
LaneTally<T>::LaneTally(const std::vector<GroupMember<T>>& members, index batch, index rows_ahead)
    : network_(*members.front().network),
      takes_raw_(network_.loss_takes_preactivations()),
      sums_(members.front().plan->reduction == Reduction::sum),
      targets_(rows_ahead * LanePass<T>::pitch(network_.outputs()) * kLine),
      scale_(kLine),
      terms_(batch * LanePass<T>::pitch(network_.outputs()) * kLine),
      losses_(static_cast<std::size_t>(batch * kLine)) {
  if (members.front().plan->count_matches) {
    matches_.resize(static_cast<std::size_t>(batch * kLine));
  }
}

// A loss that is a sum over the outputs is one over the lines here, so the lines are the rows of
// its kernel: a line of sums for each of them has its terms.
template <class T>
void LaneTally<T>::judge_rows(index rows, const T* targets, LanePass<T>& pass) {
  const MemberKernels<T>& k = member_kernels<T>();
  const KernelTable<T>& single = kernels<T>();
  const int kind = static_cast<int>(network_.loss());
  const index n = pass.outputs(), ld = pass.pitch(n) * kLine;
  if (const auto of_members = (takes_raw_ ? k.loss_of_sums : k.loss_of_outputs)[kind]) {
    return of_members(rows, n, ld, pass.output(), targets, scale_.data(), pass.delta(),
                      losses_.data());
  }
  const index lines = rows * pass.pitch(n);
  std::fill_n(terms_.data(), lines * kLine, T(0));
  (takes_raw_ ? single.loss_of_sums : single.loss_of_outputs)[kind](
      lines, kLine, pass.output(), kLine, targets, kLine, T(1), pass.delta(), kLine, nullptr,
      terms_.data(), LossNumbers<T>{nullptr, 1});
  single.multiply_elements(lines, kLine, pass.delta(), kLine, scale_.data(), 0, pass.delta(),
                           kLine);
  k.sum_terms(rows, n, ld, terms_.data(), losses_.data());
}

template <class T>
void LaneTally<T>::begin(std::size_t member, const StepReport& report) {
  epoch_.losses[member] = report.loss;
  epoch_.weights[member] = report.weight;
  steps_[member] = report.steps;
  counted_[member] = report.samples;
  correct_[member] = report.correct;
}

template <class T>
void LaneTally<T>::end(std::size_t member, StepReport& report) const {
  report.loss = epoch_.losses[member];
  report.weight = epoch_.weights[member];
  report.steps = steps_[member];
  report.samples = report.positions = counted_[member];
  report.correct = correct_[member];
  report.last_loss = last_.losses[member] / last_.weights[member];
}

template <class T>
void LaneTally<T>::set_scale(std::size_t member, double weight) {
  const T together = static_cast<T>(weight);
  // If all weights are zero, so is the gradient.
  scale_.data()[member] = sums_ ? T(1) : together > T(0) ? T(1) / together : T(0);
}

template <class T>
void LaneTally<T>::begin_steps(const std::vector<index>& counts, bool are_weighted) {
  are_weighted_ = are_weighted;
  if (counts == counts_) return;
  counts_ = counts;
  rows_ = *std::max_element(counts.begin(), counts.end());
  are_alike_ = std::all_of(counts.begin(), counts.end(),
                           [this](index count) { return count == 0 || count == rows_; });
  for (std::size_t m = 0; m < counts.size(); ++m) set_scale(m, static_cast<double>(counts[m]));
}

template <class T>
void LaneTally<T>::judge(index first, const LaneSamples<T>& samples, LanePass<T>& pass) {
  const index n = pass.outputs(), ld = pass.pitch(n) * kLine;
  const T* const targets = targets_.data() + first * ld;
  for (std::size_t m = 0; m < counts_.size() && are_weighted_; ++m) {
    double weight = 0.0;
    for (index r = 0; r < counts_[m]; ++r) weight += samples.weight(m, first + r);
    set_scale(m, weight);
  }
  judge_rows(rows_, targets, pass);
  if (!matches_.empty()) {
    const MemberKernels<T>& k = member_kernels<T>();
    const bool are_sides = loss_traits(network_.loss()).targets == Targets::sides;
    (are_sides ? k.match_sides : k.match)(rows_, n, ld, pass.output(), targets, matches_.data());
    for (std::size_t m = 0; m < counts_.size(); ++m) {
      for (index r = 0; r < counts_[m]; ++r) {
        correct_[m] += matches_[static_cast<std::size_t>(r * kLine) + m];
      }
    }
  }
  for (index r = 0; r < rows_ && are_weighted_; ++r) {
    T* const delta = pass.delta() + r * ld;
    kernels<T>().multiply_elements(n, kLine, delta, kLine, samples.weights() + (first + r) * kLine,
                                   0, delta, kLine);
  }
  add_step(first, samples);
}

template <class T>
void LaneTally<T>::add_step(index first, const LaneSamples<T>& samples) {
  before_ = step_;
  std::fill_n(step_.losses, kLine, 0.0);
  std::fill_n(step_.weights, kLine, static_cast<double>(rows_));
  const double* loss = losses_.data();
  for (index r = 0; r < rows_; ++r, loss += kLine) {
    for (index m = 0; m < kLine; ++m) step_.losses[m] += loss[m];
  }
  if (are_weighted_ || !are_alike_) add_counted_rows(first, samples);
  for (std::size_t m = 0; m < counts_.size() && are_weighted_; ++m) keep_last(m, step_);
  for (index m = 0; m < kLine; ++m) {
    epoch_.losses[m] += step_.losses[m];
    epoch_.weights[m] += step_.weights[m];
  }
  some_diverged_ = false;
  for (std::size_t m = 0; m < counts_.size(); ++m) some_diverged_ |= counts_[m] > 0 && diverged(m);
}

// The sums of members whose rows are fewer than those of others, or weighted.
template <class T>
void LaneTally<T>::add_counted_rows(index first, const LaneSamples<T>& samples) {
  for (std::size_t m = 0; m < counts_.size(); ++m) {
    step_.losses[m] = step_.weights[m] = 0.0;
    for (index r = 0; r < counts_[m]; ++r) {
      const double own = samples.weight(m, first + r);
      step_.losses[m] += losses_[static_cast<std::size_t>(r * kLine) + m] * own;
      step_.weights[m] += own;
    }
  }
}

template <class T>
void LaneTally<T>::end_steps(index made) {
  for (std::size_t m = 0; m < counts_.size(); ++m) {
    if (counts_[m] == 0) continue;
    counted_[m] += made * counts_[m];
    steps_[m] += made;
    // Only the last step can have diverged. With weights, each of them has been kept already.
    if (are_weighted_) continue;
    if (made > 1) keep_last(m, before_);
    keep_last(m, step_);
  }
}

template <class T>
void LaneTally<T>::keep_last(std::size_t member, const Sums& sums) {
  if (counts_[member] == 0 || !std::isfinite(sums.losses[member]) || sums.weights[member] <= 0.0) {
    return;
  }
  last_.losses[member] = sums.losses[member], last_.weights[member] = sums.weights[member];
}

template class LaneTally<float>;
template class LaneTally<double>;

}  // namespace foxnn
