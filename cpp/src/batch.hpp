// A batch of numbers in memory of its own, in one of the two layouts of Rows.
#pragma once

#include "foxnn/buffer.hpp"
#include "foxnn/layer.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

template <class T>
class Batch {
 public:
  Batch() = default;

  /// In compact panels: what a tile reads lies together.
  static Batch panels(index rows, index width) {
    const index count = (width + kPanelWidth<T> - 1) / kPanelWidth<T>;
    return {rows * count * kPanelWidth<T>, kPanelWidth<T>, rows * kPanelWidth<T>};
  }
  /// Row by row, for what works on whole rows. A row takes an odd number of cache lines, once it
  /// has several: with a power of two, the rows of a block of columns would fall into the same few
  /// sets of the first-level cache and push each other out.
  static Batch plain(index rows, index width) {
    index lines = (width + kLineWidth<T> - 1) / kLineWidth<T>;
    if (lines > 2 && lines % 2 == 0) ++lines;
    return {rows * lines * kLineWidth<T>, lines * kLineWidth<T>, kPanelWidth<T>};
  }

  Rows<T> rows() { return {buffer_.data(), stride_, panel_}; }

 private:
  Batch(index size, index stride, index panel) : buffer_(size), stride_(stride), panel_(panel) {}

  Buffer<T> buffer_;
  index stride_ = 0, panel_ = kPanelWidth<T>;
};

}  // namespace foxnn
