// Pools over the kernels. Workers divide the output positions between them, and in the backward
// pass the input positions, each of which adds up what it has given to the windows over it.
#include "layers/pool.hpp"

#include "layers/few.hpp"
#include "layers/lanes.hpp"

namespace foxnn {
namespace {

Window window_of(const LayerSpec& spec, const Shape& input) {
  if (spec.options.contains("factor")) return Window::repeating(spec, input);
  return spec.options.contains("kernel") ? Window(spec, input) : Window::whole(input);
}

// The positions that a window reads, in rows of a length as in ReadRun.
index size_of(const Window& window, index position, index length) {
  return length > 0 ? window.along().size(position, length)
                    : static_cast<index>(window.of_output(position).size());
}

}  // namespace

template <class T>
Pool<T>::Pool(const LayerSpec& spec, const std::vector<Form>& inputs, Window window)
    : Layer<T>(spec, inputs), window_(std::move(window)), runs_(window_) {
  const Shape given{window_.output_axes(), inputs.front().shape.channels};
  this->set_output({given, Layout::panels<T>(given)});
}

template <class T>
double Pool<T>::flops() const {
  return 2.0 * static_cast<double>(window_.pairs()) *
         static_cast<double>(this->input().shape.channels);
}

template <class T>
ScratchSize Pool<T>::scratch_size(index batch) const {
  return {.stretches = window_.most_taps() + batch};
}

template <class T>
template <class Function>
void Pool<T>::each_block(Share share, index batch, index positions, bool in_lanes, bool by_rows,
                         const Scratch<T>& scratch, const Function& f) const {
  const index channels = this->output().shape.channels;
  if (in_lanes) {
    each_lane_part<T>(share, batch, positions, scratch,
                      [&](index panel, index first, index last, index width) {
                        for (index p = first; p < last; ++p) {
                          f(Block{p, channels, width, 0, channels, panel, 0});
                        }
                      });
    return;
  }
  const index panels = panel_count<T>(channels);
  const Share rows = by_rows ? share : Share{}, places = by_rows ? Share{} : share;
  const index first = rows.first(batch), count = rows.last(batch) - first;
  for (index p = places.first(positions); p < places.last(positions); ++p) {
    if (scratch.leaves()) return;
    each_panel<T>(channels,
                  [&](index q, index width) { f(Block{p, count, width, first, 0, q, panels}); });
  }
}

// Calls f(position, first row, rows) for the worker's share of the positions, or of the rows.
template <class T>
template <class Function>
void Pool<T>::each_block_of_sequences(Share share, index batch, index positions,
                                      const std::uint32_t* with_step, const Scratch<T>& scratch,
                                      const Function& f) const {
  const bool by_rows = positions < share.workers;
  const Share rows = by_rows ? share : Share{};
  const PositionRange own = own_positions(by_rows ? Share{} : share, positions, with_step);
  for (index p = own.first; p < own.last && !scratch.leaves(); ++p) {
    f(p, rows.first(batch), rows.last(batch));
  }
}

// Calls f with the blocks of a position's rows [begin, end) that read the same.
template <class T>
template <class Function>
void Pool<T>::each_block_of_run(const ReadRun& run, index position, index begin, index end,
                                const Function& f) const {
  const index channels = this->input().shape.channels, panels = panel_count<T>(channels);
  const index first = std::max(begin, run.first);
  const index count = std::min(end, run.first + run.rows) - first;
  if (count <= 0) return;
  each_panel<T>(channels, [&](index q, index width) {
    Block block{position, count, width, first, 0, q, panels};
    block.length = run.length;
    f(block);
  });
}

template <class T>
template <class Function>
void Pool<T>::each_output(Share share, index batch, bool in_lanes, const StepRows& steps,
                          const Scratch<T>& scratch, const Function& f) const {
  const index positions = this->output().shape.positions();
  if (steps.x) {
    const WindowRows rows(window_, batch, steps, scratch.stretches + window_.most_taps());
    each_block_of_sequences(
        share, batch, positions, steps.y, scratch, [&](index p, index begin, index end) {
          rows.each_of_output(
              p, [&](const ReadRun& run) { each_block_of_run(run, p, begin, end, f); });
        });
    return;
  }
  if (!in_lanes && goes_by_positions<T>(batch, runs_, positions)) {
    const index channels = this->output().shape.channels, panels = panel_count<T>(channels);
    const std::span<const PositionRun> runs = runs_.all();
    const index count = static_cast<index>(runs.size());
    for (index r = share.first(count); r < share.last(count) && !scratch.leaves(); ++r) {
      const PositionRun& run = runs[static_cast<std::size_t>(r)];
      for (index sample = 0; sample < batch; ++sample) {
        each_panel<T>(channels, [&](index q, index width) {
          f(Block{run.first, run.count, width, sample, 0, q, panels, 0, run.shift, run.step});
        });
      }
    }
    return;
  }
  // A single position, of all samples: by rows.
  each_block(share, batch, positions, in_lanes, positions < share.workers, scratch, f);
}

template <class T>
template <class Function>
void Pool<T>::each_input(Share share, index batch, const Back<T>& back, bool counts,
                         const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                         const Scratch<T>& scratch, const Function& f) const {
  const index positions = this->input().shape.positions();
  const auto finished = [&](const Block& block) {
    f(block);
    below.finish(block.row + block.position * block.row_step, block.rows,
                 block.panel + block.position * block.panel_step, block.width, delta_below);
  };
  if (back.steps.x) {
    const WindowRows rows(window_, batch, back.steps, scratch.stretches + window_.most_taps());
    each_block_of_sequences(share, batch, positions, back.steps.x, scratch,
                            [&](index p, index begin, index end) {
                              rows.each_of_input(p, counts, [&](const ReadRun& run) {
                                each_block_of_run(run, p, begin, end, finished);
                              });
                            });
    return;
  }
  each_block(share, batch, positions, back.lanes.y, false, scratch, finished);
}

template <class T>
Rows<T> Pool<T>::as_outputs(T* numbers, index batch, bool in_lanes) const {
  const index height = in_lanes ? this->output().shape.size() : batch;
  return {numbers, kPanelWidth<T>, height * kPanelWidth<T>};
}

template <class T>
MaxPool<T>::MaxPool(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Pool<T>(spec, inputs, window_of(spec, inputs.front().shape)) {}

// The place of the largest number, for each output, in compact panels: of columns, or in lanes of
// samples.
template <class T>
index MaxPool<T>::kept_size(index batch) const {
  const Shape& shape = this->output().shape;
  const index numbers = batch * shape.positions() * panel_count<T>(shape.channels);
  if (batch < kLeastInLanes<T>) return numbers * kPanelWidth<T>;
  return std::max(numbers, shape.size() * panel_count<T>(batch)) * kPanelWidth<T>;
}

template <class T>
void MaxPool<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                         Scratch<T> scratch) const {
  const Rows<T> kept = this->as_outputs(out.kept, batch, out.lanes.y);
  this->each_output(
      share, batch, out.lanes.y, out.steps, scratch, [&](const typename Pool<T>::Block& block) {
        index count = 0;
        each_tap_of_output(this->window(), block.position, block.length, [&](const Tap& tap) {
          scratch.stretches[count++] = {.column = tap.position * block.step(*x), .line = tap.place};
        });
        kernels<T>().largest(
            block.rows, block.width, scratch.stretches, count, block.at(*x, 0),
            block.between_reads(*x), block.at(out.y, block.position), block.between_outputs(out.y),
            kept.data ? block.at(kept, block.position) : nullptr, block.between_outputs(kept));
      });
}

template <class T>
void MaxPool<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                Scratch<T> scratch) const {
  const Rows<T> kept = this->as_outputs(back.kept, batch, back.lanes.y);
  this->each_input(
      share, batch, back, false, delta_below, below, scratch,
      [&](const typename Pool<T>::Block& block) {
        index count = 0;
        each_tap_of_input(this->window(), block.position, block.length, [&](const Tap& tap) {
          scratch.stretches[count++] = {.column = tap.position * block.step(back.delta),
                                        .line = tap.position * block.step(kept),
                                        .count = tap.place};
        });
        kernels<T>().sum_where_largest(block.rows, block.width, scratch.stretches, count,
                                       block.at(back.delta, 0), back.delta.stride,
                                       block.at(kept, 0), kept.stride,
                                       block.at(delta_below, block.position), delta_below.stride);
      });
}

template <class T>
AveragePool<T>::AveragePool(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Pool<T>(spec, inputs, window_of(spec, inputs.front().shape)) {}

template <class T>
void AveragePool<T>::forward(Share share, index batch, const Rows<const T>* x,
                             const Outputs<T>& out, Scratch<T> scratch) const {
  this->each_output(
      share, batch, out.lanes.y, out.steps, scratch, [&](const typename Pool<T>::Block& block) {
        const index size = size_of(this->window(), block.position, block.length);
        index count = 0;
        each_tap_of_output(this->window(), block.position, block.length, [&](const Tap& tap) {
          scratch.stretches[count++] = {.column = tap.position * block.step(*x), .count = size};
        });
        kernels<T>().sum_of_shares(block.rows, block.width, scratch.stretches, count,
                                   block.at(*x, 0), block.between_reads(*x),
                                   block.at(out.y, block.position), block.between_outputs(out.y));
      });
}

template <class T>
void AveragePool<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                    const Rows<T>& delta_below,
                                    const typename Layer<T>::Below& below,
                                    Scratch<T> scratch) const {
  this->each_input(
      share, batch, back, true, delta_below, below, scratch,
      [&](const typename Pool<T>::Block& block) {
        index count = 0;
        each_tap_of_input(this->window(), block.position, block.length, [&](const Tap& tap) {
          scratch.stretches[count++] = {
              .column = tap.position * block.step(back.delta),
              .count = size_of(this->window(), index{tap.position}, block.length)};
        });
        kernels<T>().sum_of_shares(block.rows, block.width, scratch.stretches, count,
                                   block.at(back.delta, 0), back.delta.stride,
                                   block.at(delta_below, block.position), delta_below.stride);
      });
}

template class MaxPool<float>;
template class MaxPool<double>;
template class AveragePool<float>;
template class AveragePool<double>;

}  // namespace foxnn
