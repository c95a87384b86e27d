// How a worker waits for others that will be done soon: in the processor, without the system.
#pragma once

namespace foxnn {

/// About 50 us of pauses: longer than the workers of a balanced step drift apart, shorter than a
/// time slice, so that more workers than cores still make progress if the system is asked then.
inline constexpr int kSpins = 1000;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // It empties the pipeline, which takes about as long; `yield` is no pause on most processors.
  __asm__ __volatile__("isb");
#endif
}

}  // namespace foxnn
