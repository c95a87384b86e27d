// The kernels for populations of the set "neon", compiled for AArch64.
#include "kernels/vec_neon.hpp"

#include "kernels/members-inl.hpp"

namespace foxnn {

const MemberKernelSet& neon_member_kernels() { return kMemberKernels; }

}  // namespace foxnn
