// The gradients of a dense layer's parameters of several parts of a batch, such as its shards. All
// parts of a piece are computed one after the other, while it is in the first-level cache.
#include <algorithm>
#include <array>
#include <vector>

#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"
#include "layers/dense.hpp"
#include "layers/dense_shares.hpp"

namespace foxnn {

template <class T>
void Dense<T>::gradients_of_parts(Share share, const Back<T>& back, GradientSink<T>& sink,
                                  Scratch<T> scratch) const {
  const KernelTable<T>& k = kernels<T>();
  const Rows<const T>& x = *back.x;
  const Rows<T>& delta = back.delta;
  const std::span<const index> ends = sink.part_ends();
  constexpr index kRows = kPanelWidth<T>;
  const Panels<T> panels{padded_};
  alignas(64) T lent[kPairPanels * kRows * kPanelWidth<T>];
  const auto memory = [&](index part) {
    T* const own = sink.part_memory(part);
    return own ? own : lent;
  };
  // Calls f(part, first row, rows). A part without rows has a gradient of zeros.
  const auto each_part = [&](const auto& f) {
    index part = 0, first = 0;
    for (const index end : ends) {
      f(part++, first, end - first);
      first = end;
    }
  };
  using Lists = std::array<List, kMostTiles>;
  std::vector<Lists> lists;
  const auto compute = [&](index p, index input, bool uses_lists) {
    if (scratch.leaves()) return;
    const index column = panels.column(p), width = panels.width(p);
    const index inputs = std::min(kRows, inputs_ - input), q = input / kRows;
    each_part([&](index part, index first, index rows) {
      T* const piece = memory(part);
      const List* const own = uses_lists ? lists[static_cast<std::size_t>(part)].data() : nullptr;
      k.multiply_transposed(inputs, rows, x.from_panel(q).from_row(first), own, delta.at(first, p),
                            delta.stride, width, piece, nullptr, false);
      sink.take_part(part, {column * inputs_ + input * width, inputs * width}, piece);
    });
  };
  const auto compute_pair = [&](index p, index input, bool uses_lists) {
    if (scratch.leaves()) return;
    constexpr index kWidth = kPanelWidth<T>;
    const index inputs = std::min(kRows, inputs_ - input), q = input / kRows;
    each_part([&](index part, index first, index rows) {
      T* const piece = memory(part);
      const List* const own = uses_lists ? lists[static_cast<std::size_t>(part)].data() : nullptr;
      k.multiply_transposed_pair(inputs, rows, x.at(first, q), own, delta.at(first, p), delta.panel,
                                 piece, nullptr, false);
      sink.take_part(
          part, {(p * inputs_ + input) * kWidth, inputs * kWidth, kPairPanels, inputs_ * kWidth},
          piece);
    });
  };
  const auto compute_bias = [&](index p) {
    if (no_bias_.size() > 0) return;
    const index column = panels.column(p), width = panels.width(p);
    each_part([&](index part, index first, index rows) {
      T* const piece = memory(part);
      k.sum_rows(rows, delta.at(first, p), delta.stride, width, piece, false);
      sink.take_part(part, {inputs_ * padded_ + column, width}, piece);
    });
  };
  const index whole = panels_in_pairs(back);
  if (x.nonzero && shares_panels(share, panels.count())) {
    const index first = share.first(panels.count()), last = share.last(panels.count());
    const index single = first_single(first, last, whole);
    lists.resize(ends.size());
    // Inputs are the outer loop, so that the lists of their samples serve all panels.
    const auto list = [&](index input, const auto& list_samples) {
      each_part([&](index part, index from, index rows) {
        list_samples(std::min(kRows, inputs_ - input), rows, x.nonzero_at(from, input / kRows),
                     scratch.items + kMostTiles * from,
                     lists[static_cast<std::size_t>(part)].data());
      });
    };
    for (index input = 0; input < inputs_ && !scratch.leaves(); input += kRows) {
      if (first < single) list(input, k.list_samples_of_pairs);
      for (index p = first; p < single; p += kPairPanels) compute_pair(p, input, true);
      if (single < last) list(input, k.list_samples);
      for (index p = single; p < last; ++p) compute(p, input, true);
    }
    for (index p = first; p < last; ++p) compute_bias(p);
    return;
  }
  each_unit_in_pairs(
      share, panels.count(), whole, inputs_, kRows,
      [&](index p, index input) { compute(p, input, false); },
      [&](index p, index input) { compute_pair(p, input, false); }, compute_bias);
}

template void Dense<float>::gradients_of_parts(Share, const Back<float>&, GradientSink<float>&,
                                               Scratch<float>) const;
template void Dense<double>::gradients_of_parts(Share, const Back<double>&, GradientSink<double>&,
                                                Scratch<double>) const;

}  // namespace foxnn
