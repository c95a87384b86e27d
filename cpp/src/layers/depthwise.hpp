// Depthwise convolution: as many groups as channels, so that each filter reads one channel. It is
// Conv with other products: the lanes of a register are channels, each with weights of its own. A
// number that is read serves few products, so reading and writing samples takes most of the time,
// and the work goes by blocks of samples that stay in the caches.
#pragma once

#include <optional>

#include "layers/activated.hpp"
#include "layers/position_runs.hpp"
#include "layers/window_steps.hpp"

namespace foxnn {

/// Whether a convolution is depthwise. A single channel is left to Conv.
bool is_depthwise(const LayerSpec& spec, const Shape& input);

template <class T>
class Depthwise final : public Activated<T> {
 public:
  /// Options: as Conv.
  Depthwise(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Depthwise>(*this); }
  double flops() const override;
  index output_steps(index steps) const override { return window_.along().outputs(steps); }
  void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) override;
  void unpack(const Array& array, const T* packed, T* values, Order order,
              const StopRequest& stop) const override;
  void pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const override;
  ScratchSize scratch_size(index batch) const override;
  void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
               Scratch<T> scratch) const override;
  void backward_input(Share share, index batch, index which, const Back<T>& back,
                      const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                      Scratch<T> scratch) const override;
  void backward_parameters(Share share, index batch, const Back<T>& back, GradientSink<T>& sink,
                           Scratch<T> scratch) const override;

 private:
  // A panel of channels, and the panels of outputs that its filters give.
  struct Panel {
    index number, width;
    const T* weights;  // [place][which of a channel's filters][channel]
    index first_output, outputs;
  };
  // Channels of a panel from `column` on, and the places whose weights' gradient is computed.
  struct Part {
    index panel, column, width;
    index first, last;
  };
  // Some rows of neighbouring panels.
  template <class U>
  struct Block {
    U* first;
    index stride, panel;
  };
  // The gradients of outputs, a plane for each of a channel's filters.
  struct Deltas {
    const T* first;
    index stride, plane, step;  // from row to row, plane to plane, position to position
  };

  index panels() const { return panel_count<T>(channels_); }
  index output_panels() const { return panel_count<T>(filters_); }
  index width_of(index panel) const;
  Panel panel(index number) const;
  index positions_in() const { return this->input().shape.positions(); }
  index positions_out() const { return this->output().shape.positions(); }
  template <class Function>
  void each_line(const StopRequest& stop, const Function& f) const;

  // forward
  index list_of_output(index position, index length, index panel, index distance,
                       Stretch* list) const;
  void fetch(index position, index panel, index row, index rows, const Rows<const T>& x) const;
  const T* bias_of(const Panel& panel, T* gathered) const;
  void multiply(const Panel& panel, index rows, const Stretch* list, index count, const T* x,
                index ldx, const T* bias, const Block<T>& to, T* planes) const;
  void forward_few(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                   Scratch<T> scratch) const;
  // The rows of sequences of different lengths, or all of them.
  std::optional<WindowRows> sequences(index batch, const StepRows& steps,
                                      const Scratch<T>& scratch) const {
    if (!steps.x) return std::nullopt;
    return WindowRows(window_, batch, steps, scratch.stretches + most_stretches());
  }
  index most_stretches() const { return window_.most_taps() * multiplier_; }

  // backward
  index staged_rows(index batch) const;
  void stage(Share share, const Panel& panel, index row, index rows, const Rows<T>& delta,
             T* planes, index plane) const;
  Deltas deltas_of(const Part& part, index begin, index end, index batch,
                   const Rows<const T>& delta, T* planes) const;
  void gradient_of_part(const Part& part, index batch, const Rows<const T>& x,
                        const Rows<const T>& delta, const WindowRows* sequences, T* sums,
                        T* of_bias, T* planes) const;
  // The places of a part that a window has within the sample.
  struct PlacesRead {
    index count = 0;
    Stretch* ranges;  // of places, by `line` and `count`
    index* columns;   // of each place
  };
  void places_read(const Part& part, index position, index length, index panel,
                   PlacesRead& found) const;
  void add_tile(const Part& part, index begin, index end, index batch, const Rows<const T>& x,
                const T* delta, const Deltas& deltas, T* sums) const;
  void add_tile_of_sequences(const Part& part, index begin, index end, const WindowRows& rows,
                             const Rows<const T>& x, const T* delta, const Deltas& deltas,
                             T* sums) const;
  void take(const Part& part, T* sums, T* of_bias, GradientSink<T>& sink) const;

  // Between the columns of filters and a plane for each of a channel's filters.
  void spread(const Panel& panel, index rows, const Block<const T>& from, T* planes,
              index plane) const;
  void join(const Panel& panel, index rows, const T* planes, const Block<T>& to) const;

  Window window_;
  PositionRuns runs_;
  index channels_, filters_;
  index multiplier_;  // filters of a channel
  bool has_bias_;
};

extern template class Depthwise<float>;
extern template class Depthwise<double>;

}  // namespace foxnn
