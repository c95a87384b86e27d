// Optional measurement of where the time of a training step goes.
#pragma once

#include <array>
#include <chrono>

#include "foxnn/trainer.hpp"

namespace foxnn {

/// The phases of a step, in the order of PhaseSeconds.
enum class Phase { gather, forward, loss, backward, update };

/// One worker's clock. The time between two marks belongs to the phase named by the second.
class PhaseClock {
 public:
  void start() { last_ = Clock::now(); }
  void mark(Phase phase) {
    const auto now = Clock::now();
    seconds_[static_cast<std::size_t>(phase)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  PhaseSeconds seconds() const {
    return {seconds_[0], seconds_[1], seconds_[2], seconds_[3], seconds_[4]};
  }

  /// A phase nested in the backward phase. If there is no clock, nothing is measured.
  class Detour {
   public:
    Detour(PhaseClock* clock, Phase phase) : clock_(clock), phase_(phase) {
      if (clock_) clock_->mark(Phase::backward);
    }
    ~Detour() {
      if (clock_) clock_->mark(phase_);
    }
    Detour(const Detour&) = delete;
    Detour& operator=(const Detour&) = delete;

   private:
    PhaseClock* clock_;
    Phase phase_;
  };

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_{};
  std::array<double, 5> seconds_{};
};

}  // namespace foxnn
