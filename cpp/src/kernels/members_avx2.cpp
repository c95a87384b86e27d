// The kernels for populations of the set "avx2", compiled for AVX2 with FMA.
#include "kernels/vec_avx2.hpp"

#include "kernels/members-inl.hpp"

namespace foxnn {

const MemberKernelSet& avx2_member_kernels() { return kMemberKernels; }

}  // namespace foxnn
