// When to ask whether a long call should stop: reading the clock takes a good part of a tiny step,
// so it is read only every few steps, an interval that adapts itself. And how a step too long to
// wait for is dropped before it has changed anything.
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

  /// To be called after every step: returns true if the run should stop.
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

  /// The same between pieces of work whose lengths vary widely, none of them tiny.
  bool after_piece(const StopRequest& stop) {
    const auto now = Clock::now();
    if (now - last_ < kInterval) return false;
    last_ = now;
    return stop();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // Well below the fifth of a second within which users expect a stop, and rare enough to cost
  // nothing: a stop request needs Python's lock, and may wait for it for milliseconds.
  static constexpr auto kInterval = std::chrono::milliseconds(20);

  Clock::time_point last_ = Clock::now();
  index steps_between_ = 1, steps_since_ = 0;
};

/// Whether a long step that is running is dropped: the first worker asks, and all see the answer.
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
