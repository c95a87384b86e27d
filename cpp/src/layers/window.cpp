// Lists the pairs of positions that a window joins.
#include "layers/window.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

namespace foxnn {
namespace {

std::vector<index> lengths_of(const LayerSpec& spec, const char* name, std::size_t axes,
                              index least = 1) {
  std::vector<index> found;
  for (const double number : spec.numbers(name)) found.push_back(static_cast<index>(number));
  if (found.size() != axes) {
    throw std::invalid_argument(std::string(name) + " must have " + std::to_string(axes) +
                                " numbers, one for each axis, got " + std::to_string(found.size()));
  }
  for (const index length : found) {
    if (length < least || length > std::numeric_limits<std::int32_t>::max()) {
      throw std::invalid_argument(std::string(name) + " must be from " + std::to_string(least) +
                                  " to 2147483647, got " + std::to_string(length));
    }
  }
  return found;
}

bool is_list(const LayerSpec& spec, const char* name) {
  const auto found = spec.options.find(name);
  return found != spec.options.end() && std::holds_alternative<std::vector<double>>(found->second);
}

// A window along one axis.
struct Axis {
  index input, kernel, stride, dilation;
  index output = 0, before = 0;  // positions of padding before the first

  void measure(bool same, index padding) {
    const index span = (kernel - 1) * dilation + 1;
    if (same) {
      output = (input + stride - 1) / stride;
      before = std::max<index>(0, (output - 1) * stride + span - input) / 2;
    } else {
      if (padding >= span) {
        throw std::invalid_argument("a padding of " + std::to_string(padding) +
                                    " holds a whole window over " + std::to_string(span) +
                                    " positions");
      }
      const index padded = input + 2 * padding;
      if (span > padded) {
        throw std::invalid_argument("a window over " + std::to_string(span) +
                                    " positions does not fit into " + std::to_string(padded));
      }
      output = (padded - span) / stride + 1;
      before = padding;
    }
  }
  // The input position that an output position reads at a place; -1: padding.
  index read(index at, index place) const {
    const index position = at * stride + place * dilation - before;
    return position < 0 || position >= input ? -1 : position;
  }
};

// Pairs of positions are counted in 32 bits.
constexpr index kMostPairs = std::numeric_limits<std::int32_t>::max();

Tap tap(index position, index place) {
  return {static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(place)};
}

index product(const std::vector<index>& lengths) {
  index count = 1;
  for (const index length : lengths) {
    if (length > kMostPairs / count) throw std::bad_alloc();
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
  std::vector<index> dilation(count, 1);
  if (spec.options.contains("dilation")) dilation = lengths_of(spec, "dilation", count);
  std::vector<index> padding(count, 0);
  bool same = false;
  if (is_list(spec, "padding")) {
    padding = lengths_of(spec, "padding", count, 0);
  } else {
    same = spec.text("padding") == "same";
  }
  std::vector<Axis> axes;
  for (std::size_t a = 0; a < count; ++a) {
    axes.push_back({input.axes[a], kernel_[a], stride[a], dilation[a]});
    axes.back().measure(same, padding[a]);
    output_.push_back(axes.back().output);
  }
  along_ = {.input = axes.front().input,
            .kernel = axes.front().kernel,
            .stride = axes.front().stride,
            .dilation = axes.front().dilation,
            .padding = padding.front(),
            .same = same};
  places_ = product(kernel_);
  const index outputs = product(output_);
  if (places_ > kMostPairs / outputs) throw std::bad_alloc();
  std::vector<index> at(count), place(count);
  std::vector<Tap> taps;
  for (index position = 0; position < outputs; ++position, advance(at, output_)) {
    taps.clear();
    for (index p = 0; p < places_; ++p, advance(place, kernel_)) {
      index read = 0;
      for (std::size_t a = 0; a < count && read >= 0; ++a) {
        const index along = axes[a].read(at[a], place[a]);
        read = along < 0 ? -1 : read * axes[a].input + along;
      }
      if (read >= 0) taps.push_back(tap(read, p));
    }
    append(taps);
  }
  turn(product(input.axes));
}

Window Window::whole(const Shape& input) {
  Window window;
  window.places_ = product(input.axes);
  window.along_ = {.kind = Along::Kind::whole, .input = window.places_};
  std::vector<Tap> taps;
  for (index p = 0; p < window.places_; ++p) taps.push_back(tap(p, p));
  window.append(taps);
  window.turn(window.places_);
  return window;
}

Window Window::repeating(const LayerSpec& spec, const Shape& input) {
  const std::size_t count = input.axes.size();
  std::vector<index> factor = lengths_of(spec, "factor", spec.numbers("factor").size());
  if (factor.size() == 1) factor.resize(count, factor.front());  // one number for all axes
  if (factor.size() != count) factor = lengths_of(spec, "factor", count);  // refuses it
  Window window;
  for (std::size_t a = 0; a < count; ++a) {
    if (factor[a] > kMostPairs / input.axes[a]) throw std::bad_alloc();
    window.output_.push_back(input.axes[a] * factor[a]);
  }
  window.along_ = {.kind = Along::Kind::repeating,
                   .input = count > 0 ? input.axes.front() : 1,
                   .factor = count > 0 ? factor.front() : 1};
  std::vector<index> at(count);
  const index outputs = product(window.output_);
  for (index position = 0; position < outputs; ++position, advance(at, window.output_)) {
    index read = 0;
    for (std::size_t a = 0; a < count; ++a) read = read * input.axes[a] + at[a] / factor[a];
    window.append({tap(read, 0)});
  }
  window.turn(product(input.axes));
  return window;
}

void Window::append(const std::vector<Tap>& taps) {
  if (by_output_.first.empty()) by_output_.first.push_back(0);
  by_output_.taps.insert(by_output_.taps.end(), taps.begin(), taps.end());
  by_output_.first.push_back(static_cast<std::uint32_t>(by_output_.taps.size()));
  most_ = std::max(most_, static_cast<index>(taps.size()));
}

void Window::turn(index inputs) {
  const index outputs = static_cast<index>(by_output_.first.size()) - 1;
  std::vector<std::uint32_t>& first = by_input_.first;
  first.resize(static_cast<std::size_t>(inputs) + 1);
  for (const Tap& read : by_output_.taps) ++first[read.position + 1];
  for (std::size_t i = 1; i < first.size(); ++i) {
    most_readers_ = std::max(most_readers_, index{first[i]});
    first[i] += first[i - 1];
  }
  most_ = std::max(most_, most_readers_);
  by_input_.taps.resize(by_output_.taps.size());
  std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
  for (index position = 0; position < outputs; ++position) {
    for (const Tap& read : of_output(position)) {
      by_input_.taps[next[read.position]++] = tap(position, read.place);
    }
  }
  // Later windows read a position at an earlier place.
  for (std::size_t i = 0; i + 1 < first.size(); ++i) {
    const auto taps = by_input_.taps.begin();
    std::stable_sort(taps + first[i], taps + first[i + 1],
                     [](const Tap& a, const Tap& b) { return a.place < b.place; });
  }
}

}  // namespace foxnn
