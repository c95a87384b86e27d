// The gradient of a recurrent layer's weights: one product over all steps of some rows.
#include "layers/recurrence.hpp"

namespace foxnn {
namespace {

// Steps of whose gradients and states, while they are in the second-level cache, every weight's
// part is added up. Of 128 samples, a gate's gradients and a panel of states are 32 KB, which stay
// in the first-level cache for all tiles of a piece: alone, the gradient of an LSTM with 64 units
// takes 12 % less time than with 25 steps of eight samples.
constexpr index kMostSteps = 25;
constexpr index kVisitBytes = 512 << 10, kVisitSamples = 128;

// The gradient of one direction's weights by some rows: some lines of all panels, one after the
// other; those of the inputs' weights come before the recurrent ones of the same units. With the
// first line of a block come the biases of all its gates.
template <class T>
class ArraysGradient {
 public:
  ArraysGradient(const Recurrence<T>& shape, index direction, Share share, RowRange rows,
                 index batch, const Back<T>& back, const Scratch<T>& scratch, T* sums)
      : shape_(shape),
        arrays_(shape.arrays[direction]),
        backwards_(shape.is_backwards(direction)),
        rows_(rows),
        back_(back),
        scratch_(scratch),
        kept_(shape.kept(back.kept, direction, rows.first / shape.group_rows(batch), batch)),
        lines_(shape.channels + shape.units),
        begin_(share.first(shape.blocks() * shape.gates() * lines_)),
        end_(share.last(shape.blocks() * shape.gates() * lines_)),
        sums_(sums),
        biases_(sums + shape.gradient_size() - shape.biases_size()) {}

  /// Adds what all steps contribute. Returns false if the step is left.
  bool add_up() const {
    std::fill_n(sums_, place_of(end_) - place_of(begin_), T(0));
    std::fill_n(biases_, shape_.biases_size(), T(0));
    // All of a slice is near.
    const index bytes = static_cast<index>(sizeof(T)) * kPanelWidth<T> *
                        (rows_.last - rows_.first) * (shape_.kept_gates() + 1) * shape_.blocks();
    const index most = std::clamp<index>(
        std::min(kVisitBytes / bytes, kVisitSamples / (rows_.last - rows_.first)), 1, kMostSteps);
    const index visits = (shape_.steps + most - 1) / most;
    const index visit = (shape_.steps + visits - 1) / visits;  // of nearly equal size
    bool left = false;
    for (index t = 0; t < shape_.steps && !left; t += visit) {
      const index last = std::min(shape_.steps, t + visit);
      NextVisit next{last, std::min(shape_.steps, last + visit)};
      each_piece([&](const Piece& piece) {
        left = left || scratch_.leaves();
        if (left) return;
        add(piece, t, last, shape_.is_sliced() ? nullptr : errands_of(piece, next));
        if (piece.line == 0 && piece.gate == 0) add_biases(piece.block, t, last);
      });
    }
    return !left;
  }
  /// Adds the sums of slices in their order.
  void add_slices(const T* slices, index count) const {
    const index size = shape_.gradient_size(), first = place_of(begin_);
    const auto add = [&](index from, index width, T* to) {
      if (width > 0) kernels<T>().sum_rows(count, slices + from, size, width, to, false);
    };
    add(first, place_of(end_) - first, sums_);
    add(size - shape_.biases_size(), shape_.biases_size(), biases_);
  }
  void pass_to(GradientSink<T>& sink) const {
    each_piece([&](const Piece& piece) { pass_piece(piece, sink); });
  }

 private:
  // Neighbouring lines of a panel, whose columns of x or h are in one panel, too.
  struct Piece {
    index block, gate;
    index line, count;  // of the inputs' and the recurrent weights
    bool is_recurrent;
    index column;
    T* sums;
  };

  // The steps of the next visit, and the gates whose gradients there are being prefetched.
  struct NextVisit {
    index first, last;
    index gates = 0;
    Errands errands = {};
  };

  index panel() const { return kept_.height * kPanelWidth<T>; }
  // The state before a step.
  index slot_of(index t) const { return backwards_ ? t + 1 : t; }
  index place_of(index task) const {
    const index b = task / lines_ / shape_.gates(), g = task / lines_ % shape_.gates();
    if (b == shape_.blocks()) return shape_.weights_size();
    return shape_.panel_of(lines_, b, g) + task % lines_ * shape_.width(b);
  }
  T* biases_of(index block, index gate) const {
    return biases_ + (shape_.kept_gates() * block + gate) * kPanelWidth<T>;
  }
  index rows_at(index t) const {
    return shape_.rows_at(back_.steps.x, t, rows_.last) - rows_.first;
  }
  // The gradients of a gate at a step.
  index gates_at(index t, index block, index gate) const {
    return t * shape_.gates_size(kept_.height) + (shape_.kept_gates() * block + gate) * panel() +
           rows_.first * kPanelWidth<T>;
  }

  template <class Function>
  void each_piece(const Function& f) const {
    for (index task = begin_; task < end_;) {
      Piece piece;
      piece.block = task / lines_ / shape_.gates();
      piece.gate = task / lines_ % shape_.gates();
      piece.line = task % lines_;
      piece.is_recurrent = piece.line >= shape_.channels;
      piece.column = piece.is_recurrent ? piece.line - shape_.channels : piece.line;
      const index all = piece.is_recurrent ? shape_.units : shape_.channels;
      piece.count = std::min(
          {end_ - task, all - piece.column, kPanelWidth<T> - piece.column % kPanelWidth<T>});
      piece.sums = sums_ + place_of(task) - place_of(begin_);
      f(piece);
      task += piece.count;
    }
  }

  // What is prefetched meanwhile. Other workers have written a part of it, and lines of another
  // core come late: a step of LSTM(128) on two threads takes 3.5 % less time so. A gate's pieces
  // prefetch its own gradients, and one panel of states.
  Errands* errands_of(const Piece& piece, NextVisit& next) const {
    if (next.first >= next.last || (piece.line > 0 && next.gates > 0)) return &next.errands;
    constexpr index kLines = kPanelBytes / kLineBytes;
    const index lines = kLines * (rows_.last - rows_.first), steps = next.last - next.first;
    const auto bytes = [](index numbers) { return numbers * static_cast<index>(sizeof(T)); };
    const T* const gates = kept_.gates + gates_at(next.first, piece.block, piece.gate);
    next.errands.weights = Ahead(gates, bytes(shape_.gates_size(kept_.height)), lines, steps);
    if (const index p = next.gates++; p < shape_.blocks()) {
      const T* const h = kept_.h + slot_of(next.first) * shape_.state_size(kept_.height);
      next.errands.rows = Ahead(h + p * panel() + rows_.first * kPanelWidth<T>,
                                bytes(shape_.state_size(kept_.height)), lines, steps);
    }
    return &next.errands;
  }

  // Adds what steps [first, last) contribute.
  void add(const Piece& piece, index first, index last, Errands* errands) const {
    const KernelTable<T>& k = kernels<T>();
    const index width = shape_.width(piece.block);
    const index gate = shape_.gate_of(piece.gate, piece.is_recurrent);
    const index lda = piece.is_recurrent ? kPanelWidth<T> : back_.x->stride;
    const T* const a = (piece.is_recurrent ? kept_.h : back_.x->data) + rows_.first * lda;
    index columns[kMostSteps], places[kMostSteps];
    for (index t = first; t < last;) {
      const index samples = rows_at(t);
      index count = 0;
      for (; t < last && rows_at(t) == samples; ++t, ++count) {
        columns[count] = column_of(piece, t);
        places[count] = gates_at(t, piece.block, gate);
      }
      for (index row = 0, rows = 0; row < piece.count && samples > 0; row += rows) {
        rows = tile_height(piece.count - row, k.tile_rows);
        k.add_products(rows, samples, count, columns, 1, places, a + row, lda, kept_.gates,
                       kPanelWidth<T>, width, piece.sums + row * width, errands);
      }
    }
  }
  index column_of(const Piece& piece, index t) const {
    if (!piece.is_recurrent) {
      return shape_.place_of(t * shape_.step_columns + piece.column, back_.x->panel);
    }
    return slot_of(t) * shape_.state_size(kept_.height) + shape_.place_of(piece.column, panel());
  }

  // Those of all gates of a block.
  void add_biases(index block, index first, index last) const {
    if (arrays_.bias < 0) return;
    index places[kMostSteps];
    for (index t = first; t < last;) {
      const index samples = rows_at(t);
      index count = 0;
      for (; t < last && rows_at(t) == samples; ++t, ++count) places[count] = gates_at(t, block, 0);
      if (samples <= 0) continue;
      kernels<T>().sum_gates(samples, count, places, shape_.kept_gates(), panel(), kept_.gates,
                             shape_.width(block), biases_of(block, 0));
    }
  }

  index place_in_arrays(const Piece& piece) const {
    const index lines = piece.is_recurrent ? shape_.units : shape_.channels;
    const index array = piece.is_recurrent ? arrays_.recurrent : arrays_.weights;
    return array + shape_.panel_of(lines, piece.block, piece.gate) +
           piece.column * shape_.width(piece.block);
  }
  void pass_piece(const Piece& piece, GradientSink<T>& sink) const {
    const index width = shape_.width(piece.block);
    sink.take(place_in_arrays(piece), piece.count * width, piece.sums);
    if (piece.line == 0 && piece.gate == 0 && arrays_.bias >= 0) pass_biases(piece.block, sink);
  }
  void pass_biases(index block, GradientSink<T>& sink) const {
    const index width = shape_.width(block);
    alignas(kLineBytes) T sums[kPanelWidth<T>];  // a sink may change them
    for (index gate = 0; gate < shape_.gates(); ++gate) {
      const index at = shape_.panel_of(1, block, gate);
      std::copy_n(biases_of(block, shape_.gate_of(gate, false)), width, sums);
      sink.take(arrays_.bias + at, width, sums);
      if (arrays_.recurrent_bias < 0) continue;
      std::copy_n(biases_of(block, shape_.gate_of(gate, true)), width, sums);
      sink.take(arrays_.recurrent_bias + at, width, sums);
    }
  }

  const Recurrence<T>& shape_;
  const typename Recurrence<T>::Arrays& arrays_;
  bool backwards_;
  RowRange rows_;
  const Back<T>& back_;
  const Scratch<T>& scratch_;
  KeptSteps<T> kept_;
  index lines_, begin_, end_;
  T *sums_, *biases_;
};

}  // namespace

template <class T>
void gradient_of_slices(const Recurrence<T>& shape, index direction, RowRange rows, index batch,
                        const Back<T>& back, const Scratch<T>& scratch) {
  T* const slices = shape.slices_of(back.kept, direction, batch);
  const index height = shape.slice_rows(batch);
  for (index row = rows.first; row < rows.last; row += height) {
    const RowRange own{row, std::min(rows.last, row + height)};
    T* const sums = slices + row / height * shape.gradient_size();
    ArraysGradient<T>(shape, direction, {}, own, batch, back, scratch, sums).add_up();
  }
}

template <class T>
void gradient_of_arrays(const Recurrence<T>& shape, Share share, index batch, const Back<T>& back,
                        GradientSink<T>& sink, const Scratch<T>& scratch) {
  for (index d = 0; d < shape.directions; ++d) {
    const ArraysGradient<T> gradient(shape, d, share, {0, batch}, batch, back, scratch,
                                     scratch.numbers);
    if (shape.is_sliced()) {
      gradient.add_slices(shape.slices_of(back.kept, d, batch), shape.slices(batch));
    } else if (!gradient.add_up()) {
      return;
    }
    gradient.pass_to(sink);
  }
}

#define FOXNN_GRADIENT(T)                                                                        \
  template void gradient_of_slices(const Recurrence<T>&, index, RowRange, index, const Back<T>&, \
                                   const Scratch<T>&);                                           \
  template void gradient_of_arrays(const Recurrence<T>&, Share, index, const Back<T>&,           \
                                   GradientSink<T>&, const Scratch<T>&);
FOXNN_GRADIENT(float)
FOXNN_GRADIENT(double)
#undef FOXNN_GRADIENT

}  // namespace foxnn
