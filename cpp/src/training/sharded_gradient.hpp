// The gradient of a batch in shards: the shards' own are added in a tree, and where there are
// several processes, completed over them.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/parallel.hpp"
#include "base/subnormals.hpp"
#include "training/gradient_tree.hpp"

namespace foxnn {

template <class T>
class ShardedGradient {
 public:
  /// `sum` is the memory for the gradient of the whole network, of `size` numbers; `at_once` as
  /// GradientTree has it.
  ShardedGradient(index size, const Shards<T>& shards, T* sum, bool at_once)
      : shards_(shards),
        tree_(size, shards, sum, at_once),
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
    if (shards.averages()) {
      others_ = Buffer<T>(processes * own);
      return;
    }
    if (own_nodes() > 1) packed_ = Buffer<T>(own_nodes() * size);
    others_ = Buffer<T>(all_nodes * own);
  }

  /// Must be called before the batches that are exchanged together.
  void begin() {
    std::fill(sums_.begin(), sums_.end(), ShardSums());
    is_refused_ = false;
  }
  /// Must be called before each batch.
  void begin_batch() { own_weight_ = 0.0; }
  /// Adds the sums of a shard of this process; called by the first worker.
  void add_sums(index shard, const ShardSums& sums) {
    ShardSums& all = sums_[static_cast<std::size_t>(shard)];
    all.loss += sums.loss, all.weight += sums.weight;
    all.correct += sums.correct, all.positions += sums.positions;
    own_weight_ += sums.weight;
  }
  const GradientTree<T>& tree() const { return tree_; }

  /// The weight of the samples that this process has of a batch.
  double own_weight() const { return own_weight_; }
  /// Completes the gradient of a batch over the shards of this process alone. Must be called by
  /// every worker, after a barrier.
  void complete_own(const Team& team) {
    if (own_nodes() == 0) return set_own_zero(team);
    of_all(team.share(), [&](index first, index count) {
      for (index i = own_nodes() - 1; i > 0; --i) {
        kernels<T>().add_to(count, tree_.at(i - 1) + first, tree_.at(i) + first);
      }
    });
    team.wait();
  }
  /// The gradient of this process if it has no samples of a batch. Must be called by every worker.
  void set_own_zero(const Team& team) {
    of_all(team.share(), [&](index first, index count) {
      for (index i = 0; i < std::max<index>(1, own_nodes()); ++i) {
        std::fill_n(tree_.at(i) + first, count, T(0));
      }
    });
    team.wait();
  }
  /// Completes the sums over the processes. Must be called by every worker, after a barrier, and
  /// be followed by one. `ends`: the first worker's, as ShardExchange::meet has it.
  void meet(const Team& team, bool& ends) {
    if (!team.is_first()) return;
    const SubnormalsKept as_usual;  // the arithmetic of others is as they know it
    is_refused_ = !shards_.exchange->meet(sums_, ends);
  }
  /// Replaces numbers in the layout of the parameters by their mean over the processes, of which
  /// each counts as often as it has shards. Must be called by every worker, after a barrier.
  void average(const Team& team, T* numbers) {
    if (team.is_first()) {
      const SubnormalsKept as_usual;
      const std::vector<index> received(parts_.size(), own_part());
      is_refused_ = !shards_.exchange->swap(numbers, parts_, others_.data(), received);
    }
    team.wait();
    if (is_refused_) return;
    mean(team.share(), numbers + own_begin());
    team.wait();
    collect(team, numbers);
  }

  /// Completes the sums and the gradient of a batch over the processes. Must be called by every
  /// worker, after a barrier. `ends`: the first worker's, as ShardExchange::meet has it.
  void complete(const Team& team, bool& ends) {
    if (!shards_.exchange) return;
    meet(team, ends);
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
    collect(team, tree_.at(0));
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
  void collect(const Team& team, T* whole) {
    if (team.is_first()) {
      const SubnormalsKept as_usual;
      is_refused_ = !shards_.exchange->collect(whole, parts_);
    }
    team.wait();
  }
  // The part of the numbers that this process completes: where it begins, and its size.
  index own_begin() const {
    return size_ / kLineWidth<T> * shards_.process / shards_.processes() * kLineWidth<T>;
  }
  index own_part() const { return parts_[static_cast<std::size_t>(shards_.process)]; }
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
  // Calls f(first, count) for the worker's share of so many numbers, of all numbers, and of the
  // part of this process.
  template <class Function>
  static void of(index numbers, Share share, Function f) {
    const index lines = numbers / kLineWidth<T>, first = share.first(lines) * kLineWidth<T>;
    f(first, share.last(lines) * kLineWidth<T> - first);
  }
  template <class Function>
  void of_all(Share share, Function f) const {
    of(size_, share, f);
  }
  template <class Function>
  void of_own_part(Share share, Function f) const {
    of(own_part(), share, f);
  }
  // Adds what all processes have of the part of this one.
  void join(Share share) {
    of_own_part(share, [&](index first, index count) {
      T* stack[64];  // of halves of a number below 2^63
      T* node = others_.data() + first;
      T* const own = tree_.at(0) + own_begin() + first;
      auto join = tree_.joins().begin();
      for (index process = 0; process < shards_.processes(); ++process) {
        for (index i = 0; i < tree_.nodes()[static_cast<std::size_t>(process)]; ++i, ++join) {
          T* sum = node;
          node += own_part();
          if (process == shards_.process) sum = tree_.at(i) + own_begin() + first;
          for (index added = join->added; added > 0; --added) {
            T*& other = stack[join->to + added - 1];
            if (other == own) std::swap(other, sum);  // the result is to be there
            kernels<T>().add_to(count, sum, other);
          }
          stack[join->to] = sum;
        }
      }
      if (stack[0] != own) std::copy_n(stack[0], count, own);
    });
  }
  // Numbers that are the same everywhere stay as they are.
  void mean(Share share, T* own) const {
    of_own_part(share, [&](index first, index count) {
      const T* const others = others_.data() + first;
      const auto of_process = [&](index process) {
        return process == shards_.process ? own + first : others + process * own_part();
      };
      constexpr index kBlock = 1024;
      T start[kBlock], sum[kBlock];
      for (index at = 0; at < count; at += kBlock) {
        const index block = std::min(kBlock, count - at);
        std::copy_n(of_process(0) + at, block, start);
        std::copy_n(start, block, sum);
        for (index process = 1; process < shards_.processes(); ++process) {
          const T* const numbers = of_process(process) + at;
          const T factor = part_of_shards(process);
          for (index i = 0; i < block; ++i) sum[i] += factor * (numbers[i] - start[i]);
        }
        std::copy_n(sum, block, own + first + at);
      }
    });
  }
  T part_of_shards(index process) const {
    const auto i = static_cast<std::size_t>(process);
    return static_cast<T>(static_cast<double>(shards_.borders[i + 1] - shards_.borders[i]) /
                          static_cast<double>(shards_.count()));
  }

  const Shards<T> shards_;
  GradientTree<T> tree_;
  index size_;
  std::vector<ShardSums> sums_;
  std::vector<index> parts_, sent_, received_;
  Buffer<T> packed_, others_;
  double own_weight_ = 0.0;
  bool is_refused_ = false;  // written by the first worker between two barriers
};

}  // namespace foxnn
