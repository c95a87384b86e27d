// Scaling of each column: x becomes (x - shift) * factor.
#pragma once

#include <cstddef>
#include <vector>

namespace foxnn {

/// A shift and a factor per column; empty: no scaling.
struct Scaling {
  std::vector<double> shift, factor;

  bool empty() const { return shift.empty(); }
  double apply(double x, std::size_t column) const { return (x - shift[column]) * factor[column]; }
  double undo(double y, std::size_t column) const { return y / factor[column] + shift[column]; }
};

}  // namespace foxnn
