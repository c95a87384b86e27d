// A window along one axis, over a sequence of any length: which positions are read.
#pragma once

#include <algorithm>
#include <cstdint>

#include "foxnn/rows.hpp"

namespace foxnn {

/// A position on the other side, and the place within the window, row by row.
struct Tap {
  std::uint32_t position = 0, place = 0;
};

/// Positions are those of a sequence of `length` steps, of which the planned one has `input`.
struct Along {
  enum class Kind { sliding, whole, repeating };
  Kind kind = Kind::sliding;
  index input = 1;
  index kernel = 1, stride = 1, dilation = 1;
  index padding = 0;  // at both ends, unless `same`
  bool same = false;
  index factor = 1;  // of a repetition

  /// Whether what a position reads begins at the same place for every length.
  bool is_aligned() const { return !same || stride == 1; }
  /// The output's length; 0 if the window does not fit.
  index outputs(index length) const {
    if (kind == Kind::whole) return 1;
    if (kind == Kind::repeating) return length * factor;
    if (same) return (length + stride - 1) / stride;
    const index padded = length + 2 * padding;
    return length < 1 || padded < span() ? 0 : (padded - span()) / stride + 1;
  }
  /// Positions of padding before the first.
  index before(index length) const {
    if (!same) return padding;
    return std::max<index>(0, (outputs(length) - 1) * stride + span() - length) / 2;
  }
  /// The number of positions that an output position reads.
  index size(index position, index length) const {
    if (kind == Kind::whole) return length;
    if (kind == Kind::repeating) return 1;
    const index begin = position * stride - before(length);
    const index first = begin < 0 ? (-begin + dilation - 1) / dilation : 0;
    const index last = std::min(kernel - 1, (length - 1 - begin) / dilation);
    return last - first + 1;
  }
  /// Calls f(tap) for each of them, by place.
  template <class Function>
  void each_read(index position, index length, const Function& f) const {
    if (kind == Kind::whole) {
      for (index read = 0; read < length; ++read) f(tap(read, read));
      return;
    }
    if (kind == Kind::repeating) return f(tap(position / factor, 0));
    const index begin = position * stride - before(length);
    for (index place = 0; place < kernel; ++place) {
      const index read = begin + place * dilation;
      if (read >= 0 && read < length) f(tap(read, place));
    }
  }
  /// Calls f(tap) for the output positions that read an input position, by place.
  template <class Function>
  void each_reader(index position, index length, const Function& f) const {
    if (kind == Kind::whole) return f(tap(0, position));
    if (kind == Kind::repeating) {
      for (index i = 0; i < factor; ++i) f(tap(position * factor + i, 0));
      return;
    }
    const index count = outputs(length), offset = position + before(length);
    for (index place = 0; place < kernel; ++place) {
      const index first = offset - place * dilation;
      if (first < 0) return;
      if (first % stride == 0 && first / stride < count) f(tap(first / stride, place));
    }
  }

 private:
  index span() const { return (kernel - 1) * dilation + 1; }
  static Tap tap(index position, index place) {
    return {static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(place)};
  }
};

}  // namespace foxnn
