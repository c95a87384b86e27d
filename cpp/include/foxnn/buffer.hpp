// An array of numbers, aligned to cache lines and initially zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace foxnn {

/// What was allocated, and where the numbers in it begin: at a cache line, or if they are many, at
/// a huge page where the system has them.
struct BufferMemory {
  void* block = nullptr;
  void* data = nullptr;
};

/// Memory of so many bytes, zeros if it is to be clear. Throws std::bad_alloc.
BufferMemory take_memory(std::size_t bytes, bool is_clear);
/// Gives it back, to the system or for the next that is taken.
void give_memory(BufferMemory memory, std::size_t bytes) noexcept;

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::ptrdiff_t size) : Buffer(size, true) {}
  /// Numbers of any value: for what is written before it is read.
  static Buffer unset(std::ptrdiff_t size) { return Buffer(size, false); }
  Buffer(const Buffer& other) : Buffer(other.size_, false) {
    std::copy_n(other.data(), size_, data());
  }
  Buffer(Buffer&& other) noexcept
      : memory_(std::exchange(other.memory_, {})), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { give_memory(memory_, bytes()); }

  T* data() { return static_cast<T*>(memory_.data); }
  const T* data() const { return static_cast<const T*>(memory_.data); }
  std::ptrdiff_t size() const { return size_; }

 private:
  Buffer(std::ptrdiff_t size, bool is_clear) : size_(size) {
    if (size == 0) return;
    if (bytes() / sizeof(T) != static_cast<std::size_t>(size)) throw std::bad_alloc();
    memory_ = take_memory(bytes(), is_clear);
  }

  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  BufferMemory memory_;
  std::ptrdiff_t size_ = 0;
};

}  // namespace foxnn
