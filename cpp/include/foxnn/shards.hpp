// Training in shards: the samples are cut into shards, of each of which a batch takes as many
// samples, and the gradients of the shards are added in one fixed tree. Several processes, each
// with some of the shards, so make the same steps as one that has all of them.
#pragma once

#include <span>
#include <vector>

#include "foxnn/rows.hpp"

namespace foxnn {

/// The sums of a shard over its samples in a batch.
struct ShardSums {
  double loss = 0.0, weight = 0.0, correct = 0.0, positions = 0.0;
};

/// How processes exchange what they have. Each call is answered in all processes alike. It is
/// called by the thread that called the engine, and must not throw: if it returns false, the step
/// is dropped, and nothing has changed.
template <class T>
class ShardExchange {
 public:
  virtual ~ShardExchange() = default;
  /// Fills in the sums of the other processes' shards. `ends`: whether this process wants to end
  /// the steps after this one; becomes whether any does.
  virtual bool meet(std::span<ShardSums> sums, bool& ends) = 0;
  /// Gives each other process its part of `sent`, so many numbers one after the other, and gets as
  /// much of theirs. What a process has for itself need not be copied.
  virtual bool swap(const T* sent, std::span<const index> sent_counts, T* received,
                    std::span<const index> received_counts) = 0;
  /// Completes `whole`, of which each process has its own part.
  virtual bool collect(T* whole, std::span<const index> counts) = 0;
};

/// How the samples are cut, and which shards are here.
template <class T>
struct Shards {
  /// Process i has the shards from borders[i] to borders[i + 1] - 1. Empty: there are no shards.
  std::vector<index> borders = {};
  index process = 0;  ///< this one: its samples are those of its shards, one after the other
  index samples = 0;  ///< of all processes
  ShardExchange<T>* exchange = nullptr;  ///< null: there is one process; must outlive the trainer
  /// 0: all processes make the same steps. Otherwise each makes its own, along the gradient of its
  /// own shards, and after so many of them, and at the end of an epoch, the processes average their
  /// parameters, and what the optimizer remembers of these. The result depends on their number.
  index average_every = 0;

  bool are_used() const { return !borders.empty(); }
  index count() const { return borders.back(); }
  index processes() const { return static_cast<index>(borders.size()) - 1; }
  bool averages() const { return average_every > 0 && exchange != nullptr; }
  index first() const { return borders[static_cast<std::size_t>(process)]; }
  index last() const { return borders[static_cast<std::size_t>(process) + 1]; }
};

/// How many of so many samples belong to a shard: the first shards have one more if it does not
/// come out even.
constexpr index shard_size(index samples, index shards, index shard) {
  return samples > shard ? (samples - shard - 1) / shards + 1 : 0;
}

}  // namespace foxnn
