// Lists the pairs of positions that a window joins.
#include "layers/window.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

namespace foxnn {
namespace {

std::vector<index> lengths_of(const LayerSpec& spec, const char* name, std::size_t axes) {
  std::vector<index> found;
  for (const double number : spec.numbers(name)) found.push_back(static_cast<index>(number));
  if (found.size() != axes) {
    throw std::invalid_argument(std::string(name) + " must have " + std::to_string(axes) +
                                " numbers, one for each axis, got " + std::to_string(found.size()));
  }
  for (const index length : found) {
    if (length < 1 || length > std::numeric_limits<std::int32_t>::max()) {
      throw std::invalid_argument(std::string(name) + " must be from 1 to 2147483647, got " +
                                  std::to_string(length));
    }
  }
  return found;
}

// A window along one axis.
struct Axis {
  index input, kernel, stride, dilation;
  index output = 0, before = 0;  // positions of padding before the first

  void measure(bool same) {
    const index span = (kernel - 1) * dilation + 1;
    if (same) {
      output = (input + stride - 1) / stride;
      before = std::max<index>(0, (output - 1) * stride + span - input) / 2;
    } else {
      if (span > input) {
        throw std::invalid_argument("a window over " + std::to_string(span) +
                                    " positions does not fit into " + std::to_string(input));
      }
      output = (input - span) / stride + 1;
    }
  }
  // The input position that an output position reads at a place; -1: padding.
  index read(index at, index place) const {
    const index position = at * stride + place * dilation - before;
    return position < 0 || position >= input ? -1 : position;
  }
};

index product(const std::vector<index>& lengths) {
  index count = 1;
  for (const index length : lengths) {
    if (length > std::numeric_limits<std::int32_t>::max() / count) throw std::bad_alloc();
    count *= length;
  }
  return count;
}

// Counts through a box of lengths, the last axis first.
void advance(std::vector<index>& at, const std::vector<index>& lengths) {
  for (std::size_t axis = at.size(); axis-- > 0;) {
    if (++at[axis] < lengths[axis]) return;
    at[axis] = 0;
  }
}

}  // namespace

Window::Window(const LayerSpec& spec, const Shape& input) {
  const std::size_t count = input.axes.size();
  kernel_ = lengths_of(spec, "kernel", count);
  const std::vector<index> stride = lengths_of(spec, "stride", count);
  const std::vector<index> dilation = lengths_of(spec, "dilation", count);
  std::vector<Axis> axes;
  for (std::size_t a = 0; a < count; ++a) {
    axes.push_back({input.axes[a], kernel_[a], stride[a], dilation[a]});
    axes.back().measure(spec.text("padding") == "same");
    output_.push_back(axes.back().output);
  }
  places_ = product(kernel_);
  const index outputs = product(output_), inputs = product(input.axes);
  if (places_ > std::numeric_limits<std::int32_t>::max() / outputs) throw std::bad_alloc();

  std::vector<std::uint32_t> readers(static_cast<std::size_t>(inputs));
  std::vector<index> at(count), place(count);
  for (index position = 0; position < outputs; ++position, advance(at, output_)) {
    by_output_.first.push_back(static_cast<std::uint32_t>(by_output_.taps.size()));
    for (index p = 0; p < places_; ++p, advance(place, kernel_)) {
      index read = 0;
      for (std::size_t a = 0; a < count && read >= 0; ++a) {
        const index along = axes[a].read(at[a], place[a]);
        read = along < 0 ? -1 : read * axes[a].input + along;
      }
      if (read < 0) continue;
      by_output_.taps.push_back({static_cast<std::uint32_t>(read), static_cast<std::uint32_t>(p)});
      ++readers[static_cast<std::size_t>(read)];
    }
  }
  by_output_.first.push_back(static_cast<std::uint32_t>(by_output_.taps.size()));

  // The other way round. Sorting by place within a position is left to the order of filling, which
  // is by output position: places descend, and are turned afterwards.
  by_input_.first.resize(static_cast<std::size_t>(inputs) + 1);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    by_input_.first[i + 1] = by_input_.first[i] + readers[i];
  }
  by_input_.taps.resize(by_output_.taps.size());
  std::vector<std::uint32_t> next(by_input_.first.begin(), by_input_.first.end() - 1);
  for (index position = 0; position < outputs; ++position) {
    for (const Tap& tap : of_output(position)) {
      by_input_.taps[next[tap.position]++] = {static_cast<std::uint32_t>(position), tap.place};
    }
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    const auto first = by_input_.taps.begin();
    std::sort(first + by_input_.first[i], first + by_input_.first[i + 1],
              [](const Tap& a, const Tap& b) { return a.place < b.place; });
  }
}

}  // namespace foxnn
