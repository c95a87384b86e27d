// The kernel set "avx512": the kernels compiled for AVX-512 F, DQ, BW and VL.
#include "kernels/vec_avx512.hpp"

#include "kernels/kernels-inl.hpp"

namespace foxnn {

const KernelSet& avx512_kernels() { return kKernels; }

}  // namespace foxnn
