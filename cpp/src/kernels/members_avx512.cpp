// The kernels for populations of the set "avx512", compiled for AVX-512.
#include "kernels/vec_avx512.hpp"

#include "kernels/members-inl.hpp"

namespace foxnn {

const MemberKernelSet& avx512_member_kernels() { return kMemberKernels; }

}  // namespace foxnn
