// Convolution over any number of axes (LeCun et al., "Gradient-based learning applied to document
// recognition", 1998): at each output position the products of the window's inputs with the
// filters, f(x W + b). As in other libraries, the window is not mirrored.
//
// It is an indirect matrix product: for each output position, the columns that its window reads
// are listed as stretches, and rows are samples. Places over the padding are left out of the lists,
// so they cost nothing, and no matrix of windows is ever built. Where channels are few, the batch
// may lie in lanes (conv_lanes.cpp): then samples fill the lanes, with the same bits of the
// outputs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "layers/activated.hpp"
#include "layers/lane_lists.hpp"
#include "layers/position_runs.hpp"
#include "layers/window_steps.hpp"

namespace foxnn {

/// The options of a convolution. They throw std::invalid_argument if the numbers do not fit.
index checked_filters(const LayerSpec& spec);
index checked_groups(const LayerSpec& spec, index channels, index filters);

template <class T>
class Conv final : public Activated<T> {
 public:
  /// Options: filters, groups, those of Window, activation, parameters, init, bias.
  Conv(const LayerSpec& spec, const std::vector<Form>& inputs);

  std::unique_ptr<Layer<T>> clone() const override { return std::make_unique<Conv>(*this); }
  double flops() const override;
  LaneUse lane_use() const override;
  index output_steps(index steps) const override { return window_.along().outputs(steps); }
  Products products() const override;
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
  // The columns of a value, position by position.
  struct Columns {
    index pitch, channels;
    bool are_panels;  // each position begins a panel

    explicit Columns(const Form& form);
    index at(index position, index channel) const { return position * pitch + channel; }
  };
  // The most lines of two panels of weights that are multiplied at once: they stay in the
  // second-level cache, from which each tile reads them.
  static constexpr index kMostLines = (512 << 10) / (2 * kPanelBytes);

  // Up to a panel of the filters of a group.
  struct Block {
    index group, first;  // the first filter, within the group
    index width, used;   // columns of weights, padded to a line, and filters
  };
  // Positions whose samples' gradients stay in the second-level cache while the lines of weights
  // are gone through: 16 positions of 64 samples are 128 KB.
  static constexpr index kPositions = 16;

  // A few lines of a block's weights.
  struct Tile {
    Block block;
    index line, rows;
  };
  // Some lines of the weights of a block, or of it and the next one.
  struct Lines {
    Block block;
    index blocks, first, last;
    index size() const { return (last - first) * block.width; }
  };
  // The gradients of a block's outputs: rows, and the distance from one position to the next.
  struct Deltas {
    const T* first;
    index stride, step;
  };

  // Whether up to a panel of channels of a group are a panel's, with nothing of another group.
  bool is_aligned(index channel, index count) const {
    return channel % kPanelWidth<T> == 0 && (groups_ == 1 || count == kPanelWidth<T>);
  }
  index blocks_of_group() const;
  Block block(index group, index b) const;
  index weights_of(const Block& block) const;
  template <class Function>
  void each_line(const StopRequest& stop, const Function& f) const;
  index place_of_weight(index line, index filter) const;
  void forward_position(index position, const ReadRun& run, const Rows<const T>& x,
                        const Outputs<T>& out, const Scratch<T>& scratch) const;
  bool multiplies_pairs(const Rows<const T>& from, const Rows<const T>& to) const;
  static bool is_pair_of(index all, index first) {
    return rounded_up(all, kLineWidth<T>) - first >= 2 * kPanelWidth<T>;
  }
  static bool is_pair(index all, index first, index lines) {
    return is_pair_of(all, first) && lines <= kMostLines;
  }
  index list_columns(const Block& block, index position, const ReadRun& run, const Rows<const T>& x,
                     Stretch* stretches) const;
  void forward_pair(const Block& block, index position, const ReadRun& run, const Rows<const T>& x,
                    const Outputs<T>& out, const Scratch<T>& scratch) const;
  void forward_block(const Block& block, index position, const ReadRun& run, const Rows<const T>& x,
                     const Outputs<T>& out, Scratch<T> scratch) const;
  index scratch_of_few(index batch) const;
  void forward_few(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                   Scratch<T> scratch) const;
  void list_few();
  index list_of_run(const PositionRun& run, index group, index panel, Stretch* stretches) const;
  bool rectifies_sums(const Outputs<T>& out) const;
  Rows<const T> contiguous_rows(index batch, const Rows<const T>& x, T* copied) const;
  void products_of_run(const Block& block, const PositionRun& run, std::span<const Stretch> listed,
                       const T* a, index lda, const Rows<T>& y, T least, Scratch<T> scratch) const;
  index list_gradients(index group, index position, const ReadRun& run, const Rows<const T>& delta,
                       Stretch* stretches) const;
  void input_gradient_pair(index channel, index position, const ReadRun& run,
                           const Rows<const T>& delta, const T* weights, const Rows<T>& delta_below,
                           const Scratch<T>& scratch) const;
  void input_gradient(index group, index channel, index position, const ReadRun& run,
                      const Rows<const T>& delta, const T* weights, const Rows<T>& delta_below,
                      Scratch<T> scratch) const;
  index weights_of_channels(index channels) const;
  index transposed_channels() const;
  void transpose_weights(index group, index channel, T* transposed) const;
  void gradient_of_lines(const Lines& lines, index batch, const Rows<const T>& x,
                         const Rows<const T>& delta, const WindowRows* sequences, T* gradient,
                         T* gathered, T* biases) const;
  Deltas deltas_of(const Block& block, index begin, index end, index batch,
                   const Rows<const T>& delta, T* gathered) const;
  index list_positions(const Tile& tile, index begin, index end, index panel, index step,
                       index* columns, index* places) const;
  void add_pair_of_place(const Tile& tile, index begin, index end, index batch,
                         const Rows<const T>& x, const Deltas& deltas, index next, T* sums,
                         index part, Errands* errands) const;
  Errands next_positions(const Lines& lines, index begin, index batch, const Rows<const T>& x,
                         const Rows<const T>& delta) const;
  void add_tile(const Tile& tile, index begin, index end, index batch, const Rows<const T>& x,
                const Deltas& deltas, T* sums, Errands* errands) const;
  bool is_within_place(const Tile& tile) const;
  void add_tile_of_place(const Tile& tile, index begin, index end, index batch,
                         const Rows<const T>& x, const Deltas& deltas, T* sums,
                         Errands* errands) const;
  index lines_read(const Tile& tile, index position, index length, index panel, index* columns,
                   Stretch* ranges) const;
  void bias_gradient(Share share, index batch, const Back<T>& back, GradientSink<T>& sink) const;

  // The same over sequences of different lengths.
  index most_stretches() const;
  WindowRows sequences(index batch, const StepRows& steps, const Scratch<T>& scratch) const {
    return {window_, batch, steps, scratch.stretches + most_stretches()};
  }
  void forward_sequences(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                         const Scratch<T>& scratch) const;
  void backward_input_sequences(Share share, index batch, const Back<T>& back,
                                const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                const Scratch<T>& scratch) const;
  void add_tile_of_sequences(const Tile& tile, index begin, index end, const WindowRows& rows,
                             const Rows<const T>& x, const Deltas& deltas, T* sums) const;

  // The same over a batch in lanes.
  void list_lanes();
  index lane_numbers() const;
  index lines_of_sums(index filters) const;
  void forward_in_lanes(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                        const Scratch<T>& scratch) const;
  void backward_input_in_lanes(Share share, index batch, const Back<T>& back,
                               const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                               const Scratch<T>& scratch) const;
  void backward_parameters_in_lanes(Share share, index batch, const Back<T>& back,
                                    GradientSink<T>& sink, const Scratch<T>& scratch) const;
  void sum_lines_in_lanes(const Block& block, index line, index count, index batch,
                          const Rows<const T>& x, const Rows<const T>& delta, T* sums) const;
  void bias_gradient_in_lanes(Share share, index batch, const Rows<const T>& delta,
                              GradientSink<T>& sink) const;

  Window window_;
  PositionRuns runs_;
  index filters_, groups_;
  index group_channels_, group_filters_;  // of one group
  index lines_;                           // of weights: the products of one output number
  index padded_;                          // filters of a group, padded to a line
  bool has_bias_;
  std::shared_ptr<const LaneLists> lane_lists_;  // null: its channels fill the lanes
  // What runs read of the first group of a contiguous row, by kind, from the first position that
  // they read on; null: too much to be kept.
  std::shared_ptr<const std::vector<std::vector<Stretch>>> few_lists_;
};

extern template class Conv<float>;
extern template class Conv<double>;

}  // namespace foxnn
