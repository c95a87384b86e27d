// The kernel sets, those that this processor can run, and the choice among them.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "foxnn/cpu.hpp"
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

std::vector<std::string> kernel_sets() {
  std::vector<std::string> names;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here()) names.emplace_back(candidate.name);
  }
  return names;
}

std::string_view kernel_set() { return active_kernels().name; }

}  // namespace foxnn
