// The samples of the members of a group: which each of them sees, in which order, and how a batch
// of them is read into lines.
#pragma once

#include <cstdint>
#include <vector>

#include "foxnn/dataset.hpp"
#include "foxnn/network.hpp"
#include "population/lane_pass.hpp"

namespace foxnn {

/// Of the samples that all members share, those that one of them sees; null: all of them. Weights
/// are those of the shared samples, by their place there; null: those that the samples have, if
/// any.
struct LaneView {
  const std::uint32_t* rows = nullptr;
  index count = 0;
  const double* weights = nullptr;
};

template <class T>
class LaneSamples {
 public:
  LaneSamples(const std::vector<Network<T>*>& members, const Samples& samples,
              const std::vector<LaneView>& views, index batch);

  /// The number of samples of a member in an epoch, and in the batch that begins at `position`.
  index size(std::size_t member) const { return sources_[member].count; }
  index count_from(std::size_t member, index position) const {
    const index left = sources_[member].count - position;
    return std::max<index>(0, std::min(left, batch_));
  }
  bool are_weighted() const { return are_weighted_; }

  /// Draws a member's order of the next epoch, or takes the samples as they are.
  bool begin_epoch(std::size_t member, bool shuffles, Network<T>& network, const StopRequest& stop);

  /// Reads the batch at `position` of each member's epoch, as rows of a LanePass, and its targets.
  /// counts[m]: how many rows member m has in it.
  void read(index position, const std::vector<index>& counts, T* x, T* targets);
  /// The weights of the rows of the batch that was read, and a member's sum.
  const T* weights() const { return weights_.data(); }
  /// The weight of a member's sample in the batch that was read.
  double weight(std::size_t member, index position, index row) const {
    const Source& source = sources_[member];
    return source.weights ? source.weights[source.order[at(position + row)]] : 1.0;
  }

 private:
  static constexpr index kLine = kLineWidth<T>;
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  struct Source {
    Samples samples;  // scaled as the member scales them
    const std::uint32_t* rows;
    index count;
    const double* weights;
    std::vector<std::uint32_t> order;  // positions in the shared samples
  };
  // Numbers of each member that are turned at once: those of all members, and the lines that they
  // become, take 16 KB, half of a first-level cache.
  static constexpr index kNumbersAtOnce = 8 * kLine;
  // Numbers of each member that are not worth turning.
  static constexpr index kNotTurned = 8;
  // Rows of a matrix into rows of lines.
  void read_rows(const MatrixView Samples::* which, index columns, index position,
                 const std::vector<index>& counts, T* lines);
  void scatter_rows(const MatrixView Samples::* which, index columns, index position,
                    const std::vector<index>& counts, T* lines);
  void read_labels(index position, const std::vector<index>& counts, T* targets);

  index batch_, inputs_, outputs_;
  bool are_weighted_ = false, are_plain_ = true;
  std::vector<Source> sources_;
  Buffer<T> rows_;  // of all members, before they are turned
  Buffer<T> weights_;
};

extern template class LaneSamples<float>;
extern template class LaneSamples<double>;

}  // namespace foxnn
