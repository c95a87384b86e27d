// What a kernel set offers to quantized networks: products of bytes, summed in 32 bits, which are
// exact. So all sets give the same bits, whatever their instructions. Not here: how stages are laid
// out (quantized/).
#pragma once

#include <cstdint>

#include "foxnn/rows.hpp"

namespace foxnn {

/// Columns of a panel of weights, and the bytes of one column that are multiplied together: what
/// vpdpbusd takes in 512 bits.
inline constexpr index kByteColumns = 16, kByteGroup = 4;
inline constexpr index kByteLine = kByteColumns * kByteGroup;
/// Bytes after an array of bytes that kernels may read, and write before they write what follows.
inline constexpr index kByteSlack = 64;

/// How sums become what a stage gives: float(sum) * factor of the column, rounded to the nearest
/// whole number (ties to the even one) within limits, plus an offset; with a table, its entry of
/// that number. Or float(sum) * factor itself.
struct ByteFinish {
  const float* factors;  ///< of whole panels
  float lowest;
  float highest;
  std::int32_t offset;
  const std::uint8_t* table;  ///< null: none
};

/// Rows times columns. Row r reads, for each of `runs`, 4 * `groups` bytes at from + r * step +
/// run.
struct ByteProduct {
  const std::uint8_t* from;
  index step;
  index rows;
  const index* runs;
  index run_count;
  index groups;
  const std::int8_t* weights;  ///< [columns / 16][runs][groups][16][4]
  const std::int32_t* bias;    ///< of whole panels
  index columns;
  ByteFinish finish;
  std::uint8_t* bytes;  ///< [rows][columns], or null
  float* numbers;       ///< the same, if bytes is null
};

struct ByteKernels {
  const char* name;
  /// Seconds of one line of weights times a row, with loads: for the choice of workers.
  double seconds_per_line;
  void (*multiply)(const ByteProduct& product);
  /// out = x * factor, rounded as in ByteFinish. Returns whether all x are finite.
  bool (*quantize)(index count, const float* x, float factor, float lowest, float highest,
                   std::int32_t offset, std::uint8_t* out);
  /// What `multiply` subtracts from each byte of a row; the bias has to make up for it.
  std::int32_t subtracted = 0;
};

const ByteKernels& reference_byte_kernels();
#if FOXNN_X86_KERNELS
const ByteKernels& avx2_byte_kernels();
const ByteKernels& avx_vnni_byte_kernels();
const ByteKernels& avx512_vnni_byte_kernels();
#elif FOXNN_ARM_KERNELS
const ByteKernels& neon_dot_byte_kernels();
#endif
/// The fastest ones that this processor can run and that the kernel set in use allows.
const ByteKernels& active_byte_kernels();
/// Those of a name. Throws std::invalid_argument if this processor does not have them.
const ByteKernels& byte_kernels_by_name(const char* name);

}  // namespace foxnn
