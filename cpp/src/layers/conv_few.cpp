// The forward pass of a convolution for few samples, as when a single one is answered: the rows of
// a tile are positions of a sample, so that a line of weights that is read serves several of them.
// Every number is the same chain as in a large batch. Workers divide the runs of positions.
#include <algorithm>
#include <limits>

#include "layers/columns.hpp"
#include "layers/conv.hpp"
#include "layers/few.hpp"
#include "layers/stretches.hpp"

namespace foxnn {
namespace {

// Positions whose sums go through scratch memory at once, if a group begins or ends in a panel.
constexpr index kRowsAside = 16;

// The most places of all kinds of runs whose lists a layer keeps: 98 KB, if none follow each other.
constexpr index kMostListed = 4096;

}  // namespace

// Numbers: samples row by row, if contiguous_rows copies them, and sums that do not lie in a panel
// of outputs.
template <class T>
index Conv<T>::scratch_of_few(index batch) const {
  const index columns = panel_count<T>(this->input().layout.columns()) * kPanelWidth<T>;
  const bool copies = batch > 1 && Columns(this->input()).pitch % kPanelWidth<T> != 0;
  const index rows = copies ? std::min(batch, most_few<T>()) : 0;
  return rows * columns + kRowsAside * kPanelWidth<T>;
}

template <class T>
void Conv<T>::forward_few(Share share, index batch, const Rows<const T>& given,
                          const Outputs<T>& out, Scratch<T> scratch) const {
  const std::span<const PositionRun> runs = runs_.all();
  const index first = share.first(static_cast<index>(runs.size()));
  const index last = share.last(static_cast<index>(runs.size()));
  const Columns from(this->input());
  const Rows<const T> x =
      contiguous_rows(batch, given, scratch.numbers + kRowsAside * kPanelWidth<T>);
  // From what a position reads to what the next one reads.
  const index unit = x.panel == kPanelWidth<T> ? from.pitch : from.pitch / kPanelWidth<T> * x.panel;
  const bool is_listed = few_lists_ && x.panel == kPanelWidth<T>, rectifies = rectifies_sums(out);
  const T least = rectifies ? T(0) : -std::numeric_limits<T>::infinity();
  for (index g = 0; g < groups_; ++g) {
    index kind = -1, origin = 0;
    std::span<const Stretch> list;
    for (index r = first; r < last; ++r) {
      if (scratch.leaves()) return;
      const PositionRun& run = runs[static_cast<std::size_t>(r)];
      if (run.kind != kind && is_listed) {
        list = (*few_lists_)[static_cast<std::size_t>(run.kind)];
      } else if (run.kind != kind) {
        origin = PositionRuns::origin(window_, run.first);
        const index count = list_of_run(run, g, x.panel, scratch.stretches);
        list = {scratch.stretches, static_cast<std::size_t>(count)};
      }
      kind = run.kind;
      const index moved = (PositionRuns::origin(window_, run.first) - origin) * unit +
                          (is_listed ? g * group_channels_ : 0);
      for (index b = 0; b < blocks_of_group(); ++b) {
        for (index sample = 0; sample < batch; ++sample) {
          products_of_run(block(g, b), run, list, x.at(sample) + moved, run.shift * unit,
                          out.y.from_row(sample), least, scratch);
        }
      }
    }
  }
  if (rectifies) return;
  const index panels = panel_count<T>(filters_);
  const auto activate_run = [&](const PositionRun& run) {
    for (index sample = 0; sample < batch; ++sample) {
      each_panel<T>(filters_, [&](index q, index width) {
        const index panel = run.first * panels + q;
        this->activate(run.count, width, 0, 0,
                       positions_as_rows(out, sample, panel, run.step * panels));
      });
    }
  };
  if (share.workers == 1) {
    return activate_run({.count = this->output().shape.positions(), .step = 1});
  }
  for (index r = first; r < last; ++r) {
    activate_run(runs[static_cast<std::size_t>(r)]);
  }
}

// Whether relu is applied to the sums, before they are stored.
template <class T>
bool Conv<T>::rectifies_sums(const Outputs<T>& out) const {
  const bool are_half = groups_ == 1 && filters_ <= kLineWidth<T> / 2;
  return are_half && this->activation().kind == ActivationKind::relu && !out.raw && !out.mask.data;
}

// A single sample takes a few microseconds, of which to list the borders of a padded image would be
// one.
template <class T>
void Conv<T>::list_few() {
  const std::span<const PositionRun> runs = runs_.all();
  index kinds = 0;
  for (const PositionRun& run : runs) kinds = std::max(kinds, run.kind + 1);
  if (kinds * window_.places() > kMostListed) return;
  std::vector<std::vector<Stretch>> lists(static_cast<std::size_t>(kinds));
  std::vector<Stretch> made(static_cast<std::size_t>(window_.places()));
  for (const PositionRun& run : runs) {
    std::vector<Stretch>& list = lists[static_cast<std::size_t>(run.kind)];
    const index count = list.empty() ? list_of_run(run, 0, kPanelWidth<T>, made.data()) : 0;
    for (index i = 0; i < count; ++i) {
      list.push_back(made[static_cast<std::size_t>(i)]);
      list.back().column -= Columns(this->input()).at(PositionRuns::origin(window_, run.first), 0);
    }
  }
  few_lists_ = std::make_shared<const std::vector<std::vector<Stretch>>>(std::move(lists));
}

// What the first position of a run reads of a group.
template <class T>
index Conv<T>::list_of_run(const PositionRun& run, index group, index panel,
                           Stretch* stretches) const {
  const Columns from(this->input());
  // Positions that follow each other without a gap are one stretch.
  const bool joins = from.pitch == group_channels_ && panel == kPanelWidth<T>;
  const std::span<const Tap> taps = window_.of_output(run.first);
  index count = 0;
  for (std::size_t i = 0, some = 1; i < taps.size(); i += some) {
    const Tap& tap = taps[i];
    some = 1;
    while (joins && i + some < taps.size() && taps[i + some].position == tap.position + some &&
           taps[i + some].place == tap.place + some) {
      ++some;
    }
    count = append_stretches<T>(stretches, count, from.at(tap.position, group * group_channels_),
                                tap.place * group_channels_,
                                static_cast<index>(some) * group_channels_, panel);
  }
  return count;
}

// The samples in such a way that the positions of each lie at a constant distance: as they are, if
// positions begin panels or a row is contiguous, or else copied.
template <class T>
Rows<const T> Conv<T>::contiguous_rows(index batch, const Rows<const T>& x, T* copied) const {
  const Columns from(this->input());
  if (from.pitch % kPanelWidth<T> == 0 || x.panel == kPanelWidth<T>) return x;
  const index columns = this->input().layout.columns();
  const index stride = panel_count<T>(columns) * kPanelWidth<T>;
  const Rows<T> rows{copied, stride};
  each_panel<T>(columns, [&](index q, index width) {
    copy_columns<T>(0, batch, x, q * kPanelWidth<T>, rows, q * kPanelWidth<T>, width);
  });
  return rows;
}

// The sums of a block of filters for a run of positions, from the `listed` stretches, which begin
// at a for the first of them.
template <class T>
void Conv<T>::products_of_run(const Block& block, const PositionRun& run,
                              std::span<const Stretch> listed, const T* a, index lda,
                              const Rows<T>& y, T least, Scratch<T> scratch) const {
  const Columns to(this->output());
  const index filter = block.group * group_filters_ + block.first;
  const index count = static_cast<index>(listed.size());
  const T* const weights = this->parameters() + weights_of(block);
  const T* const bias =
      has_bias_ ? this->parameters() + this->arrays().back().offset + filter : nullptr;
  if (is_aligned(filter, block.used)) {
    T* const c = y.at(0, to.at(run.first, filter) / kPanelWidth<T>);
    const index ldc = run.step * to.pitch / kPanelWidth<T> * y.panel;
    if (block.used <= kLineWidth<T> / 2) {
      kernels<T>().multiply_half(run.count, listed.data(), count, a, lda, weights, bias, least, c,
                                 ldc);
    } else {
      kernels<T>().multiply_stretches(run.count, listed.data(), count, a, lda, weights, block.width,
                                      bias, c, ldc);
    }
    return;
  }
  alignas(64) T init[kPanelWidth<T>] = {};
  if (bias) std::copy_n(bias, block.used, init);
  for (index i = 0; i < run.count; i += kRowsAside) {
    const index rows = std::min(kRowsAside, run.count - i);
    kernels<T>().multiply_stretches(rows, listed.data(), count, a + i * lda, lda, weights,
                                    block.width, init, scratch.numbers, kPanelWidth<T>);
    for (index r = 0; r < rows; ++r) {
      const Rows<const T> sums{scratch.numbers + r * kPanelWidth<T>, kPanelWidth<T>};
      const index column = to.at(run.first + (i + r) * run.step, filter);
      each_run<T>(1, block.used, {}, {.pitch = 0, .first = column},
                  [&](index s, index t, index n) { copy_columns<T>(0, 1, sums, s, y, t, n); });
    }
  }
}

#define FOXNN_FEW(T)                                                                        \
  template index Conv<T>::scratch_of_few(index) const;                                      \
  template void Conv<T>::forward_few(Share, index, const Rows<const T>&, const Outputs<T>&, \
                                     Scratch<T>) const;                                     \
  template bool Conv<T>::rectifies_sums(const Outputs<T>&) const;                           \
  template void Conv<T>::list_few();                                                        \
  template index Conv<T>::list_of_run(const PositionRun&, index, index, Stretch*) const;    \
  template Rows<const T> Conv<T>::contiguous_rows(index, const Rows<const T>&, T*) const;   \
  template void Conv<T>::products_of_run(const Block&, const PositionRun&,                  \
                                         std::span<const Stretch>, const T*, index,         \
                                         const Rows<T>&, T, Scratch<T>) const;
FOXNN_FEW(float)
FOXNN_FEW(double)
#undef FOXNN_FEW

}  // namespace foxnn
