// Masks for inverted dropout (Srivastava et al., 2014): in training, an output is zero with
// probability `rate` and is otherwise scaled by 1 / (1 - rate), so that prediction needs no
// correction. The mask depends on the seed, the epoch, the layer, and the sample's position in the
// epoch.
#pragma once

#include <algorithm>
#include <cstdint>

#include "foxnn/random.hpp"
#include "foxnn/shape.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// Draws masks for outputs in a given layout.
template <class T>
class DropoutMasks {
 public:
  DropoutMasks() = default;
  DropoutMasks(double rate, const Form& outputs)
      : outputs_(outputs.shape.size()),
        channels_(outputs.layout.channels),
        gap_(outputs.layout.is_packed() ? 0 : outputs.layout.pitch - outputs.layout.channels),
        words_(std::max<index>(1, (outputs_ + 3) / 4)),
        threshold_(static_cast<std::uint32_t>(std::min(rate * 0x1p32, 0x1p32 - 1.0))),
        kept_(static_cast<T>(1.0 / (1.0 - rate))) {}

  /// The masks of rows [begin, end) of a batch whose first row is sample `first` of the epoch.
  void draw(std::uint64_t seed, std::uint32_t draw, index first, index begin, index end,
            const Rows<T>& masks) const {
    std::uint32_t bits[4][kPhiloxBlocks];
    // A sample uses words_ blocks of four words. Word w of block b belongs to output w * words_ +
    // b, so that words with the same w belong to adjacent outputs.
    const index last = (first + end) * words_;
    for (index block = (first + begin) * words_; block < last; block += kPhiloxBlocks) {
      active_kernels().philox(static_cast<std::uint64_t>(block),
                              static_cast<std::uint32_t>(RandomStream::dropout), draw, seed, bits);
      const index count = std::min(kPhiloxBlocks, last - block);
      for (index i = 0; i < count;) {
        const index row = (block + i) / words_, b = (block + i) % words_;
        const index run = std::min(count - i, words_ - b);
        for (index w = 0; w < 4; ++w) {
          const index column = w * words_ + b;
          store(masks, row - first, column, std::min(run, outputs_ - column), bits[w] + i);
        }
        i += run;
      }
    }
  }

 private:
  void store(const Rows<T>& rows, index row, index output, index count,
             const std::uint32_t* bits) const {
    for (index i = 0; i < count;) {
      const index place = output + i;
      const index column = gap_ == 0 ? place : place + place / channels_ * gap_;
      const index inside = column % kPanelWidth<T>;
      index run = std::min(count - i, kPanelWidth<T> - inside);
      if (gap_ > 0) run = std::min(run, channels_ - place % channels_);
      T* at = rows.at(row, column / kPanelWidth<T>) + inside;
      for (index j = 0; j < run; ++j) at[j] = bits[i + j] < threshold_ ? T(0) : kept_;
      i += run;
    }
  }

  index outputs_ = 0, channels_ = 0, gap_ = 0, words_ = 1;
  std::uint32_t threshold_ = 0;  // as a fraction of 2^32
  T kept_ = T(1);
};

}  // namespace foxnn
