// The steps of the optimizers of a group, each with its member's own constants: penalties, clipping
// and coefficients, a line of each.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/trainer.hpp"
#include "kernels/member_table.hpp"
#include "population/lane_layout.hpp"
#include "training/mean_decays.hpp"

namespace foxnn {

template <class T>
class LaneUpdate {
 public:
  /// The optimizers are of one kind, and remember the same. `layout` must outlive it.
  LaneUpdate(const LaneLayout<T>& layout, const std::vector<TrainingPlan>& plans);

  /// Takes the constants of a plan for a member.
  void set_plan(std::size_t member, const TrainingPlan& plan);
  /// Whether the whole gradient must be known before a step.
  bool clips_norm() const { return clips_norm_; }

  /// Parameters and moments in lanes.
  T* parameters() { return parameters_.data(); }
  T* moments(int i) { return moments_[i].data(); }
  bool remembers(int i) const { return moments_[i].size() > 0; }
  /// The steps that a member's optimizer has made.
  std::uint64_t step_of(std::size_t member) const { return steps_[member]; }
  void set_step(std::size_t member, std::uint64_t step);

  /// Must be called before each step.
  void begin_step();
  /// Applies penalties and clipping by value to the gradient of lines from `first` on: so many
  /// weights, and biases behind them.
  void prepare(index first, index weights, index biases, T* gradient);
  /// Clips the norms of all members of a whole gradient.
  void clip_norms(T* gradient);
  /// Lets weights decay, as AdamW does, before their step.
  void shrink(index first, index weights);
  /// Makes the step for some lines.
  void take(index first, index count, const T* gradient);

 private:
  static constexpr index kLine = kLineWidth<T>;
  enum Line {
    rate,
    decay,
    gain,
    decay_squares,
    gain_squares,
    square_scale,
    epsilon,
    shrinking,
    l1,
    l2,
    clip,
    kLines
  };

  T* line(Line which) { return lines_.data() + which * kLine; }
  void restart(std::size_t member);
  void find_pieces();
  double sum_squares(const std::vector<LaneRun>& piece, const T* gradient,
                     std::size_t member) const;

  const LaneLayout<T>& layout_;
  std::vector<TrainingPlan> plans_;
  std::vector<std::uint64_t> steps_;
  std::vector<MeanDecays> decays_;
  // Of the plans, where each step finds them side by side.
  std::vector<double> rates_;
  std::vector<bool> has_betas_of_first_;
  bool are_alike_ = false;    // in these, and in the learning rate
  bool are_together_ = true;  // all have made as many steps
  Buffer<T> parameters_, moments_[2];
  Buffer<T> lines_;
  // The parts of the gradient whose squares are added up separately, as for a single network.
  std::vector<std::vector<LaneRun>> pieces_;
  bool penalises_ = false, clips_ = false, shrinks_ = false, clips_norm_ = false, restarts_ = false;
};

extern template class LaneUpdate<float>;
extern template class LaneUpdate<double>;

}  // namespace foxnn
