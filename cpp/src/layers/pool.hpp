// Layers that take some positions of a sample together, channel by channel: the largest number of a
// window, or the mean, of a window or of all positions; and the repetition of positions.
#pragma once

#include "foxnn/layer.hpp"
#include "layers/position_runs.hpp"
#include "layers/window.hpp"
#include "layers/window_steps.hpp"

namespace foxnn {

/// Reads positions of its input, in windows, panel by panel.
template <class T>
class Pool : public Layer<T> {
 public:
  double flops() const override;
  LaneUse lane_use() const override { return LaneUse::follows; }
  index output_steps(index steps) const override {
    return this->output().shape.is_flat() ? -1 : window_.along().outputs(steps);
  }
  ScratchSize scratch_size(index batch) const override;

 protected:
  // What a kernel takes at once: some samples of a panel of channels at a position; of one sample,
  // some output positions, each of which reads its inputs as the first of them does; in lanes, all
  // channels of a panel of samples. It has the same place at every position.
  struct Block {
    index position;
    index rows, width;
    index row, row_step;      // of position 0, and from one position to the next
    index panel, panel_step;  // the same
    // From one row of the kernel to the next: rows, or positions.
    index next_row = 1, next_read = 0, next_output = 0;
    index length = 0;  // of the rows, if they are sequences that read less than the planned one

    template <class Number>
    Number* at(const Rows<Number>& values, index of_position) const {
      return values.at(row + of_position * row_step, panel + of_position * panel_step);
    }
    template <class Number>
    index step(const Rows<Number>& values) const {
      return row_step * values.stride + panel_step * values.panel;
    }
    // From one row to the next, of what windows read, and of outputs.
    template <class Number>
    index between_reads(const Rows<Number>& values) const {
      return next_row * values.stride + next_read * step(values);
    }
    template <class Number>
    index between_outputs(const Rows<Number>& values) const {
      return next_row * values.stride + next_output * step(values);
    }
  };

  Pool(const LayerSpec& spec, const std::vector<Form>& inputs, Window window);

  // Calls f(block) for each block of the worker's output positions.
  template <class Function>
  void each_output(Share share, index batch, bool in_lanes, const StepRows& steps,
                   const Scratch<T>& scratch, const Function& f) const;
  // The same for the input positions; afterwards `below` finishes them. `counts`: as in WindowRows.
  template <class Function>
  void each_input(Share share, index batch, const Back<T>& back, bool counts,
                  const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                  const Scratch<T>& scratch, const Function& f) const;
  // Outputs in compact panels.
  Rows<T> as_outputs(T* numbers, index batch, bool in_lanes) const;
  const Window& window() const { return window_; }

 private:
  template <class Function>
  void each_block(Share share, index batch, index positions, bool in_lanes, bool by_rows,
                  const Scratch<T>& scratch, const Function& f) const;
  template <class Function>
  void each_block_of_sequences(Share share, index batch, index positions,
                               const std::uint32_t* with_step, const Scratch<T>& scratch,
                               const Function& f) const;
  template <class Function>
  void each_block_of_run(const ReadRun& run, index position, index begin, index end,
                         const Function& f) const;

  Window window_;
  PositionRuns runs_;
};

/// The largest number of each window. The padding never wins.
template <class T>
class MaxPool final : public Pool<T> {
 public:
  /// Options: those of Window; without a kernel, one window covers all positions.
  MaxPool(const LayerSpec& spec, const std::vector<Form>& inputs);
  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<MaxPool>(*this); }
  bool picks_inputs() const override { return this->window().are_disjoint(); }
  index kept_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
};

/// The mean of each window, over the positions that are not padding; or, as an enlargement, each
/// position repeated.
template <class T>
class AveragePool final : public Pool<T> {
 public:
  /// Options: as MaxPool; or factor (one number for each axis), by which positions are repeated.
  AveragePool(const LayerSpec& spec, const std::vector<Form>& inputs);
  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<AveragePool>(*this); }
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
};

extern template class MaxPool<float>;
extern template class MaxPool<double>;
extern template class AveragePool<float>;
extern template class AveragePool<double>;

}  // namespace foxnn
