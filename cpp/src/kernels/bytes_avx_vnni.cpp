// Products of bytes for AVX-VNNI: 256 bits, on processors that may have no AVX-512.
// Braces of an instruction are written so in an asm statement.
#define FOXNN_DOT "%{vex%} vpdpbusd"
#define FOXNN_DOT_REGISTERS "x"
#include "kernels/byte_ends_avx2.hpp"
#include "kernels/byte_rounding.hpp"
#include "kernels/dot_vnni.hpp"
//
#include "kernels/bytes-inl.hpp"

namespace foxnn {
namespace {

void multiply(const ByteProduct& product) {
  index end = product.columns;
  if (const index rest = end % kByteColumns; rest > 0) {
    end -= rest;
    // 12 sums, weights and 4 bytes of a row; or 6 x 2 sums and twice as many weights.
    if (rest <= Dot8::kColumns) {
      multiply_columns<Dot8, Ends8, 12, 1>(product, end, rest);
    } else {
      multiply_columns<Dot8, Ends8, 6, 2>(product, end, rest);
    }
  }
  while ((end -= kByteColumns) >= 0) {
    multiply_columns<Dot8, Ends8, 6, 2>(product, end, kByteColumns);
  }
}

}  // namespace

const ByteKernels& avx_vnni_byte_kernels() {
  static constexpr ByteKernels kernels{"avx_vnni", 0.5e-9, multiply, quantize_numbers};
  return kernels;
}

}  // namespace foxnn
