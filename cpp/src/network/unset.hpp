// Numbers whose memory is not cleared: for what is written before it is read.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "foxnn/buffer.hpp"
#include "foxnn/rows.hpp"

namespace foxnn {

template <class T>
class Unset {
 public:
  explicit Unset(index size) {
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    if (bytes / sizeof(T) != static_cast<std::size_t>(size)) throw std::bad_alloc();
    alignment_ = std::align_val_t{alignment_for(bytes)};
    data_ = static_cast<T*>(::operator new(bytes, alignment_));
    prefer_huge_pages(data_, bytes);
  }
  Unset(Unset&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), alignment_(other.alignment_) {}
  Unset& operator=(Unset&&) = delete;
  ~Unset() { ::operator delete(data_, alignment_); }

  T* data() { return data_; }

 private:
  T* data_;
  std::align_val_t alignment_;
};

}  // namespace foxnn
