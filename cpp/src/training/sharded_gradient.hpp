// The gradient of a batch in shards: the shards' own are added in a tree, and where there are
// several processes, completed over them.
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "base/parallel.hpp"
#include "base/subnormals.hpp"
#include "training/gradient_tree.hpp"

namespace foxnn {

template <class T>
class ShardedGradient {
 public:
  /// `sum` is the memory for the gradient of the whole network, of `size` numbers.
  ShardedGradient(index size, const Shards<T>& shards, T* sum)
      : shards_(shards),
        tree_(size, shards, sum),
        size_(size),
        sums_(static_cast<std::size_t>(shards.count())) {
    if (!shards.exchange) return;
    const auto count = static_cast<std::size_t>(shards.processes());
    const index lines = size / kLineWidth<T>, processes = shards.processes();
    parts_.resize(count), sent_.resize(count), received_.resize(count);
    const index own = lines_of(shards.process, lines) * kLineWidth<T>;
    index all_nodes = 0;
    for (index process = 0; process < processes; ++process) {
      const auto i = static_cast<std::size_t>(process);
      parts_[i] = lines_of(process, lines) * kLineWidth<T>;
      sent_[i] = own_nodes() * parts_[i];
      received_[i] = tree_.nodes()[i] * own;
      all_nodes += tree_.nodes()[i];
    }
    if (own_nodes() > 1) packed_ = Buffer<T>(own_nodes() * size);
    others_ = Buffer<T>(all_nodes * own);
  }

  /// Must be called before each batch.
  void begin() {
    std::fill(sums_.begin(), sums_.end(), ShardSums());
    is_refused_ = false;
  }
  /// The sums of a shard of this process, to be set by the first worker.
  void set_sums(index shard, const ShardSums& sums) {
    sums_[static_cast<std::size_t>(shard)] = sums;
  }
  const GradientTree<T>& tree() const { return tree_; }

  /// Completes the sums and the gradient of a batch over the processes. Must be called by every
  /// worker, after a barrier. `ends`: the first worker's, as ShardExchange::meet has it.
  void complete(const Team& team, bool& ends) {
    if (!shards_.exchange) return;
    if (team.is_first()) {
      const SubnormalsKept as_usual;  // the arithmetic of others is as they know it
      is_refused_ = !shards_.exchange->meet(sums_, ends);
    }
    if (own_nodes() > 1) pack(team);
    team.wait();
    if (is_refused_) return;
    if (team.is_first()) {
      const SubnormalsKept as_usual;
      const T* const own = own_nodes() > 1 ? packed_.data() : tree_.at(0);
      is_refused_ = !shards_.exchange->swap(own, sent_, others_.data(), received_);
    }
    team.wait();
    if (is_refused_) return;
    join(team.share());
    team.wait();
    if (team.is_first()) {
      const SubnormalsKept as_usual;
      is_refused_ = !shards_.exchange->collect(tree_.at(0), parts_);
    }
    team.wait();
  }
  /// Whether the exchange has failed.
  bool is_refused() const { return is_refused_; }
  /// What all shards have, once it is complete.
  ShardSums whole() const {
    ShardSums all;
    for (const ShardSums& one : sums_) {
      all.loss += one.loss, all.weight += one.weight;
      all.correct += one.correct, all.positions += one.positions;
    }
    return all;
  }

 private:
  index own_nodes() const { return tree_.nodes()[static_cast<std::size_t>(shards_.process)]; }
  index first_line(index process, index lines) const {
    return lines * process / shards_.processes();
  }
  index lines_of(index process, index lines) const {
    return first_line(process + 1, lines) - first_line(process, lines);
  }

  // Brings the sums that are left into the order in which they are sent.
  void pack(const Team& team) {
    index to = 0, from = 0;
    for (const index part : parts_) {
      for (index node = 0; node < own_nodes(); ++node, to += part) {
        const index first = team.share().first(part), last = team.share().last(part);
        std::copy_n(tree_.at(node) + from + first, last - first, packed_.data() + to + first);
      }
      from += part;
    }
  }
  // Adds what all processes have of the part of this one.
  void join(Share share) {
    const index part = parts_[static_cast<std::size_t>(shards_.process)];
    const index first = share.first(part / kLineWidth<T>) * kLineWidth<T>;
    const index count = share.last(part / kLineWidth<T>) * kLineWidth<T> - first;
    T* stack[64];  // of halves of a number below 2^63
    T* node = others_.data() + first;
    for (const auto& [to, added] : tree_.joins()) {
      for (index i = added; i > 0; --i) kernels<T>().add_to(count, node, stack[to + i - 1]);
      stack[to] = node;
      node += part;
    }
    const index at = size_ / kLineWidth<T> * shards_.process / shards_.processes();
    std::copy_n(stack[0], count, tree_.at(0) + at * kLineWidth<T> + first);
  }

  const Shards<T> shards_;
  GradientTree<T> tree_;
  index size_;
  std::vector<ShardSums> sums_;
  std::vector<index> parts_, sent_, received_;
  Buffer<T> packed_, others_;
  bool is_refused_ = false;  // written by the first worker between two barriers
};

}  // namespace foxnn
