// Samples into lines: rows of all members are turned, block by block.
#include "population/lane_samples.hpp"

#include <algorithm>
#include <cstring>

#include "foxnn/random.hpp"

namespace foxnn {
namespace {

// Whether rows are numbers of T as they are.
template <class T>
bool is_plain(const MatrixView& matrix) {
  return !matrix.scaling && matrix.type == (sizeof(T) == 4 ? ElementType::f32 : ElementType::f64);
}

// Rows of numbers, each followed by a one. If the number of columns is known at compile time, a row
// is one or two moves. Rows can be anywhere in memory: those to come are prefetched.
template <int kColumns, class T>
void copy_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* to) {
  constexpr index kAhead = 8;
  const index columns = kColumns > 0 ? kColumns : matrix.columns;
  for (index r = 0; r < count; ++r) {
    if (r + kAhead < count) __builtin_prefetch(matrix.row(order[r + kAhead]));
    const T* const from = reinterpret_cast<const T*>(matrix.row(order[r]));
    if constexpr (kColumns > 0) {
      std::memcpy(to, from, kColumns * sizeof(T));
    } else {
      std::copy_n(from, columns, to);
    }
    to[columns] = T(1);
    to += LanePass<T>::pitch(columns);
  }
}
template <class T>
void copy_rows(const MatrixView& matrix, const std::uint32_t* order, index count, T* to) {
  switch (matrix.columns) {
    case 1:
      return copy_rows<1>(matrix, order, count, to);
    case 2:
      return copy_rows<2>(matrix, order, count, to);
    case 3:
      return copy_rows<3>(matrix, order, count, to);
    case 4:
      return copy_rows<4>(matrix, order, count, to);
    default:
      return copy_rows<0>(matrix, order, count, to);
  }
}

}  // namespace

template <class T>
LaneSamples<T>::LaneSamples(const std::vector<GroupMember<T>>& members, index rows)
    : inputs_(members.front().network->inputs()),
      outputs_(members.front().network->outputs()),
      rows_(kLine * (LaneLayout<T>::padded(kNumbersAtOnce) +
                     LaneLayout<T>::padded(LanePass<T>::pitch(std::max(inputs_, outputs_))))) {
  for (const GroupMember<T>& member : members) {
    sources_.push_back({member.network->scaled(member.samples), {}});
    const Samples& own = sources_.back().samples;
    are_weighted_ = are_weighted_ || own.weights;
    are_plain_ = are_plain_ && is_plain<T>(own.inputs) && (own.labels || is_plain<T>(own.outputs));
  }
  if (are_weighted_) weights_ = Buffer<T>(rows * kLine);
}

template <class T>
void LaneSamples<T>::begin_epoch(std::size_t member, bool shuffles, Network<T>& network) {
  Source& source = sources_[member];
  const Samples& samples = source.samples;
  if (!shuffles) return source.order.take_in_order(samples.size(), samples.rows);
  const Random random(network.seed(), RandomStream::shuffle, network.next_draw());
  source.order.shuffle(random, samples.size(), samples.rows, {});
}

// A few numbers, each to its place.
template <class T>
void LaneSamples<T>::scatter_rows(const MatrixView Samples::* which, index columns,
                                  const std::vector<index>& counts, T* lines) {
  const index pitch = LanePass<T>::pitch(columns) * kLine;
  for (std::size_t m = 0; m < sources_.size(); ++m) {
    const MatrixView& matrix = sources_[m].samples.*which;
    const std::uint32_t* const order = sources_[m].next();
    for (index r = 0; r < counts[m]; ++r) {
      const T* const from = reinterpret_cast<const T*>(matrix.row(order[r]));
      T* const to = lines + r * pitch + index(m);
      for (index c = 0; c < columns; ++c) to[c * kLine] = from[c];
    }
  }
}

// Of each member, rows that follow each other, and end with a one as those of a pass do; then all
// of them are turned, a line of members by a line of numbers at a time.
template <class T>
void LaneSamples<T>::read_rows(const MatrixView Samples::* which, index columns,
                               const std::vector<index>& counts, T* lines) {
  const index pitch = LanePass<T>::pitch(columns);
  const index block = std::max<index>(1, kNumbersAtOnce / pitch);
  const index most = *std::max_element(counts.begin(), counts.end());
  if (most * columns <= kNotTurned && are_plain_) {
    return scatter_rows(which, columns, counts, lines);
  }
  for (index first = 0; first < most; first += block) {
    const index rows = std::min(block, most - first);
    const index distance = LaneLayout<T>::padded(block * pitch);
    for (std::size_t m = 0; m < sources_.size(); ++m) {
      const Source& source = sources_[m];
      const MatrixView& matrix = source.samples.*which;
      const std::uint32_t* const order = source.next() + first;
      const index count = std::clamp<index>(counts[m] - first, 0, rows);
      T* const to = rows_.data() + index(m) * distance;
      if (is_plain<T>(matrix)) {
        copy_rows(matrix, order, count, to);
        continue;
      }
      for (index r = 0; r < count; ++r) {
        read_row(matrix, order[r], Rows<T>{to + r * pitch, kPanelWidth<T>});
        to[r * pitch + columns] = T(1);
      }
    }
    const index numbers = rows * pitch;
    for (index c = 0; c < numbers; c += kLine) {
      kernels<T>().transpose(kLine, std::min(kLine, numbers - c), rows_.data() + c, distance,
                             lines + (first * pitch + c) * kLine, kLine);
    }
  }
}

template <class T>
void LaneSamples<T>::read_labels(const std::vector<index>& counts, T* targets) {
  const index rows = *std::max_element(counts.begin(), counts.end());
  const index pitch = LanePass<T>::pitch(outputs_) * kLine;
  std::fill_n(targets, rows * pitch, T(0));
  for (std::size_t m = 0; m < sources_.size(); ++m) {
    const Source& source = sources_[m];
    for (index r = 0; r < counts[m]; ++r) {
      source.samples.labels.visit(source.next()[r], [&](const auto* labels) {
        // The labels are the caller's array, which may be changed while it is learned.
        const auto label = static_cast<index>(*labels);
        if (label >= 0 && label < outputs_) targets[r * pitch + label * kLine + index(m)] = T(1);
      });
    }
  }
}

template <class T>
void LaneSamples<T>::read(const std::vector<index>& counts, T* x, T* targets) {
  read_rows(&Samples::inputs, inputs_, counts, x);
  if (sources_.front().samples.labels) {
    read_labels(counts, targets);
  } else {
    read_rows(&Samples::outputs, outputs_, counts, targets);
  }
  if (!are_weighted_) return;
  for (std::size_t m = 0; m < sources_.size(); ++m) {
    for (index r = 0; r < counts[m]; ++r) {
      weights_.data()[r * kLine + index(m)] = static_cast<T>(weight(m, r));
    }
  }
}

template class LaneSamples<float>;
template class LaneSamples<double>;

}  // namespace foxnn
