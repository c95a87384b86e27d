// Finds the positions that read the same, each from where it is.
#include "layers/lane_lists.hpp"

#include <algorithm>

namespace foxnn {
namespace {

bool are_same(const std::vector<Stretch>& a, const std::vector<Stretch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Stretch& x, const Stretch& y) {
    return x.column == y.column && x.line == y.line && x.count == y.count;
  });
}

}  // namespace

void LanePatterns::append(std::span<const Tap> taps, const LaneRows& rows) {
  const index first = taps.empty() ? 0 : index{taps.front().position};
  std::vector<Stretch> found;
  for (const Tap& tap : taps) {
    const Stretch next{.column = (index{tap.position} - first) * rows.pitch * rows.row,
                       .line = index{tap.place} * rows.count,
                       .count = rows.count};
    if (!found.empty() && found.back().column + found.back().count * rows.row == next.column &&
        found.back().line + found.back().count == next.line) {
      found.back().count += next.count;
    } else {
      found.push_back(next);
    }
  }
  // From the last on: neighbours read the same more often than not.
  auto same =
      std::find_if(patterns_.rbegin(), patterns_.rend(),
                   [&](const std::vector<Stretch>& known) { return are_same(known, found); });
  auto place = static_cast<std::size_t>(patterns_.rend() - same) - 1;
  if (same == patterns_.rend()) {
    place = patterns_.size();
    patterns_.push_back(std::move(found));
  }
  positions_.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(place)});
}

LaneLists::LaneLists(const Window& window, index inputs, index outputs, const LaneRows& input,
                     const LaneRows& output)
    : of_outputs(
          outputs, [&](index p) { return window.of_output(p); }, input),
      of_inputs(
          inputs, [&](index p) { return window.of_input(p); }, output),
      reads(static_cast<std::size_t>(window.places() * outputs),
            static_cast<std::uint32_t>(inputs)) {
  reads.resize(static_cast<std::size_t>((window.places() + 1) * outputs), 0);
  for (index p = 0; p < outputs; ++p) {
    for (const Tap& tap : window.of_output(p)) {
      reads[static_cast<std::size_t>(index{tap.place} * outputs + p)] = tap.position;
    }
  }
}

}  // namespace foxnn
