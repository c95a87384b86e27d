// Pools over the kernels. Workers divide the output positions between them, and in the backward
// pass the input positions, each of which adds up what it has given to the windows over it.
#include "layers/pool.hpp"

#include "layers/columns.hpp"
#include "layers/few.hpp"

namespace foxnn {
namespace {

Window window_of(const LayerSpec& spec, const Shape& input) {
  if (spec.options.contains("factor")) return Window::repeating(spec, input);
  return spec.options.contains("kernel") ? Window(spec, input) : Window::whole(input);
}

template <class T>
index panels_of(const Form& form) {
  return panel_count<T>(form.shape.channels);
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
ScratchSize Pool<T>::scratch_size(index) const {
  return {.stretches = window_.most_taps()};
}

template <class T>
template <class Function>
void Pool<T>::each_output(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                          const Scratch<T>& scratch, Function f) const {
  constexpr index kWidth = kPanelWidth<T>;
  const index positions = this->output().shape.positions();
  const index panels = panels_of<T>(this->output());
  const auto at = [&](index position, index q, index width, index row, index rows) {
    const index panel = position * panels + q;
    return Tile{position,
                q,
                width,
                rows,
                x.at(row),
                x.stride,
                out.y.at(row, panel),
                out.y.stride,
                out.kept ? out.kept + (panel * batch + row) * kWidth : nullptr,
                kWidth};
  };
  if (goes_by_positions<T>(batch, runs_, positions)) {
    const std::span<const PositionRun> runs = runs_.all();
    const index count = static_cast<index>(runs.size());
    for (index r = share.first(count); r < share.last(count) && !scratch.leaves(); ++r) {
      const PositionRun& run = runs[static_cast<std::size_t>(r)];
      for (index sample = 0; sample < batch; ++sample) {
        each_panel<T>(this->output().shape.channels, [&](index q, index width) {
          Tile tile = at(run.first, q, width, sample, run.count);
          tile.ldx = run.shift * panels * x.panel;
          tile.ldy = run.step * panels * out.y.panel;
          tile.ldk = run.step * panels * batch * kWidth;
          f(tile);
        });
      }
    }
    return;
  }
  // A single position, of all samples: by rows.
  const bool by_rows = positions < share.workers;
  const Share rows = by_rows ? share : Share{}, places = by_rows ? Share{} : share;
  const index first = rows.first(batch), count = rows.last(batch) - first;
  for (index p = places.first(positions); p < places.last(positions); ++p) {
    if (scratch.leaves()) return;
    each_panel<T>(this->output().shape.channels,
                  [&](index q, index width) { f(at(p, q, width, first, count)); });
  }
}

template <class T>
template <class Function>
void Pool<T>::each_input(Share share, index batch, const Rows<T>& delta_below,
                         const typename Layer<T>::Below& below, const Scratch<T>& scratch,
                         Function f) const {
  const index positions = this->input().shape.positions();
  const index panels = panels_of<T>(this->input());
  for (index p = share.first(positions); p < share.last(positions); ++p) {
    if (scratch.leaves()) return;
    each_panel<T>(this->input().shape.channels, [&](index q, index width) {
      f(p, q, p * panels + q, width);
      below.finish(0, batch, p * panels + q, width, delta_below);
    });
  }
}

template <class T>
MaxPool<T>::MaxPool(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Pool<T>(spec, inputs, window_of(spec, inputs.front().shape)) {}

// The place of the largest number, for each output, in compact panels.
template <class T>
index MaxPool<T>::kept_size(index batch) const {
  return batch * this->output().shape.positions() * panels_of<T>(this->output()) * kPanelWidth<T>;
}

template <class T>
void MaxPool<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                         Scratch<T> scratch) const {
  const index panels = panels_of<T>(this->input());
  this->each_output(share, batch, *x, out, scratch, [&](const auto& tile) {
    index count = 0;
    for (const Tap& tap : this->window().of_output(tile.position)) {
      scratch.stretches[count++] = {.column = (tap.position * panels + tile.panel) * x->panel,
                                    .line = tap.place};
    }
    kernels<T>().largest(tile.rows, tile.width, scratch.stretches, count, tile.x, tile.ldx, tile.y,
                         tile.ldy, tile.kept, tile.ldk);
  });
}

template <class T>
void MaxPool<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                Scratch<T> scratch) const {
  const index panels = panels_of<T>(this->output());
  this->each_input(
      share, batch, delta_below, below, scratch, [&](index p, index q, index panel, index width) {
        index count = 0;
        for (const Tap& tap : this->window().of_input(p)) {
          const index from = tap.position * panels + q;
          scratch.stretches[count++] = {.column = from * back.delta.panel,
                                        .line = from * batch * kPanelWidth<T>,
                                        .count = tap.place};
        }
        kernels<T>().sum_where_largest(batch, width, scratch.stretches, count, back.delta.data,
                                       back.delta.stride, back.kept, kPanelWidth<T>,
                                       delta_below.at(0, panel), delta_below.stride);
      });
}

template <class T>
AveragePool<T>::AveragePool(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Pool<T>(spec, inputs, window_of(spec, inputs.front().shape)) {}

template <class T>
void AveragePool<T>::forward(Share share, index batch, const Rows<const T>* x,
                             const Outputs<T>& out, Scratch<T> scratch) const {
  const index panels = panels_of<T>(this->input());
  this->each_output(share, batch, *x, out, scratch, [&](const auto& tile) {
    const auto taps = this->window().of_output(tile.position);
    index count = 0;
    for (const Tap& tap : taps) {
      scratch.stretches[count++] = {.column = (tap.position * panels + tile.panel) * x->panel,
                                    .count = static_cast<index>(taps.size())};
    }
    kernels<T>().sum_of_shares(tile.rows, tile.width, scratch.stretches, count, tile.x, tile.ldx,
                               tile.y, tile.ldy);
  });
}

template <class T>
void AveragePool<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                    const Rows<T>& delta_below,
                                    const typename Layer<T>::Below& below,
                                    Scratch<T> scratch) const {
  const index panels = panels_of<T>(this->output());
  this->each_input(
      share, batch, delta_below, below, scratch, [&](index p, index q, index panel, index width) {
        index count = 0;
        for (const Tap& tap : this->window().of_input(p)) {
          const auto size = this->window().of_output(tap.position).size();
          scratch.stretches[count++] = {.column = (tap.position * panels + q) * back.delta.panel,
                                        .count = static_cast<index>(size)};
        }
        kernels<T>().sum_of_shares(batch, width, scratch.stretches, count, back.delta.data,
                                   back.delta.stride, delta_below.at(0, panel), delta_below.stride);
      });
}

template class MaxPool<float>;
template class MaxPool<double>;
template class AveragePool<float>;
template class AveragePool<double>;

}  // namespace foxnn
