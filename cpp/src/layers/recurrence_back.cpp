// Back through time, and the gradient of the inputs. The gates become d loss / d preactivations
// where they lie.
#include "layers/recurrence.hpp"

namespace foxnn {
namespace {

// The weights of all gates transposed, from panels of `lines` lines: turned[panel of lines][unit of
// a gate of a block][lines]. Returns the number of units of all gates.
template <class T>
index transpose_gates(const Recurrence<T>& shape, index lines, const T* weights, index before,
                      index all, T* turned) {
  index line = before;
  for (index b = 0; b < shape.blocks(); ++b) {
    for (index g = 0; g < shape.gates(); ++g, line += shape.used(b)) {
      const index width = shape.width(b);
      const T* const from = weights + shape.panel_of(lines, b, g);
      for (index first = 0; first < lines; first += kPanelWidth<T>) {
        const index to = width_of_panel<T>(lines, first / kPanelWidth<T>);
        kernels<T>().transpose(std::min(kPanelWidth<T>, lines - first), shape.used(b),
                               from + first * width, width, turned + first * all + line * to, to);
      }
    }
  }
  return line;
}

// The columns of gates that are multiplied with these, `offset` numbers from the first.
template <class T>
Stretch* list_gates(const Recurrence<T>& shape, index offset, index panel, index line,
                    bool is_recurrent, Stretch* next) {
  for (index b = 0; b < shape.blocks(); ++b) {
    for (index g = 0; g < shape.gates(); ++g, line += shape.used(b)) {
      const index at = shape.kept_gates() * b + shape.gate_of(g, is_recurrent);
      *next++ = {offset + at * panel, line, shape.used(b)};
    }
  }
  return next;
}

// One direction of a layer for some rows.
template <class T>
class Backward {
 public:
  Backward(const Recurrence<T>& shape, const T* parameters, index direction, index batch,
           const Back<T>& back, const Scratch<T>& scratch)
      : shape_(shape),
        direction_(direction),
        backwards_(shape.is_backwards(direction)),
        back_(back),
        scratch_(scratch),
        kept_(shape.kept(back.kept, direction, 0, batch)),
        lent_panel_(shape.height(batch) * kPanelWidth<T>),
        turned_(scratch.numbers) {
    const index lines = shape.gates() * shape.units;
    later_ = turned_ + lines * shape.pitch();
    carry_ = later_ + shape.blocks() * lent_panel_;
    gathered_ = carry_ + shape.blocks() * lent_panel_;
    transpose_gates(shape, shape.units, parameters + shape.arrays[direction].recurrent, 0, lines,
                    turned_);
    count_ = list_gates(shape, 0, panel(), 0, true, scratch.stretches) - scratch.stretches;
  }

  /// Of rows whose steps are kept there.
  void run(const KeptSteps<T>& kept, RowRange rows) {
    kept_ = kept;
    const std::uint32_t* counts = back_.steps.x;
    for (index i = 0; i < shape_.steps && !scratch_.leaves(); ++i) {
      const index t = backwards_ ? i : shape_.steps - 1 - i;
      const index end = shape_.rows_at(counts, t, rows.last);
      if (end <= rows.first) continue;
      const index after = shape_.rows_after(counts, t, rows.first, end);
      if (!backwards_) {
        start({after, end});
      } else if (t == 0) {
        start({rows.first, end});
      }
      step(t, {rows.first, end});
      // Only rows with a step before this one need its gradient.
      const index needed = backwards_ ? after : t > 0 ? end : rows.first;
      multiply(t, {rows.first, needed});
    }
  }

 private:
  index panel() const { return kept_.height * kPanelWidth<T>; }
  T* gates_at(index t) const { return kept_.gates + t * shape_.gates_size(kept_.height); }
  const T* before(const T* states, index t) const {
    return states + (backwards_ ? t + 1 : t) * shape_.state_size(kept_.height);
  }

  // Copies d loss / d some units of the outputs at a position, with zeros as padding.
  void read(index position, index first, index count, index width, RowRange rows,
            const Rows<T>& to) const {
    for (index r = rows.first; r < rows.last; ++r) std::fill_n(to.at(r), width, T(0));
    const Rows<const T> delta = back_.delta.from_panel(position * shape_.panels_of_output());
    each_run<T>(1, count, {.first = shape_.column_of(direction_) + first}, {},
                [&](index from, index column, index n) {
                  copy_columns<T>(rows.first, rows.last - rows.first, delta, from, to, column, n);
                });
  }

  // The gradient of the state after the last step of rows.
  void start(RowRange rows) const {
    for (index b = 0; b < shape_.blocks(); ++b) {
      const Rows<T> later{later_ + b * lent_panel_, kPanelWidth<T>};
      for (index r = rows.first; r < rows.last; ++r) {
        std::fill_n(later.at(r), shape_.width(b), T(0));
        std::fill_n(carry_ + b * lent_panel_ + r * kPanelWidth<T>, shape_.width(b), T(0));
      }
      if (shape_.sequences) continue;
      read(0, b * kPanelWidth<T>, shape_.used(b), shape_.width(b), rows, later);
    }
  }

  void step(index t, RowRange rows) const {
    for (index b = 0; b < shape_.blocks(); ++b) {
      for (index row = rows.first; row < rows.last; row += Recurrence<T>::kBand) {
        const index count = std::min(Recurrence<T>::kBand, rows.last - row);
        const index at = b * panel() + row * kPanelWidth<T>;
        CellBack<T> cell;
        cell.gates = gates_at(t) + shape_.kept_gates() * b * panel() + row * kPanelWidth<T>;
        cell.panel = panel();
        cell.before = before(shape_.has_memory() ? kept_.c : kept_.h, t) + at;
        if (shape_.has_memory()) {
          cell.squashed = kept_.squashed + t * shape_.state_size(kept_.height) + at;
        }
        cell.later = later_ + b * lent_panel_ + row * kPanelWidth<T>;
        cell.carry = carry_ + b * lent_panel_ + row * kPanelWidth<T>;
        if (shape_.sequences && shape_.is_aligned(direction_)) {
          const index p =
              t * shape_.panels_of_output() + shape_.column_of(direction_) / kPanelWidth<T> + b;
          cell.delta = back_.delta.at(row, p);
          cell.ldd = back_.delta.stride;
        } else if (shape_.sequences) {
          const Rows<T> gathered{gathered_, kPanelWidth<T>};
          read(t, b * kPanelWidth<T>, shape_.used(b), shape_.width(b), {row, row + count},
               gathered);
          cell.delta = gathered.at(row);
          cell.ldd = gathered.stride;
        }
        kernels<T>().cell_back[static_cast<int>(shape_.cell)](count, shape_.width(b), cell);
      }
    }
  }

  // d loss / d the states before the step, by the products that read them.
  void multiply(index t, RowRange rows) const {
    constexpr index kWidth = kPanelWidth<T>;
    const KernelTable<T>& k = kernels<T>();
    const index lines = shape_.gates() * shape_.units, count = rows.last - rows.first;
    const T* const gates = gates_at(t) + rows.first * kWidth;
    for (index b = 0; b < shape_.blocks() && count > 0; ++b) {
      const T* const turned = turned_ + b * kWidth * lines;
      T* const to = later_ + b * lent_panel_ + rows.first * kWidth;
      if (shape_.has_gates_in_panels()) {
        k.multiply(count, lines, {gates, kWidth, panel()}, turned, shape_.width(b), nullptr, to,
                   kWidth, nullptr);
      } else {
        k.multiply_stretches(count, scratch_.stretches, count_, gates, kWidth, turned,
                             shape_.width(b), nullptr, to, kWidth);
      }
    }
  }

  const Recurrence<T>& shape_;
  index direction_;
  bool backwards_;
  const Back<T>& back_;
  const Scratch<T>& scratch_;
  KeptSteps<T> kept_;
  index lent_panel_;  // of what is in scratch, by row of the batch
  T *turned_, *later_, *carry_, *gathered_;
  index count_;
};

}  // namespace

template <class T>
void back_through_time(const Recurrence<T>& shape, const T* parameters, const OwnRows<T>& rows,
                       index batch, const Back<T>& back, const Scratch<T>& scratch) {
  for (index d = 0; d < shape.directions; ++d) {
    Backward<T> backward(shape, parameters, d, batch, back, scratch);
    // What is kept of a slice is near when its gradient is added up.
    each_group(shape, rows, batch, [&](index group, RowRange own) {
      backward.run(shape.kept(back.kept, d, group, batch), own);
      if (shape.is_sliced()) gradient_of_slices(shape, d, own, batch, back, scratch);
    });
  }
}

template <class T>
void gradient_of_steps(const Recurrence<T>& shape, const T* parameters, const OwnRows<T>& rows,
                       index batch, const Back<T>& back, const Rows<T>& delta_below,
                       const typename Layer<T>::Below& below, const Scratch<T>& scratch) {
  const index lines = shape.gates() * shape.units;
  const index panel = shape.kept(back.kept, 0, 0, batch).height * kPanelWidth<T>;
  // The gradient of one step, where the steps share panels.
  T* const alone = scratch.numbers + shape.turned_size();
  Stretch* end = scratch.stretches;
  for (index d = 0; d < shape.directions; ++d) {
    transpose_gates(shape, shape.channels, parameters + shape.arrays[d].weights, d * lines,
                    shape.directions * lines, scratch.numbers);
    end = list_gates(shape, d * shape.kept_distance(batch), panel, d * lines, false, end);
  }
  const auto at_step = [&](const KeptSteps<T>& kept, RowRange own, index t) {
    const index count = shape.rows_at(back.steps.x, t, own.last) - own.first;
    if (count <= 0) return;
    const T* const gates =
        kept.gates + t * shape.gates_size(kept.height) + own.first * kPanelWidth<T>;
    const auto multiply = [&](index q, index width, T* to, index stride) {
      kernels<T>().multiply_stretches(
          count, scratch.stretches, end - scratch.stretches, gates, kPanelWidth<T>,
          scratch.numbers + q * kPanelWidth<T> * shape.directions * lines, width, nullptr, to,
          stride);
    };
    if (!shape.has_panels()) {  // whole lines would overwrite other steps
      multiply(0, width_of_panel<T>(shape.channels, 0), alone, kPanelWidth<T>);
      copy_columns<T>(0, count, {alone, kPanelWidth<T>}, 0,
                      {delta_below.at(own.first), delta_below.stride, delta_below.panel},
                      t * shape.step_columns, shape.channels);
      return;
    }
    each_panel<T>(shape.channels, [&](index q, index width) {
      const index under = t * shape.panels_of_input() + q;
      multiply(q, width, delta_below.at(own.first, under), delta_below.stride);
      below.finish(own.first, count, under, width, delta_below);
    });
  };
  each_group(shape, rows, batch, [&](index group, RowRange own) {
    const KeptSteps<T> kept = shape.kept(back.kept, 0, group, batch);
    for (index t = 0; t < shape.steps && !scratch.leaves(); ++t) at_step(kept, own, t);
    if (shape.has_panels()) return;
    below.finish_rows(own.first, own.last - own.first, shape.steps * shape.step_columns,
                      delta_below);
  });
}

#define FOXNN_BACK(T)                                                                       \
  template void back_through_time(const Recurrence<T>&, const T*, const OwnRows<T>&, index, \
                                  const Back<T>&, const Scratch<T>&);                       \
  template void gradient_of_steps(const Recurrence<T>&, const T*, const OwnRows<T>&, index, \
                                  const Back<T>&, const Rows<T>&, const Layer<T>::Below&,   \
                                  const Scratch<T>&);
FOXNN_BACK(float)
FOXNN_BACK(double)
#undef FOXNN_BACK

}  // namespace foxnn
