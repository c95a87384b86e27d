// Follows the steps of sequences through the layers.
#include "network/step_plan.hpp"

#include <algorithm>

namespace foxnn {

template <class T>
StepPlan<T>::StepPlan(const Network<T>& network, const std::vector<Stage<T>>& stages, int slots) {
  Value inputs;
  for (index steps = 0; steps <= network.steps(); ++steps) {
    inputs.steps.push_back(static_cast<std::uint32_t>(steps));
  }
  values_.push_back(std::move(inputs));
  of_stage_.push_back(0);
  for (const Stage<T>& stage : stages) {
    const index read = value_of(stage.reads.front());
    of_stage_.push_back(kNone);
    if (read == kNone || stage.layer->output_steps(1) < 0) continue;
    Value after;
    for (const std::uint32_t steps : values_[static_cast<std::size_t>(read)].steps) {
      const index left = steps > 0 ? stage.layer->output_steps(index{steps}) : 0;
      after.steps.push_back(static_cast<std::uint32_t>(left));
    }
    const auto known = std::find_if(values_.begin(), values_.end(),
                                    [&](const Value& value) { return value.steps == after.steps; });
    of_stage_.back() = known - values_.begin();
    if (known == values_.end()) values_.push_back(std::move(after));
  }
  index count = 0;
  for (Value& value : values_) {
    value.start = count;
    count += value.positions();
  }
  counts_.assign(static_cast<std::size_t>(slots),
                 std::vector<std::uint32_t>(static_cast<std::size_t>(count)));
}

template <class T>
const std::uint32_t* StepPlan<T>::counts_of(index value, int slot) const {
  if (value == kNone) return nullptr;
  return counts_[static_cast<std::size_t>(slot)].data() +
         values_[static_cast<std::size_t>(value)].start;
}

template <class T>
StepRows StepPlan<T>::rows_of(const Stage<T>& stage, index number, int slot) const {
  return {counts_of(value_of(stage.reads.front()), slot), counts_of(value_of(number), slot)};
}

template class StepPlan<float>;
template class StepPlan<double>;

}  // namespace foxnn
