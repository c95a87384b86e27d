// When to ask whether a long call is to stop: looking at the clock costs a good part of a tiny
// step, so it is looked at once in a number of steps that adapts itself. And how a step so long
// that nobody should wait for its end is dropped before it has changed anything.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "foxnn/rows.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

class StopPoll {
 public:
  void restart() { last_ = Clock::now(); }

  /// To be called after every step: true where the run is to stop.
  bool after_step(const StopRequest& stop) {
    if (!stop || ++steps_since_ < steps_between_) return false;
    const auto now = Clock::now();
    const auto elapsed = now - last_;
    if (elapsed < kInterval / 4) steps_between_ *= 2;
    if (elapsed > kInterval) steps_between_ = std::max<index>(1, steps_between_ / 2);
    steps_since_ = 0;
    if (elapsed < kInterval / 2 && steps_between_ > 1) return false;
    last_ = now;
    return stop();
  }

  /// The same between pieces of work of very different lengths, none of them tiny.
  bool after_piece(const StopRequest& stop) {
    const auto now = Clock::now();
    if (now - last_ < kInterval) return false;
    last_ = now;
    return stop();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Well within the fifth of a second that a user waits, and rare enough to cost nothing: a stop
  // request takes Python's lock, for which another thread may keep it waiting for milliseconds.
  static constexpr auto kInterval = std::chrono::milliseconds(20);

  Clock::time_point last_ = Clock::now();
  index steps_between_ = 1, steps_since_ = 0;
};

/// Whether the running step, a long one, is dropped: the first worker asks, all are told.
class DroppedStep {
 public:
  void ask_by(StopRequest request) { request_ = std::move(request); }
  bool can_be() const { return static_cast<bool>(request_); }
  const StopRequest& request() const { return request_; }
  void begin() { dropped_.store(false, std::memory_order_relaxed); }
  bool is() const { return dropped_.load(std::memory_order_relaxed); }

  /// A worker's view of it.
  class View final : public Leaving {
   public:
    View(DroppedStep& step, bool asks) : step_(step), asks_(asks) {}
    bool now() override {
      if (asks_ && !step_.is() && poll_.after_piece(step_.request_)) {
        step_.dropped_.store(true, std::memory_order_relaxed);
      }
      return step_.is();
    }

   private:
    DroppedStep& step_;
    const bool asks_;
    StopPoll poll_;
  };

 private:
  StopRequest request_;
  std::atomic<bool> dropped_{false};
};

}  // namespace foxnn
