// Teams on OpenMP threads, the barrier between their phases, and the choice of their size.
#include "parallel.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "foxnn/cpu.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace foxnn {
namespace {

// Some 50 us of spinning: longer than any phase of a balanced step is out of step, shorter than a
// time slice, so that more workers than cores still make progress.
constexpr int kSpins = 1000;

constexpr const char* kForceThreads = "FOXNN_FORCE_THREADS";

bool forked = false;

// Threads of the OpenMP runtime do not survive a fork: a child that starts a team would wait for
// ever. So a child of a process that has had a team works alone.
void watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
  static const int registered = pthread_atfork(nullptr, nullptr, [] { forked = true; });
  static_cast<void>(registered);
#endif
}

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

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int thread_limit() {
#ifdef _OPENMP
  if (forked || omp_in_parallel()) return 1;
  const int processors = omp_get_num_procs(), allowed = omp_get_max_threads();
  return processors < allowed ? processors : allowed;
#else
  return 1;
#endif
}

Allowed allowed_workers(int ceiling) {
  if (const int count = forced_threads(); count > 0 && !forked) return {count, true};
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

void run_team(int workers, void (*body)(void* context, const Team& team) noexcept, void* context) {
#ifdef _OPENMP
  if (workers > 1) {
    watch_forks();
    Barrier barrier;
#pragma omp parallel num_threads(workers) shared(barrier)
    {
      // The runtime may give fewer threads than asked for: their number is known only here.
      const Share share{omp_get_thread_num(), omp_get_num_threads()};
      body(context, Team(share, &barrier));
    }
    return;
  }
#else
  static_cast<void>(workers);
#endif
  body(context, Team({0, 1}, nullptr));
}

}  // namespace foxnn
