// Forward through time: a worker takes its samples from step to step. The products of a step's
// inputs and of the state before it are one chain; the cell follows while its gates are in the
// cache.
#include <cstdint>

#include "layers/recurrence.hpp"

namespace foxnn {
namespace {

// Arrays that are allocated separately, but both aligned to lines: how many numbers one begins
// after the other.
template <class T>
index numbers_between(const T* from, const T* to) {
  return (reinterpret_cast<std::intptr_t>(to) - reinterpret_cast<std::intptr_t>(from)) /
         static_cast<std::intptr_t>(sizeof(T));
}

// One direction of a layer for some rows.
template <class T>
class Forward {
 public:
  Forward(const Recurrence<T>& shape, const T* parameters, index direction, index batch,
          const Rows<const T>& x, const Outputs<T>& out, const Scratch<T>& scratch)
      : shape_(shape),
        arrays_(shape.arrays[direction]),
        parameters_(parameters),
        direction_(direction),
        backwards_(shape.is_backwards(direction)),
        x_(x),
        out_(out),
        scratch_(scratch) {
    T* free = scratch.numbers;
    const auto lend = [&](index size) {
      T* const numbers = free;
      free += rounded_up(size, kPanelWidth<T>);
      return numbers;
    };
    if (out.kept) {
      slots_are_kept_ = true;
    } else {
      kept_.height = shape.height(batch);
      kept_.gates = lend(shape.kept_gates() * Recurrence<T>::kBand * kPanelWidth<T>);
      kept_.h = lend(2 * shape.state_size(kept_.height));
      kept_.c = lend(shape.state_size(kept_.height));
    }
    if (arrays_.recurrent_bias >= 0) {
      T* const sums = lend(shape.gates() * shape.pitch());
      for (index i = 0; i < shape.gates() * shape.pitch(); ++i) {
        sums[i] = parameters[arrays_.bias + i] + parameters[arrays_.recurrent_bias + i];
      }
      // That of the state is added to its own part of the new state.
      for (index b = 0; b < shape.blocks(); ++b) {
        const index last = shape.panel_of(1, b, shape.gates() - 1);
        std::copy_n(parameters + arrays_.bias + last, shape.width(b), sums + last);
      }
      biases_ = sums;
    } else if (arrays_.bias >= 0) {
      biases_ = parameters + arrays_.bias;
    }
  }

  /// Of rows whose steps are kept there.
  void run(const KeptSteps<T>& kept, RowRange rows) {
    kept_ = kept;
    run(rows);
  }
  void run(RowRange rows) {
    const std::uint32_t* counts = out_.steps.x;
    for (index i = 0; i < shape_.steps && !scratch_.leaves(); ++i) {
      const index t = backwards_ ? shape_.steps - 1 - i : i;
      const index end = shape_.rows_at(counts, t, rows.last);
      if (end <= rows.first) continue;
      const index after = shape_.rows_after(counts, t, rows.first, end);
      const RowRange begin =
          backwards_ ? RowRange{after, end} : RowRange{t == 0 ? rows.first : end, end};
      const RowRange finished =
          backwards_ ? RowRange{t == 0 ? rows.first : end, end} : RowRange{after, end};
      start(t, begin);
      step(t, {rows.first, end}, begin.first == rows.first && !out_.begin);
      finish(t, finished);
    }
  }

 private:
  index panel() const { return kept_.height * kPanelWidth<T>; }
  // The states before and after a step.
  T* h_at(index slot) const {
    return kept_.h + (slots_are_kept_ ? slot : slot % 2) * shape_.state_size(kept_.height);
  }
  T* c_at(index slot) const {
    return kept_.c + (slots_are_kept_ ? slot : 0) * shape_.state_size(kept_.height);
  }
  index before(index t) const { return backwards_ ? t + 1 : t; }
  index after(index t) const { return backwards_ ? t : t + 1; }

  // The state before the first step of rows.
  void start(index t, RowRange rows) const {
    const index units = shape_.units, size = shape_.has_memory() ? 2 * units : units;
    for (index part = 0; part < (shape_.has_memory() ? 2 : 1); ++part) {
      T* const state = part == 0 ? h_at(before(t)) : c_at(before(t));
      for (index b = 0; b < shape_.blocks(); ++b) {
        for (index r = rows.first; r < rows.last; ++r) {
          T* const to = state + b * panel() + r * kPanelWidth<T>;
          std::fill_n(to, shape_.width(b), T(0));
          if (!out_.begin) continue;
          std::copy_n(out_.begin + r * size + part * units + b * kPanelWidth<T>, shape_.used(b),
                      to);
        }
      }
    }
  }

  // Rows whose last step this was.
  void finish(index t, RowRange rows) const {
    if (rows.first >= rows.last) return;
    if (!shape_.sequences) write(t, 0, 0, shape_.units, rows);
    if (!out_.end) return;
    const index units = shape_.units, size = shape_.has_memory() ? 2 * units : units;
    for (index part = 0; part < (shape_.has_memory() ? 2 : 1); ++part) {
      const T* const state = part == 0 ? h_at(after(t)) : c_at(after(t));
      for (index b = 0; b < shape_.blocks(); ++b) {
        for (index r = rows.first; r < rows.last; ++r) {
          std::copy_n(state + b * panel() + r * kPanelWidth<T>, shape_.used(b),
                      out_.end + r * size + part * units + b * kPanelWidth<T>);
        }
      }
    }
  }

  // Copies units of the state to the outputs at a position.
  void write(index t, index position, index first, index count, RowRange rows) const {
    const Rows<const T> state{h_at(after(t)), kPanelWidth<T>, panel()};
    const Rows<T> y = out_.y.from_panel(position * shape_.panels_of_output());
    each_run<T>(1, count, {.first = first}, {.first = shape_.column_of(direction_) + first},
                [&](index from, index to, index n) {
                  copy_columns<T>(rows.first, rows.last - rows.first, state, from, y, to, n);
                });
  }

  // `is_fresh`: the states before it are zero.
  void step(index t, RowRange rows, bool is_fresh) {
    const T* const first = x_.data + shape_.place_of(t * shape_.step_columns, x_.panel);
    const Rows<const T> x{first, x_.stride, x_.panel};
    const index of_x = list_columns(t, x, is_fresh);
    const index all = rows.last - rows.first, most = Recurrence<T>::kBand;
    // Bands of nearly equal size.
    const index bands = (all + most - 1) / most, band = (all + bands - 1) / bands;
    for (index b = 0; b < shape_.blocks(); ++b) {
      for (index row = rows.first; row < rows.last; row += band) {
        const index count = std::min(band, rows.last - row);
        CellStep<T> cell;
        cell.gates = kept_.gates;
        cell.panel = Recurrence<T>::kBand * kPanelWidth<T>;
        const index at = b * panel() + row * kPanelWidth<T>;
        if (out_.kept) {
          cell.panel = panel();
          cell.gates += t * shape_.gates_size(kept_.height) + shape_.kept_gates() * b * panel() +
                        row * kPanelWidth<T>;
        }
        if (all == 1 && !out_.kept && !is_fresh && shape_.width(b) == kPanelWidth<T>) {
          cell.panel = kPanelWidth<T>;
          cell.gates += multiply_one(t, b, row, x);
        } else {
          multiply_gates(b, x.at(row), of_x, count, cell);
        }
        cell.h = h_at(after(t)) + at;
        cell.before = h_at(before(t)) + at;
        if (shape_.has_memory()) {
          cell.before = c_at(before(t)) + at;
          cell.memory = c_at(after(t)) + at;
          if (kept_.squashed) {
            cell.squashed = kept_.squashed + t * shape_.state_size(kept_.height) + at;
          }
        }
        const bool is_direct = shape_.sequences && shape_.is_aligned(direction_);
        if (is_direct) {
          const index p =
              t * shape_.panels_of_output() + shape_.column_of(direction_) / kPanelWidth<T> + b;
          cell.y = out_.y.at(row, p);
          cell.ldy = out_.y.stride;
        }
        kernels<T>().cell[static_cast<int>(shape_.cell)](count, shape_.width(b), cell);
        if (shape_.sequences && !is_direct) {
          write(t, t, b * kPanelWidth<T>, shape_.used(b), {row, row + count});
        }
      }
    }
  }

  // The same of a single row: several panels at once, since each of its chains waits for itself.
  // Returns where they are from the first on: those of a cell with one gate come with those of the
  // next blocks.
  index multiply_one(index t, index b, index row, const Rows<const T>& x) const {
    const KernelTable<T>& k = kernels<T>();
    constexpr index kWidth = kPanelWidth<T>, kBlocks = 4;
    const index gates = shape_.gates();
    if (gates == 1 && b % kBlocks > 0) return b % kBlocks * kWidth;
    const index full = shape_.units / kWidth + (shape_.units % kWidth > kLineWidth<T> ? 1 : 0);
    const index panels = gates == 1 ? std::min(kBlocks, full - b) : gates;
    T* const to = kept_.gates;
    if (!biases_) std::fill_n(to, panels * kWidth, T(0));
    k.multiply_row(shape_.channels, x.from_row(row),
                   parameters_ + arrays_.weights + shape_.panel_of(shape_.channels, b, 0), panels,
                   biases_ ? biases_ + shape_.panel_of(1, b, 0) : to, to, kWidth);
    T* const new_state = to + 2 * kWidth;  // of a GRU: the part of the inputs waits elsewhere
    if (shape_.cell == Cell::gru) {
      std::copy_n(new_state, kWidth, new_state + kWidth);
      const T* const own = arrays_.recurrent_bias < 0
                               ? nullptr
                               : parameters_ + arrays_.recurrent_bias + shape_.panel_of(1, b, 2);
      for (index i = 0; i < kWidth; ++i) new_state[i] = (own ? own[i] : T(0)) + T(0);
    }
    const Rows<const T> state{h_at(before(t)) + row * kWidth, kWidth, panel()};
    k.multiply_row(shape_.units, state,
                   parameters_ + arrays_.recurrent + shape_.panel_of(shape_.units, b, 0), panels,
                   to, to, kWidth);
    if (shape_.cell == Cell::gru) {
      for (index i = 0; i < kWidth; ++i) std::swap(new_state[i], new_state[kWidth + i]);
    }
    return 0;
  }

  // The columns that a step's products read: of the inputs, whose number is returned, and of the
  // state before it.
  index list_columns(index t, const Rows<const T>& x, bool is_fresh) {
    constexpr index kWidth = kPanelWidth<T>;
    Stretch* next = scratch_.stretches;
    for (index c = 0; c < shape_.channels; c += kWidth) {
      *next++ = {c / kWidth * x.panel, c, std::min(kWidth, shape_.channels - c)};
    }
    const index of_x = next - scratch_.stretches;
    const index state = numbers_between<T>(x.data, h_at(before(t)));
    for (index b = 0; b < shape_.blocks() && !is_fresh; ++b) {
      *next++ = {state + b * panel(), 0, shape_.used(b)};
    }
    of_state_ = next - scratch_.stretches - of_x;
    return of_x;
  }

  // The preactivations of a block's gates.
  void multiply_gates(index b, const T* x, index of_x, index rows, const CellStep<T>& cell) {
    const index width = shape_.width(b);
    const auto multiply = [&](const Stretch* columns, index count, const T* weights,
                              const T* biases, T* gates) {
      kernels<T>().multiply_stretches(rows, columns, count, x, kPanelWidth<T>, weights, width,
                                      biases, gates, kPanelWidth<T>);
    };
    Stretch* const of_state = scratch_.stretches + of_x;
    for (index g = 0; g < shape_.gates(); ++g) {
      const index weights = arrays_.weights + shape_.panel_of(shape_.channels, b, g);
      const index recurrent = arrays_.recurrent + shape_.panel_of(shape_.units, b, g);
      for (index p = 0; p < of_state_; ++p) {
        of_state[p].line = (recurrent - weights) / width + p * kPanelWidth<T>;
      }
      const index bias = shape_.panel_of(1, b, g);
      const T* const biases = biases_ ? biases_ + bias : nullptr;
      T* const gates = cell.gates + g * cell.panel;
      if (shape_.cell != Cell::gru || g < 2) {
        multiply(scratch_.stretches, of_x + of_state_, parameters_ + weights, biases, gates);
        continue;
      }
      // The new state's part of h is multiplied by a gate before it is added.
      const auto own = [&](index array) {
        return array < 0 ? nullptr : parameters_ + array + bias;
      };
      multiply(scratch_.stretches, of_x, parameters_ + weights, own(arrays_.bias), gates);
      multiply(of_state, of_state_, parameters_ + weights, own(arrays_.recurrent_bias),
               gates + cell.panel);
    }
  }

  const Recurrence<T>& shape_;
  const typename Recurrence<T>::Arrays& arrays_;
  const T* parameters_;
  const T* biases_ = nullptr;
  index direction_;
  bool backwards_;
  const Rows<const T>& x_;
  const Outputs<T>& out_;
  const Scratch<T>& scratch_;
  KeptSteps<T> kept_;
  // Otherwise states take turns in two places, and a step's memory replaces the one before.
  bool slots_are_kept_ = false;
  index of_state_ = 0;
};

}  // namespace

template <class T>
ScratchSize scratch_of(const Recurrence<T>& shape, index batch) {
  constexpr index kWidth = kPanelWidth<T>;
  const index state = shape.state_size(shape.height(batch)), lines = shape.gates() * shape.pitch();
  const index forward =
      rounded_up(lines, kWidth) + 3 * state + shape.kept_gates() * Recurrence<T>::kBand * kWidth;
  const index back = lines * shape.pitch() + 2 * state + shape.height(batch) * kWidth;
  const index of_steps = shape.turned_size() + shape.height(batch) * kWidth;
  return {.numbers = std::max({forward, back, of_steps, shape.gradient_size()}),
          .stretches = std::max(shape.panels_of_input() + shape.blocks(),
                                shape.directions * shape.gates() * shape.blocks())};
}

template <class T>
void forward_through_time(const Recurrence<T>& shape, const T* parameters, const OwnRows<T>& rows,
                          index batch, const Rows<const T>& x, const Outputs<T>& out,
                          const Scratch<T>& scratch) {
  for (index d = 0; d < shape.directions; ++d) {
    Forward<T> forward(shape, parameters, d, batch, x, out, scratch);
    if (!out.kept) {
      for (const RowRange range : rows) forward.run(range);
      continue;
    }
    each_group(shape, rows, batch, [&](index group, RowRange own) {
      forward.run(shape.kept(out.kept, d, group, batch), own);
    });
  }
}

#define FOXNN_FORWARD(T)                                                                       \
  template ScratchSize scratch_of(const Recurrence<T>&, index);                                \
  template void forward_through_time(const Recurrence<T>&, const T*, const OwnRows<T>&, index, \
                                     const Rows<const T>&, const Outputs<T>&, const Scratch<T>&);
FOXNN_FORWARD(float)
FOXNN_FORWARD(double)
#undef FOXNN_FORWARD

}  // namespace foxnn
