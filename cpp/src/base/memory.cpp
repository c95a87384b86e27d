// The memory of buffers. Long memory is backed with huge pages where the system has them: in pages
// of 4 KB, a pass over a batch takes a fault for each page when it is first touched, and later a
// walk through the page tables for most of its windows. And it stays with the process for the next
// buffer of its size, since a training would otherwise touch all of it for the first time at each
// call: for twenty steps of a convolutional network that took as long as one or two of them. The
// system may have the pages back at any time.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "foxnn/buffer.hpp"

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace foxnn {
namespace {

constexpr std::size_t kLine = 64;

#if defined(__linux__) && defined(MADV_HUGEPAGE)
// The size of a huge page on most processors. Only what begins with one and fills it can be backed,
// and up to a page in vain, where it is touched: little of the memory from this size on.
constexpr std::size_t kHuge = 2 << 20, kLong = 2 * kHuge;

std::size_t alignment_for(std::size_t bytes) { return bytes < kLong ? kLine : kHuge; }

// Only advice: where it is refused, pages stay small.
void prefer_huge_pages(void* first, std::size_t bytes) {
  if (bytes >= kLong) madvise(first, bytes / kHuge * kHuge, MADV_HUGEPAGE);
}
#else
std::size_t alignment_for(std::size_t) { return kLine; }
void prefer_huge_pages(void*, std::size_t) {}
#endif

BufferMemory allocated(std::size_t bytes) {
  const std::size_t alignment = alignment_for(bytes);
  std::size_t room = bytes + alignment;
  if (room < bytes) throw std::bad_alloc();
  // The system provides zeros page by page, when they are first touched: so a call that makes
  // buffers of gigabytes takes no time. (aligned_alloc has no counterpart that does this.)
  void* const block = std::calloc(1, room);
  if (!block) return {};
  void* place = block;
  void* const data = std::align(alignment, bytes, place, room);
  prefer_huge_pages(data, bytes);
  return {block, data};
}

// With AddressSanitizer, which would not see the use of memory that is kept, none is.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMarksUnset = true;
#else
constexpr bool kMarksUnset = false;
#endif

#if defined(__linux__) && defined(MADV_HUGEPAGE) && defined(MADV_FREE)

// Memory that no buffer has, the oldest first.
class Kept {
 public:
  // Of at most so many bytes, and at most an eighth of the machine's memory.
  explicit Kept(std::size_t most) {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) {
      most_ = std::min(most, static_cast<std::size_t>(pages) / 8 * static_cast<std::size_t>(page));
    }
  }

  // False if there is no memory of just this size: then what has waited longest is given back, so
  // that what is kept makes room for what is new.
  bool take(std::size_t bytes, BufferMemory& found) {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock) return false;
    for (std::size_t i = count_; i-- > 0;) {
      if (items_[i].bytes != bytes) continue;
      found = items_[i].memory;
      remove(i);
      return true;
    }
    const std::size_t left = total_ < bytes ? 0 : total_ - bytes;
    while (total_ > left) give_back_oldest();
    return false;
  }

  bool keep(BufferMemory memory, std::size_t bytes) {
    // In a child that was forked meanwhile, another thread may have had the lock for ever.
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock || bytes > most_) return false;
    // The system may take huge pages that nobody has written since, and does so before it takes
    // anything else; they are zeros then. Where it cannot, as of locked memory, none is kept. (Of
    // small pages, each would cost a microsecond when it is written again.)
    if (bytes >= kLong && madvise(memory.data, bytes / kHuge * kHuge, MADV_FREE) != 0) return false;
    while (count_ == items_.size() || total_ > most_ - bytes) give_back_oldest();
    items_[count_++] = {memory, bytes};
    total_ += bytes;
    return true;
  }

  // False if there was none.
  bool give_back_all() {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock || count_ == 0) return false;
    while (count_ > 0) give_back_oldest();
    return true;
  }

 private:
  struct Item {
    BufferMemory memory;
    std::size_t bytes;
  };

  void remove(std::size_t i) {
    total_ -= items_[i].bytes;
    for (--count_; i < count_; ++i) items_[i] = items_[i + 1];
  }

  void give_back_oldest() {
    std::free(items_[0].memory.block);
    remove(0);
  }

  std::mutex mutex_;
  std::array<Item, 256> items_;
  std::size_t count_ = 0, total_ = 0, most_ = 0;
};

// What is kept: shorter memory stays with the C library, and of longer memory perhaps little is
// used.
constexpr std::size_t kShortest = 128 << 10, kLongest = 64 << 20;

// At most so much in huge pages, and as much in others as the C library keeps.
constexpr std::size_t kMostLong = 512 << 20, kMostShort = 64 << 20;

Kept& kept_for(std::size_t bytes) {
  // Never destroyed: buffers may be, after it would have been.
  static Kept &of_short = *new Kept(kMostShort), &of_long = *new Kept(kMostLong);
  return bytes < kLong ? of_short : of_long;
}

// Longer memory is not kept, but what is kept makes room for it.
bool take_kept(std::size_t bytes, BufferMemory& found) {
  return !kMarksUnset && bytes >= kShortest && kept_for(bytes).take(bytes, found);
}

bool keep(BufferMemory memory, std::size_t bytes) {
  return !kMarksUnset && bytes >= kShortest && bytes <= kLongest &&
         kept_for(bytes).keep(memory, bytes);
}

// Zeros that the system provides when they are first touched: to write many megabytes at once would
// take long, and nobody could interrupt it.
void clear(void* data, std::size_t bytes) {
  const std::size_t whole = bytes < kLong ? 0 : bytes / kHuge * kHuge;
  const bool is_done = whole > 0 && madvise(data, whole, MADV_DONTNEED) == 0;
  const std::size_t done = is_done ? whole : 0;
  std::memset(static_cast<std::byte*>(data) + done, 0, bytes - done);
}

bool give_back_kept() {
  const bool had_short = kept_for(kShortest).give_back_all();
  return kept_for(kLong).give_back_all() || had_short;
}

#else
bool take_kept(std::size_t, BufferMemory&) { return false; }
bool keep(BufferMemory, std::size_t) { return false; }
void clear(void*, std::size_t) {}
bool give_back_kept() { return false; }
#endif

}  // namespace

BufferMemory take_memory(std::size_t bytes, bool is_clear) {
  BufferMemory memory;
  if (!take_kept(bytes, memory)) {
    memory = allocated(bytes);
    // What is kept must not be missing where the process may have no more.
    if (!memory.block && give_back_kept()) memory = allocated(bytes);
    if (!memory.block) throw std::bad_alloc();
    // Not a number in any type: what reads it before it is written shows.
    if (kMarksUnset && !is_clear) std::memset(memory.data, 0xff, bytes);
  } else if (is_clear) {
    clear(memory.data, bytes);
  }
  return memory;
}

void give_memory(BufferMemory memory, std::size_t bytes) noexcept {
  if (!memory.block || keep(memory, bytes)) return;
  std::free(memory.block);
}

}  // namespace foxnn
