// The coefficients of a step, member by member, and the clipping of their norms.
#include "population/lane_update.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "training/clipping.hpp"

namespace foxnn {

template <class T>
LaneUpdate<T>::LaneUpdate(const LaneLayout<T>& layout, const std::vector<TrainingPlan>& plans)
    : layout_(layout),
      plans_(plans),
      steps_(plans.size()),
      decays_(plans.size()),
      rates_(plans.size()),
      has_betas_of_first_(plans.size()),
      parameters_(layout.lines() * kLine),
      lines_(kLines * kLine) {
  for (int i = 0; i < 2; ++i) {
    if (plans.front().optimizer.remembers(i)) moments_[i] = Buffer<T>(layout.lines() * kLine);
  }
  for (std::size_t m = 0; m < plans.size(); ++m) set_plan(m, plans[m]);
}

template <class T>
void LaneUpdate<T>::set_plan(std::size_t member, const TrainingPlan& plan) {
  plans_[member] = plan;
  const auto any = [&](auto has) { return std::any_of(plans_.begin(), plans_.end(), has); };
  penalises_ = any([](const TrainingPlan& p) { return p.l1 > 0.0 || p.l2 > 0.0; });
  clips_ = any([](const TrainingPlan& p) { return p.clip_value > 0.0; });
  clips_norm_ = any([](const TrainingPlan& p) { return p.clip_norm > 0.0; });
  restarts_ = any([](const TrainingPlan& p) { return p.optimizer.restart_after > 0; });
  const auto set = [&](Line which, double value) { line(which)[member] = static_cast<T>(value); };
  set(l1, plan.l1);
  set(l2, plan.l2);
  set(clip, plan.clip_value > 0.0 ? plan.clip_value : std::numeric_limits<double>::infinity());
  // What depends on the step is set when it begins.
  const UpdateCoefficients c = update_coefficients(plan.optimizer, plan.learning_rate, {});
  set(rate, c.rate);
  set(decay, c.decay);
  set(gain, c.gain);
  set(decay_squares, c.decay_squares);
  set(gain_squares, c.gain_squares);
  set(square_scale, c.square_scale);
  set(epsilon, c.epsilon);
  set(shrinking, c.shrink);
  const T* const shrinks = line(shrinking);
  shrinks_ = std::any_of(shrinks, shrinks + kLine, [](T part) { return part != T(0); });
  const Optimizer& first = plans_.front().optimizer;
  are_alike_ = true;
  for (std::size_t m = 0; m < plans_.size(); ++m) {
    const Optimizer& rule = plans_[m].optimizer;
    rates_[m] = plans_[m].learning_rate;
    has_betas_of_first_[m] = rule.beta_1 == first.beta_1 && rule.beta_2 == first.beta_2;
    are_alike_ = are_alike_ && has_betas_of_first_[m] && rates_[m] == rates_.front();
  }
}

template <class T>
void LaneUpdate<T>::restart(std::size_t member) {
  for (Buffer<T>& moments : moments_) {
    for (index i = 0; i < moments.size(); i += kLine) moments.data()[i + index(member)] = T(0);
  }
  set_step(member, 0);
}

template <class T>
void LaneUpdate<T>::set_step(std::size_t member, std::uint64_t step) {
  steps_[member] = step;
  are_together_ = std::equal(steps_.begin() + 1, steps_.end(), steps_.begin());
}

// Members often differ in the learning rate alone, if at all.
template <class T>
void LaneUpdate<T>::begin_step() {
  for (std::size_t m = 0; m < plans_.size() && restarts_; ++m) {
    const std::uint64_t restart_after = plans_[m].optimizer.restart_after;
    if (restart_after > 0 && steps_[m] >= restart_after) restart(m);
  }
  for (std::uint64_t& step : steps_) ++step;
  const Optimizer& first = plans_.front().optimizer;
  if (!first.traits().corrects_means) return;
  const MeanCorrections of_first = decays_.front().at(first, steps_.front());
  if (are_together_ && are_alike_) {
    std::fill_n(line(rate), kLine, static_cast<T>(of_first.rate(rates_.front())));
    std::fill_n(line(square_scale), kLine, static_cast<T>(of_first.square_scale()));
    return;
  }
  for (std::size_t m = 0; m < plans_.size(); ++m) {
    const bool is_as_first = are_together_ && has_betas_of_first_[m];
    const MeanCorrections corrections =
        is_as_first ? of_first : decays_[m].at(plans_[m].optimizer, steps_[m]);
    line(rate)[m] = static_cast<T>(corrections.rate(rates_[m]));
    line(square_scale)[m] = static_cast<T>(corrections.square_scale());
  }
}

template <class T>
void LaneUpdate<T>::prepare(index first, index weights, index biases, T* gradient) {
  if (!penalises_ && !clips_) return;
  T* const at = parameters() + first * kLine;
  MemberRules<T> rules;
  if (clips_) rules.clip = line(clip);
  if (biases > 0 && clips_) {
    member_kernels<T>().apply_rules(biases * kLine, gradient + weights * kLine, at, rules);
  }
  if (penalises_) rules.l1 = line(l1), rules.l2 = line(l2);
  member_kernels<T>().apply_rules(weights * kLine, gradient, at, rules);
}

template <class T>
void LaneUpdate<T>::shrink(index first, index weights) {
  if (!shrinks_) return;
  MemberRules<T> rules;
  rules.shrink = line(shrinking);
  member_kernels<T>().apply_rules(weights * kLine, nullptr, parameters() + first * kLine, rules);
}

template <class T>
void LaneUpdate<T>::take(index first, index count, const T* gradient) {
  const index at = first * kLine;
  member_kernels<T>().update[static_cast<int>(plans_.front().optimizer.kind)](
      count * kLine, parameters() + at, gradient, remembers(0) ? moments(0) + at : nullptr,
      remembers(1) ? moments(1) + at : nullptr,
      {line(rate), line(decay), line(gain), line(decay_squares), line(gain_squares),
       line(square_scale), line(epsilon)});
}

// In the order in which the numbers of an array lie in the parameters of a network.
template <class T>
void LaneUpdate<T>::find_pieces() {
  for (const LaneArray& array : layout_.arrays()) {
    std::vector<LaneRun> runs;
    for (const LaneRun& run : layout_.runs()) {
      if (run.line >= array.line && run.line < array.line + array.count) runs.push_back(run);
    }
    std::sort(runs.begin(), runs.end(),
              [](const LaneRun& a, const LaneRun& b) { return a.offset < b.offset; });
    index piece = -1;
    for (const LaneRun& run : runs) {
      const index own = (run.offset - array.offset) / NormClip<T>::kMost;
      if (own != piece) pieces_.emplace_back();
      piece = own;
      pieces_.back().push_back(run);
    }
  }
}

// The sum of squares may overflow float32, but not float64.
template <class T>
double LaneUpdate<T>::sum_squares(const std::vector<LaneRun>& piece, const T* gradient,
                                  std::size_t member) const {
  double sum = 0.0;
  for (const LaneRun& run : piece) {
    for (index i = 0; i < run.count; ++i) {
      const double value = gradient[(run.line + i) * kLine + index(member)];
      sum += value * value;
    }
  }
  return sum;
}

template <class T>
void LaneUpdate<T>::clip_norms(T* gradient) {
  if (pieces_.empty()) find_pieces();
  double squares[kLine] = {};
  for (const std::vector<LaneRun>& piece : pieces_) {
    alignas(64) T sums[kLine * kLine] = {};  // of each lane of a line, a line
    for (const LaneRun& run : piece) {
      member_kernels<T>().add_squares(run.count * kLine, gradient + run.line * kLine, sums);
    }
    for (index half = kLine / 2; half > 0; half /= 2) {
      for (index i = 0; i < half * kLine; ++i) sums[i] += sums[i + half * kLine];
    }
    for (std::size_t m = 0; m < plans_.size(); ++m) {
      const double sum = static_cast<double>(sums[m]);
      squares[m] += std::isfinite(sum) ? sum : sum_squares(piece, gradient, m);
    }
  }
  alignas(64) T factors[kLine];
  std::fill_n(factors, kLine, T(1));
  for (std::size_t m = 0; m < plans_.size(); ++m) {
    const double norm = std::sqrt(squares[m]), most = plans_[m].clip_norm;
    // An infinite norm means divergence, which clipping would only hide.
    if (most > 0.0 && norm > most && std::isfinite(norm)) factors[m] = static_cast<T>(most / norm);
  }
  kernels<T>().multiply_elements(layout_.lines(), kLine, gradient, kLine, factors, 0, gradient,
                                 kLine);
}

template class LaneUpdate<float>;
template class LaneUpdate<double>;

}  // namespace foxnn
