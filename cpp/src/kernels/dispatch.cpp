// The kernel sets, those that this processor can run, and the choice among them.
#if FOXNN_X86_KERNELS
#include <cpuid.h>
#elif FOXNN_ARM_KERNELS && defined(__linux__)
#include <sys/auxv.h>
#endif

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "foxnn/cpu.hpp"
#include "kernels/byte_table.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/member_table.hpp"

namespace foxnn {
namespace {

struct Candidate {
  const char* name;
  const KernelSet& (*kernels)();
  const MemberKernelSet& (*of_members)();
  bool (*runs_here)();
};

// In ascending order of speed.
constexpr Candidate kCandidates[] = {
    {"reference", reference_kernels, reference_member_kernels, [] { return true; }},
#if FOXNN_X86_KERNELS
    {"avx2", avx2_kernels, avx2_member_kernels,
     [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
    {"avx512", avx512_kernels, avx512_member_kernels,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
     }},
#elif FOXNN_ARM_KERNELS
    // Every AArch64 has it.
    {"neon", neon_kernels, neon_member_kernels, [] { return true; }},
#endif
};

#if FOXNN_X86_KERNELS
// __builtin_cpu_supports has no name for it in g++ 12. The builtin has made sure that the system
// keeps vectors of 256 bits.
bool has_avx_vnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
         (a & (1u << 4)) != 0;
}
#elif FOXNN_ARM_KERNELS
bool has_dot_products() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  return true;  // all processors with macOS have them
#else
  return false;
#endif
}
#endif

struct ByteCandidate {
  const ByteKernels& (*kernels)();
  const char* needs;  // the kernel set from which on it is allowed
  bool (*runs_here)();
};

// In ascending order of speed.
constexpr ByteCandidate kByteCandidates[] = {
    {reference_byte_kernels, "reference", [] { return true; }},
#if FOXNN_X86_KERNELS
    {avx2_byte_kernels, "avx2", [] { return __builtin_cpu_supports("avx2") != 0; }},
    {avx_vnni_byte_kernels, "avx2", has_avx_vnni},
    {avx512_vnni_byte_kernels, "avx512",
     [] { return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl"); }},
#elif FOXNN_ARM_KERNELS
    {neon_dot_byte_kernels, "neon", has_dot_products},
#endif
};

constexpr const char* kForce = "FOXNN_FORCE_ISA";

const Candidate& find(const char* name, const std::string& asker) {
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here() && std::string(name) == candidate.name) return candidate;
  }
  std::string message = asker + ": this processor has no kernel set '" + name + "'; it has";
  for (const std::string& known : kernel_sets()) message += " '" + known + "'";
  throw std::invalid_argument(message);
}

const Candidate& choose() {
  if (const char* forced = std::getenv(kForce); forced && *forced) return find(forced, kForce);
  const Candidate* best = nullptr;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here()) best = &candidate;
  }
  return *best;
}

const Candidate& chosen() {
  static const Candidate& candidate = choose();
  return candidate;
}

}  // namespace

const KernelSet& kernels_by_name(const char* name) { return find(name, "kernel set").kernels(); }

// Asked in every call of a kernel, so it is a number in memory after the first.
const KernelSet& active_kernels() {
  static const KernelSet& kernels = chosen().kernels();
  return kernels;
}

const MemberKernelSet& active_member_kernels() {
  static const MemberKernelSet& kernels = chosen().of_members();
  return kernels;
}

const ByteKernels& active_byte_kernels() {
  const std::string_view set = active_kernels().name;
  const ByteKernels* best = &reference_byte_kernels();
  for (const Candidate& allowed : kCandidates) {
    for (const ByteCandidate& candidate : kByteCandidates) {
      if (allowed.name == std::string_view(candidate.needs) && candidate.runs_here()) {
        best = &candidate.kernels();
      }
    }
    if (allowed.name == set) break;
  }
  return *best;
}

const ByteKernels& byte_kernels_by_name(const char* name) {
  for (const ByteCandidate& candidate : kByteCandidates) {
    if (candidate.runs_here() && std::string_view(candidate.kernels().name) == name) {
      return candidate.kernels();
    }
  }
  std::string message = std::string("this processor has no byte kernels '") + name + "'; it has";
  for (const std::string_view known : byte_kernel_sets())
    message += " '" + std::string(known) + "'";
  throw std::invalid_argument(message);
}

std::vector<std::string_view> byte_kernel_sets() {
  std::vector<std::string_view> names;
  for (const ByteCandidate& candidate : kByteCandidates) {
    if (candidate.runs_here()) names.emplace_back(candidate.kernels().name);
  }
  return names;
}

std::vector<std::string> kernel_sets() {
  std::vector<std::string> names;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here()) names.emplace_back(candidate.name);
  }
  return names;
}

std::string_view kernel_set() { return active_kernels().name; }

}  // namespace foxnn
