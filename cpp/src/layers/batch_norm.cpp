// Mean and variance are divided by channels: a worker has a line of them over all samples and
// positions, so that the order of a sum does not depend on the workers. The rest is divided by
// positions, or by samples if there is only one.
#include "layers/batch_norm.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "layers/columns.hpp"
#include "layers/few.hpp"
#include "layers/step_rows.hpp"

namespace foxnn {
namespace {

// What the four sums of a channel add up to.
template <class T>
T total(const T* parts, index channel) {
  const T* at = parts + channel;
  static_assert(kColumnSums == 4);
  return (at[0] + at[kLineWidth<T>]) + (at[2 * kLineWidth<T>] + at[3 * kLineWidth<T>]);
}

}  // namespace

template <class T>
BatchNorm<T>::BatchNorm(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Layer<T>(spec, inputs),
      channels_(inputs.front().shape.channels),
      positions_(inputs.front().shape.positions()),
      panels_(panel_count<T>(channels_)),
      columns_(panels_ * kPanelWidth<T>),
      epsilon_(static_cast<T>(spec.number("epsilon"))),
      momentum_(static_cast<T>(spec.number("momentum"))) {
  if (!(epsilon_ > T(0))) throw std::invalid_argument("epsilon must be above 0");
  if (!(momentum_ >= T(0) && momentum_ <= T(1))) {
    throw std::invalid_argument("momentum must be from 0 to 1");
  }
  this->set_output(inputs.front());
  // Penalties would pull the weights to 0.
  this->add_array("weights", {channels_}, columns_, Array::Role::bias);
  this->add_array("bias", {channels_}, columns_, Array::Role::bias);
  this->add_array("running_mean", {channels_}, columns_, Array::Role::running);
  this->add_array("running_variance", {channels_}, columns_, Array::Role::running);
}

template <class T>
double BatchNorm<T>::flops() const {
  return 10.0 * static_cast<double>(this->output().shape.size());
}

template <class T>
void BatchNorm<T>::initialize(std::uint64_t, std::uint32_t, const StopRequest&) {
  std::fill_n(parameter(kGain), channels_, T(1));
  std::fill_n(parameter(kRunningVariance), channels_, T(1));
}

template <class T>
index BatchNorm<T>::kept_size(index) const {
  return count_at() + 2;
}

// The coefficients of each channel in a pass.
template <class T>
ScratchSize BatchNorm<T>::scratch_size(index) const {
  return {.numbers = 3 * columns_};
}

template <class T>
template <class Function>
void BatchNorm<T>::each_share(Share share, index batch, const std::uint32_t* with_step,
                              const Function& f) const {
  const bool by_rows = positions_ < share.workers;
  const Share rows = by_rows ? share : Share{}, places = by_rows ? Share{} : share;
  const index first = rows.first(batch), count = rows.last(batch) - first;
  const PositionRange own = own_positions(places, positions_, with_step);
  for (index p = own.first; p < own.last; ++p) {
    const index there = rows_with(with_step, p, first, count);
    if (there == 0) break;
    each_panel<T>(channels_, [&](index q, index width) {
      f(first, there, p * panels_ + q, q * kPanelWidth<T>, width);
    });
  }
}

// Calls f(lines) for the worker's lines of channels: both lines of a panel together, since they lie
// side by side.
template <class T>
template <class Function>
void BatchNorm<T>::each_lines(Share share, const Function& f) const {
  for (index line = share.first(lines()), end = share.last(lines()); line < end;) {
    const index count = std::min(end - line, kMostLines - line % kMostLines);
    f(Lines{line, count});
    line += count;
  }
}

// How far ahead kernels prefetch: the same rows of the next position, or in a large batch a part of
// the first-level cache. The hardware sees half of the lines go by where a worker has one line of a
// panel: without prefetching, a step of three blocks with 32 to 128 filters takes 1.6 % longer.
template <class T>
index BatchNorm<T>::ahead(index batch, const Rows<const T>& values) const {
  constexpr index kRows = 64;
  return batch <= 2 * kRows ? panels_ * values.panel : kRows * values.stride;
}

// Adds some positions to the sums of each of the lines.
template <class T>
void BatchNorm<T>::add_sums(Lines lines, index positions, index batch,
                            const std::uint32_t* with_step, const Rows<const T>& x,
                            const Rows<const T>* other, const T* mean, Sums* sums) const {
  const index panel = lines.channel() / kPanelWidth<T>, lane = lines.channel() % kPanelWidth<T>;
  for (index p = 0; p < positions; ++p) {
    const index rows = rows_with(with_step, p, batch);
    for (index i = 0; i < lines.count; ++i) {
      const index column = lane + i * kLineWidth<T>;
      kernels<T>().column_sums(rows, x.at(0, p * panels_ + panel) + column, x.stride,
                               other ? other->at(0, p * panels_ + panel) + column : nullptr,
                               other ? other->stride : 0, mean + i * kLineWidth<T>, sums[i].first,
                               sums[i].second, ahead(batch, x));
    }
  }
}

// Mean and variance of lines of channels over the batch, from sums of deviations from an estimate
// of the mean: that of the first position, so that rounding errors are small although the inputs
// may lie close together. If a mean is found that is further from its estimate than most numbers
// are from the mean, it is the next estimate.
template <class T>
void BatchNorm<T>::measure(Lines lines, index batch, const std::uint32_t* with_step,
                           const Rows<const T>& x, bool in_lanes, T* all) const {
  const index width = lines.width(), used = std::min(width, channels_ - lines.channel());
  T* const mean = kept(all, kMean) + lines.channel();
  T* const variance = kept(all, kVariance) + lines.channel();
  T* const factor = kept(all, kFactor) + lines.channel();
  std::fill_n(mean, width, T(0));
  bool is_near[kMostLines] = {};  // whether the means of a line were good estimates
  const auto correct = [&](Lines some, index positions) {
    const T count = static_cast<T>(rows_of_all(with_step, positions, batch));
    const index first = some.channel() - lines.channel();
    Sums sums[kMostLines];
    if (in_lanes) {
      add_sums_in_lanes(some, positions, batch, x, nullptr, mean + first, sums);
    } else {
      add_sums(some, positions, batch, with_step, x, nullptr, mean + first, sums);
    }
    for (index c = first; c < first + some.width(); ++c) {
      const index lane = c % kLineWidth<T>;
      const Sums& of_line = sums[(c - first) / kLineWidth<T>];
      const T sum = total(of_line.first, lane), squares = total(of_line.second, lane);
      const T rest = sum / count;
      mean[c] += rest;
      variance[c] = std::max(T(0), squares - sum * rest) / count;
      bool& near = is_near[c / kLineWidth<T>];
      near = (lane == 0 || near) && (c >= used || rest * rest <= variance[c]);
    }
  };
  correct(lines, 1);
  correct(lines, positions_);
  for (index i = 0; i < lines.count && positions_ > 1; ++i) {
    if (!is_near[i]) correct({lines.first + i, 1}, positions_);
  }
  for (index c = 0; c < width; ++c) factor[c] = T(1) / std::sqrt(variance[c] + epsilon_);
}

template <class T>
void BatchNorm<T>::normalize(Lines lines, index batch, const Rows<const T>& x,
                             const Outputs<T>& out) const {
  const index channel = lines.channel(), lane = channel % kPanelWidth<T>;
  Outputs<T> of_lines = out;
  of_lines.y.data += lane;
  if (of_lines.slope.data) of_lines.slope.data += lane;
  for (index p = 0; p < positions_; ++p) {
    const index panel = p * panels_ + channel / kPanelWidth<T>;
    const index rows = rows_with(out.steps.x, p, batch);
    if (rows == 0) break;
    kernels<T>().normalize(rows, lines.width(), x.at(0, panel) + lane, x.stride,
                           kept(out.kept, kMean) + channel, kept(out.kept, kFactor) + channel,
                           parameter(kGain) + channel, parameter(kShift) + channel,
                           of_lines.y.at(0, panel), of_lines.y.stride, ahead(batch, x));
    if (out.then) out.then->apply(rows, lines.width(), 0, panel, of_lines);
  }
}

template <class T>
void BatchNorm<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                           Scratch<T> scratch) const {
  const bool measures = out.training && this->is_trained(), in_lanes = out.lanes.y;
  if (out.kept && share.worker == 0) {
    out.kept[measured_at()] = measures ? T(1) : T(0);
    const index count = rows_of_all(out.steps.x, positions_, batch);
    out.kept[count_at()] = static_cast<T>(count);
    out.kept[count_at() + 1] = static_cast<T>(count - 1);
  }
  if (measures) {
    // A worker's channels, from the sums to the outputs.
    return each_lines(share, [&](Lines lines) {
      if (scratch.leaves()) return;
      measure(lines, batch, out.steps.x, *x, in_lanes, out.kept);
      if (in_lanes) return normalize_in_lanes(lines, batch, *x, out);
      normalize(lines, batch, *x, out);
    });
  }
  T* const factor = scratch.numbers;
  for (index c = 0; c < columns_; ++c) {
    factor[c] = T(1) / std::sqrt(parameter(kRunningVariance)[c] + epsilon_);
  }
  if (out.kept && share.worker == 0) {
    std::copy_n(parameter(kRunningMean), columns_, kept(out.kept, kMean));
    std::copy_n(factor, columns_, kept(out.kept, kFactor));
  }
  if (in_lanes) return answer_in_lanes(share, batch, *x, factor, out, scratch);
  if (batch == 1 && share.workers == 1 && !out.kept && !out.steps.x) {
    // The positions of a single sample are rows.
    return each_panel<T>(channels_, [&](index q, index width) {
      const index channel = q * kPanelWidth<T>;
      const Rows<const T> from = every_panel(*x, 0, q, panels_);
      const Outputs<T> to = positions_as_rows(out, 0, q, panels_);
      kernels<T>().normalize(positions_, width, from.data, from.stride,
                             parameter(kRunningMean) + channel, factor + channel,
                             parameter(kGain) + channel, parameter(kShift) + channel, to.y.data,
                             to.y.stride, ahead(batch, *x));
      if (out.then) out.then->apply(positions_, width, 0, 0, to);
    });
  }
  each_share(share, batch, out.steps.x,
             [&](index row, index rows, index panel, index channel, index width) {
               if (scratch.leaves()) return;
               kernels<T>().normalize(rows, width, x->at(row, panel), x->stride,
                                      parameter(kRunningMean) + channel, factor + channel,
                                      parameter(kGain) + channel, parameter(kShift) + channel,
                                      out.y.at(row, panel), out.y.stride, ahead(rows, *x));
               if (out.then) out.then->apply(rows, width, row, panel, out);
             });
}

// The sums of d loss / d y, and of its products with x - mean, from which both gradients follow.
template <class T>
void BatchNorm<T>::backward(Share share, index batch, const Back<T>& back, Scratch<T>) const {
  const Rows<const T> delta = back.delta;
  each_lines(share, [&](Lines lines) {
    Sums sums[kMostLines];
    const T* const mean = kept(back.kept, kMean) + lines.channel();
    if (back.lanes.y) {
      add_sums_in_lanes(lines, positions_, batch, *back.x, &delta, mean, sums);
    } else {
      add_sums(lines, positions_, batch, back.steps.x, *back.x, &delta, mean, sums);
    }
    for (index c = 0; c < lines.width(); ++c) {
      const Sums& of_line = sums[c / kLineWidth<T>];
      kept(back.kept, kSumOfDeltas)[lines.channel() + c] = total(of_line.first, c % kLineWidth<T>);
      kept(back.kept, kSumAlong)[lines.channel() + c] = total(of_line.second, c % kLineWidth<T>);
    }
  });
}

template <class T>
void BatchNorm<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                  const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                  Scratch<T> scratch) const {
  // d loss / d x = gain factor (delta - mean(delta) - x' mean(delta x')) for the normal x', where
  // the means are those of the batch: a multiple of delta, one of x - mean, and a constant.
  const T count = back.kept[count_at()];
  T *const along = scratch.numbers, *const constant = along + columns_;
  T* const gain = constant + columns_;
  for (index c = 0; c < columns_; ++c) {
    const T factor = kept(back.kept, kFactor)[c];
    gain[c] = parameter(kGain)[c] * factor;
    along[c] = constant[c] = T(0);
    if (back.kept[measured_at()] == T(0)) continue;
    along[c] = -gain[c] * factor * factor * (kept(back.kept, kSumAlong)[c] / count);
    constant[c] = -gain[c] * (kept(back.kept, kSumOfDeltas)[c] / count);
  }
  if (back.lanes.y) {
    return backward_input_in_lanes(share, batch, back, gain, along, constant, delta_below, below,
                                   scratch);
  }
  each_share(share, batch, back.steps.x,
             [&](index row, index rows, index panel, index channel, index width) {
               if (scratch.leaves()) return;
               kernels<T>().normalize_backward(
                   rows, width, back.x->at(row, panel), back.x->stride, back.delta.at(row, panel),
                   back.delta.stride, kept(back.kept, kMean) + channel, gain + channel,
                   along + channel, constant + channel, delta_below.at(row, panel),
                   delta_below.stride, ahead(rows, *back.x));
               below.finish(row, rows, panel, width, delta_below);
             });
}

template <class T>
void BatchNorm<T>::backward_parameters(Share share, index, const Back<T>& back,
                                       GradientSink<T>& sink, Scratch<T>) const {
  for (index q = share.first(panels_); q < share.last(panels_); ++q) {
    alignas(64) T gain[kPanelWidth<T>] = {}, shift[kPanelWidth<T>] = {};
    const index offset = q * kPanelWidth<T>;
    // Not of the padding, which is left unchanged.
    for (index c = 0; c < std::min(kPanelWidth<T>, channels_ - offset); ++c) {
      gain[c] = kept(back.kept, kSumAlong)[offset + c] * kept(back.kept, kFactor)[offset + c];
      shift[c] = kept(back.kept, kSumOfDeltas)[offset + c];
    }
    sink.take(offset, kPanelWidth<T>, gain);
    sink.take(columns_ + offset, kPanelWidth<T>, shift);
  }
}

// The running variance is that of the whole population, as estimated from the batch.
template <class T>
void BatchNorm<T>::settle(Share share, index, const T* all) const {
  const T count = all[count_at()], less = all[count_at() + 1];
  const T whole = less > T(0) ? count / less : T(1);
  for (index c = share.first(channels_); c < share.last(channels_); ++c) {
    T& mean = parameter(kRunningMean)[c];
    T& variance = parameter(kRunningVariance)[c];
    mean = momentum_ * mean + (T(1) - momentum_) * kept(all, kMean)[c];
    variance = momentum_ * variance + (T(1) - momentum_) * (kept(all, kVariance)[c] * whole);
  }
}

template class BatchNorm<float>;
template class BatchNorm<double>;

}  // namespace foxnn
