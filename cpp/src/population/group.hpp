// Members of a population that one worker trains together.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "foxnn/network.hpp"
#include "foxnn/trainer.hpp"

namespace foxnn {

/// A member, the samples that it sees (`Samples::rows`), and its plan.
template <class T>
struct GroupMember {
  Network<T>* network;
  Samples samples;
  const TrainingPlan* plan;
};

/// Each member ends with the bits that Trainer gives it with one worker. After each call, the
/// networks hold its parameters, optimizer and draws.
template <class T>
class Group {
 public:
  virtual ~Group() = default;

  virtual index size() const = 0;
  /// Seconds of an epoch of all members, with one worker.
  virtual double seconds() const = 0;
  virtual index steps_per_epoch(index i) const = 0;
  virtual void set_learning_rate(index i, double rate) = 0;
  virtual std::uint32_t draw_of_epoch(index i) const = 0;
  /// As Trainer has it.
  virtual bool go_on_within_epoch(index i, std::uint32_t draw, const StepReport& done) = 0;
  /// Runs the rest of the epoch, or a whole one, of each member with trains[i]; writes its report.
  /// The calls come from different threads, one after the other.
  virtual void run_epoch(const std::uint8_t* trains, const StopRequest& stop,
                         StepReport* reports) = 0;
};

/// The only place where it is decided how members are trained: all of them, in order, in groups.
/// `drop` is polled within long steps. `workers`: how many there are, at most. Throws
/// std::invalid_argument as Trainer does.
template <class T>
std::vector<std::unique_ptr<Group<T>>> groups_of(const std::vector<GroupMember<T>>& members,
                                                 const StopRequest& drop, int workers);

extern template std::vector<std::unique_ptr<Group<float>>> groups_of(
    const std::vector<GroupMember<float>>&, const StopRequest&, int);
extern template std::vector<std::unique_ptr<Group<double>>> groups_of(
    const std::vector<GroupMember<double>>&, const StopRequest&, int);

}  // namespace foxnn
