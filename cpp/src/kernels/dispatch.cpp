// The kernel sets, those that this processor can run, and the choice among them.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "foxnn/cpu.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {
namespace {

struct Candidate {
  const char* name;
  const KernelSet& (*kernels)();
  bool (*runs_here)();
};

// In ascending order of speed.
constexpr Candidate kCandidates[] = {
    {"reference", reference_kernels, [] { return true; }},
#if FOXNN_X86_KERNELS
    {"avx2", avx2_kernels,
     [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
    {"avx512", avx512_kernels,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
     }},
#endif
};

constexpr const char* kForce = "FOXNN_FORCE_ISA";

const KernelSet& find(const char* name, const std::string& asker) {
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here() && std::string(name) == candidate.name) return candidate.kernels();
  }
  std::string message = asker + ": this processor has no kernel set '" + name + "'; it has";
  for (const std::string& known : kernel_sets()) message += " '" + known + "'";
  throw std::invalid_argument(message);
}

const KernelSet& choose() {
  if (const char* forced = std::getenv(kForce); forced && *forced) return find(forced, kForce);
  const KernelSet* best = nullptr;
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs_here()) best = &candidate.kernels();
  }
  return *best;
}

}  // namespace

const KernelSet& kernels_by_name(const char* name) { return find(name, "kernel set"); }

const KernelSet& active_kernels() {
  static const KernelSet& chosen = choose();
  return chosen;
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
