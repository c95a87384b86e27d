// Truncated backpropagation through time (Williams and Peng, "An efficient gradient-based algorithm
// for on-line training of recurrent network trajectories", 1990): the sequences of a batch in
// pieces of some steps, each of which is a step of the optimizer. This is what a piece consists of;
// the pass carries the states from piece to piece.
#pragma once

#include <cstdint>
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
  SequencePieces(const Network<T>& network, const Samples& samples, index batch);

  /// How many of the rows of a batch, the first ones, take part in a piece.
  index rows(const std::uint32_t* sample, index rows, index piece) const;
  /// How many pieces there are of a batch, whose longest sequence comes first.
  index count(const std::uint32_t* sample) const {
    return (steps_of(sample[0]) + steps_ - 1) / steps_;
  }
  /// How many steps some sequences have, and in their first pieces.
  index positions(const std::uint32_t* sample, index rows) const;
  index positions(const std::uint32_t* sample, index rows, index pieces) const;

  /// Reads the worker's share of the rows of a piece. `given`, if not null, has the inputs of the
  /// batch in its order.
  void gather(const Share& share, const std::uint32_t* sample, index rows, index piece,
              const MatrixView* given, Pass<T>& pass, int slot, const Rows<T>& targets,
              Leaving* leaving);
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
  // A scaling has a shift and a factor for each number of each step of a sample.
  std::vector<Scaling> cut(const Scaling* whole, index width) const;
  void read_targets(index sample, index before, index steps, std::size_t place,
                    const Rows<T>& out) const;
  void weigh(Slot& slot, index row, index sample, index before, index steps) const;

  Samples samples_;
  index steps_, width_, channels_;
  std::vector<std::uint32_t> order_;  // of rows, by which weights are found: 0, 1, 2, ...
  std::vector<Scaling> input_scalings_, output_scalings_;  // by piece
  Slot slots_[2];
};

extern template class SequencePieces<float>;
extern template class SequencePieces<double>;

}  // namespace foxnn
