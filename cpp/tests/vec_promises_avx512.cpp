// What the vectors of the kernel set "avx512" promise.
#include "kernels/vec_avx512.hpp"

#include "vec_promises-inl.hpp"

namespace foxnn::test {

void check_avx512(Report report) {
  check_promises<float>(report);
  check_promises<double>(report);
}

}  // namespace foxnn::test
