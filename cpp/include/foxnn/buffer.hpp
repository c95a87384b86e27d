// An array of numbers, aligned to cache lines and initially zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace foxnn {

/// What memory of so many bytes is to be aligned to: a cache line, or if it is long, a huge page
/// where the system has them.
std::size_t alignment_for(std::size_t bytes);
/// Asks the system to back long memory with huge pages, where it has them.
void prefer_huge_pages(void* first, std::size_t bytes);

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::ptrdiff_t size) : size_(size) {
    if (size == 0) return;
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    if (bytes / sizeof(T) != static_cast<std::size_t>(size)) throw std::bad_alloc();
    // The system provides zeros page by page, when they are first touched: so a call that makes
    // buffers of gigabytes takes no time. (aligned_alloc has no counterpart that does this.)
    const std::size_t alignment = alignment_for(bytes);
    std::size_t room = bytes + alignment;
    if (room < bytes) throw std::bad_alloc();
    block_ = std::calloc(1, room);
    if (!block_) throw std::bad_alloc();
    void* place = block_;
    data_ = static_cast<T*>(std::align(alignment, bytes, place, room));
    prefer_huge_pages(data_, bytes);
  }
  Buffer(const Buffer& other) : Buffer(other.size_) { std::copy_n(other.data_, size_, data_); }
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { std::free(block_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::ptrdiff_t size() const { return size_; }

 private:
  void* block_ = nullptr;
  T* data_ = nullptr;
  std::ptrdiff_t size_ = 0;
};

}  // namespace foxnn
