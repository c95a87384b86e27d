// Training steps in shards: which samples a batch takes of each, and its steps by a team, shard
// after shard.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "base/stop_poll.hpp"
#include "training/sharded_gradient.hpp"
#include "training/step.hpp"

namespace foxnn {

/// Which samples belong to a batch: as many of each shard, in turn.
template <class T>
class ShardOrder {
 public:
  ShardOrder(const Shards<T>& shards, index batch) : shards_(shards), batch_(batch) {
    for (index s = shards.first(), at = 0; s < shards.last(); ++s) {
      starts_.push_back(at);
      at += size_of(s);
    }
  }

  /// The most samples of a shard in a batch of so many.
  static index part_of(index batch, const Shards<T>& shards) {
    return std::max<index>(1, shard_size(std::min(batch, shards.samples), shards.count(), 0));
  }
  index samples() const { return shards_.samples; }
  /// How many draws an epoch takes.
  std::uint32_t draws() const { return static_cast<std::uint32_t>(shards_.count()); }
  /// The samples of a whole batch, and those of the batch after `done` samples of the epoch.
  index batch() const { return std::min(batch_, samples()); }
  index count_after(index done) const { return std::min(batch_, samples() - done); }

  /// Of a shard's part of a batch: where it begins in the order of this process, its samples, and
  /// its place in the epoch. The next one is behind it.
  struct Part {
    index first, rows, place;
  };
  /// The part of the shard of this process with number `own`, of the batch after `done` samples;
  /// `place`: where it begins in the epoch.
  Part part(index own, index done, index place) const {
    const index shard = shards_.first() + own;
    const index taken = taken_of(shard, done);
    return {starts_[static_cast<std::size_t>(own)] + taken,
            taken_of(shard, done + count_after(done)) - taken, place};
  }
  /// Where the parts of this process begin in the epoch.
  index place_after(index done) const {
    index place = done;
    for (index s = 0; s < shards_.first(); ++s) {
      place += taken_of(s, done + count_after(done)) - taken_of(s, done);
    }
    return place;
  }

  /// Draws the order of an epoch, within each shard, with a draw for each of them from `draw` on.
  /// Returns false if `stop` returned true; there is then no order.
  bool draw(std::uint64_t seed, std::uint32_t draw, bool shuffles, EpochOrder& order,
            EpochOrder::Chosen rows, const StopRequest& stop) const {
    std::vector<std::uint32_t> all, one;
    for (std::size_t own = 0; own < starts_.size(); ++own) {
      const index shard = shards_.first() + static_cast<index>(own);
      const auto count = static_cast<std::size_t>(size_of(shard));
      const Random random(seed, RandomStream::shuffle, draw + static_cast<std::uint32_t>(shard));
      if (!shuffles) {
        one.resize(count);
        std::iota(one.begin(), one.end(), 0u);
      } else if (!shuffled_indices(random, count, one, stop)) {
        order.clear();
        return false;
      }
      for (const std::uint32_t i : one) {
        all.push_back(static_cast<std::uint32_t>(starts_[own]) + i);
      }
    }
    if (!rows.empty()) {
      for (std::uint32_t& sample : all) sample = rows[sample];
    }
    order.take(std::move(all));
    return true;
  }
  /// Lets the longest sequences of each part come first; those of one length stay in their order.
  void sort(EpochOrder& order, const std::int64_t* lengths) const {
    for (index done = 0; done < samples(); done += batch_) {
      for (index own = 0; own < static_cast<index>(starts_.size()); ++own) {
        const Part one = part(own, done, 0);
        order.sort_part(one.first, one.rows, lengths);
      }
    }
  }

 private:
  index size_of(index shard) const { return taken_of(shard, samples()); }
  index taken_of(index shard, index done) const { return shard_size(done, shards_.count(), shard); }

  const Shards<T> shards_;
  index batch_;
  std::vector<index> starts_;  // of the shards of this process in its samples
};

/// What a run has besides, if it goes by shards.
template <class T>
class ShardSteps {
 public:
  ShardSteps(Network<T>& network, const Shards<T>& shards, index batch, Update<T>& update)
      : order(shards, batch),
        update_(update),
        shards_(shards),
        gradient_(network.parameters().size(), shards, update.stored_gradient()),
        network_(network) {}

  const ShardOrder<T> order;

  /// Whether a step can be dropped halfway: all processes make it, or none.
  bool can_drop() const { return shards_.exchange == nullptr; }

  /// The part of one worker of the step after `done` samples of the epoch. `ends`: the first
  /// worker's, whether to end the steps after this one. `report_of(sums)`: adds the step to a
  /// report; called by the first worker. Returns false if the step is dropped.
  template <class Ends, class ReportOf>
  bool step(const Team& team, Step<T>& step, Batches<T>& batches, Tally<T>& tally,
            const EpochOrder& epoch, index done, const DroppedStep& dropped, Leaving* leaving,
            bool sums_gradients, Ends ends, ReportOf report_of) {
    const index own = shards_.last() - shards_.first();
    if (team.is_first()) gradient_.begin();
    index place = order.place_after(done);
    int slot = 0;
    bool is_gathered = false;
    for (index i = 0; i < own; ++i) {
      const auto part = order.part(i, done, place);
      place += part.rows;
      if (part.rows == 0) {
        gradient_.tree().put_zeros(team.share(), gradient_.tree().leaf(i));
        team.wait();
        continue;
      }
      if (!is_gathered) {
        step.gather_part(team, epoch, part.first, part.rows, part.place, slot, leaving);
        team.wait();
      }
      const auto next =
          i + 1 < own ? order.part(i + 1, done, place) : typename ShardOrder<T>::Part{0, 0, 0};
      is_gathered = next.rows > 0;
      if (!of_shard(team, step, batches, tally, epoch, done, i, part, next, slot, leaving)) {
        return false;
      }
      if (is_gathered) slot = 1 - slot;
      // No worker polls between these barriers, so that all see the same.
      const bool is_dropped = dropped.is();
      team.wait();
      if (is_dropped) return false;
    }
    bool ending = false;
    if (team.is_first()) ending = ends();
    gradient_.complete(team, ending);
    if (gradient_.is_refused()) return false;
    const ShardSums whole = gradient_.whole();
    if (team.is_first()) report_of(whole, ending);
    const T weight = static_cast<T>(whole.weight);
    const T scale = sums_gradients ? T(1) : weight > T(0) ? T(1) / weight : T(0);
    update_.step_along_sum(team, scale);
    return true;
  }

 private:
  using Part = typename ShardOrder<T>::Part;

  bool of_shard(const Team& team, Step<T>& step, Batches<T>& batches, Tally<T>& tally,
                const EpochOrder& epoch, index done, index i, const Part& part, const Part& next,
                int slot, Leaving* leaving) {
    step.forward(team, {part.place, 0}, part.rows, slot, leaving);
    const Drawn drawn{batches.samples(), epoch.from(part.first)};
    step.loss(team, done / order.batch(), drawn, part.rows, slot, leaving);
    if (step.is_refused()) return false;
    const RowsToFetch to_fetch =
        next.rows > 0 ? batches.rows_to_fetch(team.share(), epoch.from(next.first), next.rows)
                      : RowsToFetch();
    step.backward(
        team, part.rows, slot, to_fetch,
        [&](index node) {
          return TreeSink<T>(gradient_.tree(), gradient_.tree().leaf(i), network_.offset(node));
        },
        [&](Leaving* leaves) {
          if (next.rows == 0) return;
          step.gather_part(team, epoch, next.first, next.rows, next.place, 1 - slot, leaves);
        },
        leaving, [](Leaving*&) { return true; });
    if (team.is_first()) {
      StepReport one;
      tally.count_step(part.rows, drawn.samples, drawn.sample, one);
      gradient_.set_sums(shards_.first() + i,
                         {one.loss, one.weight, static_cast<double>(one.correct),
                          static_cast<double>(one.positions)});
    }
    team.wait();
    return true;
  }

  Update<T>& update_;
  const Shards<T> shards_;
  ShardedGradient<T> gradient_;
  Network<T>& network_;
};

}  // namespace foxnn
