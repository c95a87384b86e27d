// What the vectors of the kernel set "neon" promise.
#include "kernels/vec_neon.hpp"

#include "vec_promises-inl.hpp"

namespace foxnn::test {

void check_neon(Report report) {
  check_promises<float>(report);
  check_promises<double>(report);
}

}  // namespace foxnn::test
