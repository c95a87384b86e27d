// The kernel set "avx2": the kernels compiled for AVX2 with FMA.
#include "kernels/vec_avx2.hpp"

#include "kernels/kernels-inl.hpp"

namespace foxnn {

const KernelSet& avx2_kernels() { return kKernels; }

}  // namespace foxnn
