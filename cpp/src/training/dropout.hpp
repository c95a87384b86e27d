// Dropout (Srivastava et al., 2014), inverted: in training an output is zero with probability
// `rate`, and else 1 / (1 - rate) times as large, so that nothing is to be done in prediction.
// Which ones are zero hangs on seed, epoch, layer, and the place of the sample in the epoch.
#pragma once

#include <algorithm>
#include <cstdint>

#include "foxnn/random.hpp"
#include "kernels/kernel_table.hpp"
#include "network/batch.hpp"

namespace foxnn {

/// The masks of a layer of so many outputs.
template <class T>
class Dropout {
 public:
  Dropout() = default;
  Dropout(double rate, index outputs, index batch)
      : outputs_(outputs),
        words_(std::max<index>(1, (outputs + 3) / 4)),
        threshold_(static_cast<std::uint32_t>(std::min(rate * 0x1p32, 0x1p32 - 1.0))),
        kept_(static_cast<T>(1.0 / (1.0 - rate))) {
    if (rate <= 0.0) return;
    for (Batch<T>& mask : masks_) mask = Batch<T>::panels(batch, outputs);
    dropped_ = Batch<T>::panels(batch, outputs);
  }

  bool is_used() { return dropped_.rows().data != nullptr; }
  void begin_epoch(std::uint64_t seed, std::uint32_t draw) { seed_ = seed, draw_ = draw; }

  Rows<T> mask(int half) { return masks_[half].rows(); }
  Rows<T> dropped() { return dropped_.rows(); }

  /// The masks of rows [begin, end) of a batch whose first row is sample `first` of the epoch.
  void draw(index first, index begin, index end, int half) {
    const Rows<T> rows = masks_[half].rows();
    std::uint32_t bits[4][kPhiloxBlocks];
    // A sample takes words_ blocks of four words; word w of block b is for output w * words_ + b,
    // so that words of a kind go to neighbours.
    const index last = (first + end) * words_;
    for (index block = (first + begin) * words_; block < last; block += kPhiloxBlocks) {
      active_kernels().philox(static_cast<std::uint64_t>(block),
                              static_cast<std::uint32_t>(Stream::dropout), draw_, seed_, bits);
      const index count = std::min(kPhiloxBlocks, last - block);
      for (index i = 0; i < count;) {
        const index row = (block + i) / words_, b = (block + i) % words_;
        const index run = std::min(count - i, words_ - b);
        for (index w = 0; w < 4; ++w) {
          const index column = w * words_ + b;
          store(rows, row - first, column, std::min(run, outputs_ - column), bits[w] + i);
        }
        i += run;
      }
    }
  }

 private:
  void store(const Rows<T>& rows, index row, index column, index count, const std::uint32_t* bits) {
    for (index i = 0; i < count;) {
      const index inside = (column + i) % kPanelWidth<T>;
      const index run = std::min(count - i, kPanelWidth<T> - inside);
      T* at = rows.at(row, (column + i) / kPanelWidth<T>) + inside;
      for (index j = 0; j < run; ++j) at[j] = bits[i + j] < threshold_ ? T(0) : kept_;
      i += run;
    }
  }

  index outputs_ = 0, words_ = 1;
  std::uint32_t threshold_ = 0;  // of 2^32
  T kept_ = T(1);
  std::uint64_t seed_ = 0;
  std::uint32_t draw_ = 0;
  Batch<T> masks_[2], dropped_;
};

}  // namespace foxnn
