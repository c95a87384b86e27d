// Layers that take some positions of a sample together, channel by channel: the largest number of a
// window, or the mean, of a window or of all positions; and the repetition of positions.
#pragma once

#include "foxnn/layer.hpp"
#include "layers/position_runs.hpp"
#include "layers/window.hpp"

namespace foxnn {

/// Reads positions of its input, in windows, panel by panel.
template <class T>
class Pool : public Layer<T> {
 public:
  double flops() const override;
  ScratchSize scratch_size(index batch) const override;

 protected:
  Pool(const LayerSpec& spec, const std::vector<Form>& inputs, Window window);

  // Rows of a panel: samples of an output position, or positions of a sample, which read their
  // inputs as the first of them does.
  struct Tile {
    index position, panel, width;  // the panel, of those at a position
    index rows;
    const T* x;
    index ldx;
    T* y;
    index ldy;
    T* kept;  // of as many numbers as outputs, in compact panels; null if nothing is kept
    index ldk;
  };
  // Calls f(tile) for all of the worker's outputs.
  template <class Function>
  void each_output(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                   const Scratch<T>& scratch, Function f) const;
  // The same for the input positions; afterwards `below` finishes them.
  template <class Function>
  void each_input(Share share, index batch, const Rows<T>& delta_below,
                  const typename Layer<T>::Below& below, const Scratch<T>& scratch,
                  Function f) const;
  const Window& window() const { return window_; }

 private:
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
