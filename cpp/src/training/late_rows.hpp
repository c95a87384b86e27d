// Steps of rows of parameters that are made when they are needed. Where a batch names some rows of
// a table, the others have a gradient of zero, but move on by what the optimizer remembers of
// earlier ones. Such a step can be made late: before the row is read again, together with all
// others that it has missed. They are the same operations in the same order, so they have the same
// bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/parallel.hpp"
#include "layers/columns.hpp"
#include "training/sinks.hpp"

namespace foxnn {

template <class T>
class LateRows {
  using StepNumbers = typename UpdateSink<T>::StepNumbers;

 public:
  /// For the tables of a network that is trained by a rule that moves rows without a gradient.
  LateRows(Network<T>& network, const UpdateSink<T>& sink) : network_(network), sink_(sink) {
    needs_.resize(at(network.size()), nullptr);
    for (index i = 0; i < network.size(); ++i) {
      const Layer<T>& layer = network.layer(i);
      const index rows = layer.row_count();
      if (rows == 0 || !layer.is_trained()) continue;
      const index turns = turns_of(layer.parameter_count());
      if (turns < 2) continue;
      most_turns_ = std::max(most_turns_, turns);
      tables_.push_back(std::make_unique<Table>(*this, i, rows, turns));
      needs_[at(i)] = tables_.back().get();
    }
    steps_.resize(at(most_turns_ + 2));
  }
  LateRows(const LateRows&) = delete;  // tables refer to it

  bool is_used() const { return !tables_.empty(); }
  /// What brings rows up to date, by node; null where there is none.
  RowNeeds* const* needs() const { return needs_.data(); }
  bool has(index node) const { return needs_[at(node)] != nullptr; }

  /// Begins a step, for one worker: the rows that it does not name will make it late.
  void begin_step(const StepNumbers& step) { steps_[at(++now_) % steps_.size()] = step; }
  /// Takes back a step that has changed no parameter. `finish` must follow.
  void drop_step() { --now_; }
  /// Makes all steps of the worker's share of rows.
  void finish(Share share) {
    for (const auto& table : tables_) table->finish(share);
  }
  /// Begins again, after every worker has finished.
  void restart() {
    now_ = 0;
    for (const auto& table : tables_) table->restart();
  }

 private:
  // A part of all rows is brought up to date in every step, so that after so many steps no row is
  // further behind: the memory that a sweep reads and writes in each step is spread over 64. What
  // is left to do at the end cannot be interrupted. A step of a parameter takes 1 ns if all rows
  // move (Adam over 50,000 x 64 floats, one thread), so this is 0.1 s at most. A table that is in
  // the second-level cache with its moments is swept over as fast.
  static index turns_of(index parameters) {
    constexpr index kLeast = 1 << 16, kMost = 64, kParameterSteps = 100'000'000;
    return parameters < kLeast ? 1 : std::min(kMost, kParameterSteps / parameters);
  }

  template <class Integer>
  static std::size_t at(Integer i) {
    return static_cast<std::size_t>(i);
  }

  class Table final : public RowNeeds {
   public:
    Table(LateRows& all, index node, index rows, index turns)
        : all_(all),
          node_(node),
          turns_(turns),
          length_(all.network_.layer(node).parameter_count() / rows),
          made_(at(rows)) {}

    void need(index row) override {
      make(row, all_.now_ - 1);
      made_[at(row)] = all_.now_;  // with the gradient that the step has for it
    }
    void need_later(index row) override { make(row, all_.now_ - 1); }
    Share turn() const override {
      return {static_cast<int>(index{all_.now_} % turns_), static_cast<int>(turns_)};
    }
    void finish(Share share) {
      const index rows = static_cast<index>(made_.size());
      for (index row = share.first(rows); row < share.last(rows); ++row) make(row, all_.now_);
    }
    void restart() { std::fill(made_.begin(), made_.end(), 0u); }

   private:
    // Makes the steps of a row up to one.
    void make(index row, std::uint32_t last) {
      const std::uint32_t first = made_[at(row)] + 1;
      if (first > last) return;
      made_[at(row)] = last;
      all_.make(node_, row * length_, length_, first, last);
    }

    LateRows& all_;
    index node_, turns_, length_;
    std::vector<std::uint32_t> made_;  // the last step of each row
  };

  // Makes steps first to last with a gradient of zero.
  void make(index node, index offset, index count, std::uint32_t first, std::uint32_t last) {
    UpdateSink<T> sink = sink_.of_layer(node, nullptr);
    constexpr index kPiece = 8 * kLineWidth<T>;  // as many registers as a step takes of each array
    alignas(64) T zeros[kPiece] = {};
    for (index begin = 0; begin < count; begin += kPiece) {
      const index at_row = offset + begin, some = std::min(kPiece, count - begin);
      if (sink.ignores_zeros(at_row, some)) continue;
      const bool stays = sink.stays(at_row, some);
      for (std::uint32_t step = first; step <= last; ++step) {
        sink.set_step(steps_[step % steps_.size()]);
        if (stays) {
          sink.forget(at_row, some);
        } else {
          sink.take(at_row, some, zeros);
        }
      }
    }
  }

  Network<T>& network_;
  const UpdateSink<T>& sink_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<RowNeeds*> needs_;
  index most_turns_ = 0;
  std::vector<StepNumbers> steps_;  // the last ones, by number
  std::uint32_t now_ = 0;           // the current step, from 1
};

}  // namespace foxnn
