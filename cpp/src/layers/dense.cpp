// The dense layer over the kernels: how a batch is divided into tiles, which worker computes which
// tile, and how weights are stored in panels.
#include "layers/dense.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/pieces.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"
#include "layers/dense_ahead.hpp"
#include "layers/dense_shares.hpp"
#include "layers/few.hpp"
#include "layers/narrow.hpp"
#include "layers/sorted_sums.hpp"
#include "layers/step_rows.hpp"

namespace foxnn {
namespace {

void check_size(index size, const char* what) {
  if (size < 1 || size > Dense<float>::kLargestSize) {
    throw std::invalid_argument(std::string(what) + " must be from 1 to 2147483647, got " +
                                std::to_string(size));
  }
}

// c[m x width] = bias + a[m x k] . panel[k x width], as sorted sums if `terms` is not null.
template <class T>
void product(index m, index k, const Rows<const T>& a, const T* panel, index width, const T* bias,
             T* c, index ldc, T* terms, Errands* errands) {
  if (terms) return multiply_sorted<T>(m, k, a, panel, width, bias, c, ldc, terms);
  kernels<T>().multiply(m, k, a, panel, width, bias, c, ldc, errands);
}

}  // namespace

template <class T>
Dense<T>::Dense(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Activated<T>(spec, inputs), neurons_(spec.whole("units")) {
  const Shape& shape = this->input().shape;
  Shape given{{}, neurons_};
  inputs_ = shape.size();
  if (spec.flag("each_position", false)) {
    given.axes = shape.axes;
    inputs_ = shape.channels;
    positions_ = shape.positions();
  }
  check_size(inputs_, "the number of inputs");
  check_size(neurons_, "the number of neurons");
  padded_ = rounded_up(neurons_, kLineWidth<T>);
  this->set_output({given, Layout::panels<T>(given)});
  this->add_array("weights", {inputs_, neurons_}, inputs_ * padded_, Array::Role::weight);
  if (spec.flag("bias", true)) {
    this->add_array("bias", {neurons_}, padded_, Array::Role::bias);
  } else {
    no_bias_ = Buffer<T>(padded_);
  }
}

template <class T>
double Dense<T>::flops() const {
  return 2.0 * static_cast<double>(positions_) * static_cast<double>((inputs_ + 1) * padded_);
}

template <class T>
double Dense<T>::sorted_products() const {
  return static_cast<double>(positions_) * static_cast<double>((inputs_ + 1) * padded_);
}

template <class T>
void Dense<T>::initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) {
  const Panels<T> panels{padded_};
  const index weights = inputs_ * neurons_,
              last = no_bias_.size() > 0 ? weights : weights + neurons_;
  // Weights come row by row, followed by the biases.
  const auto take = [&](index first, index count, const double* drawn) {
    for (index i = first, end = std::min(first + count, last); i < end;) {
      index run = end - i;
      T* to = this->own_parameters() + inputs_ * padded_ + (i - weights);
      if (i < weights) {
        const index row = i / neurons_, neuron = i % neurons_, p = neuron / kPanelWidth<T>;
        const index width = panels.width(p), inside = neuron - panels.column(p);
        run = std::min({run, neurons_ - neuron, width - inside});
        to = this->own_parameters() + panels.column(p) * inputs_ + row * width + inside;
      }
      for (index j = 0; j < run; ++j) to[j] = static_cast<T>(drawn[i - first + j]);
      i += run;
    }
  };
  draw_parameters(parse_initializer(this->spec().text("init", "auto")), this->activation(), inputs_,
                  neurons_, seed, place, stop, take);
}

template <class T>
void Dense<T>::unpack(const Array& array, const T* packed, T* values, Order order,
                      const StopRequest& stop) const {
  if (array.offset > 0) {
    Layer<T>::unpack(array, packed, values, order, stop);
  } else if (order == Order::transposed) {
    unpack_by_neuron(packed, values, stop);
  } else {
    unpack_weights(packed, values, stop);
  }
}

template <class T>
void Dense<T>::pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const {
  if (array.offset > 0) {
    Layer<T>::pack(array, values, packed, stop);
  } else {
    pack_weights(values, packed, stop);
  }
}

template <class T>
void Dense<T>::unpack_weights(const T* parameters, T* weights, const StopRequest& stop) const {
  const Panels<T> panels{padded_};
  Pieces pieces(stop);
  for (index p = 0; p < panels.count(); ++p) {
    const index column = panels.column(p), width = panels.width(p);
    const index used = std::min(width, neurons_ - column);
    const T* panel = parameters + column * inputs_;
    for (index k = 0; k < inputs_; ++k) {
      std::copy_n(panel + k * width, used, weights + k * neurons_ + column);
      pieces.after(used);
    }
  }
}

template <class T>
void Dense<T>::unpack_by_neuron(const T* parameters, T* weights, const StopRequest& stop) const {
  const Panels<T> panels{padded_};
  Pieces pieces(stop);
  // The kernel pads lines with zeros, so it cannot be used for the inputs after the last whole
  // line.
  const index whole = inputs_ / kLineWidth<T> * kLineWidth<T>;
  for (index p = 0; p < panels.count(); ++p) {
    const index column = panels.column(p), width = panels.width(p);
    const index used = std::min(width, neurons_ - column);
    const T* panel = parameters + column * inputs_;
    T* rows = weights + column * inputs_;
    constexpr index kAtOnce = Pieces::kPiece / kPanelWidth<T>;  // whole lines
    for (index k = 0; k < whole; k += kAtOnce) {
      const index count = std::min(kAtOnce, whole - k);
      kernels<T>().transpose(count, used, panel + k * width, width, rows + k, inputs_);
      pieces.after(count * used);
    }
    for (index i = 0; i < used; ++i) {
      for (index k = whole; k < inputs_; ++k) rows[i * inputs_ + k] = panel[k * width + i];
    }
  }
}

template <class T>
void Dense<T>::pack_weights(const T* weights, T* parameters, const StopRequest& stop) const {
  const Panels<T> panels{padded_};
  Pieces pieces(stop);
  for (index p = 0; p < panels.count(); ++p) {
    const index column = panels.column(p), width = panels.width(p);
    const index used = std::min(width, neurons_ - column);
    T* panel = parameters + column * inputs_;
    for (index k = 0; k < inputs_; ++k) {
      std::copy_n(weights + k * neurons_ + column, used, panel + k * width);
      pieces.after(used);
    }
  }
}

template <class T>
ScratchSize Dense<T>::scratch_size(index batch) const {
  // A panel of transposed weights, or a piece of the gradient for each panel, and the terms of one
  // sum; a list of columns with their lines, or lists of samples.
  const index terms = sorted_ ? std::max(inputs_, neurons_) + 1 : 0;
  const index turned = takes_pairs(neurons_) ? kPairPanels : 1;
  const index lists = takes_pairs(inputs_) ? tiles_of_pairs(batch) : 1;
  return {turned * kPanelWidth<T> * padded_ + terms,
          std::max(lists * (2 * inputs_ + kListSlack), kMostTiles * batch)};
}

template <class T>
index Dense<T>::tile_rows() const {
  // Sorted sums are computed one at a time.
  return sorted_ ? 1 : kernels<T>().tile_rows;
}

template <class T>
index Dense<T>::parts_of_half(const Rows<const T>& x, Stretch* parts) const {
  const index count = panels_of_input();
  if (count > kPartsOfHalf) return 0;
  for (index q = 0; q < count; ++q) {
    const index first = q * kPanelWidth<T>;
    parts[q] = {q * x.panel, first, std::min(kPanelWidth<T>, inputs_ - first)};
  }
  return count;
}

template <class T>
void Dense<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                       Scratch<T> scratch) const {
  if (positions_ == 1) return forward_position(share, batch, *x, out, scratch);
  forward_positions(share, batch, *x, out, scratch);
}

// Apart from `forward`, so that what is inlined there for flat samples does not grow.
template <class T>
[[gnu::noinline]] void Dense<T>::forward_positions(Share share, index batch, const Rows<const T>& x,
                                                   const Outputs<T>& out,
                                                   Scratch<T> scratch) const {
  if (share.workers == 1 && batch <= most_few<T>() && batch < positions_ && !out.steps.y) {
    for (index sample = 0; sample < batch; ++sample) {
      forward_position({}, positions_, every_panel(x, sample, 0, panels_of_input()),
                       positions_as_rows(out, sample, 0, panels_of_output()), scratch);
    }
    return;
  }
  Outputs<T> at = out;
  const PositionRange own = own_positions(share, positions_, out.steps.y);
  for (index p = own.first; p < own.last; ++p) {
    const index rows = rows_with(out.steps.y, p, batch);
    if (rows == 0) return;
    at.y = out.y.from_panel(p * panels_of_output());
    if (out.slope.data) at.slope = out.slope.from_panel(p * panels_of_output());
    forward_position(Share{}, rows, x.from_panel(p * panels_of_input()), at, scratch);
  }
}

template <class T>
[[gnu::always_inline]] inline void Dense<T>::forward_position(Share share, index batch,
                                                              const Rows<const T>& x,
                                                              const Outputs<T>& out,
                                                              Scratch<T> scratch) const {
  const KernelTable<T>& k = kernels<T>();
  const Rows<T>& y = out.y;
  const Panels<T> panels{padded_};
  const T* const bias = this->bias();
  if (takes_pairs(inputs_) && shares_panels(share, panels.count())) {
    const index first = share.first(panels.count()), last = share.last(panels.count());
    if (are_pairs(first, last, padded_, batch, x, y)) {
      return forward_in_pairs(first, last, share.workers > 1, batch, x, out, scratch);
    }
  }
  const bool far = inputs_ * padded_ > kNearWeights<T>;
  const auto weights_of = [&](index p) { return weights() + panels.column(p) * inputs_; };
  const auto used_of = [&](index p) {
    return std::min(panels.width(p), neurons_ - panels.column(p));
  };
  Stretch parts[kPartsOfHalf];
  const index part_count = fills_half() ? parts_of_half(x, parts) : 0;
  const auto compute = [&](index p, index row, index rows, Errands* errands) {
    if (part_count > 0) {
      constexpr T kLeast = -std::numeric_limits<T>::infinity();
      k.multiply_half(rows, parts, part_count, x.at(row), x.stride, weights(), bias, kLeast,
                      y.at(row), y.stride);
    } else {
      product(rows, inputs_, x.from_row(row), weights_of(p), panels.width(p),
              bias + panels.column(p), y.at(row, p), y.stride, terms(scratch), errands);
    }
    this->activate(rows, panels.width(p), row, p, out, used_of(p));
  };
  // A band of rows at a time, so that its outputs (16 KB) are still near when the activation is
  // applied, and of at most so many products a column that a step can soon be left. Where another
  // worker has written the rows, bands are short: those of the next one are prefetched meanwhile.
  constexpr index kBand = (16 << 10) / kPanelBytes, kProducts = 1 << 20;
  const index height = tile_height(batch, k.tile_rows), least = 2 * height;
  const index longest = sorted_ ? least : std::clamp(kProducts / inputs_, least, kBand);
  const auto by_bands = [&](index p, index first, index last) {
    Errands errands;
    if (far && first == 0 && p + 1 < panels.count()) {
      errands.weights =
          Ahead(weights_of(p + 1), 0, inputs_ * panels.width(p + 1) / kLineWidth<T>, 1);
    }
    const bool news = share.workers > 1 && p == share.first(panels.count());
    const index most = news ? least : longest, bands = (last - first + most - 1) / most;
    for (index row = first, left = bands; row < last && !scratch.leaves(); --left) {
      // Nearly equal bands of whole tiles: a tile of few rows waits for its own sums.
      const index even = (last - row + left - 1) / left;
      const index rows = std::min(last - row, (even + height - 1) / height * height);
      if (news && row + rows < last) {
        errands.rows = rows_ahead(x, row + rows, std::min(rows, last - row - rows), inputs_);
      }
      compute(p, row, rows, far || news ? &errands : nullptr);
      row += rows;
    }
  };
  const bool is_row = batch == 1 && share.workers == 1 && !sorted_;
  bool is_listed = false;
  if (x.nonzero && !sorted_ && shares_panels(share, panels.count())) {
    // Tile by tile, so that one list of nonzero columns serves all panels. Tiles with few zeros
    // wait for each other: all weights pass by for every tile with a list, and once for these.
    const index first_panel = share.first(panels.count()), last_panel = share.last(panels.count());
    index waiting = 0;  // the first row that waits
    const auto compute_waiting = [&](index end) {
      for (index p = first_panel; p < last_panel && waiting < end; ++p) by_bands(p, waiting, end);
    };
    for (index row = 0, rows = 0; row < batch && !scratch.leaves(); row += rows) {
      rows = tile_height(batch - row, k.tile_rows);
      Errands errands;
      if (const index next = row + rows; share.workers > 1 && next < batch) {
        errands.rows = rows_ahead(x, next, tile_height(batch - next, k.tile_rows), inputs_);
      }
      const List list = k.list_columns(rows, inputs_, x.from_row(row), scratch.items);
      if (is_row && !list.items) break;
      if (!list.items) continue;
      is_listed = true;
      compute_waiting(row);
      waiting = row + rows;
      for (index p = first_panel; p < last_panel; ++p) {
        // For the first tile, the weights are still where the previous step left them.
        const T* next = far && row == 0 && p + 1 < last_panel ? weights_of(p + 1) : nullptr;
        k.multiply_listed(rows, list, x.from_row(row), weights_of(p), panels.width(p),
                          bias + panels.column(p), y.at(row, p), y.stride, next, &errands);
        this->activate(rows, panels.width(p), row, p, out, used_of(p));
      }
    }
    // One row without zeros has a way of its own.
    if (is_listed || !is_row) return compute_waiting(batch);
  }
  if (is_row) {
    const index whole = padded_ / kPanelWidth<T>;
    k.multiply_row(inputs_, x, weights(), whole, bias, y.data, y.panel);
    for (index p = 0; p < whole; ++p) this->activate(1, kPanelWidth<T>, 0, p, out);
    if (whole < panels.count()) compute(whole, 0, 1, nullptr);
    return;
  }
  each_share(share, panels.count(), batch, tile_rows(), by_bands);
}

template <class T>
void Dense<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                              const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                              Scratch<T> scratch) const {
  if (positions_ == 1) {
    return backward_input_position(share, batch, back.delta, delta_below, below, scratch);
  }
  scratch.fetch = nullptr;
  const PositionRange own = own_positions(share, positions_, back.steps.y);
  for (index p = own.first; p < own.last; ++p) {
    const index under = p * panels_of_input(), rows = rows_with(back.steps.y, p, batch);
    if (rows == 0) return;
    backward_input_position(Share{}, rows, back.delta.from_panel(p * panels_of_output()),
                            delta_below.from_panel(under), below.from_panel(under), scratch);
  }
}

template <class T>
[[gnu::always_inline]] inline void Dense<T>::backward_input_position(
    Share share, index batch, const Rows<const T>& delta, const Rows<T>& delta_below,
    const typename Layer<T>::Below& below, Scratch<T> scratch) const {
  // delta_below[batch x inputs] = delta[batch x neurons] . W^T: a product with the panels of the
  // transposed weights. Each panel is transposed when it is needed, which costs one move per
  // weight, compared with `batch` multiplications.
  const KernelTable<T>& k = kernels<T>();
  const Panels<T> panels{padded_}, panels_below{rounded_up(inputs_, kLineWidth<T>)};
  if (takes_pairs(neurons_) && shares_panels(share, panels_below.count())) {
    const index first = share.first(panels_below.count()), last = share.last(panels_below.count());
    if (are_pairs(first, last, panels_below.padded, batch, delta, delta_below)) {
      return backward_input_in_pairs(first, last, share.workers > 1, batch, delta, delta_below,
                                     below, scratch);
    }
  }
  // Sample rows come from memory: fetching four lines every sixteen steps of a tile avoids bursts.
  constexpr index kMemoryPace = 4;
  const index fetched_lines = scratch.fetch ? scratch.fetch->row_bytes / kLineBytes + 1 : 0;
  const bool fetches = scratch.fetch && 4 * fetched_lines <= neurons_;
  each_share(
      share, panels_below.count(), batch, tile_rows(), [&](index q, index first, index last) {
        if (scratch.leaves()) return;
        const index input = panels_below.column(q), width = panels_below.width(q);
        const index used = std::min(width, inputs_ - input);
        for (index p = 0; p < panels.count(); ++p) {
          const index column = panels.column(p), panel_width = panels.width(p);
          k.transpose(used, std::min(panel_width, neurons_ - column),
                      weights() + column * inputs_ + input * panel_width, panel_width,
                      scratch.numbers + column * width, width);
        }
        Errands errands;
        if (inputs_ * padded_ > kNearWeights<T> && input + width < inputs_) {
          errands.weights =
              Ahead(weights() + (input + width) * kPanelWidth<T>, kPanelBytes * inputs_,
                    width * kPanelWidth<T> / kLineWidth<T>, panels.count());
        }
        const bool news = share.workers > 1 && q == share.first(panels_below.count());
        // While there is nothing to fetch, many tiles follow each other: 64 rows of a panel of
        // deltas and of the result are 16 KB.
        constexpr index kBand = 64;
        for (index row = first, rows = 0; row < last && !scratch.leaves(); row += rows) {
          rows = tile_height(last - row, k.tile_rows);
          if (const index next = row + rows; news && next < last) {
            errands.rows = rows_ahead(delta, next, tile_height(last - next, k.tile_rows), neurons_);
          } else if (const std::byte* fetched = fetches ? scratch.fetch->take() : nullptr) {
            errands.rows = Ahead(fetched, 0, fetched_lines, 1, kMemoryPace);
          } else if (!sorted_) {
            rows = std::min(kBand, last - row);
          }
          product<T>(rows, neurons_, delta.from_row(row), scratch.numbers, width, nullptr,
                     delta_below.at(row, q), delta_below.stride, terms(scratch), &errands);
          below.finish(row, rows, q, width, delta_below);
        }
      });
}

template <class T>
void Dense<T>::backward_parameters(Share share, index batch, const Back<T>& back,
                                   GradientSink<T>& sink, Scratch<T> scratch) const {
  if (!sink.part_ends().empty()) return gradients_of_parts(share, back, sink, scratch);
  const KernelTable<T>& k = kernels<T>();
  const Rows<const T>& x = *back.x;
  const Rows<T>& delta = back.delta;
  // A piece of the gradient covers a panel of inputs by a panel of neurons. It takes 4 KB, so it is
  // still in the first-level cache when the optimizer reads it, together with the two panels of the
  // batch (12 KB each for 98 samples).
  constexpr index kRows = kPanelWidth<T>;
  const Panels<T> panels{padded_};
  alignas(64) T piece[kRows * kPanelWidth<T>], added[kRows * kPanelWidth<T>];
  // In a step that may be left, samples are taken in parts: 8192 rows of two panels are 2 MB. The
  // sums of each part continue those of the part before.
  constexpr index kPart = 8192;
  const index part = scratch.leaving ? std::min(kPart, batch) : batch;
  // Calls f(first sample, samples, whether sums continue) for the samples that have a position, and
  // returns false if the step is left.
  const auto each_part = [&](index position, const auto& f) {
    const index rows = rows_with(back.steps.y, position, batch);
    for (index r = 0; r < rows; r += part) {
      if (scratch.leaves()) return false;
      f(r, std::min(part, rows - r), r > 0);
    }
    return true;
  };
  // Adds what the other positions contribute, in order, to the first position's result in `piece`.
  const auto add_positions = [&](index count, const auto& of_position) {
    for (index p = 1; p < positions_ && rows_with(back.steps.y, p, batch) > 0; ++p) {
      of_position(p, p * panels_of_input(), p * panels_of_output());
      for (index i = 0; i < count; ++i) piece[i] += added[i];
    }
  };
  const bool is_flat = positions_ == 1 && part == batch, is_half = fills_half() && is_flat;
  const auto compute = [&](index p, index input, const List* lists) {
    const index column = panels.column(p), width = panels.width(p);
    const index rows = std::min(kRows, inputs_ - input), q = input / kRows;
    const index offset = column * inputs_ + input * width;
    if (const index few = neurons_ - column; 2 * few <= k.lanes && is_flat && !lists) {
      // The same products with inputs in the lanes: few neurons leave most lanes empty.
      alignas(64) T across[kLineWidth<T> / 2 * kPanelWidth<T>];
      const index lines = rounded_up(rows, kLineWidth<T>);
      k.multiply_transposed(few, batch, delta.from_panel(p), nullptr, x.at(0, q), x.stride, lines,
                            across, nullptr, false);
      k.transpose(few, rows, across, lines, piece, width);
      return sink.take(offset, rows * width, piece);
    }
    if (is_half && !lists) {
      k.multiply_transposed_half(rows, batch, x.at(0, q), x.stride, delta.data, delta.stride,
                                 piece);
      return sink.take(offset, rows * width, piece);
    }
    const auto targets = sink.targets(offset);
    const bool is_whole = each_part(0, [&](index r, index count, bool goes_on) {
      k.multiply_transposed(rows, count, x.from_panel(q).from_row(r), lists, delta.at(r, p),
                            delta.stride, width, piece, targets.at[0] ? targets.at : nullptr,
                            goes_on);
    });
    if (!is_whole) return;
    // Of sequences, whose last positions have few samples, the sums of all positions are one chain.
    for (index pos = 1; back.steps.y && pos < positions_; ++pos) {
      each_part(pos, [&](index r, index count, bool) {
        k.multiply_transposed(rows, count, x.from_panel(pos * panels_of_input() + q).from_row(r),
                              nullptr, delta.at(r, pos * panels_of_output() + p), delta.stride,
                              width, piece, nullptr, true);
      });
    }
    if (back.steps.y) return sink.take(offset, rows * width, piece);
    add_positions(rows * width, [&](index position, index under, index above) {
      each_part(position, [&](index r, index count, bool goes_on) {
        k.multiply_transposed(rows, count, x.from_panel(under + q).from_row(r), nullptr,
                              delta.at(r, above + p), delta.stride, width, added, nullptr, goes_on);
      });
    });
    sink.take(offset, rows * width, piece);
  };
  // The pieces of panels `first` to `last` for the inputs from `input` on: a list of samples serves
  // all panels, so the pieces of all panels wait for the last part.
  const auto compute_in_parts = [&](index input, index first, index last) {
    const index rows = std::min(kRows, inputs_ - input), q = input / kRows;
    const auto piece_of = [&](index p) { return scratch.numbers + panels.column(p) * kRows; };
    List lists[kMostTiles];
    const bool is_whole = each_part(0, [&](index r, index count, bool goes_on) {
      k.list_samples(rows, count, x.nonzero_at(r, q), scratch.items, lists);
      for (index p = first; p < last; ++p) {
        k.multiply_transposed(rows, count, x.from_panel(q).from_row(r), lists, delta.at(r, p),
                              delta.stride, panels.width(p), piece_of(p), nullptr, goes_on);
      }
    });
    for (index p = first; p < last && is_whole; ++p) {
      const index width = panels.width(p);
      sink.take(panels.column(p) * inputs_ + input * width, rows * width, piece_of(p));
    }
  };
  const bool has_bias = no_bias_.size() == 0;
  const auto compute_bias = [&](index p) {
    if (!has_bias) return;
    const index column = panels.column(p), width = panels.width(p);
    const auto sum = [&](index position, index panel, T* sums) {
      return each_part(position, [&](index r, index count, bool goes_on) {
        k.sum_rows(count, delta.at(r, panel), delta.stride, width, sums, goes_on);
      });
    };
    if (!sum(0, p, piece)) return;
    add_positions(width, [&](index at, index, index above) { sum(at, above + p, added); });
    sink.take(inputs_ * padded_ + column, width, piece);
  };
  const auto compute_biases = [&] {
    const index last = share.last(panels.count());
    for (index p = share.first(panels.count()); p < last; ++p) compute_bias(p);
  };
  if (back.stored) {
    gradient_of_stored(share, batch, back, sink, scratch);
    return compute_biases();
  }
  const index whole = part == batch && batch > 0 ? panels_in_pairs(back) : 0;
  if (x.nonzero && shares_panels(share, panels.count())) {
    const index first = share.first(panels.count()), last = share.last(panels.count());
    const index single = first_single(first, last, whole);
    // Inputs are the outer loop, so that the lists of their samples serve all panels.
    for (index input = 0; input < inputs_ && !scratch.leaves(); input += kRows) {
      if (part < batch && positions_ == 1) {
        compute_in_parts(input, first, last);
        continue;
      }
      if (first < single) {
        PairLists pair_lists;
        list_pair_samples(input, batch, x, scratch.items, pair_lists);
        for (index p = first; p < single; p += kPairPanels) {
          gradient_of_pair(p, input, batch, back, &pair_lists, sink);
        }
      }
      List lists[kMostTiles];
      const bool uses_lists = part == batch && single < last;
      if (uses_lists) {
        k.list_samples(std::min(kRows, inputs_ - input), batch, x.nonzero_at(0, input / kRows),
                       scratch.items, lists);
      }
      for (index p = single; p < last; ++p) compute(p, input, uses_lists ? lists : nullptr);
    }
    return compute_biases();
  }
  each_unit_in_pairs(
      share, panels.count(), whole, inputs_, kRows,
      [&](index p, index input) { compute(p, input, nullptr); },
      [&](index p, index input) {
        if (!scratch.leaves()) gradient_of_pair(p, input, batch, back, nullptr, sink);
      },
      compute_bias);
}

template <class T>
std::optional<NarrowPart<T>> Dense<T>::narrow_part() const {
  if (sorted_ || positions_ > 1 || no_bias_.size() > 0 || !this->is_trained()) return std::nullopt;
  return NarrowPart<T>{.layer = this,
                       .inputs = inputs_,
                       .neurons = neurons_,
                       .weights = weights(),
                       .bias = bias(),
                       .activation = this->activation()};
}

template class Dense<float>;
template class Dense<double>;

}  // namespace foxnn
