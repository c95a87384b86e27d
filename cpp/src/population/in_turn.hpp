// Workers that take members in turn, and how all of them stop. Which worker takes which member
// affects the time only, so the next one is a shared counter.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

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

/// Calls f(i), or f(i, worker), for i = 0 ... count - 1, each in one of the workers, until `stops`
/// says otherwise.
/// The first exception is thrown again, when all workers have ended. Returns false if stopped.
template <class Function>
bool in_turn(index count, int workers, Stops& stops, const Function& f) {
  std::atomic<index> next{0};
  std::atomic<int> done{0};
  std::exception_ptr error;
  std::mutex first_error;
  const StopRequest after_steps = stops.after_steps(), within_steps = stops.within_steps();
  const StopRequest asks = [&] { return within_steps() || after_steps(); };
  active_kernels();  // before the team: an unknown name throws
  run_team(static_cast<int>(std::min<index>(workers, count)), [&](const Team& team) {
    StopPoll poll;
    while (!stops.stopped()) {
      const index i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) break;
      try {
        if constexpr (std::is_invocable_v<const Function&, index, int>) {
          f(i, team.share().worker);
        } else {
          f(i);
        }
      } catch (...) {
        const std::lock_guard<std::mutex> lock(first_error);
        if (!error) error = std::current_exception();
        stops.set();
      }
      if (team.is_first()) poll.after_piece(asks);
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
