// The kernels for populations of the set "reference", in plain C++.
#include "kernels/fused.hpp"

#include "kernels/vec_reference.hpp"

#include "kernels/members-inl.hpp"

namespace foxnn {

const MemberKernelSet& reference_member_kernels() { return kMemberKernels; }

}  // namespace foxnn
