// Every vec_*.hpp that this processor can run keeps the promises of kernels-inl.hpp.
#include <algorithm>
#include <cstdio>

#include "check.hpp"
#include "foxnn/cpu.hpp"

namespace foxnn::test {

using Report = void (*)(bool good, const char* expression, int line);
void check_reference(Report report);
void check_avx2(Report report);
void check_avx512(Report report);
void check_neon(Report report);

namespace {

const char* running = "";

void report(bool good, const char* expression, int line) { check(good, expression, running, line); }

void check_set(const char* name, void (*check_all)(Report)) {
  const std::vector<std::string> sets = kernel_sets();
  if (std::find(sets.begin(), sets.end(), name) == sets.end()) {
    std::printf("%s: not on this processor\n", name);
    return;
  }
  running = name;
  check_all(report);
}

}  // namespace
}  // namespace foxnn::test

int main() {
  using namespace foxnn::test;
  check_set("reference", check_reference);
#if FOXNN_X86_KERNELS
  check_set("avx2", check_avx2);
  check_set("avx512", check_avx512);
#elif FOXNN_ARM_KERNELS
  check_set("neon", check_neon);
#endif
  return failures == 0 ? 0 : 1;
}
