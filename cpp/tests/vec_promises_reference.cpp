// What the vectors of the kernel set "reference" promise.
#include "kernels/fused.hpp"

#include "kernels/vec_reference.hpp"

#include "vec_promises-inl.hpp"

namespace foxnn::test {

void check_reference(Report report) {
  check_promises<float>(report);
  check_promises<double>(report);
}

}  // namespace foxnn::test
