// Moves workers that the system has put on one processor: with Linux's affinity of threads.
#include "base/apart.hpp"

#include <thread>

#include "base/pause.hpp"

#ifdef __linux__
#include <sched.h>
#endif

namespace foxnn {

bool Apart::take(int processor) {
  const std::uint64_t bit = std::uint64_t{1} << processor % 64;
  auto& word = taken_[static_cast<std::size_t>(processor / 64)];
  return (word.fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
}

#ifdef __linux__
void Apart::begin_worker() {
  const int processor = sched_getcpu();
  if (processor >= 0 && processor < kMost && !take(processor)) leave();
  begun_.fetch_add(1, std::memory_order_relaxed);
}

// Workers that are awake begin within a microsecond.
void Apart::let_go(int workers) const {
  constexpr int kPauses = 40;  // 2 us
  for (int i = 0; i < kPauses; ++i) {
    if (begun_.load(std::memory_order_relaxed) >= workers) return;
    pause();
  }
  std::this_thread::yield();
}

void Apart::leave() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  cpu_set_t others = allowed;
  for (int i = 0; i < kMost; ++i) {
    const std::uint64_t word = taken_[static_cast<std::size_t>(i / 64)];
    if (word >> i % 64 & 1) CPU_CLR(i, &others);
  }
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof(others), &others) != 0) return;
  // It runs there now; the system may move it again later.
  const int processor = sched_getcpu();
  if (processor >= 0 && processor < kMost) take(processor);
  sched_setaffinity(0, sizeof(allowed), &allowed);
}
#else
void Apart::begin_worker() {}
void Apart::leave() {}
void Apart::let_go(int) const {}
#endif

}  // namespace foxnn
