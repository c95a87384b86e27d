// Huge pages for long memory. A pass over a batch in pages of 4 KB takes a fault for each page when
// it is first touched, and later a walk through the page tables for most of its windows.
#include <cstdint>

#include "foxnn/buffer.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace foxnn {

#if defined(__linux__) && defined(MADV_HUGEPAGE)
void prefer_huge_pages(void* first, std::size_t bytes) {
  // The size of a huge page on most processors. Only a part that begins and ends with one can be
  // backed; up to a page may be touched in vain, which is little of the memory from this size on.
  constexpr std::uintptr_t kHuge = 2 << 20;
  if (bytes < 2 * kHuge) return;
  const auto at = reinterpret_cast<std::uintptr_t>(first);
  const std::uintptr_t begin = (at + kHuge - 1) / kHuge * kHuge, end = (at + bytes) / kHuge * kHuge;
  // Only advice: where it is refused, pages stay small.
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}
#else
void prefer_huge_pages(void*, std::size_t) {}
#endif

}  // namespace foxnn
