// Training of up to sixteen networks (eight in float64) side by side in the lanes of a vector. Each
// gets the bits that it gets from a Trainer of its own with one worker: weights, moments, losses
// and random draws.
#pragma once

#include <memory>
#include <vector>

#include "base/stop_poll.hpp"
#include "layers/dropout_masks.hpp"
#include "population/lane_samples.hpp"
#include "population/lane_update.hpp"

namespace foxnn {

/// A member of a group: its network, which must outlive the trainer, how it is trained, and on
/// which of the samples.
template <class T>
struct LaneMember {
  Network<T>* network = nullptr;
  TrainingPlan plan;
  LaneView view = {};
};

template <class T>
class LaneTrainer {
 public:
  /// Whether a network can be trained in lanes, and is trained faster there.
  static bool takes(const Network<T>& network, const TrainingPlan& plan, const Samples& samples);
  /// Whether two such members can be in one group.
  static bool are_alike(const LaneMember<T>& a, const LaneMember<T>& b);

  /// From one member to kMostMembers, for all of which `takes` and `are_alike` are true. The
  /// samples must outlive the trainer.
  LaneTrainer(const std::vector<LaneMember<T>>& members, const Samples& samples);

  index size() const { return static_cast<index>(members_.size()); }
  /// As of a Trainer; between epochs, or within one.
  void set_learning_rate(std::size_t member, double rate);
  void set_optimizer(std::size_t member, const Optimizer& rule);

  /// Runs the rest of the epoch, or a whole one, of every member: what each one's Trainer would
  /// report. Networks are read when it begins, and hold the results when it returns.
  std::vector<StepReport> run_epoch(const StopRequest& stop);

 private:
  static constexpr index kLine = kLineWidth<T>;

  struct Member {
    Network<T>* network;
    TrainingPlan plan;
    StepReport report = {};
    bool is_over = true;  // its epoch
    double last_sum = 0.0, last_weight = 0.0;
  };
  // Masks of a stage: its outputs drop out, or it is a dropout layer.
  struct Masks {
    std::size_t stage;
    bool are_of_layer;
    std::vector<DropoutMasks<T>> makers;  // of each member
    std::vector<bool> are_drawn;          // whether a member's outputs drop out
    std::vector<std::uint32_t> draws;
  };

  std::vector<bool> dropout() const;
  void make_masks();
  bool begin_epoch(const StopRequest& stop);
  void load();
  // Writes members to their networks, and completes their reports.
  void store(const std::vector<bool>& which);
  void restore(std::size_t m);
  bool mark_ended(bool stopped, bool& goes_on);
  void step();
  void find_counts();
  void draw_masks();
  void judge(index rows);
  void move(index rows);
  void count_step(index rows);

  std::vector<Member> members_;
  LaneLayout<T> layout_;
  LaneSamples<T> samples_;
  LaneUpdate<T> update_;
  LanePass<T> pass_;
  index position_ = 0;
  bool is_raw_ = false;
  std::vector<Masks> masks_;
  Buffer<T> drawn_;            // masks of one member
  std::vector<index> counts_;  // rows of the members in this step
  std::vector<LaneGap> gaps_;
  Buffer<T> targets_, gradient_, saved_, scale_;
  std::vector<double> losses_;
  std::vector<std::uint8_t> matches_;
  StopPoll poll_;
};

extern template class LaneTrainer<float>;
extern template class LaneTrainer<double>;

}  // namespace foxnn
