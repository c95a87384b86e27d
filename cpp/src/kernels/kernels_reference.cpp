// The kernel set "reference": the kernels compiled for plain C++, for every processor.
#include "kernels/fused.hpp"

#include "kernels/vec_reference.hpp"

#include "kernels/kernels-inl.hpp"

namespace foxnn {

const KernelSet& reference_kernels() { return kKernels; }

}  // namespace foxnn
