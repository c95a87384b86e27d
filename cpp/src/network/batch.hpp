// Memory for a pass: a batch of numbers in one of the two layouts of Rows, and scratch memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/layer.hpp"
#include "foxnn/network.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

template <class T>
class Batch {
 public:
  Batch() = default;

  /// In compact panels: what a tile reads is stored together. Many panels are those of positions,
  /// of which a window reads several at once: if these began in the same sets of the first-level
  /// cache, they would evict each other, so then there is a row between the panels that is not
  /// used. Unless it is to be clear, all numbers must be written before they are read.
  static Batch panels(index rows, index width, bool is_clear = true) {
    constexpr index kMany = 64, kPeriod = 4096 / kPanelBytes;
    const index count = panel_count<T>(width);
    const index height = count >= kMany && rows % kPeriod == 0 ? rows + 1 : rows;
    return {product(height, count * kPanelWidth<T>), kPanelWidth<T>, height * kPanelWidth<T>,
            is_clear};
  }
  /// Row by row, for operations on whole rows. A row of several cache lines takes an odd number of
  /// them: with a power of two, the rows of a block of columns would map to the same few sets of
  /// the first-level cache and evict each other.
  static Batch plain(index rows, index width) {
    index lines = (width + kLineWidth<T> - 1) / kLineWidth<T>;
    if (lines > 2 && lines % 2 == 0) ++lines;
    return {product(rows, lines * kLineWidth<T>), lines * kLineWidth<T>, kPanelWidth<T>};
  }

  /// For the outputs of a network: the numbers of a position follow each other, because losses and
  /// softmax need all of them.
  /// `backward`: a gradient begins there.
  static Batch of_outputs(index rows, const Form& form, bool backward) {
    const Layout& layout = form.layout;
    if (layout.positions > 1 && layout.pitch == kPanelWidth<T>) {
      return panels(rows, layout.columns());
    }
    if (layout.positions > 1) return plain(rows, layout.columns());
    if (!backward || form.shape.positions() > 1) return packed(rows, form.shape);
    // A panel, where they fit: there are higher tiles for the gradient of compact panels.
    return plain(rows, std::max(form.shape.size(), kPanelWidth<T>));
  }
  /// Row by row without gaps between positions. Vectors that begin at the last position extend past
  /// its end, but never into the next row, which may be another worker's.
  static Batch packed(index rows, const Shape& shape) {
    return plain(rows, shape.size() + (shape.positions() > 1 ? kLineWidth<T> : 0));
  }

  Rows<T> rows() { return {buffer_.data(), stride_, panel_}; }

 private:
  // Throws std::bad_alloc where it would overflow.
  static index product(index rows, index width) {
    if (width > 0 && rows > std::numeric_limits<index>::max() / 16 / width) throw std::bad_alloc();
    return rows * width;
  }

  Batch(index size, index stride, index panel, bool is_clear = true)
      : buffer_(is_clear ? Buffer<T>(size) : Buffer<T>::unset(size)),
        stride_(stride),
        panel_(panel) {}

  Buffer<T> buffer_;
  index stride_ = 0, panel_ = kPanelWidth<T>;
};

/// Scratch memory that serves the layers of a network in turn.
template <class T>
class ScratchSpace {
 public:
  ScratchSpace() = default;
  ScratchSpace(const Network<T>& network, index batch) {
    ScratchSize size;
    for (index i = 0; i < network.size(); ++i) {
      const ScratchSize needed = network.layer(i).scratch_size(batch);
      size.numbers = std::max(size.numbers, needed.numbers);
      size.items = std::max(size.items, needed.items);
      size.stretches = std::max(size.stretches, needed.stretches);
    }
    numbers_ = Buffer<T>(size.numbers);
    items_ = Buffer<std::uint32_t>(size.items);
    stretches_.resize(static_cast<std::size_t>(size.stretches));
  }

  Scratch<T> get() { return {numbers_.data(), items_.data(), stretches_.data()}; }

 private:
  Buffer<T> numbers_;
  Buffer<std::uint32_t> items_;
  std::vector<Stretch> stretches_;
};

}  // namespace foxnn
