// The support code of the C++ tests: a check that reports what failed, and a count for main().
#pragma once

#include <cstdio>

namespace foxnn::test {

inline int failures = 0;

// Under a sanitizer, a test takes some fifty times as long, and long ones do less: what they leave
// out are more numbers, not other code.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

inline void check(bool good, const char* expression, const char* file, int line) {
  if (good) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, expression);
}

/// True if f() throws an E.
template <class E, class Function>
bool throws(Function f) {
  try {
    f();
  } catch (const E&) {
    return true;
  }
  return false;
}

}  // namespace foxnn::test

#define FOXNN_CHECK(expression) \
  foxnn::test::check(static_cast<bool>(expression), #expression, __FILE__, __LINE__)
