// Long work on memory, with a poll for a stop between its pieces.
#pragma once

#include <algorithm>

#include "foxnn/rows.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// Polls whenever a few milliseconds' worth of numbers have been copied.
class Pieces {
 public:
  static constexpr index kPiece = 1 << 20;

  explicit Pieces(const StopRequest& stop) : stop_(stop) {}
  /// To be called after every `count` numbers. Throws Stopped if the call should stop.
  void after(index count) {
    done_ += count;
    if (done_ < kPiece) return;
    done_ = 0;
    if (stop_ && stop_()) throw Stopped();
  }

 private:
  const StopRequest& stop_;
  index done_ = 0;
};

/// Throws Stopped if `stop` returns true before all is copied.
template <class T>
void copy_in_pieces(const T* from, index count, T* to, const StopRequest& stop) {
  Pieces pieces(stop);
  for (index first = 0; first < count; first += Pieces::kPiece) {
    const index some = std::min(Pieces::kPiece, count - first);
    std::copy_n(from + first, some, to + first);
    pieces.after(some);
  }
}

}  // namespace foxnn
