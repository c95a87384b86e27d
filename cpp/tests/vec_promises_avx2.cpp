// What the vectors of the kernel set "avx2" promise.
#include "kernels/vec_avx2.hpp"

#include "vec_promises-inl.hpp"

namespace foxnn::test {

void check_avx2(Report report) {
  check_promises<float>(report);
  check_promises<double>(report);
}

}  // namespace foxnn::test
