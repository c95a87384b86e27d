// The kernel set "neon": the kernels compiled for AArch64.
#include "kernels/vec_neon.hpp"

#include "kernels/kernels-inl.hpp"

namespace foxnn {

const KernelSet& neon_kernels() { return kKernels; }

}  // namespace foxnn
