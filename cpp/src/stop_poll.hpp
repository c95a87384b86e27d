// When to ask whether a long call is to stop: looking at the clock costs a good part of a tiny
// step, so it is looked at once in a number of steps that adapts itself.
#pragma once

#include <algorithm>
#include <chrono>

#include "foxnn/network.hpp"

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

 private:
  using Clock = std::chrono::steady_clock;
  // Well within the fifth of a second that a user waits, and rare enough to cost nothing: a stop
  // request takes Python's lock, for which another thread may keep it waiting for milliseconds.
  static constexpr auto kInterval = std::chrono::milliseconds(20);

  Clock::time_point last_ = Clock::now();
  index steps_between_ = 1, steps_since_ = 0;
};

}  // namespace foxnn
