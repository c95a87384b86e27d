// An array of numbers, aligned to the lines of the cache and zero at first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace foxnn {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::ptrdiff_t size) : size_(size) {
    if (size == 0) return;
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    if (bytes / sizeof(T) != static_cast<std::size_t>(size)) throw std::bad_alloc();
    data_ = static_cast<T*>(::operator new(bytes, kAlignment));
    std::fill_n(data_, size, T(0));
  }
  Buffer(const Buffer& other) : Buffer(other.size_) { std::copy_n(other.data_, size_, data_); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { ::operator delete(data_, kAlignment); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::ptrdiff_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  T* data_ = nullptr;
  std::ptrdiff_t size_ = 0;
};

}  // namespace foxnn
