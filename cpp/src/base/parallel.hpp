// The one place that knows OpenMP: teams of workers, their barrier, and how many workers there may
// be (how many pay, cost.hpp knows). Nothing else in the engine starts a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "foxnn/rows.hpp"

namespace foxnn {

/// How many workers there may be, at most `ceiling` (0: as many as there are): one within a
/// foreign parallel region, and in the child of a fork that could not end the runtime's threads.
/// `forced`: there must be so many.
struct Allowed {
  int workers;
  bool forced;
};
Allowed allowed_workers(int ceiling);

/// Where the workers of a team wait for each other.
class Barrier {
 public:
  void wait(int workers);

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> round_{0};
};

/// One worker's view of its team.
class Team {
 public:
  Team(Share share, Barrier* barrier) : share_(share), barrier_(barrier) {}

  Share share() const { return share_; }
  bool is_first() const { return share_.worker == 0; }
  /// Returns when every worker of the team has come here.
  void wait() const {
    if (share_.workers > 1) barrier_->wait(share_.workers);
  }

 private:
  Share share_;
  Barrier* barrier_;
};

/// Runs `body(context, team)` in every worker of a team; the caller is worker 0. There may be fewer
/// workers than `planned`: teams of other threads want cores, too, and limits change. The body must
/// not throw: an exception that left a worker would strand the others at a barrier.
void run_team(int planned, void (*body)(void* context, const Team& team) noexcept, void* context);

/// The same for anything that can be called with a `const Team&`.
template <class Body>
void run_team(int workers, Body&& body) {
  run_team(
      workers,
      [](void* context, const Team& team) noexcept {
        (*static_cast<std::remove_reference_t<Body>*>(context))(team);
      },
      &body);
}

}  // namespace foxnn
