// The destination of the gradient of a layer's parameters.
#pragma once

#include <span>

#include "foxnn/rows.hpp"

namespace foxnn {

/// Rows of a layer's parameters of which a batch names some. The others have a gradient of zero,
/// and steps that move them all the same are made late, before the row is read again.
class RowNeeds {
 public:
  virtual ~RowNeeds() = default;
  /// Brings a row up to date, for a step that will pass its gradient on.
  virtual void need(index row) = 0;
  /// The same for a step that will not.
  virtual void need_later(index row) = 0;
  /// The part of all rows that this step brings up to date, so that none is far behind.
  virtual Share turn() const = 0;
};

/// Takes the gradient of a layer's parameters piece by piece, each piece once.
template <class T>
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// Takes `count` derivatives with respect to the parameters from `offset` on; may change them.
  /// Called by several workers at once, for different pieces. No piece contains both weights and
  /// biases.
  virtual void take(index offset, index count, T* gradient) = 0;
  /// If the gradient of each part of the batch is taken by itself: where the parts end, a last row
  /// and one. Such a sink is given only to layers with Layer::takes_parts, and of each piece it
  /// takes that of one part after the other, by `take_part`.
  virtual std::span<const index> part_ends() const { return {}; }
  /// Where the gradient of a part is best computed, of at most two squares of panels; null:
  /// anywhere.
  virtual T* part_memory(index /*part*/) const { return nullptr; }
  /// Parameters in `runs` runs of `count`, each `distance` after the one before.
  struct Piece {
    index offset, count, runs = 1, distance = 0;
  };
  virtual void take_part(index /*part*/, const Piece&, T* /*gradient*/) {}
  /// The memory that `take` will access for the parameters from `offset` on. It is prefetched while
  /// their gradient is computed. Null if there is none.
  struct Targets {
    const T* at[3] = {};
  };
  virtual Targets targets(index offset) const = 0;
  /// Whether `take` would change nothing for a gradient of zeros, so that it need not be called:
  /// whatever the parameters of the array at this offset are, or for those from `offset` on.
  virtual bool ignores_zeros(index) const { return false; }
  virtual bool ignores_zeros(index /*offset*/, index /*count*/) const { return false; }
};

}  // namespace foxnn
