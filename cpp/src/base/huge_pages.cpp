// Huge pages for long memory. A pass over a batch in pages of 4 KB takes a fault for each page when
// it is first touched, and later a walk through the page tables for most of its windows.
#include "foxnn/buffer.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace foxnn {
namespace {

constexpr std::size_t kLine = 64;

#if defined(__linux__) && defined(MADV_HUGEPAGE)
// The size of a huge page on most processors. Only what begins with one and fills it can be backed,
// and up to a page in vain, where it is touched: little of the memory from this size on.
constexpr std::size_t kHuge = 2 << 20, kLong = 2 * kHuge;
#endif

}  // namespace

#if defined(__linux__) && defined(MADV_HUGEPAGE)
std::size_t alignment_for(std::size_t bytes) { return bytes < kLong ? kLine : kHuge; }

void prefer_huge_pages(void* first, std::size_t bytes) {
  // Only advice: where it is refused, pages stay small.
  if (bytes >= kLong) madvise(first, bytes / kHuge * kHuge, MADV_HUGEPAGE);
}
#else
std::size_t alignment_for(std::size_t) { return kLine; }
void prefer_huge_pages(void*, std::size_t) {}
#endif

}  // namespace foxnn
