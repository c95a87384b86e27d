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
LaneTally<T>::LaneTally(const std::vector<GroupMember<T>>& members, index batch)
    : network_(*members.front().network),
      takes_raw_(network_.loss_takes_preactivations()),
      sums_(members.front().plan->reduction == Reduction::sum),
      targets_(batch * LanePass<T>::pitch(network_.outputs()) * kLine),
      scale_(kLine),
      terms_(targets_.size()),
      losses_(static_cast<std::size_t>(batch * kLine)),
      last_sums_(members.size()),
      last_weights_(members.size()) {
  if (members.front().plan->count_matches) {
    matches_.resize(static_cast<std::size_t>(batch * kLine));
  }
}

// A loss that is a sum over the outputs is one over the lines here, so the lines are the rows of
// its kernel: a line of sums for each of them has its terms.
template <class T>
void LaneTally<T>::judge_rows(index rows, LanePass<T>& pass) {
  const MemberKernels<T>& k = member_kernels<T>();
  const KernelTable<T>& single = kernels<T>();
  const int kind = static_cast<int>(network_.loss());
  const index n = pass.outputs(), ld = pass.pitch(n) * kLine;
  if (const auto of_members = (takes_raw_ ? k.loss_of_sums : k.loss_of_outputs)[kind]) {
    return of_members(rows, n, ld, pass.output(), targets_.data(), scale_.data(), pass.delta(),
                      losses_.data());
  }
  const index lines = rows * pass.pitch(n);
  std::fill_n(terms_.data(), lines * kLine, T(0));
  (takes_raw_ ? single.loss_of_sums : single.loss_of_outputs)[kind](
      lines, kLine, pass.output(), kLine, targets_.data(), kLine, T(1), pass.delta(), kLine,
      nullptr, terms_.data(), LossNumbers<T>{nullptr, 1});
  single.multiply_elements(lines, kLine, pass.delta(), kLine, scale_.data(), 0, pass.delta(),
                           kLine);
  k.sum_terms(rows, n, ld, terms_.data(), losses_.data());
}

template <class T>
void LaneTally<T>::judge(const std::vector<index>& counts, const LaneSamples<T>& samples,
                         LanePass<T>& pass) {
  const index rows = *std::max_element(counts.begin(), counts.end());
  const index n = pass.outputs(), ld = pass.pitch(n) * kLine;
  for (std::size_t m = 0; m < counts.size(); ++m) {
    double weight = static_cast<double>(counts[m]);
    if (samples.are_weighted()) {
      weight = 0.0;
      for (index r = 0; r < counts[m]; ++r) weight += samples.weight(m, r);
    }
    const T together = static_cast<T>(weight);
    // If all weights are zero, so is the gradient.
    scale_.data()[m] = sums_ ? T(1) : together > T(0) ? T(1) / together : T(0);
  }
  judge_rows(rows, pass);
  if (!matches_.empty()) {
    const MemberKernels<T>& k = member_kernels<T>();
    const bool are_sides = loss_traits(network_.loss()).targets == Targets::sides;
    (are_sides ? k.match_sides : k.match)(rows, n, ld, pass.output(), targets_.data(),
                                          matches_.data());
  }
  for (index r = 0; r < rows && samples.are_weighted(); ++r) {
    T* const delta = pass.delta() + r * ld;
    kernels<T>().multiply_elements(n, kLine, delta, kLine, samples.weights() + r * kLine, 0, delta,
                                   kLine);
  }
  const double* loss = losses_.data();
  std::fill_n(totals_, kLine, 0.0);
  for (index r = 0; r < rows; ++r, loss += kLine) {
    for (index m = 0; m < kLine; ++m) totals_[m] += loss[m];
  }
  rows_ = rows;
}

template <class T>
void LaneTally<T>::count_step(std::size_t member, index count, const LaneSamples<T>& samples,
                              StepReport& report) {
  double sum = totals_[member], weight = static_cast<double>(count);
  if (samples.are_weighted() || count < rows_) {
    const double* const loss = losses_.data() + member;
    sum = weight = 0.0;
    for (index r = 0; r < count; ++r) {
      const double own = samples.weight(member, r);
      sum += loss[r * kLine] * own;
      weight += own;
    }
  }
  report.loss += sum;
  report.weight += weight;
  report.samples += count;
  report.positions += count;
  ++report.steps;
  for (index r = 0; r < count && !matches_.empty(); ++r) {
    report.correct += matches_[static_cast<std::size_t>(r * kLine) + member];
  }
  if (!std::isfinite(sum)) {
    report.diverged = true;
  } else if (weight > 0.0) {
    last_sums_[member] = sum, last_weights_[member] = weight;
  }
}

template class LaneTally<float>;
template class LaneTally<double>;

}  // namespace foxnn
