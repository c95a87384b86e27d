// Finds runs: the longest from each position that is in none yet.
#include "layers/position_runs.hpp"

#include <algorithm>
#include <map>

namespace foxnn {
namespace {

// Numbers the different sets of places that windows have within the sample.
std::vector<std::uint32_t> kinds_of(const Window& window, index count) {
  const auto same_place = [](const Tap& a, const Tap& b) { return a.place == b.place; };
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  std::vector<std::uint32_t> kinds, places;
  for (index p = 0; p < count; ++p) {
    const std::span<const Tap> taps = window.of_output(p);
    if (p > 0 && std::ranges::equal(taps, window.of_output(p - 1), same_place)) {
      kinds.push_back(kinds.back());
      continue;
    }
    places.clear();
    for (const Tap& tap : taps) places.push_back(tap.place);
    kinds.push_back(
        known.try_emplace(places, static_cast<std::uint32_t>(known.size())).first->second);
  }
  return kinds;
}

}  // namespace

PositionRuns::PositionRuns(const Window& window) {
  const std::vector<index>& lengths = window.output_axes();
  index count = 1;
  for (const index length : lengths) count *= length;
  const std::vector<std::uint32_t> kinds = kinds_of(window, count);
  const auto kind = [&](index p) { return kinds[static_cast<std::size_t>(p)]; };
  std::vector<bool> taken(kinds.size());
  // The run from p on along an axis, whose next position is `step` away.
  const auto run_of = [&](index p, index step, index room) {
    PositionRun run{.first = p, .step = step, .kind = kind(p)};
    for (index next = p + step; run.count < room; ++run.count, next += step) {
      if (taken[static_cast<std::size_t>(next)] || kind(next) != kind(p)) break;
      const index shift = origin(window, next) - origin(window, next - step);
      if (run.count > 1 && shift != run.shift) break;
      run.shift = shift;
    }
    return run;
  };
  // How many neighbours along an axis read the same.
  std::vector<index> repeats(lengths.size(), 1);
  for (index p = 0; p < count; ++p) {
    if (taken[static_cast<std::size_t>(p)]) continue;
    PositionRun best{.first = p, .kind = kind(p)};
    index step = 1;
    for (std::size_t axis = lengths.size(); axis-- > 0; step *= lengths[axis]) {
      const index room = lengths[axis] - p / step % lengths[axis];
      const PositionRun run = run_of(p, step, room);
      // Along the last axis, what a run reads lies together.
      const bool is_last = axis + 1 == lengths.size();
      if (is_last || run.count >= 2 * best.count) best = run;
      if (run.shift == 0) repeats[axis] = std::max(repeats[axis], run.count);
      if (repeats[axis] == 1) continue;
      const index every = repeats[axis];
      const PositionRun sparse = run_of(p, every * step, (room + every - 1) / every);
      if (sparse.count >= 2 * best.count) best = sparse;
    }
    for (index i = 0; i < best.count; ++i) {
      taken[static_cast<std::size_t>(p + i * best.step)] = true;
    }
    runs_.push_back(best);
  }
  std::stable_sort(runs_.begin(), runs_.end(),
                   [](const PositionRun& a, const PositionRun& b) { return a.kind < b.kind; });
}

}  // namespace foxnn
