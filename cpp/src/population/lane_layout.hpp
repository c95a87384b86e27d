// Which networks can lie side by side in the lanes of a vector, and how their parameters do: a
// line has one number of each. Weights come input by input, followed by the biases, node by node,
// without the padding that the panels of a single network have.
#pragma once

#include <vector>

#include "foxnn/network.hpp"
#include "foxnn/trainer.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// The members of a group: one for each number of a line.
template <class T>
inline constexpr index kMostMembers = kLineWidth<T>;

/// Neighbouring numbers of a network's parameters, and the first line that they are in.
struct LaneRun {
  index line, offset, count;
};

/// The lines of an array of a node's parameters.
struct LaneArray {
  index node, offset;  ///< of the array, in the network's parameters
  index padded;        ///< its numbers there, with padding
  index line, count;   ///< with the lines between rows
  bool is_penalised;
};

/// What a layer does to lines.
enum class LaneRole { multiplies, activates, drops, other };

template <class T>
class LaneLayout {
 public:
  explicit LaneLayout(const Network<T>& network);

  static LaneRole role_of(const Layer<T>& layer);
  /// Whether a network consists of nothing but layers that lanes can hold.
  static bool holds(const Network<T>& network);
  /// Whether two networks have the same layers.
  static bool are_alike(const Network<T>& a, const Network<T>& b);

  /// Lines of the weights of an input for n neurons, or of n biases. Of powers of two the columns
  /// of many inputs would compete for the same places in the cache.
  static constexpr index width(index n) { return n >= 32 && n % 16 == 0 ? n + 1 : n; }

  /// Numbers padded to a line.
  static constexpr index padded(index n) {
    return (n + kLineWidth<T> - 1) / kLineWidth<T> * kLineWidth<T>;
  }

  index lines() const { return lines_; }
  const std::vector<LaneRun>& runs() const { return runs_; }
  const std::vector<LaneArray>& arrays() const { return arrays_; }
  /// The first line of a node's parameters.
  index line_of(index node) const { return first_[static_cast<std::size_t>(node)]; }

  /// Copies numbers in the layout of the parameters to the lanes: those of member m from from[m];
  /// null: zeros.
  void load(const std::vector<const T*>& from, T* lanes) const;
  /// And back; members with a null pointer are skipped.
  void store(const T* lanes, const std::vector<T*>& to) const;

 private:
  index lines_ = 0;
  std::vector<LaneRun> runs_;
  std::vector<LaneArray> arrays_;
  std::vector<index> first_;
};

extern template class LaneLayout<float>;
extern template class LaneLayout<double>;

}  // namespace foxnn
