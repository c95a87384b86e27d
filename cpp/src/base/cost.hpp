// What a piece of work costs alone and together, by which the number of its workers is chosen: a
// second worker must save more than it makes the first one wait for.
#pragma once

#include "foxnn/rows.hpp"

namespace foxnn {

/// A piece of work that a team repeats.
struct Cost {
  double alone = 0.0;     ///< seconds of one worker
  double lines = 0.0;     ///< cache lines that all workers read, and one of them has written
  double barriers = 0.0;  ///< where they wait for each other
  double begin = 0.0;     ///< seconds until a team is together, where it is only for this

  /// Seconds of so many workers.
  double of(int workers) const;
};

/// Seconds of waking the threads of a team, when they have gone to sleep.
inline constexpr double kSecondsToBegin = 10e-6;

/// The number of workers, at most `ceiling` (0: as many as there are), that is fastest; one, unless
/// more are faster by more than the estimate is uncertain.
int workers_for(const Cost& cost, int ceiling);

}  // namespace foxnn
