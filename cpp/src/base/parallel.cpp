// Teams of workers, the barrier between their phases, and the choice of their size. Workers are
// OpenMP's threads. With FOXNN_THREAD_TEAMS each is a thread of the standard library instead: slow
// to start, but ThreadSanitizer understands how such threads begin and end. It cannot look into
// libgomp, and would report its waiting as races.
#include "base/parallel.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/apart.hpp"
#include "base/pause.hpp"
#include "foxnn/cpu.hpp"

#if defined(_OPENMP) && !defined(FOXNN_THREAD_TEAMS)
#define FOXNN_OPENMP_TEAMS 1
#include <omp.h>
#else
#define FOXNN_OPENMP_TEAMS 0
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace foxnn {
namespace {

constexpr const char* kForceThreads = "FOXNN_FORCE_THREADS";

// Workers of all teams that are running in this process.
std::atomic<int> busy{0};

// Counts the workers of a team while the object lives.
class Busy {
 public:
  explicit Busy(int workers) : workers_(workers) {
    busy.fetch_add(workers_, std::memory_order_relaxed);
  }
  ~Busy() { busy.fetch_sub(workers_, std::memory_order_relaxed); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  int workers_;
};

// Set in a child that was forked from a process with teams: their threads do not exist in the
// child, and a team would wait for them forever.
bool must_be_alone = false;
std::atomic<bool> has_had_team{false};
std::atomic<unsigned> forks{0};  // the runtime's threads are ended before each

#if defined(__unix__) || defined(__APPLE__)
bool child_must_be_alone = false;

// Ends the threads that the OpenMP runtime keeps for this thread, including those of other
// libraries that share the runtime. Returns false if that is not possible: only GNU's runtime can
// do it, since version 9, and not within a parallel region.
bool end_kept_threads() {
#if FOXNN_OPENMP_TEAMS && !defined(__clang__) && __GNUC__ >= 9
#pragma weak omp_pause_resource_all
  return omp_pause_resource_all && omp_pause_resource_all(omp_pause_soft) == 0;
#else
  return false;
#endif
}

void before_fork() {
  forks.fetch_add(1, std::memory_order_relaxed);
  // Where the threads could not be ended, the child lacks them.
  child_must_be_alone = must_be_alone || (!end_kept_threads() && has_had_team);
#if FOXNN_OPENMP_TEAMS
  child_must_be_alone = child_must_be_alone || omp_in_parallel();
#endif
}

void in_forked_child() {
  must_be_alone = child_must_be_alone;
  busy = 0;
}

const int watches_forks = pthread_atfork(before_fork, nullptr, in_forked_child);
#endif

int forced_threads() {
  static const int count = [] {
    const char* text = std::getenv(kForceThreads);
    if (!text || !*text) return 0;
    int value = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, value);
    if (error != std::errc() || stop != end || value < 1 || value > 1024) {
      throw std::invalid_argument(std::string(kForceThreads) +
                                  " must be an integer from 1 to 1024, got '" + text + "'");
    }
    return value;
  }();
  return count;
}

}  // namespace

int thread_limit() {
#if FOXNN_OPENMP_TEAMS
  if (must_be_alone || omp_in_parallel()) return 1;
  const int processors = omp_get_num_procs(), allowed = omp_get_max_threads();
  return processors < allowed ? processors : allowed;
#elif defined(FOXNN_THREAD_TEAMS)
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  return must_be_alone || processors < 1 ? 1 : processors;
#else
  return 1;
#endif
}

Allowed allowed_workers(int ceiling) {
  if (const int count = forced_threads(); count > 0 && !must_be_alone) return {count, true};
  if (ceiling == 1) return {1, false};
  const int workers = thread_limit();
  return {ceiling > 0 && ceiling < workers ? ceiling : workers, false};
}

void Barrier::wait(int workers) {
  const std::uint32_t round = round_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
    if (spins < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

namespace {

// How many of the planned workers may run now: since the plan was made, the process may have been
// forked, the limit lowered, or other teams started. Two teams that take turns on the same cores
// are slower than one after the other.
int workers_now(int planned) {
  if (planned <= 1 || must_be_alone) return 1;
  if (forced_threads() > 0) return planned;
  const int limit = thread_limit(), others = busy.load(std::memory_order_relaxed);
  const int free = limit > others ? limit - others : 1;
  return planned < free ? planned : free;
}

// The number of workers that the system can provide threads for, at most `workers`. OpenMP's
// runtimes end the process if a thread cannot be started. So before this thread's first team of a
// size, as many plain threads are started and ended, about 20 us each; the runtime then finds room
// for its own, which it keeps.
int startable(int workers) {
  struct Seen {
    int workers = 1;
    unsigned forks = 0;
  };
  thread_local Seen seen;
  const unsigned now = forks.load(std::memory_order_relaxed);
  if (seen.forks != now) seen = {.forks = now};
  if (workers <= seen.workers) return workers;
  std::vector<std::thread> others;
  std::latch all_there(1);
  const auto count = [&others] { return static_cast<int>(others.size()) + 1; };
  try {
    others.reserve(static_cast<std::size_t>(workers - 1));
    while (count() < workers) others.emplace_back([&all_there] { all_there.wait(); });
  } catch (const std::exception&) {  // fewer workers will do
  }
  all_there.count_down();
  for (std::thread& other : others) other.join();
  // If threads, or memory for their stacks, run out, half of them are left for others.
  const int found = count() < workers ? (count() + 1) / 2 : workers;
  seen.workers = std::max(seen.workers, found);
  return seen.workers;
}

}  // namespace

void run_team(int planned, void (*body)(void* context, const Team& team) noexcept, void* context) {
  const int workers = startable(workers_now(planned));
  const Busy counted(workers);
#if FOXNN_OPENMP_TEAMS
  if (workers > 1) {
    has_had_team.store(true, std::memory_order_relaxed);
    Barrier barrier;
    Apart apart;
    apart.begin_worker();  // this one stays where it is
#pragma omp parallel num_threads(workers) shared(barrier, apart)
    {
      // The runtime may provide fewer threads than requested: only here is their number known.
      const Share share{omp_get_thread_num(), omp_get_num_threads()};
      if (share.worker > 0) {
        apart.begin_worker();
      } else {
        apart.let_go(share.workers);
      }
      body(context, Team(share, &barrier));
    }
    return;
  }
#elif defined(FOXNN_THREAD_TEAMS)
  if (workers > 1) {
    Barrier barrier;
    Apart apart;
    apart.begin_worker();
    std::vector<std::thread> others;
    std::latch all_there(1);
    int count = 1;
    try {
      others.reserve(static_cast<std::size_t>(workers - 1));
      for (; count < workers; ++count) {
        others.emplace_back([&, worker = count] {
          all_there.wait();  // only then is their number known
          apart.begin_worker();
          body(context, Team({worker, count}, &barrier));
        });
      }
    } catch (const std::exception&) {  // fewer workers will do
    }
    all_there.count_down();
    body(context, Team({0, count}, &barrier));
    for (std::thread& other : others) other.join();
    return;
  }
#endif
  body(context, Team({0, 1}, nullptr));
}

}  // namespace foxnn
