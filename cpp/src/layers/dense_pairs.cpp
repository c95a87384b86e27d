// The products of a dense layer with two panels at a time, where the kernel set has such tiles:
// forward, and for the gradients of inputs and weights.
#include <algorithm>

#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"
#include "layers/dense.hpp"
#include "layers/dense_ahead.hpp"

namespace foxnn {
namespace {

// Samples at a time: 128 rows of a panel of inputs are 16 KB, which stay in the first-level cache
// for all tiles of a piece.
constexpr index kSamplesAtOnce = 128;

// The columns of products that take two panels at a time. A panel of fewer lines stays in the
// first-level cache while the tiles of 14 rows go by, which are as fast then; of more, two do not
// stay in the second-level cache, from which the tiles of six rows read them.
constexpr index kLeastColumns = (32 << 10) / kPanelBytes + 1;
constexpr index kMostColumns = (512 << 10) / (kPairPanels * kPanelBytes);

// The most rows whose outputs, for two panels, stay near until the activation is applied (28 KB);
// and the lists of nonzero columns of their tiles serve all panels.
constexpr index kBandRows = 112;

// Calls f(first row, rows) for nearly equal bands.
template <class Function>
void each_band(index batch, const Function& f) {
  const index bands = (batch + kBandRows - 1) / kBandRows, rows = (batch + bands - 1) / bands;
  for (index row = 0; row < batch; row += rows) f(row, std::min(rows, batch - row));
}

// Calls f(number, first row, rows) for the tiles of some rows.
template <class Function>
void each_tile(index first, index rows, index most, const Function& f) {
  for (index i = 0, row = first, last = first + rows; row < last; ++i) {
    const index height = tile_height(last - row, most);
    f(i, row, height);
    row += height;
  }
}

// Calls f(number of the part, first sample, samples) for nearly equal parts.
template <class Function>
void each_part(index batch, index most_parts, const Function& f) {
  const index parts = std::min((batch + kSamplesAtOnce - 1) / kSamplesAtOnce, most_parts);
  const index rows = (batch + parts - 1) / parts;
  for (index part = 0, r = 0; r < batch; ++part, r += rows) f(part, r, std::min(rows, batch - r));
}

}  // namespace

template <class T>
bool Dense<T>::takes_pairs(index columns) const {
  return columns >= kLeastColumns && columns <= kMostColumns && !sorted_ &&
         kernels<T>().pair_rows > 0;
}

template <class T>
bool Dense<T>::are_pairs(index first, index last, index padded, index batch,
                         const Rows<const T>& from, const Rows<const T>& to) {
  constexpr index kWidth = kPanelWidth<T>;
  return first < last && (last - first) % kPairPanels == 0 && last * kWidth <= padded &&
         from.stride == kWidth && to.stride == kWidth && batch >= kernels<T>().pair_rows;
}

// The most tiles of a band.
template <class T>
index Dense<T>::tiles_of_pairs(index batch) {
  const index most = kernels<T>().pair_rows;
  return (std::min(batch, kBandRows) + most - 1) / most;
}

template <class T>
void Dense<T>::forward_in_pairs(index first, index last, bool has_news, index batch,
                                const Rows<const T>& x, const Outputs<T>& out,
                                const Scratch<T>& scratch) const {
  const KernelTable<T>& k = kernels<T>();
  constexpr index kWidth = kPanelWidth<T>, kMostTilesOfBand = kBandRows / 4;  // of 4 rows, or more
  const index next = kWidth * inputs_;
  const bool far = inputs_ * padded_ > kNearWeights<T>;
  each_band(batch, [&](index begin, index rows) {
    if (scratch.leaves()) return;
    List lists[kMostTilesOfBand];
    each_tile(begin, rows, k.pair_rows, [&](index i, index row, index height) {
      if (!x.nonzero) return;
      std::uint32_t* const items = scratch.items + i * (2 * inputs_ + kListSlack);
      lists[i] = k.list_columns(height, inputs_, x.from_row(row), items);
    });
    for (index p = first; p < last && !scratch.leaves(); p += kPairPanels) {
      const T* const panel = weights() + p * next;
      Errands errands;
      // For the first rows, the weights are still where the previous step left them.
      if (far && begin == 0 && p + kPairPanels < last) {
        errands.weights =
            Ahead(panel + kPairPanels * next, 0, kPairPanels * next / kLineWidth<T>, 1);
      }
      each_tile(begin, rows, k.pair_rows, [&](index i, index row, index height) {
        if (const index end = row + height; has_news && p == first && end < batch) {
          errands.rows = rows_ahead(x, end, std::min(height, batch - end), inputs_);
        }
        T* const c = out.y.at(row, p);
        const T* const own = bias() + p * kWidth;
        if (lists[i].items) {
          k.multiply_listed_pair(height, lists[i], x.from_row(row), panel, next, own, c,
                                 out.y.panel, &errands);
        } else {
          k.multiply_pair(height, inputs_, x.from_row(row), panel, next, own, c, out.y.panel,
                          &errands);
        }
      });
      for (index q = p; q < p + kPairPanels; ++q) {
        this->activate(rows, kWidth, begin, q, out, std::min(kWidth, neurons_ - q * kWidth));
      }
    }
  });
}

// The weights of a panel of inputs, transposed: [neurons][kPanelWidth].
template <class T>
void Dense<T>::turn_weights(index q, T* turned) const {
  constexpr index kWidth = kPanelWidth<T>;
  const index input = q * kWidth, used = std::min(kWidth, inputs_ - input);
  for (index column = 0; column < neurons_; column += kWidth) {
    const index width = std::min(kWidth, padded_ - column);
    kernels<T>().transpose(used, std::min(width, neurons_ - column),
                           weights() + column * inputs_ + input * width, width,
                           turned + column * kWidth, kWidth);
  }
}

template <class T>
void Dense<T>::backward_input_in_pairs(index first, index last, bool has_news, index batch,
                                       const Rows<const T>& delta, const Rows<T>& delta_below,
                                       const typename Layer<T>::Below& below,
                                       Scratch<T> scratch) const {
  const KernelTable<T>& k = kernels<T>();
  constexpr index kWidth = kPanelWidth<T>;
  // Sample rows come from memory: fetching four lines every sixteen steps of a tile avoids bursts.
  constexpr index kMemoryPace = 4;
  const index fetched_lines = scratch.fetch ? scratch.fetch->row_bytes / kLineBytes + 1 : 0;
  const bool fetches = scratch.fetch && 4 * fetched_lines <= neurons_;
  const index next = kWidth * neurons_;
  for (index q = first; q < last; q += kPairPanels) {
    if (scratch.leaves()) return;
    for (index i = 0; i < kPairPanels; ++i) turn_weights(q + i, scratch.numbers + i * next);
    Errands errands;
    if (inputs_ * padded_ > kNearWeights<T> && q + kPairPanels < last) {
      errands.weights =
          Ahead(weights() + (q + kPairPanels) * kWidth * kWidth, kPanelBytes * inputs_,
                kPairPanels * kWidth * kWidth / kLineWidth<T>, panels_of_output());
    }
    // While there is nothing to fetch, many tiles follow each other.
    for (index row = 0, rows = 0; row < batch && !scratch.leaves(); row += rows) {
      rows = tile_height(batch - row, k.pair_rows);
      if (const index end = row + rows; has_news && q == first && end < batch) {
        errands.rows = rows_ahead(delta, end, std::min(rows, batch - end), neurons_);
      } else if (const std::byte* fetched = fetches ? scratch.fetch->take() : nullptr) {
        errands.rows = Ahead(fetched, 0, fetched_lines, 1, kMemoryPace);
      } else {
        rows = std::min(kBandRows / 2, batch - row);
      }
      k.multiply_pair(rows, neurons_, delta.from_row(row), scratch.numbers, next, nullptr,
                      delta_below.at(row, q), delta_below.panel, &errands);
      for (index i = 0; i < kPairPanels; ++i) below.finish(row, rows, q + i, kWidth, delta_below);
    }
  }
}

template <class T>
index Dense<T>::panels_in_pairs(const Back<T>& back) const {
  const bool has_pairs = kernels<T>().multiply_transposed_pair && positions_ == 1 &&
                         !back.steps.y && back.x->stride == kPanelWidth<T> &&
                         back.delta.stride == kPanelWidth<T>;
  return has_pairs ? padded_ / kPanelWidth<T> : 0;
}

template <class T>
void Dense<T>::list_pair_samples(index input, index batch, const Rows<const T>& x,
                                 std::uint32_t* items, PairLists& lists) const {
  const index rows = std::min(kPanelWidth<T>, inputs_ - input);
  each_part(batch, PairLists::kMostParts, [&](index part, index r, index count) {
    kernels<T>().list_samples_of_pairs(rows, count, x.nonzero_at(r, input / kPanelWidth<T>),
                                       items + kMostTiles * r, lists.of[part]);
  });
}

template <class T>
void Dense<T>::gradient_of_pair(index p, index input, index batch, const Back<T>& back,
                                const PairLists* lists, GradientSink<T>& sink) const {
  constexpr index kWidth = kPanelWidth<T>;
  const index rows = std::min(kWidth, inputs_ - input), size = rows * kWidth;
  alignas(64) T pieces[kPairPanels * kWidth * kWidth];
  index offsets[kPairPanels];
  const T* targets[3 * kPairPanels];
  bool fetches = true;
  for (index i = 0; i < kPairPanels; ++i) {
    offsets[i] = (p + i) * kWidth * inputs_ + input * kWidth;
    const auto of_panel = sink.targets(offsets[i]);
    std::copy_n(of_panel.at, 3, targets + 3 * i);
    fetches = fetches && of_panel.at[0];
  }
  const Rows<const T> x = back.x->from_panel(input / kWidth);
  const index most = lists ? PairLists::kMostParts : batch;
  each_part(batch, most, [&](index part, index r, index count) {
    const bool is_last = r + count == batch;
    kernels<T>().multiply_transposed_pair(rows, count, x.at(r), lists ? lists->of[part] : nullptr,
                                          back.delta.at(r, p), back.delta.panel, pieces,
                                          fetches && is_last ? targets : nullptr, r > 0);
  });
  for (index i = 0; i < kPairPanels; ++i) sink.take(offsets[i], size, pieces + i * size);
}

#define FOXNN_PAIRS(T)                                                                             \
  template bool Dense<T>::takes_pairs(index) const;                                                \
  template bool Dense<T>::are_pairs(index, index, index, index, const Rows<const T>&,              \
                                    const Rows<const T>&);                                         \
  template index Dense<T>::tiles_of_pairs(index);                                                  \
  template void Dense<T>::forward_in_pairs(index, index, bool, index, const Rows<const T>&,        \
                                           const Outputs<T>&, const Scratch<T>&) const;            \
  template void Dense<T>::turn_weights(index, T*) const;                                           \
  template void Dense<T>::backward_input_in_pairs(index, index, bool, index, const Rows<const T>&, \
                                                  const Rows<T>&, const Layer<T>::Below&,          \
                                                  Scratch<T>) const;                               \
  template index Dense<T>::panels_in_pairs(const Back<T>&) const;                                  \
  template void Dense<T>::list_pair_samples(index, index, const Rows<const T>&, std::uint32_t*,    \
                                            PairLists&) const;                                     \
  template void Dense<T>::gradient_of_pair(index, index, index, const Back<T>&, const PairLists*,  \
                                           GradientSink<T>&) const;
FOXNN_PAIRS(float)
FOXNN_PAIRS(double)
#undef FOXNN_PAIRS

}  // namespace foxnn
