// Which rows of a batch a worker takes through time. Rows are sorted by their steps, the longest
// first, and differ: what is divided are the steps.
#include <cstdint>

#include "layers/recurrence.hpp"

namespace foxnn {
namespace {

// One range of rows, with a part of all steps.
template <class T>
RowRange neighbours(const Recurrence<T>& shape, Share share, index batch,
                    const std::uint32_t* counts) {
  index all = 0;
  for (index t = 0; t < shape.steps; ++t) all += shape.rows_at(counts, t, batch);
  // The row with which a worker begins, from the longest rows on.
  const auto row_of = [&](index worker) {
    const index target = all * worker / share.workers;
    index row = 0, done = 0;
    for (index t = shape.steps - 1; t >= 0; --t) {
      const index last = shape.rows_at(counts, t, batch);
      if (done + (last - row) * (t + 1) >= target) return row + (target - done) / (t + 1);
      done += (last - row) * (t + 1);
      row = last;
    }
    return row;
  };
  const bool is_last = share.worker + 1 == share.workers;
  return {row_of(share.worker), is_last ? batch : row_of(share.worker + 1)};
}

// Slices: each, from the longest on, goes to the worker who has the fewest steps until then.
template <class T>
OwnRows<T> slices_of(const Recurrence<T>& shape, Share share, index batch,
                     const std::uint32_t* counts) {
  constexpr index kMost = Recurrence<T>::kMostSlices;
  const index height = shape.slice_rows(batch);
  const index workers = std::min<index>(share.workers, kMost);  // others have no slice
  index taken[kMost] = {};
  OwnRows<T> found;
  for (index first = 0; first < batch; first += height) {
    const index last = std::min(batch, first + height);
    index* const who = std::min_element(taken, taken + workers);
    if (who - taken == share.worker) found.add({first, last});
    for (index t = 0; t < shape.steps && shape.rows_at(counts, t, last) > first; ++t) {
      *who += shape.rows_at(counts, t, last) - first;
    }
  }
  return found;
}

}  // namespace

template <class T>
OwnRows<T> rows_of(const Recurrence<T>& shape, Share share, index batch,
                   const std::uint32_t* counts, bool are_kept) {
  const bool in_slices = are_kept && shape.is_sliced();
  if (counts && in_slices && share.workers > 1) return slices_of(shape, share, batch, counts);
  OwnRows<T> found;
  if (counts && share.workers > 1) {
    found.add(neighbours(shape, share, batch, counts));
  } else {
    const index unit = in_slices ? shape.slice_rows(batch) : 1;
    const index units = (batch + unit - 1) / unit;
    found.add({share.first(units) * unit, std::min(batch, share.last(units) * unit)});
  }
  return found;
}

template OwnRows<float> rows_of(const Recurrence<float>&, Share, index, const std::uint32_t*, bool);
template OwnRows<double> rows_of(const Recurrence<double>&, Share, index, const std::uint32_t*,
                                 bool);

}  // namespace foxnn
