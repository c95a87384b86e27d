// The gradient of a dense layer's weights for two panels of neurons at a time, where the kernel set
// has such tiles.
#include <algorithm>

#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"
#include "layers/dense.hpp"

namespace foxnn {
namespace {

// Samples at a time: 128 rows of a panel of inputs are 16 KB, which stay in the first-level cache
// for all tiles of a piece.
constexpr index kSamplesAtOnce = 128;

// Calls f(number of the part, first sample, samples) for nearly equal parts.
template <class Function>
void each_part(index batch, index most_parts, const Function& f) {
  const index parts = std::min((batch + kSamplesAtOnce - 1) / kSamplesAtOnce, most_parts);
  const index rows = (batch + parts - 1) / parts;
  for (index part = 0, r = 0; r < batch; ++part, r += rows) f(part, r, std::min(rows, batch - r));
}

}  // namespace

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

#define FOXNN_PAIRS(T)                                                                            \
  template index Dense<T>::panels_in_pairs(const Back<T>&) const;                                 \
  template void Dense<T>::list_pair_samples(index, index, const Rows<const T>&, std::uint32_t*,   \
                                            PairLists&) const;                                    \
  template void Dense<T>::gradient_of_pair(index, index, index, const Back<T>&, const PairLists*, \
                                           GradientSink<T>&) const;
FOXNN_PAIRS(float)
FOXNN_PAIRS(double)
#undef FOXNN_PAIRS

}  // namespace foxnn
