#include "layers/last_columns.hpp"

#include <algorithm>
#include <bit>

#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"

namespace foxnn {
namespace {

// With `slots` columns of each row, the last of which may be padding.
template <index kSlots, class T, class Activate>
void activate_together(const Activate& activate, index rows, T* z, index ldz, T parameter) {
  constexpr index kRows = 64;  // 2 KB of 8 columns
  alignas(kLineBytes) T together[kRows * kSlots];
  for (index first = 0; first < rows; first += kRows) {
    const index count = std::min(kRows, rows - first);
    T* const at = z + first * ldz;
    for (index r = 0; r < count; ++r) std::copy_n(at + r * ldz, kSlots, together + r * kSlots);
    const index width = rounded_up(count * kSlots, kLineWidth<T>);
    std::fill(together + count * kSlots, together + width, T(0));
    activate(1, width, together, width, parameter);
    for (index r = 0; r < count; ++r) std::copy_n(together + r * kSlots, kSlots, at + r * ldz);
  }
}

}  // namespace

template <class T>
void activate_used(ActivationKind kind, index rows, index columns, T* z, index ldz, T parameter) {
  const KernelTable<T>& k = kernels<T>();
  const auto activate = k.activate[static_cast<int>(kind)];
  const index last = columns % kLineWidth<T>, whole = columns - last;
  const auto slots = static_cast<index>(std::bit_ceil(static_cast<std::size_t>(last)));
  constexpr index kFewRows = 4;
  if (last == 0 || 2 * slots > k.lanes || rows < kFewRows) {
    return activate(rows, rounded_up(columns, k.lanes), z, ldz, parameter);
  }
  if (whole > 0) activate(rows, whole, z, ldz, parameter);
  z += whole;
  if (slots == 1) return activate_together<1>(activate, rows, z, ldz, parameter);
  if (slots == 2) return activate_together<2>(activate, rows, z, ldz, parameter);
  if (slots == 4) return activate_together<4>(activate, rows, z, ldz, parameter);
  activate_together<8>(activate, rows, z, ldz, parameter);
}

template void activate_used(ActivationKind, index, index, float*, index, float);
template void activate_used(ActivationKind, index, index, double*, index, double);

}  // namespace foxnn
