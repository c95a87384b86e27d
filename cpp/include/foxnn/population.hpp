// Many networks of the same layers side by side: answered, evaluated and trained in one call. A
// member has the very bits that it would have alone, whatever the number of workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "foxnn/network.hpp"
#include "foxnn/single.hpp"
#include "foxnn/trainer.hpp"

namespace foxnn {

template <class T>
class LaneMembers;
template <class T>
class LaneDesk;
struct LaneQuestion;

/// A sample of each member: number c of member m is data[m * member + c * column].
template <class T>
struct OneEach {
  const T* data;
  index member, column;
};

/// Networks of the same layers. It borrows them: they must outlive it, and keep their layers.
template <class T>
class Population {
 public:
  /// Throws std::invalid_argument if there are no members, or if layers or losses differ.
  explicit Population(std::vector<Network<T>*> members);
  ~Population();

  index size() const { return static_cast<index>(members_.size()); }
  Network<T>& member(index i) { return *members_[static_cast<std::size_t>(i)]; }
  const Network<T>& member(index i) const { return *members_[static_cast<std::size_t>(i)]; }

  using Outcome = typename Network<T>::Outcome;
  /// out[members x rows x outputs], each member as `Network::predict`; of the outcomes that are not
  /// `done`, the gravest. `each`: every member has rows of its own, so many of x one after the
  /// other. Keeps memory for small answers, so it is not for several threads at once.
  Outcome predict(const MatrixView& x, bool each, T* out, int threads, const StopRequest& stop);
  /// The same for a sample of each member: their numbers lie anywhere.
  Outcome predict(const OneEach<T>& x, T* out, int threads, const StopRequest& stop);
  /// The evaluation of some members: over one set of samples, or over one for each of them. False
  /// if stopped.
  bool evaluate(std::span<const index> which, std::span<const Samples> samples,
                std::span<Evaluation> results, int threads, const StopRequest& stop) const;

  /// The trained numbers of a member: array by array of the layers that the user has listed.
  index parameter_count() const;
  /// rows[members x parameter_count()]: those of all members, by at most `threads` workers.
  void read_parameters(T* rows, int threads) const;
  void set_parameters(const T* rows, int threads);

 private:
  bool makes_lanes(int workers);
  // None if members do not lie in lanes.
  std::optional<Outcome> predict_in_lanes(const LaneQuestion& question, T* out, int workers,
                                          const StopRequest& stop);
  Outcome predict_one(index i, const MatrixView& x, T* out, int threads, const StopRequest& stop);

  std::vector<Network<T>*> members_;
  index most_bytes_ = 0;  // of the largest value of a sample on its way
  std::vector<std::unique_ptr<FewSamples<T>>> few_;
  std::vector<std::unique_ptr<LaneMembers<T>>> lanes_;  // of all members, or empty
  Buffer<T> lane_parameters_;                           // of these, one after the other
  std::uint64_t loaded_at_ = 0;                         // all of them, by Changes; 0: not so
  std::vector<std::unique_ptr<LaneDesk<T>>> desks_;     // of the workers that have answered them
};

/// How a member learns, and which of the samples that all members share.
struct MemberPlan {
  TrainingPlan plan;
  std::vector<std::uint32_t> rows = {};  ///< which samples, in this order; empty: all
  /// Weights of its own for all samples, and for their positions, as in `Samples`; null: those of
  /// the samples.
  const double* weights = nullptr;
  const double* position_weights = nullptr;
};

template <class T>
class Group;
class Stops;

/// A training run of a population over samples, both of which must outlive it. A worker trains one
/// member, or one group of members, at a time. Members that have ended take no time.
template <class T>
class PopulationTrainer {
 public:
  /// One plan for each member; their batch sizes and kinds of optimizer must be the same.
  /// `threads`: the maximum number of workers (0: as many as are worthwhile). Throws
  /// std::invalid_argument as Trainer does.
  PopulationTrainer(Population<T>& population, const Samples& samples,
                    std::vector<MemberPlan> plans, int threads);
  ~PopulationTrainer();

  /// As `Trainer::drop_steps_on`. It is polled in the calling thread.
  void drop_steps_on(StopRequest request);
  void set_learning_rate(index member, double rate);
  /// The member makes no further steps.
  void end(index member);
  bool has_ended(index member) const { return at(member).has_ended; }
  index steps_per_epoch(index member) const;

  /// Lets the next `run_epoch` begin an epoch of every member that has not ended.
  void begin_epoch();
  /// Runs the rest of the epoch of every member that has not ended. If `stop` returns true, all
  /// members stop after their current steps. A member that diverges is reset as by Trainer, and has
  /// ended. Returns false if stopped.
  bool run_epoch(const StopRequest& stop);
  /// What has been done in the current epoch, or in the last one of a member that has ended.
  const StepReport& epoch(index member) const { return at(member).report; }
  /// The member's draw when its current epoch began.
  std::uint32_t draw_of_epoch(index member) const;
  /// As `Trainer::go_on_within_epoch`, in place of `begin_epoch`.
  bool go_on_within_epoch(index member, std::uint32_t draw, const StepReport& done);

 private:
  static constexpr std::size_t kNoGroup = static_cast<std::size_t>(-1);
  struct Place {
    std::size_t group = kNoGroup;  // none once it has ended, when the others are grouped anew
    index within = 0;
    index steps_per_epoch = 0;
    std::uint32_t draw_of_epoch = 0;  // as long as it has no group
    StepReport report = {};
    bool has_ended = false;
    bool has_steps_left = false;  // in the current epoch
  };
  Place& at(index member) { return places_[static_cast<std::size_t>(member)]; }
  const Place& at(index member) const { return places_[static_cast<std::size_t>(member)]; }
  bool has_group(index member) const { return at(member).group != kNoGroup; }
  Group<T>& group_of(index member) const { return *groups_[at(member).group]; }
  // Groups the members that have not ended.
  void make_groups();
  void run_group(std::size_t g);

  Population<T>& population_;
  const Samples samples_;
  const int threads_;
  std::vector<MemberPlan> plans_;
  std::unique_ptr<Stops> stops_;
  std::vector<std::unique_ptr<Group<T>>> groups_;
  std::vector<std::vector<index>> members_of_;  // of each group
  std::vector<Place> places_;
  index grouped_ = 0;          // members in groups
  bool begins_epoch_ = false;  // no member is within an epoch
};

extern template class Population<float>;
extern template class Population<double>;
extern template class PopulationTrainer<float>;
extern template class PopulationTrainer<double>;

}  // namespace foxnn
