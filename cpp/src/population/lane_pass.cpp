// The forward pass of a group, and the parts of the backward pass that need no sink.
#include "population/lane_pass.hpp"

#include <algorithm>

namespace foxnn {

template <class T>
LanePass<T>::LanePass(const Network<T>& network, const LaneLayout<T>& layout, index batch,
                      index rows_ahead, const std::vector<bool>& dropout, bool backward,
                      index piece)
    : inputs_(network.inputs()),
      piece_(piece),
      x_(with_ones(rows_ahead, inputs_)),
      first_(x_.data()) {
  index width = 0, gradient = 0, inputs = inputs_;
  for (index i = 0; i < network.size(); ++i) {
    const Layer<T>& layer = network.layer(i);
    LaneStage<T> stage;
    stage.node = i;
    stage.inputs = inputs;
    stage.outputs = layer.output().shape.size();
    stage.is_dense = LaneLayout<T>::role_of(layer) == LaneRole::multiplies;
    stage.has_bias = layer.arrays().size() > 1;
    stage.drops = LaneLayout<T>::role_of(layer) == LaneRole::drops;
    stage.line = layout.line_of(i);
    stage.width = LaneLayout<T>::width(stage.outputs);
    stage.activation = layer.activation();
    const index size = batch * pitch(stage.outputs) * kLine;
    stage.y = with_ones(batch, stage.outputs);
    stage.keeps_slope = backward && layer.keeps_slope();
    if (stage.keeps_slope) stage.slope = Buffer<T>(size);
    const bool is_dropped = !dropout.empty() && dropout[static_cast<std::size_t>(i)];
    if (backward && (stage.drops || is_dropped)) stage.mask = Buffer<T>(size);
    if (backward && is_dropped) stage.dropped = with_ones(batch, stage.outputs);
    width = std::max(width, stage.outputs);
    if (stage.is_dense) {
      gradient =
          std::max(gradient, std::min(rows_of_piece(stage, piece), inputs + 1) * stage.width);
    }
    inputs = stage.outputs;
    stages_.push_back(std::move(stage));
  }
  if (!backward) return;
  for (Buffer<T>& delta : deltas_) delta = Buffer<T>(batch * pitch(width) * kLine);
  gradient_ = Buffer<T>(gradient * kLine);
}

template <class T>
Buffer<T> LanePass<T>::with_ones(index rows, index n) {
  Buffer<T> values(rows * pitch(n) * kLine);
  for (index r = 0; r < rows; ++r) {
    std::fill_n(values.data() + (r * pitch(n) + n) * kLine, kLine, T(1));
  }
  return values;
}

template <class T>
void LanePass<T>::activate(LaneStage<T>& stage, index rows) {
  const KernelTable<T>& k = kernels<T>();
  const int kind = static_cast<int>(stage.activation.kind);
  const T parameter = static_cast<T>(stage.activation.parameter);
  const index n = stage.outputs * kLine, ld = pitch(stage.outputs) * kLine;
  const bool is_softmax = stage.activation.kind == ActivationKind::softmax;
  if (stage.activation.kind == ActivationKind::identity || is_softmax) return;
  if (stage.keeps_slope) {
    k.activate_keep[kind](rows, n, stage.y.data(), ld, stage.slope.data(), ld, parameter);
  } else {
    k.activate[kind](rows, n, stage.y.data(), ld, parameter);
  }
}

template <class T>
void LanePass<T>::apply_slope(const LaneStage<T>& stage, index rows, T* delta) {
  if (stage.activation.kind == ActivationKind::identity) return;
  const index n = stage.outputs * kLine, ld = pitch(stage.outputs) * kLine;
  const T* const kept = stage.keeps_slope ? stage.slope.data() : stage.y.data();
  kernels<T>().apply_slope[static_cast<int>(stage.activation.kind)](
      rows, n, delta, ld, kept, ld, static_cast<T>(stage.activation.parameter));
}

template <class T>
void LanePass<T>::multiply_rows(index rows, index n, const T* a, const T* b, T* c) {
  const index ld = pitch(n) * kLine;
  kernels<T>().multiply_elements(rows, n * kLine, a, ld, b, ld, c, ld);
}

template <class T>
void LanePass<T>::blank(const std::vector<LaneGap>& gaps, index n, T* values, T with) {
  for (const LaneGap& gap : gaps) {
    for (index r = gap.first; r < gap.last; ++r) {
      for (index c = 0; c < n; ++c) values[(r * pitch(n) + c) * kLine + gap.member] = with;
    }
  }
}

template <class T>
void LanePass<T>::forward(index rows, const T* parameters, bool raw,
                          const std::vector<LaneGap>& gaps) {
  const T* x = first_;
  blank(gaps, inputs_, first_, T(0));
  for (LaneStage<T>& stage : stages_) {
    const bool is_last = &stage == &stages_.back();
    const index n = stage.outputs;
    if (stage.is_dense) {
      multiply(stage, rows, x, parameters, stage.y.data());
    } else if (stage.mask.size() && stage.drops) {
      multiply_rows(rows, n, x, stage.mask.data(), stage.y.data());
    } else {
      std::copy_n(x, rows * pitch(stage.inputs) * kLine, stage.y.data());
    }
    if (!(raw && is_last)) activate(stage, rows);
    if (stage.dropped.size()) {
      multiply_rows(rows, n, stage.y.data(), stage.mask.data(), stage.dropped.data());
    }
    if (!is_last) blank(gaps, n, stage.result(), T(0));
    x = stage.result();
  }
}

template <class T>
void LanePass<T>::forward(index rows, std::span<const T* const> parameters) {
  const index all = rows * static_cast<index>(parameters.size());
  const T* x = first_;
  for (LaneStage<T>& stage : stages_) {
    const index ldx = pitch(stage.inputs) * kLine, ldy = pitch(stage.outputs) * kLine;
    if (stage.is_dense) {
      T* y = stage.y.data();
      for (const T* const own : parameters) {
        multiply(stage, rows, x, own, y);
        x += rows * ldx;
        y += rows * ldy;
      }
    } else {
      std::copy_n(x, all * ldx, stage.y.data());
    }
    activate(stage, all);
    x = stage.y.data();
  }
}

template <class T>
void LanePass<T>::multiply(LaneStage<T>& stage, index rows, const T* x, const T* parameters, T* y) {
  const T* const weights = parameters + stage.line * kLine;
  const T* const bias = weights + stage.inputs * stage.width * kLine;
  member_kernels<T>().multiply({.m = rows,
                                .n = stage.outputs,
                                .k = stage.inputs,
                                .a = x,
                                .a_row = pitch(stage.inputs) * kLine,
                                .a_step = kLine,
                                .b = weights,
                                .b_step = stage.width * kLine,
                                .b_column = kLine,
                                .init = stage.has_bias ? bias : nullptr,
                                .c = y,
                                .c_row = pitch(stage.outputs) * kLine});
}

template <class T>
void LanePass<T>::pass_on(const LaneStage<T>& stage, index rows, const T* parameters,
                          const T* delta, T* below) {
  const index n = stage.outputs;
  if (stage.drops) return multiply_rows(rows, n, delta, stage.mask.data(), below);
  if (!stage.is_dense) {
    std::copy_n(delta, rows * pitch(n) * kLine, below);
    return;
  }
  member_kernels<T>().multiply({.m = rows,
                                .n = stage.inputs,
                                .k = n,
                                .a = delta,
                                .a_row = pitch(n) * kLine,
                                .a_step = kLine,
                                .b = parameters + stage.line * kLine,
                                .b_step = kLine,
                                .b_column = stage.width * kLine,
                                .init = nullptr,
                                .c = below,
                                .c_row = pitch(stage.inputs) * kLine});
}

template class LanePass<float>;
template class LanePass<double>;

}  // namespace foxnn
