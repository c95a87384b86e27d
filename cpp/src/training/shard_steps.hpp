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

/// Which samples belong to a batch: as many of each shard, in turn. In the order of an epoch, the
/// parts of this process's shards in a batch follow each other.
template <class T>
class ShardOrder {
 public:
  ShardOrder(const Shards<T>& shards, index batch) : shards_(shards), batch_(batch) {}

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
  /// its place in the epoch.
  struct Part {
    index first, rows, place;
  };
  /// The part of the first shard of this process in the batch after `done` samples, and that of
  /// shard number `own` of this process behind the part of the one before.
  Part first_part(index done) const {
    index first = 0, place = done;
    for (index s = 0; s < shards_.first(); ++s) place += rows_of(s, done);
    for (index s = shards_.first(); s < shards_.last(); ++s) first += taken_of(s, done);
    return {first, shards_.first() < shards_.last() ? rows_of(shards_.first(), done) : 0, place};
  }
  Part next_part(index own, index done, const Part& before) const {
    return {before.first + before.rows, rows_of(shards_.first() + own, done),
            before.place + before.rows};
  }

  /// Draws the order of an epoch, within each shard, with a draw for each of them from `draw` on.
  /// Returns false if `stop` returned true; there is then no order.
  bool draw(std::uint64_t seed, std::uint32_t draw, bool shuffles, EpochOrder& order,
            EpochOrder::Chosen rows, const StopRequest& stop) const {
    // Where the next shard's part of each batch begins.
    std::vector<index> next;
    for (index done = 0; done < samples(); done += batch_) {
      next.push_back(first_part(done).first);
    }
    index all_samples = 0;
    for (index s = shards_.first(); s < shards_.last(); ++s) all_samples += taken_of(s, samples());
    std::vector<std::uint32_t> all(static_cast<std::size_t>(all_samples)), one;
    std::uint32_t start = 0;  // of the shard in the samples of this process
    for (index s = shards_.first(); s < shards_.last(); ++s) {
      const auto count = static_cast<std::size_t>(taken_of(s, samples()));
      const Random random(seed, RandomStream::shuffle, draw + static_cast<std::uint32_t>(s));
      if (!shuffles) {
        one.resize(count);
        std::iota(one.begin(), one.end(), 0u);
      } else if (!shuffled_indices(random, count, one, stop)) {
        order.clear();
        return false;
      }
      index done = 0;
      auto from = one.begin();
      for (index& to : next) {
        for (index left = rows_of(s, done); left > 0; --left) {
          const std::uint32_t sample = start + *from++;
          all[static_cast<std::size_t>(to++)] = rows.empty() ? sample : rows[sample];
        }
        done += batch_;
      }
      start += static_cast<std::uint32_t>(count);
    }
    order.take(std::move(all));
    return true;
  }
  /// Lets the longest sequences of each part come first; those of one length stay in their order.
  void sort(EpochOrder& order, const std::int64_t* lengths) const {
    const index own = shards_.last() - shards_.first();
    for (index done = 0; own > 0 && done < samples(); done += batch_) {
      Part part = first_part(done);
      for (index i = 0; i < own; ++i) {
        if (i > 0) part = next_part(i, done, part);
        order.sort_part(part.first, part.rows, lengths);
      }
    }
  }

 private:
  index taken_of(index shard, index done) const { return shard_size(done, shards_.count(), shard); }
  // A shard's samples in the batch after `done` samples.
  index rows_of(index shard, index done) const {
    return taken_of(shard, done + count_after(done)) - taken_of(shard, done);
  }

  const Shards<T> shards_;
  index batch_;
};

/// Whether the parts of all shards of this process go through the network together: weights are
/// then read, and transposed, once a batch instead of once a shard.
template <class T>
bool goes_at_once(const Network<T>& network, const Samples& samples, index batch,
                  const Shards<T>& shards, bool is_outside) {
  if (!shards.are_used()) return false;
  // More are not worth their memory: a shard then has enough rows by itself.
  constexpr index kMostRows = 8192, kMostShards = 1024;
  const index own = shards.last() - shards.first();
  if (own == 0 || own > kMostShards) return false;
  if (own * ShardOrder<T>::part_of(batch, shards) > kMostRows) return false;
  // A loss outside is asked for shards, whatever process has them.
  if (is_outside || samples.inputs.lengths) return false;
  if (network.goes_by_stored(network.scaled_inputs(samples.inputs))) return false;
  for (index i = 0; i < network.size(); ++i) {
    if (!network.layer(i).takes_parts()) return false;
  }
  return true;
}

/// The samples that a pass takes at once: a whole batch, or its part of one shard, or of all shards
/// of this process.
template <class T>
index rows_at_once(const Samples& samples, index batch, const Shards<T>& shards, bool at_once) {
  if (!shards.are_used()) return std::min(batch, samples.size());
  const index part = ShardOrder<T>::part_of(batch, shards);
  return at_once ? (shards.last() - shards.first()) * part : part;
}

/// What a run has besides, if it goes by shards.
template <class T>
class ShardSteps {
 public:
  ShardSteps(Network<T>& network, const Shards<T>& shards, index batch, Update<T>& update,
             bool at_once, int workers)
      : order(shards, batch),
        update_(update),
        shards_(shards),
        gradient_(network.parameters().size(), shards, update.stored_gradient(), at_once),
        network_(network) {
    for (int w = 0; at_once && w < workers; ++w) {
      stacks_.emplace_back((gradient_.tree().most() + 1) * PartsSink<T>::kMost);
    }
    if (at_once) ends_.resize(static_cast<std::size_t>(own()));
  }

  const ShardOrder<T> order;

  /// Whether a step can be dropped halfway: all processes make it, or none.
  bool can_drop() const { return shards_.exchange == nullptr; }

  /// What a worker knows from the step before: in which slot the batch is, or is to be gathered.
  struct Gathered {
    int slot = 0;
    bool is_there = false;
  };
  /// How many steps are made before anything is exchanged, unless the epoch ends before.
  index steps_together() const { return shards_.averages() ? shards_.average_every : 1; }
  /// Must be called before the first of these.
  void begin() { gradient_.begin(); }
  /// The part of one worker of the step after `done` samples of the epoch. `more`: whether another
  /// one follows in the epoch. `is_last`: of the steps that are made together. `ends`: the first
  /// worker's, whether to end the steps after these. `report_of(sums, ends)`: adds them to a
  /// report; called by the first worker after the last one. Returns false if the step is dropped.
  template <class Ends, class ReportOf>
  bool step(const Team& team, Step<T>& step, Batches<T>& batches, Tally<T>& tally,
            const EpochOrder& epoch, index done, bool more, bool is_last, Gathered& gathered,
            const DroppedStep& dropped, Leaving* leaving, bool sums_gradients, Ends ends,
            ReportOf report_of) {
    if (team.is_first()) gradient_.begin_batch();
    const bool is_whole =
        stacks_.empty()
            ? one_by_one(team, step, batches, tally, epoch, done, dropped, leaving)
            : at_once(team, step, batches, tally, epoch, done, more, gathered, dropped, leaving);
    if (!is_whole) return false;
    const auto make = [&](double total) {
      const T weight = static_cast<T>(total);
      const T scale = sums_gradients ? T(1) : weight > T(0) ? T(1) / weight : T(0);
      update_.step_along_sum(team, scale);
    };
    if (shards_.averages()) {
      gradient_.complete_own(team);
      make(gradient_.own_weight());
      if (!is_last) return true;
      team.wait();
    }
    bool ending = false;
    if (team.is_first()) ending = ends();
    if (shards_.averages()) {
      average(team, ending);
    } else {
      gradient_.complete(team, ending);
    }
    if (gradient_.is_refused()) return false;
    const ShardSums whole = gradient_.whole();
    if (team.is_first()) report_of(whole, ending);
    if (!shards_.averages()) make(whole.weight);
    return true;
  }

 private:
  using Part = typename ShardOrder<T>::Part;

  index own() const { return shards_.last() - shards_.first(); }

  // Averages all that the processes have of the network.
  void average(const Team& team, bool& ends) {
    gradient_.meet(team, ends);
    team.wait();
    OptimizerState<T>& state = network_.optimizer();
    for (Buffer<T>* buffer : {&network_.parameters(), &state.moments[0], &state.moments[1]}) {
      if (gradient_.is_refused()) return;
      if (buffer->size() > 0) gradient_.average(team, buffer->data());
    }
  }

  // The gradients of all shards of this process. Returns false if the step is dropped.
  bool at_once(const Team& team, Step<T>& step, Batches<T>& batches, Tally<T>& tally,
               const EpochOrder& epoch, index done, bool more, Gathered& gathered,
               const DroppedStep& dropped, Leaving* leaving) {
    const Part first = order.first_part(done);
    const Part all = together(first, done);
    const int slot = gathered.slot;
    if (all.rows == 0) {
      gradient_.set_own_zero(team);
      return true;
    }
    if (!gathered.is_there) {
      step.gather_part(team, epoch, all.first, all.rows, all.place, slot, leaving);
      team.wait();
    }
    const Part next =
        more ? together(order.first_part(done + order.batch()), done + order.batch()) : Part{};
    gathered = {1 - slot, next.rows > 0};
    const Drawn drawn{batches.samples(), epoch.from(all.first)};
    step.forward(team, {all.place, 0}, all.rows, slot, leaving);
    step.loss(team, done / order.batch(), drawn, all.rows, slot, leaving);
    if (team.is_first()) {
      Part part = first;
      for (index i = 0; i < own(); ++i) {
        if (i > 0) part = order.next_part(i, done, part);
        const index row = part.first - all.first;
        ends_[static_cast<std::size_t>(i)] = row + part.rows;
        gradient_.add_sums(shards_.first() + i,
                           tally.sums_of(row, part.rows, drawn.samples, epoch.from(part.first)));
      }
    }
    team.wait();
    T* const stack = stacks_[static_cast<std::size_t>(team.share().worker)].data();
    backward(team, step, batches, epoch, all.rows, slot, next, leaving, [&](index node) {
      return PartsSink<T>(gradient_.tree(), ends_, network_.offset(node), stack);
    });
    team.wait();
    return goes_on(team, dropped);
  }
  // The parts of all shards of this process as one.
  Part together(Part part, index done) const {
    const index first = part.first, place = part.place;
    for (index i = 1; i < own(); ++i) part = order.next_part(i, done, part);
    return {first, part.first + part.rows - first, place};
  }

  // The same, shard after shard.
  bool one_by_one(const Team& team, Step<T>& step, Batches<T>& batches, Tally<T>& tally,
                  const EpochOrder& epoch, index done, const DroppedStep& dropped,
                  Leaving* leaving) {
    int slot = 0;
    bool is_gathered = false;
    Part part = order.first_part(done);
    for (index i = 0; i < own(); ++i) {
      const Part next = i + 1 < own() ? order.next_part(i + 1, done, part) : Part{};
      if (part.rows == 0) {
        gradient_.tree().put_zeros(team.share(), gradient_.tree().leaf(i));
        team.wait();
        part = next;
        continue;
      }
      if (!is_gathered) {
        step.gather_part(team, epoch, part.first, part.rows, part.place, slot, leaving);
        team.wait();
      }
      is_gathered = next.rows > 0;
      if (!of_shard(team, step, batches, tally, epoch, done, i, part, next, slot, leaving)) {
        return false;
      }
      if (is_gathered) slot = 1 - slot;
      if (!goes_on(team, dropped)) return false;
      part = next;
    }
    return true;
  }
  // Whether the step is not dropped. No worker polls between these barriers, so that all see the
  // same.
  static bool goes_on(const Team& team, const DroppedStep& dropped) {
    const bool is_dropped = dropped.is();
    team.wait();
    return !is_dropped;
  }

  bool of_shard(const Team& team, Step<T>& step, Batches<T>& batches, Tally<T>& tally,
                const EpochOrder& epoch, index done, index i, const Part& part, const Part& next,
                int slot, Leaving* leaving) {
    step.forward(team, {part.place, 0}, part.rows, slot, leaving);
    const Drawn drawn{batches.samples(), epoch.from(part.first)};
    step.loss(team, done / order.batch(), drawn, part.rows, slot, leaving);
    if (step.is_refused()) return false;
    backward(team, step, batches, epoch, part.rows, slot, next, leaving, [&](index node) {
      return TreeSink<T>(gradient_.tree(), gradient_.tree().leaf(i), network_.offset(node));
    });
    if (team.is_first()) {
      gradient_.add_sums(shards_.first() + i,
                         tally.sums_of(0, part.rows, drawn.samples, drawn.sample));
    }
    team.wait();
    return true;
  }

  // The way back of `rows` samples; `next`, if it has samples, is gathered meanwhile.
  template <class SinkOf>
  void backward(const Team& team, Step<T>& step, Batches<T>& batches, const EpochOrder& epoch,
                index rows, int slot, const Part& next, Leaving* leaving, SinkOf sink_of) {
    const RowsToFetch to_fetch =
        next.rows > 0 ? batches.rows_to_fetch(team.share(), epoch.from(next.first), next.rows)
                      : RowsToFetch();
    step.backward(
        team, rows, slot, to_fetch, sink_of,
        [&](Leaving* leaves) {
          if (next.rows == 0) return;
          step.gather_part(team, epoch, next.first, next.rows, next.place, 1 - slot, leaves);
        },
        leaving, [](Leaving*&) { return true; });
  }

  Update<T>& update_;
  const Shards<T> shards_;
  ShardedGradient<T> gradient_;
  Network<T>& network_;
  // If all shards go at once: memory of each worker, and where their parts of the batch end.
  std::vector<Buffer<T>> stacks_;
  std::vector<index> ends_;
};

}  // namespace foxnn
