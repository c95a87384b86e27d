// The dense layer over the stored rows of sparse samples: its products and the gradient of its
// weights go by stored numbers. The bits are those of the same samples with all of their zeros.
#include <algorithm>

#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"
#include "layers/dense.hpp"
#include "layers/sorted_sums.hpp"

namespace foxnn {
namespace {

// Rows at a time, so that their outputs in a panel (14 KB) are still in the first-level cache when
// the activation is applied, and that the lines of a panel's weights are used again meanwhile.
constexpr index kBand = 112;

// A piece of the gradient: inputs of a panel of neurons, 16 KB. It stays in the first-level cache
// beside the optimizer's streams, which run through four pages before they move elsewhere.
constexpr index kPieceInputs = 128;

// Arranges the stored numbers in columns [first, last) by column, with their rows in ascending
// order. Returns the position at which the first column begins.
template <class T>
std::uint32_t sort_by_column(const StoredRows<T>& x, index batch, index first, index last) {
  const auto low = static_cast<std::uint32_t>(first), high = static_cast<std::uint32_t>(last);
  std::uint32_t* const ends = x.ends;
  std::fill(ends + first, ends + last, 0u);
  // Calls f(row, first item, last item) for the items of each row that are in the columns.
  const auto each_row = [&](const auto& f) {
    for (index r = 0; r < batch; ++r) {
      const std::uint32_t *from = x.columns + x.starts[r], *to = x.columns + x.starts[r + 1];
      const std::uint32_t* begin = low == 0 ? from : std::lower_bound(from, to, low);
      f(static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(begin - x.columns),
        static_cast<std::uint32_t>(std::lower_bound(begin, to, high) - x.columns));
    }
  };
  std::uint32_t before = 0;
  each_row([&](std::uint32_t r, std::uint32_t begin, std::uint32_t end) {
    before += begin - x.starts[r];
    for (std::uint32_t i = begin; i < end; ++i) ++ends[x.columns[i]];
  });
  std::uint32_t position = before;
  for (index c = first; c < last; ++c) {
    const std::uint32_t count = ends[c];
    ends[c] = position;
    position += count;
  }
  each_row([&](std::uint32_t r, std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t i = begin; i < end; ++i) {
      const std::uint32_t at = ends[x.columns[i]]++;
      x.sorted[at] = x.values[i];
      x.rows[at] = r;
    }
  });
  return before;
}

}  // namespace

template <class T>
void Dense<T>::forward_stored(Share share, index batch, const StoredRows<T>& x,
                              const Outputs<T>& out, Scratch<T> scratch) const {
  const KernelTable<T>& k = kernels<T>();
  const Panels<T> panels{padded_};
  const index last = share.last(batch);
  for (index row = share.first(batch); row < last && !scratch.leaves(); row += kBand) {
    const index rows = std::min(kBand, last - row);
    for (index p = 0; p < panels.count(); ++p) {
      const index column = panels.column(p), width = panels.width(p);
      const T *weights = this->weights() + column * inputs_, *bias = this->bias() + column;
      T* y = out.y.at(row, p);
      if (sorted_) {
        multiply_sorted(rows, x, row, weights, width, bias, y, out.y.stride, terms(scratch));
      } else {
        k.sum_lines(rows, x.starts[row], x.starts + row + 1, x.values, x.columns, weights, width,
                    width, bias, y, out.y.stride);
      }
      this->activate(rows, width, row, p, out);
    }
  }
}

template <class T>
void Dense<T>::gradient_of_stored(Share share, index batch, const Back<T>& back,
                                  GradientSink<T>& sink, Scratch<T> scratch) const {
  const KernelTable<T>& k = kernels<T>();
  const StoredRows<T>& x = *back.stored;
  const Panels<T> panels{padded_};
  // Inputs are divided by panels, so that no two workers change the same line of the parameters.
  const index blocks = panel_count<T>(inputs_);
  const index first = std::min(share.first(blocks) * kPanelWidth<T>, inputs_);
  const index last = std::min(share.last(blocks) * kPanelWidth<T>, inputs_);
  if (scratch.leaves()) return;
  const std::uint32_t begin = sort_by_column(x, batch, first, last);
  alignas(64) T piece[kPieceInputs * kPanelWidth<T>];
  for (index p = 0; p < panels.count(); ++p) {
    const index width = panels.width(p);
    for (index input = first; input < last && !scratch.leaves(); input += kPieceInputs) {
      const index inputs = std::min(kPieceInputs, last - input);
      k.sum_lines(inputs, input == first ? begin : x.ends[input - 1], x.ends + input, x.sorted,
                  x.rows, back.delta.at(0, p), back.delta.stride, width, nullptr, piece, width);
      sink.take(panels.column(p) * inputs_ + input * width, inputs * width, piece);
    }
  }
}

template void Dense<float>::forward_stored(Share, index, const StoredRows<float>&,
                                           const Outputs<float>&, Scratch<float>) const;
template void Dense<double>::forward_stored(Share, index, const StoredRows<double>&,
                                            const Outputs<double>&, Scratch<double>) const;
template void Dense<float>::gradient_of_stored(Share, index, const Back<float>&,
                                               GradientSink<float>&, Scratch<float>) const;
template void Dense<double>::gradient_of_stored(Share, index, const Back<double>&,
                                                GradientSink<double>&, Scratch<double>) const;

}  // namespace foxnn
