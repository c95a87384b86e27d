// A window that slides over the positions of a sample, for convolutions and pools: which input
// positions each output position reads, and the other way round.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "foxnn/layer_spec.hpp"
#include "foxnn/shape.hpp"
#include "layers/along.hpp"

namespace foxnn {

class Window {
 public:
  /// Options: kernel, stride, dilation (one number for each axis; by default 1), padding ("valid":
  /// none; "same": as much as keeps the number of positions at a stride of 1; or for each axis how
  /// many at either end, fewer than the window is long). Throws std::invalid_argument if they do
  /// not fit the shape.
  Window(const LayerSpec& spec, const Shape& input);
  /// A single window over all positions, which leaves no axes.
  static Window whole(const Shape& input);
  /// Every position repeated `factor` times (one number, or one for each axis): windows of one.
  static Window repeating(const LayerSpec& spec, const Shape& input);

  const std::vector<index>& kernel() const { return kernel_; }
  const std::vector<index>& output_axes() const { return output_; }
  /// The number of places within the window.
  index places() const { return places_; }
  /// What an output position reads, by place. Places over the padding are left out.
  std::span<const Tap> of_output(index position) const { return part(by_output_, position); }
  /// What an output position reads at a place; null over the padding.
  const Tap* of_output(index position, index place) const {
    const std::span<const Tap> taps = of_output(position);
    if (static_cast<index>(taps.size()) == places_) return &taps[static_cast<std::size_t>(place)];
    for (const Tap& tap : taps) {
      if (tap.place == static_cast<std::uint32_t>(place)) return &tap;
    }
    return nullptr;
  }
  /// The output positions that read an input position, by place.
  std::span<const Tap> of_input(index position) const { return part(by_input_, position); }
  /// The most positions that a position reads, or is read by.
  index most_taps() const { return most_; }
  /// Whether no position is read twice.
  bool are_disjoint() const { return most_readers_ <= 1; }
  /// What it is for sequences of any length; of a window over one axis.
  const Along& along() const { return along_; }
  /// The number of pairs of an output position and an input position that it reads.
  index pairs() const { return static_cast<index>(by_output_.taps.size()); }

 private:
  struct Lists {
    std::vector<std::uint32_t> first;  // of each position, and the end of the last
    std::vector<Tap> taps;
  };
  static std::span<const Tap> part(const Lists& lists, index position) {
    const auto i = static_cast<std::size_t>(position);
    return std::span(lists.taps).subspan(lists.first[i], lists.first[i + 1] - lists.first[i]);
  }

  Window() = default;
  // Appends what the next output position reads.
  void append(const std::vector<Tap>& taps);
  // Lists the other way round.
  void turn(index inputs);

  std::vector<index> kernel_, output_;
  index places_ = 1, most_ = 0, most_readers_ = 0;
  Along along_;
  Lists by_output_, by_input_;
};

}  // namespace foxnn
