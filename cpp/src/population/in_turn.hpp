// Workers that take members in turn, and how all of them stop. Which worker takes which member
// affects the time only.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/parallel.hpp"
#include "base/pause.hpp"
#include "base/stop_poll.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// Two requests, which are polled in the calling thread alone, and what all workers see of them: to
/// stop after the current step, and to drop that step, too.
class Stops {
 public:
  void drop_on(StopRequest request) { drop_ = std::move(request); }
  /// To be called by the thread that asks, before the workers begin.
  void begin(const StopRequest& stop) {
    stop_ = stop;
    caller_ = std::this_thread::get_id();
    stopped_ = false;
    dropped_ = false;
  }

  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  /// Stops all workers.
  void set() { stopped_.store(true, std::memory_order_relaxed); }
  /// For polls between steps, in any worker.
  StopRequest after_steps() {
    return [this] {
      if (!stopped() && asks(stop_)) set();
      return stopped();
    };
  }
  /// For polls within steps, in any worker.
  StopRequest within_steps() {
    return [this] {
      if (!dropped_.load(std::memory_order_relaxed) && asks(drop_)) {
        dropped_.store(true, std::memory_order_relaxed);
        set();
      }
      return dropped_.load(std::memory_order_relaxed);
    };
  }

 private:
  bool asks(const StopRequest& request) const {
    return request && std::this_thread::get_id() == caller_ && request();
  }

  StopRequest stop_, drop_;
  std::thread::id caller_;
  std::atomic<bool> stopped_{false}, dropped_{false};
};

/// What a worker takes first. Those that have done theirs take what others have left.
struct alignas(64) Turns {
  std::atomic<index> next{0};
  index end = 0;
};

/// Calls f(i), or f(i, worker), for i = 0 ... count - 1, each in one of the workers, until `stops`
/// says otherwise. A worker mostly takes the same ones in each call, so that what it has read and
/// written for them is still in its cache, as its counter is.
/// The first exception is thrown again, when all workers have ended. Returns false if stopped: the
/// clock is read after each `between_polls` of the first worker, more than one if they are tiny.
template <class Function>
bool in_turn(index count, int workers, Stops& stops, const Function& f, int between_polls = 1) {
  const index most = std::clamp<index>(workers, 1, std::max<index>(count, 1));
  std::vector<Turns> turns(static_cast<std::size_t>(most));
  for (index i = 0; i < most; ++i) {
    Turns& own = turns[static_cast<std::size_t>(i)];
    own.next.store(i * count / most, std::memory_order_relaxed);
    own.end = (i + 1) * count / most;
  }
  std::atomic<int> done{0};
  std::exception_ptr error;
  std::mutex first_error;
  const StopRequest after_steps = stops.after_steps(), within_steps = stops.within_steps();
  const StopRequest asks = [&] { return within_steps() || after_steps(); };
  active_kernels();  // before the team: an unknown name throws
  run_team(static_cast<int>(most), [&](const Team& team) {
    const int worker = team.share().worker;
    StopPoll poll;
    int since_poll = 0;
    for (index from = 0; from < most; ++from) {
      Turns& taken = turns[static_cast<std::size_t>((worker + from) % most)];
      while (!stops.stopped()) {
        const index i = taken.next.fetch_add(1, std::memory_order_relaxed);
        if (i >= taken.end) break;
        try {
          if constexpr (std::is_invocable_v<const Function&, index, int>) {
            f(i, worker);
          } else {
            f(i);
          }
        } catch (...) {
          const std::lock_guard<std::mutex> lock(first_error);
          if (!error) error = std::current_exception();
          stops.set();
        }
        if (team.is_first() && ++since_poll == between_polls) {
          poll.after_piece(asks);
          since_poll = 0;
        }
      }
    }
    done.fetch_add(1, std::memory_order_release);
    // The others cannot ask: the first worker does so until they are done. Mostly they nearly are.
    constexpr auto kNap = std::chrono::microseconds(50);
    const auto others_work = [&] {
      return team.is_first() && done.load(std::memory_order_acquire) < team.share().workers;
    };
    for (int spins = 0; spins < kSpins && others_work(); ++spins) pause();
    while (others_work()) {
      poll.after_piece(asks);
      std::this_thread::sleep_for(kNap);
    }
  });
  if (error) std::rethrow_exception(error);
  return !stops.stopped();
}

}  // namespace foxnn
