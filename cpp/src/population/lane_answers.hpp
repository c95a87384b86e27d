// The answers of up to sixteen networks (eight in float64) side by side in the lanes of a vector.
// Their parameters are kept there, and copied again when they have changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "population/lane_pass.hpp"

namespace foxnn {

template <class T>
class LaneAnswers {
 public:
  /// For members with the same layers, for each of which LaneLayout<T>::holds is true. They must
  /// outlive it.
  explicit LaneAnswers(const std::vector<const Network<T>*>& members);

  /// Rows that are answered at once: enough for tiles, and few enough to stay in the first-level
  /// cache.
  static constexpr index kMostRows = 8;

  /// Whether their layers are those that they had.
  bool is_current();
  /// Reads `rows` rows of x from `first` on, the same for all members; `each`: each member has as
  /// many of its own, one after the other.
  void read(const MatrixView& x, index first, index rows, bool each);
  /// The outputs for what was read: out[members x rows x outputs]. As Network::predict.
  typename Network<T>::Outcome answer(index rows, T* out);

 private:
  static constexpr index kLine = kLineWidth<T>;

  bool is_loaded() const;
  void load();
  void write(index rows, T* out);

  std::vector<const Network<T>*> members_;
  std::vector<const std::atomic<std::uint64_t>*> places_;  // of their versions
  std::vector<std::uint64_t> versions_;
  LaneLayout<T> layout_;
  LanePass<T> pass_;
  Buffer<T> parameters_, row_, outputs_row_;
  bool are_scaled_ = false;  // the inputs or outputs of a member
};

extern template class LaneAnswers<float>;
extern template class LaneAnswers<double>;

}  // namespace foxnn
