// Batches: samples and their targets, read in the order of the epoch, converted and, if the network
// has a scaler, scaled.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/parallel.hpp"
#include "foxnn/network.hpp"
#include "network/batch.hpp"
#include "network/pass.hpp"
#include "training/epoch.hpp"
#include "training/truncation.hpp"

namespace foxnn {

template <class T>
class Batches {
 public:
  /// `in_pieces`: the network is planned for pieces of the samples, which are scaled already.
  Batches(const Network<T>& network, const Samples& samples, index batch, bool in_pieces,
          double label_smoothing)
      : samples_(network.scaled(samples)), batch_(batch), outputs_(network.outputs()) {
    const bool are_sides = loss_traits(network.loss()).targets == Targets::sides;
    const index classes = are_sides ? 2 : network.output_shape().channels;
    kept_ = static_cast<T>(1.0 - label_smoothing);
    added_ = static_cast<T>(label_smoothing / static_cast<double>(classes));
    if (in_pieces) pieces_ = std::make_unique<SequencePieces<T>>(network, samples_, batch);
    for (Batch<T>& target : targets_) target = Batch<T>::packed(batch, network.output_shape());
  }

  const Samples& samples() const { return samples_; }
  void set_samples(const Samples& samples) { samples_ = samples; }
  /// Reads the inputs of batches from separate rows, in the order of the batch; null: from the
  /// samples again.
  void give_inputs(const MatrixView* x) { given_ = x ? std::optional(*x) : std::nullopt; }
  /// The most stored numbers of a batch; 0 for dense samples.
  index most_stored() const {
    return samples_.inputs.is_sparse() ? foxnn::most_stored(samples_.inputs, batch_) : 0;
  }
  /// The number of samples of a full batch.
  index size() const { return batch_; }
  /// The number of samples of the batch that begins at position `first` of the epoch.
  index count_from(index first) const { return std::min(batch_, samples_.size() - first); }
  Rows<T> target(int slot) { return targets_[slot].rows(); }

  /// How the sequences are cut; null if they are not.
  const SequencePieces<T>* pieces() const { return pieces_.get(); }
  /// The number of samples that take part in the step there, the first ones of their batch.
  index count_at(const EpochOrder& order, const Spot& spot) const {
    const index rows = count_from(spot.first);
    return pieces_ ? pieces_->rows(order.from(spot.first), rows, spot.piece) : rows;
  }
  /// The next step after the one there.
  Spot after(const EpochOrder& order, const Spot& spot) const {
    if (pieces_ && spot.piece + 1 < pieces_->count(order.from(spot.first))) {
      return {spot.first, spot.piece + 1};
    }
    return {spot.first + count_from(spot.first), 0};
  }
  /// The samples that a slot has.
  Drawn drawn(const EpochOrder& order, const Spot& spot, int slot) const {
    return pieces_ ? pieces_->drawn(slot) : Drawn{samples_, order.from(spot.first)};
  }

  /// Smooths a target that has been read, if the plan says so.
  void smooth(T* target) const {
    if (added_ == T(0)) return;
    for (index i = 0; i < outputs_; ++i) target[i] = target[i] * kept_ + added_;
  }

  /// Reads the worker's share of `rows` samples of the step there into a slot of the pass.
  void gather(const Share& share, const EpochOrder& order, const Spot& spot, index rows,
              Pass<T>& pass, int slot, Leaving* leaving) {
    const std::uint32_t* const sample = order.from(spot.first);
    if (pieces_) {
      pieces_->gather(share, sample, rows, spot.piece, given_ ? &*given_ : nullptr, pass, slot,
                      target(slot), leaving);
      for (index r = share.first(rows); r < share.last(rows); ++r) smooth(target(slot).at(r));
      return;
    }
    if (StoredBatch<T>* stored = pass.stored(slot)) {
      return gather_stored(share, sample, rows, *stored, target(slot), leaving);
    }
    if (pass.takes_lengths() && share.worker == 0) {
      const std::int64_t* const lengths = samples_.inputs.lengths;
      pass.set_lengths(slot, rows, [=](index r) { return index{lengths[sample[r]]}; });
    }
    const index begin = share.first(rows), end = share.last(rows);
    const Rows<T> inputs = pass.input(slot), targets = target(slot);
    std::uint32_t* bits = pass.nonzero(slot);
    const MatrixView& from = given_ ? *given_ : samples_.inputs;
    const auto row_of = [&](index r) { return given_ ? r : index{sample[r]}; };
    const bool has_short_inputs = !given_ && !bits && has_short_rows(from);
    const bool has_short_targets =
        !samples_.labels && samples_.outputs.data && has_short_rows(samples_.outputs);
    constexpr index kBlock = 64;  // between two polls
    for (index first = begin; first < end; first += kBlock) {
      if (leaving && leaving->now()) return;
      const index last = std::min(first + kBlock, end), count = last - first;
      if (has_short_inputs) {
        read_rows_apart(from, sample + first, count, inputs.at(first), inputs.stride);
      } else {
        for (index r = first; r < last; ++r) {
          // Rows can be anywhere in memory: the next is prefetched while this one is converted.
          if (r + 1 < end) fetch_row(from, row_of(r + 1));
          read_row(from, row_of(r), inputs.from_row(r), bits ? bits + r : nullptr, pass.missing());
        }
      }
      if (has_short_targets) {
        read_rows_apart(samples_.outputs, sample + first, count, targets.at(first), targets.stride);
        for (index r = first; r < last; ++r) smooth(targets.at(r));
      } else {
        for (index r = first; r < last; ++r) read_own_target(sample[r], targets.from_row(r));
      }
    }
  }
  /// The rows that `gather` will read; none for sparse samples, whose rows are short, and for
  /// pieces, which begin anywhere in their rows.
  RowsToFetch rows_to_fetch(const Share& share, const std::uint32_t* sample, index rows) const {
    if (samples_.inputs.is_sparse() || pieces_) return {};
    return {samples_.inputs.data, samples_.inputs.row_bytes, sample + share.first(rows),
            sample + share.last(rows)};
  }

 private:
  void gather_stored(const Share& share, const std::uint32_t* sample, index rows,
                     StoredBatch<T>& stored, const Rows<T>& targets, Leaving* leaving) {
    const auto row_of = [sample](index r) { return index{sample[r]}; };
    stored.read(share, samples_.inputs, rows, row_of, leaving);
    for (index r = share.first(rows); r < share.last(rows); ++r) {
      if (leaving && r % 64 == 0 && leaving->now()) return;
      read_own_target(sample[r], targets.from_row(r));
    }
  }
  // Losses outside the engine have targets of their own.
  void read_own_target(index sample, const Rows<T>& target) const {
    if (!samples_.labels && !samples_.outputs.data) return;
    read_target(samples_, sample, outputs_, target);
    smooth(target.data);
  }

  Samples samples_;
  std::optional<MatrixView> given_;
  index batch_, outputs_;
  T kept_, added_;       // of smoothed targets
  Batch<T> targets_[2];  // the next batch is gathered while this one is trained on
  std::unique_ptr<SequencePieces<T>> pieces_;
};

}  // namespace foxnn
