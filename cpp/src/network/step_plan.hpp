// Which rows of a batch of sequences of different lengths have each step of each value on the way
// through a network. The rows are sorted, so that the longest come first: a step is one of some
// first rows.
#pragma once

#include <cstdint>
#include <vector>

#include "network/lane_plan.hpp"

namespace foxnn {

template <class T>
class StepPlan {
 public:
  /// For a network that is planned for the longest sequence, and as many batches as `slots` at
  /// once.
  StepPlan(const Network<T>& network, const std::vector<Stage<T>>& stages, int slots);

  /// Counts the rows of a batch; `length_of(r)` are the steps of row r.
  template <class LengthOf>
  void set(int slot, index rows, LengthOf length_of) {
    for (const Value& value : values_) {
      std::uint32_t* const counts = counts_[static_cast<std::size_t>(slot)].data() + value.start;
      index r = rows;
      for (index p = 0; p < value.positions(); ++p) {
        while (r > 0 && index{value.steps_of(length_of(r - 1))} <= p) --r;
        counts[p] = static_cast<std::uint32_t>(r);
      }
    }
  }
  /// Of the inputs and the outputs of a stage.
  StepRows rows_of(const Stage<T>& stage, index number, int slot) const;

 private:
  // A value, or all values whose steps depend in the same way on those of the network's inputs.
  struct Value {
    std::vector<std::uint32_t> steps;  // by the steps of the inputs, from 0 on
    index start = 0;                   // of its counts

    std::uint32_t steps_of(index inputs) const { return steps[static_cast<std::size_t>(inputs)]; }
    index positions() const { return index{steps.back()}; }
  };
  static constexpr index kNone = -1;  // the value is no sequence

  index value_of(index stage) const { return of_stage_[static_cast<std::size_t>(stage + 1)]; }
  const std::uint32_t* counts_of(index value, int slot) const;

  std::vector<Value> values_;
  std::vector<index> of_stage_;  // of the inputs, and of the outputs of each stage
  std::vector<std::vector<std::uint32_t>> counts_;
};

extern template class StepPlan<float>;
extern template class StepPlan<double>;

}  // namespace foxnn
