// The one place that uses OpenMP: teams of workers, their barrier, and how many workers are allowed
// (how many are worthwhile is decided in cost.hpp). Nothing else in the engine starts a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "foxnn/rows.hpp"

namespace foxnn {

/// The number of workers allowed, at most `ceiling` (0: as many as are available): one within a
/// parallel region of another library, and in a forked child if the runtime's threads could not be
/// ended before. `forced`: exactly this number must be used.
struct Allowed {
  int workers;
  bool forced;
};
Allowed allowed_workers(int ceiling);

/// A barrier: the workers of a team wait here for each other.
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
  /// Returns when every worker of the team has called it.
  void wait() const {
    if (share_.workers > 1) barrier_->wait(share_.workers);
  }

 private:
  Share share_;
  Barrier* barrier_;
};

/// Runs `body(context, team)` in every worker of a team; the caller is worker 0. There may be fewer
/// workers than `planned`: teams of other threads need cores, too, and limits change. The body must
/// not throw: an exception in one worker would leave the others stuck at a barrier.
void run_team(int planned, void (*body)(void* context, const Team& team) noexcept, void* context);

/// The same for any callable that takes a `const Team&`.
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
