// Reading pieces of sequences.
#include "training/truncation.hpp"

#include <algorithm>
#include <numeric>

namespace foxnn {
namespace {

// A row alone, from a step on.
MatrixView steps_from(MatrixView matrix, index row, index step, index width) {
  matrix.data = matrix.row(row) + step * width * bytes_of(matrix.type);
  matrix.rows = 1;
  return matrix;
}

}  // namespace

template <class T>
SequencePieces<T>::SequencePieces(const Network<T>& network, const Samples& samples, index batch)
    : samples_(samples),
      steps_(network.steps()),
      width_(network.step_columns()),
      channels_(network.outputs() / steps_),
      order_(static_cast<std::size_t>(batch)),
      input_scalings_(cut(samples.inputs.scaling, width_)),
      output_scalings_(cut(samples.outputs.scaling, channels_)) {
  std::iota(order_.begin(), order_.end(), 0u);
  for (Slot& slot : slots_) {
    slot.shares.resize(order_.size());
    if (!samples.weights) continue;
    slot.weights.resize(order_.size());
    slot.seen.weights = slot.weights.data();
    // Where there is one position, a sample's weight is that of the position.
    if (!samples.position_weights || steps_ == 1) continue;
    slot.of_positions.resize(order_.size() * static_cast<std::size_t>(steps_));
    slot.seen.position_weights = slot.of_positions.data();
    slot.seen.positions = steps_;
  }
}

template <class T>
index SequencePieces<T>::rows(const std::uint32_t* sample, index rows, index piece) const {
  while (rows > 0 && steps_of(sample[rows - 1]) <= piece * steps_) --rows;
  return rows;
}

template <class T>
index SequencePieces<T>::positions(const std::uint32_t* sample, index rows) const {
  index sum = 0;
  for (index r = 0; r < rows; ++r) sum += steps_of(sample[r]);
  return sum;
}

template <class T>
index SequencePieces<T>::positions(const std::uint32_t* sample, index rows, index pieces) const {
  index sum = 0;
  for (index r = 0; r < rows; ++r) sum += std::min(steps_of(sample[r]), pieces * steps_);
  return sum;
}

template <class T>
void SequencePieces<T>::gather(const Share& share, const std::uint32_t* sample, index rows,
                               index piece, const MatrixView* given, Pass<T>& pass, int slot,
                               const Rows<T>& targets, Leaving* leaving) {
  const index before = piece * steps_;
  const auto left = [=, this](index r) { return std::min(steps_, steps_of(sample[r]) - before); };
  if (share.worker == 0) pass.set_lengths(slot, rows, left);
  const Rows<T> inputs = pass.input(slot);
  std::uint32_t* const bits = pass.nonzero(slot);
  const auto place = static_cast<std::size_t>(piece);
  for (index r = share.first(rows); r < share.last(rows); ++r) {
    if (leaving && r % 64 == 0 && leaving->now()) return;
    const index steps = left(r);
    const MatrixView& from = given ? *given : samples_.inputs;
    MatrixView part = steps_from(from, given ? r : index{sample[r]}, before, width_);
    const std::int64_t length = steps;
    part.lengths = &length;
    part.step_columns = width_;
    part.columns = steps_ * width_;
    if (part.scaling) part.scaling = &input_scalings_[place];
    read_row(part, 0, inputs.from_row(r), bits ? bits + r : nullptr, pass.missing());
    read_targets(sample[r], before, steps, place, targets.from_row(r));
    weigh(slots_[slot], r, sample[r], before, steps);
  }
}

template <class T>
std::vector<Scaling> SequencePieces<T>::cut(const Scaling* whole, index width) const {
  std::vector<Scaling> parts;
  for (index step = 0; whole && step < all_steps(); step += steps_) {
    const index first = step * width, last = std::min(step + steps_, all_steps()) * width;
    const auto part = [=](const std::vector<double>& numbers) {
      return std::vector<double>(numbers.begin() + first, numbers.begin() + last);
    };
    parts.push_back({part(whole->shift), part(whole->factor)});
  }
  return parts;
}

template <class T>
void SequencePieces<T>::read_targets(index sample, index before, index steps, std::size_t place,
                                     const Rows<T>& out) const {
  if (!samples_.labels) {
    MatrixView part = steps_from(samples_.outputs, sample, before, channels_);
    part.columns = steps * channels_;
    if (part.scaling) part.scaling = &output_scalings_[place];
    return read_row(part, 0, out);
  }
  std::fill_n(out.data, steps * channels_, T(0));
  samples_.labels.visit(sample * samples_.positions + before, [&](const auto* labels) {
    for (index p = 0; p < steps; ++p) {
      const auto label = static_cast<index>(labels[p]);  // as in read_target
      if (label >= 0 && label < channels_) out.data[p * channels_ + label] = T(1);
    }
  });
}

template <class T>
void SequencePieces<T>::weigh(Slot& slot, index row, index sample, index before,
                              index steps) const {
  const auto at = static_cast<std::size_t>(row);
  slot.shares[at] = static_cast<double>(steps) / static_cast<double>(steps_of(sample));
  if (!samples_.weights) return;
  if (!samples_.position_weights) {
    slot.weights[at] = samples_.weights[sample];
    return;
  }
  const double* const own = samples_.position_weights + sample * samples_.positions + before;
  slot.weights[at] = std::accumulate(own, own + steps, 0.0) / static_cast<double>(steps);
  if (slot.of_positions.empty()) return;
  std::copy_n(own, steps, slot.of_positions.data() + row * steps_);
}

template class SequencePieces<float>;
template class SequencePieces<double>;

}  // namespace foxnn
