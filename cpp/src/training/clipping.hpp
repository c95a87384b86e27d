// Clipping of the gradient by its norm (Pascanu et al., "On the difficulty of training recurrent
// neural networks", 2013). The whole gradient must be known before the first parameter changes, so
// it is stored, in pieces that are divided between the workers.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.hpp"
#include "foxnn/network.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

template <class T>
class NormClip {
 public:
  // Numbers of a piece: 16 KB of floats stay in the first-level cache, and a large gradient has
  // enough pieces for all workers.
  static constexpr index kMost = 4096;

  NormClip(const Network<T>& network, double most)
      : most_(most), gradient_(network.parameters().size()) {
    for (index i = 0; i < network.size(); ++i) {
      if (!network.layer(i).is_trained()) continue;
      for (const Array& array : network.layer(i).arrays()) {
        if (array.is_trained()) cut(i, array.offset, array.offset + array.count);
      }
    }
    for (Piece& piece : pieces_) piece.at += network.offset(piece.layer);
    sums_.resize(pieces_.size());
  }

  /// The stored gradient, in the layout of the parameters.
  T* gradient() { return gradient_.data(); }

  /// Lets `change(layer, offset, count, gradient)` change the stored gradient, limits its norm, and
  /// passes it to `take(layer, offset, count, gradient)`. Must be called by every worker, after a
  /// barrier.
  template <class Change, class Take>
  void hand_on(const Team& team, const Change& change, const Take& take) {
    const KernelTable<T>& k = kernels<T>();
    const index count = static_cast<index>(pieces_.size());
    const index first = team.share().first(count), last = team.share().last(count);
    const auto pass = [&](index i, const auto& to) {
      const Piece& piece = pieces_[at(i)];
      to(piece.layer, piece.offset, piece.count, gradient_.data() + piece.at);
    };
    if (std::isinf(most_)) {
      for (index i = first; i < last; ++i) pass(i, change), pass(i, take);
      return;
    }
    for (index i = first; i < last; ++i) {
      pass(i, change);
      sums_[at(i)] = sum_squares(k, pieces_[at(i)]);
    }
    team.wait();
    // Every worker adds up all sums, in the same order.
    double sum = 0.0;
    for (const double part : sums_) sum += part;
    const double norm = std::sqrt(sum);
    for (index i = first; i < last; ++i) {
      const Piece& piece = pieces_[at(i)];
      T* values = gradient_.data() + piece.at;
      // An infinite norm means divergence, which clipping would only hide.
      if (norm > most_ && std::isfinite(norm)) {
        k.scale(piece.count, values, static_cast<T>(most_ / norm));
      }
      pass(i, take);
    }
  }

 private:
  // A part of one array of a layer.
  struct Piece {
    index layer, offset, count, at;
  };

  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  void cut(index layer, index first, index last) {
    for (index offset = first; offset < last; offset += kMost) {
      pieces_.push_back({layer, offset, std::min(kMost, last - offset), offset});
    }
  }

  double sum_squares(const KernelTable<T>& k, const Piece& piece) const {
    const T* values = gradient_.data() + piece.at;
    const double sum = k.sum_squares(piece.count, values);
    if (std::isfinite(sum)) return sum;
    // The sum of squares may overflow float32, but not float64.
    double wide = 0.0;
    for (index i = 0; i < piece.count; ++i) {
      wide += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    return wide;
  }

  double most_;
  Buffer<T> gradient_;
  std::vector<Piece> pieces_;
  std::vector<double> sums_;
};

}  // namespace foxnn
