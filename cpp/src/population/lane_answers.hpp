// The answers of networks side by side in the lanes of a vector: up to sixteen in a group (eight in
// float64). A group keeps their parameters in lanes, and copies them again when they have changed.
// What lies between inputs and outputs belongs to a worker, so that it stays in its first-level
// cache whichever groups the worker takes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "population/lane_pass.hpp"

namespace foxnn {

/// The parameters of a group.
template <class T>
class LaneMembers {
 public:
  /// For members with the same layers, for each of which LaneLayout<T>::holds is true. They must
  /// outlive it, as must the memory for the lines of their parameters.
  LaneMembers(const std::vector<const Network<T>*>& members, const LaneLayout<T>& layout,
              T* parameters);

  index size() const { return static_cast<index>(members_.size()); }
  const Network<T>& member(index m) const { return *members_[static_cast<std::size_t>(m)]; }
  const T* parameters() const { return parameters_; }
  /// Whether the inputs or outputs of a member are scaled.
  bool are_scaled() const { return are_scaled_; }

  /// Asks the processor for what `is_loaded` reads: members are far apart in memory.
  void prefetch() const;
  /// Whether no member has changed since its parameters were copied.
  bool is_loaded() const;
  /// Whether the members still have the layers of a pass.
  bool have_layers_of(const LanePass<T>& pass) const;
  void load();

 private:
  std::vector<const Network<T>*> members_;
  std::vector<const std::atomic<std::uint64_t>*> places_;  // of their versions
  std::vector<std::uint64_t> versions_;
  LaneLayout<T> layout_;
  T* parameters_;
  bool are_scaled_ = false;
};

/// What members are asked: `rows` rows of x, the same for all members; `each`: every member has as
/// many of its own, one after the other. `column_bytes`: between neighbours in a row, if it is not
/// contiguous.
struct LaneQuestion {
  const MatrixView& x;
  index rows;
  bool each;
  index column_bytes = 0;
};

/// Where a worker computes the answers of groups with the same layers.
template <class T>
class LaneDesk {
 public:
  explicit LaneDesk(const Network<T>& member);

  /// Rows that are answered at once: enough for tiles, and few enough to stay in the first-level
  /// cache.
  static constexpr index kMostRows = 8;
  /// Groups that are read before the first of them answers: a line that was put together from
  /// numbers can be loaded whole only when all of them have left for the cache.
  static constexpr index kMostGroups = 4;

  using Outcome = typename Network<T>::Outcome;
  using Groups = std::span<const std::unique_ptr<LaneMembers<T>>>;
  /// out[members x rows x outputs] of up to kMostGroups groups, as Network::predict; `first`: the
  /// number of their first member. `are_loaded`: none of them has changed since it was loaded. None
  /// if their layers are no longer those of the others.
  std::optional<Outcome> answer(Groups groups, const LaneQuestion& question, index first,
                                bool are_loaded, T* out);

 private:
  static constexpr index kLine = kLineWidth<T>;

  // Copies parameters that have changed; none if layers have, otherwise whether there were any.
  std::optional<bool> load(Groups groups);
  void read(Groups groups, const LaneQuestion& question, index first);
  void read(const LaneMembers<T>& group, const LaneQuestion& question, index first, T* lines);
  // A row as the member reads it, into row_.
  void read_scaled(const Network<T>& member, const LaneQuestion& question, index row);
  void write(const LaneMembers<T>& group, index rows, const T* lines, T* out);

  LanePass<T> pass_;
  Buffer<T> row_, outputs_row_;
  std::vector<T> given_;  // a row whose numbers lay apart
};

extern template class LaneMembers<float>;
extern template class LaneMembers<double>;
extern template class LaneDesk<float>;
extern template class LaneDesk<double>;

}  // namespace foxnn
