// The overheads of a team, measured on two cores of a server processor with AVX-512
// (wiki/Speed-and-threads.md). They are rough: a tenfold error in one of them costs some tens of
// percent where one worker and two are about equally fast, and nothing elsewhere.
#include "base/cost.hpp"

#include "base/parallel.hpp"

namespace foxnn {
namespace {

// A line that another core has written: a latency of 60 to 100 ns, but several are in flight.
constexpr double kSecondsPerLine = 15e-9;
// A barrier between two workers that arrive together; each further worker adds as much.
constexpr double kSecondsPerBarrier = 0.15e-6;
// The speedup that more workers must bring.
constexpr double kLeastGain = 1.1;

}  // namespace

double Cost::of(int workers) const {
  if (workers == 1) return alone;
  const double n = workers;
  return alone / n + begin + barriers * n * kSecondsPerBarrier +
         lines * (1.0 - 1.0 / n) * kSecondsPerLine;
}

int best_workers(const Cost& cost, int most) {
  int best = 1;
  for (int workers = 2; workers <= most; ++workers) {
    if (cost.of(workers) < cost.of(best)) best = workers;
  }
  return cost.of(best) * kLeastGain < cost.alone ? best : 1;
}

int workers_for(const Cost& cost, int ceiling) {
  const Allowed allowed = allowed_workers(ceiling);
  return allowed.forced ? allowed.workers : best_workers(cost, allowed.workers);
}

}  // namespace foxnn
