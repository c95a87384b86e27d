// The estimated time of a piece of work with one worker and with several, from which the number of
// workers is chosen: a second worker must save more time than the first one spends waiting for it.
#pragma once

#include "foxnn/rows.hpp"

namespace foxnn {

/// A piece of work that a team repeats.
struct Cost {
  double alone = 0.0;     ///< seconds with one worker
  double lines = 0.0;     ///< cache lines that one worker writes and all read
  double barriers = 0.0;  ///< how often the workers wait for each other
  double begin = 0.0;     ///< seconds to start a team, where it does this work alone

  /// Seconds with this number of workers.
  double of(int workers) const;
};

/// Seconds to wake the threads of a team that have gone to sleep.
inline constexpr double kSecondsToBegin = 10e-6;

/// The fastest number of workers up to `most`; one, unless the gain from more exceeds the
/// uncertainty of the estimate.
int best_workers(const Cost& cost, int most);

/// The same for at most `ceiling` (0: as many as are available), or the number that is forced.
int workers_for(const Cost& cost, int ceiling);

}  // namespace foxnn
