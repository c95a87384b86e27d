// Truncated backpropagation through time (Williams and Peng, "An efficient gradient-based algorithm
// for on-line training of recurrent network trajectories", 1990): the sequences of a batch in
// pieces of some steps, each of which is a step of the optimizer. This is what a piece consists of;
// the pass carries the states from piece to piece.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/parallel.hpp"
#include "foxnn/network.hpp"
#include "network/pass.hpp"

namespace foxnn {

/// The samples of a batch as the tally sees them: sample[r] is the number of row r.
struct Drawn {
  const Samples& samples;
  const std::uint32_t* sample;
};

template <class T>
class SequencePieces {
 public:
  /// `network` is planned for pieces of so many steps. The samples are scaled, and outlive this.
  SequencePieces(const Network<T>& network, const Samples& samples, index batch)
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

  /// How many of the rows of a batch, the first ones, take part in a piece.
  index rows(const std::uint32_t* sample, index rows, index piece) const {
    while (rows > 0 && steps_of(sample[rows - 1]) <= piece * steps_) --rows;
    return rows;
  }
  /// How many pieces there are of a batch, whose longest sequence comes first.
  index count(const std::uint32_t* sample) const {
    return (steps_of(sample[0]) + steps_ - 1) / steps_;
  }
  /// How many steps some sequences have, and in their first pieces.
  index positions(const std::uint32_t* sample, index rows) const {
    index sum = 0;
    for (index r = 0; r < rows; ++r) sum += steps_of(sample[r]);
    return sum;
  }
  index positions(const std::uint32_t* sample, index rows, index pieces) const {
    index sum = 0;
    for (index r = 0; r < rows; ++r) sum += std::min(steps_of(sample[r]), pieces * steps_);
    return sum;
  }

  /// Reads the worker's share of the rows of a piece. `given`, if not null, has the inputs of the
  /// batch in its order.
  void gather(const Share& share, const std::uint32_t* sample, index rows, index piece,
              const MatrixView* given, Pass<T>& pass, int slot, const Rows<T>& targets,
              Leaving* leaving) {
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
  /// The rows of a piece, which have weights of their own.
  Drawn drawn(int slot) const { return {slots_[slot].seen, order_.data()}; }
  /// Which share of its sequence each row is.
  const double* shares(int slot) const { return slots_[slot].shares.data(); }

 private:
  struct Slot {
    std::vector<double> weights, of_positions, shares;
    Samples seen;  // with these weights
  };

  index all_steps() const { return samples_.inputs.columns / width_; }
  index steps_of(index sample) const {
    return samples_.inputs.lengths ? samples_.inputs.lengths[sample] : all_steps();
  }
  // A row alone, from a step on.
  static MatrixView steps_from(MatrixView matrix, index row, index step, index width) {
    matrix.data = matrix.row(row) + step * width * bytes_of(matrix.type);
    matrix.rows = 1;
    return matrix;
  }
  // A scaling has a shift and a factor for each number of each step of a sample.
  std::vector<Scaling> cut(const Scaling* whole, index width) const {
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

  void read_targets(index sample, index before, index steps, std::size_t place,
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
  void weigh(Slot& slot, index row, index sample, index before, index steps) const {
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

  Samples samples_;
  index steps_, width_, channels_;
  std::vector<std::uint32_t> order_;  // of rows, by which weights are found: 0, 1, 2, ...
  std::vector<Scaling> input_scalings_, output_scalings_;  // by piece
  Slot slots_[2];
};

}  // namespace foxnn
