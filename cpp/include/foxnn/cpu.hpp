// Which kernel sets this build has, which of them this processor can run, and which is in use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace foxnn {

/// Names of the kernel sets that this processor can run, the slowest ("reference") first.
std::vector<std::string> kernel_sets();

/// Name of the kernel set in use: the fastest that the processor can run, or the one that the
/// environment variable FOXNN_FORCE_ISA names. Chosen on first use.
/// Throws std::invalid_argument if the variable names one that is not available.
std::string_view kernel_set();

/// The largest number of threads that the engine may use: that of `OMP_NUM_THREADS` or of the
/// OpenMP runtime.
int thread_limit();

/// The kernels for networks of bytes that this processor can run, the fastest last.
std::vector<std::string_view> byte_kernel_sets();

}  // namespace foxnn
