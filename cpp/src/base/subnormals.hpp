// Treats subnormal numbers as zero in the current thread while an object lives, or as numbers while
// another does. Moments that decay
// towards zero become subnormal, and each operation on a subnormal number takes about a hundred
// cycles: an epoch with many of them takes three times as long, for digits that change no weight.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif
#include <cstdint>

namespace foxnn {

/// How the current thread treats subnormal numbers, set back at the end.
class SubnormalMode {
 public:
  explicit SubnormalMode(bool as_zero) : before_(read()) {
    write(as_zero ? before_ | kFlush : before_ & ~kFlush);
  }
  ~SubnormalMode() { write(before_); }
  SubnormalMode(const SubnormalMode&) = delete;
  SubnormalMode& operator=(const SubnormalMode&) = delete;

 private:
#if defined(__x86_64__)
  using Control = unsigned;
  static constexpr Control kFlush = 0x8040;  // MXCSR: flush to zero, denormals are zeros
  static Control read() { return _mm_getcsr(); }
  static void write(Control value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
  using Control = std::uint64_t;
  static constexpr Control kFlush = Control(1) << 24;  // FPCR.FZ
  static Control read() {
    Control value;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Control value) { __asm__ __volatile__("msr fpcr, %0" : : "r"(value)); }
#else
  using Control = unsigned;
  static constexpr Control kFlush = 0;
  static Control read() { return 0; }
  static void write(Control) {}
#endif

  Control before_;
};

struct SubnormalsAsZero : SubnormalMode {
  SubnormalsAsZero() : SubnormalMode(true) {}
};
/// For code of others that is called meanwhile.
struct SubnormalsKept : SubnormalMode {
  SubnormalsKept() : SubnormalMode(false) {}
};

}  // namespace foxnn
