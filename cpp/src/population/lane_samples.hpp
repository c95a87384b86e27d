// The samples of the members of a group: the order in which each of them sees its own, and how a
// batch of them is read into lines.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/dataset.hpp"
#include "population/group.hpp"
#include "population/lane_pass.hpp"
#include "training/epoch.hpp"

namespace foxnn {

template <class T>
class LaneSamples {
 public:
  /// At most so many rows are read at once.
  LaneSamples(const std::vector<GroupMember<T>>& members, index rows);

  /// The number of samples of a member in an epoch.
  index size(std::size_t member) const { return sources_[member].samples.size(); }
  bool are_weighted() const { return are_weighted_; }

  /// Draws a member's order of the next epoch, or takes the samples as they are.
  void begin_epoch(std::size_t member, bool shuffles, Network<T>& network);
  bool is_between_epochs(std::size_t member) const {
    return sources_[member].order.is_over(size(member));
  }
  /// How many samples of the epoch are done.
  index position(std::size_t member) const { return sources_[member].order.spot().first; }
  void set_position(std::size_t member, index position) {
    sources_[member].order.set_spot({position});
  }

  /// Reads the next counts[m] samples of each member as rows of a LanePass, and their targets.
  void read(const std::vector<index>& counts, T* x, T* targets);
  /// The weight of the sample of a member that comes r samples after the next one.
  double weight(std::size_t member, index r) const {
    const Source& source = sources_[member];
    return source.samples.weights ? source.samples.weights[source.next()[r]] : 1.0;
  }
  /// The same as lines, if samples are weighted.
  const T* weights() const { return weights_.data(); }

 private:
  static constexpr index kLine = kLineWidth<T>;
  // Numbers of each member that are turned at once: those of all members, and the lines that they
  // become, take 16 KB, half of a first-level cache.
  static constexpr index kNumbersAtOnce = 8 * kLine;
  // Numbers of each member that are not worth turning.
  static constexpr index kNotTurned = 8;

  struct Source {
    Samples samples;  // scaled as the member scales them
    EpochOrder order;

    const std::uint32_t* next() const { return order.from(order.spot().first); }
  };
  // Rows of a matrix into rows of lines.
  void read_rows(const MatrixView Samples::* which, index columns, const std::vector<index>& counts,
                 T* lines);
  void scatter_rows(const MatrixView Samples::* which, index columns,
                    const std::vector<index>& counts, T* lines);
  void read_labels(const std::vector<index>& counts, T* targets);

  index inputs_, outputs_;
  bool are_weighted_ = false, are_plain_ = true;
  std::vector<Source> sources_;
  Buffer<T> rows_;  // of all members, before they are turned
  Buffer<T> weights_;
};

extern template class LaneSamples<float>;
extern template class LaneSamples<double>;

}  // namespace foxnn
