// The tree in which the gradients of the shards are added: that of halves, whose order of additions
// depends on the number of shards alone, and not on which process has which of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/network.hpp"
#include "foxnn/shards.hpp"
#include "foxnn/sink.hpp"
#include "kernels/kernel_table.hpp"

namespace foxnn {

/// The order of the additions: sums of neighbouring shards, from left to right, lie on a stack
/// until the other half is complete.
class TreeOrder {
 public:
  explicit TreeOrder(index shards) : shards_(shards) {
    while ((index{1} << top_) < shards) ++top_;
  }

  /// The sum of the shards from place * 2^level on, 2^level of them, or fewer at the end.
  struct Node {
    int level;
    index place;
    bool operator==(const Node&) const = default;
  };

  /// Puts a node on the stack. Returns to how many nodes, from the top of the stack down, it is
  /// added on the way: it takes the place of the last of them.
  index push(Node node) {
    index added = 0;
    for (;;) {
      // What has nothing to its right is the sum of the whole.
      while (node.level < top_ && node.place % 2 == 0 &&
             (node.place + 1) << node.level >= shards_) {
        node = {node.level + 1, node.place / 2};
      }
      if (node.place % 2 == 0 || stack_.empty()) break;
      if (stack_.back() != Node{node.level, node.place - 1}) break;
      stack_.pop_back();
      node = {node.level + 1, node.place / 2};
      ++added;
    }
    stack_.push_back(node);
    return added;
  }
  const std::vector<Node>& stack() const { return stack_; }

 private:
  index shards_;
  int top_ = 0;
  std::vector<Node> stack_;
};

template <class T>
class GradientTree {
 public:
  /// `sum` is the memory for the gradient of the whole network. `at_once`: each number of it is
  /// added up over all shards of this process at once, so that only what is left has a place.
  GradientTree(index size, const Shards<T>& shards, T* sum, bool at_once) : size_(size) {
    TreeOrder all(shards.count());
    for (index process = 0; process < shards.processes(); ++process) {
      const auto begin = shards.borders[static_cast<std::size_t>(process)];
      const auto end = shards.borders[static_cast<std::size_t>(process) + 1];
      TreeOrder own(shards.count());
      for (index shard = begin; shard < end; ++shard) {
        const index added = own.push({0, shard});
        if (process != shards.process) continue;
        leaves_.push_back({static_cast<index>(own.stack().size()) - 1, added});
        most_ = std::max(most_, static_cast<index>(own.stack().size()));
      }
      nodes_.push_back(static_cast<index>(own.stack().size()));
      for (const TreeOrder::Node& node : own.stack()) {
        const index added = all.push(node);
        joins_.push_back({static_cast<index>(all.stack().size()) - 1, added});
      }
    }
    at_.push_back(sum);
    const index places = at_once ? nodes_[static_cast<std::size_t>(shards.process)] : most_;
    for (index i = 1; i < places; ++i) {
      memory_.emplace_back(size);
      at_.push_back(memory_.back().data());
    }
  }

  /// Where a gradient goes: to a place on the stack, after those from there on have been added.
  struct Move {
    index to, added;
  };
  /// Of a shard of this process, counted from its first one.
  const Move& leaf(index shard) const { return leaves_[static_cast<std::size_t>(shard)]; }
  /// How many sums each process is left with, and how these are joined, process by process.
  const std::vector<index>& nodes() const { return nodes_; }
  /// The most sums that lie on the stack of this process at a time.
  index most() const { return most_; }
  const std::vector<Move>& joins() const { return joins_; }
  T* at(index place) const { return at_[static_cast<std::size_t>(place)]; }

  /// Moves `count` numbers of the gradient of a shard, those from `offset` on; changes them.
  void put(const Move& move, index offset, index count, T* gradient) const {
    for (index i = move.added; i > 0; --i) {
      kernels<T>().add_to(count, gradient, at(move.to + i - 1) + offset);
    }
    std::copy_n(gradient, count, at(move.to) + offset);
  }
  /// The same for the worker's share of a shard without samples, whose gradient is zero.
  void put_zeros(Share share, const Move& move) const {
    constexpr index kBlock = 1024;
    alignas(64) T zeros[kBlock];
    const index lines = size_ / kLineWidth<T>;
    const index end = share.last(lines) * kLineWidth<T>;
    for (index first = share.first(lines) * kLineWidth<T>; first < end; first += kBlock) {
      const index count = std::min(kBlock, end - first);
      std::fill_n(zeros, count, T(0));
      put(move, first, count, zeros);
    }
  }

 private:
  index size_, most_ = 1;
  std::vector<Move> leaves_, joins_;
  std::vector<index> nodes_;
  std::vector<Buffer<T>> memory_;
  std::vector<T*> at_;
};

/// Adds up the gradients of all shards of a process, piece by piece: the stack of a piece is in the
/// first-level or second-level cache, and what is left of it goes into the tree.
template <class T>
class PartsSink final : public GradientSink<T> {
 public:
  /// The most numbers of a piece.
  static constexpr index kMost = kPairPanels * kPanelWidth<T> * kPanelWidth<T>;

  /// `ends`: where the parts of the shards end in the batch. `stack`: the worker's memory for
  /// GradientTree::most() pieces, and one.
  PartsSink(const GradientTree<T>& tree, std::span<const index> ends, index base, T* stack)
      : tree_(tree), ends_(ends), base_(base), stack_(stack) {}
  std::span<const index> part_ends() const override { return ends_; }
  // What is added to nothing stays where it is computed.
  T* part_memory(index part) const override { return at(top(tree_.leaf(part))); }
  void take_part(index part, const typename GradientSink<T>::Piece& piece, T* gradient) override {
    const auto& move = tree_.leaf(part);
    const index count = piece.runs * piece.count;
    if (gradient != at(top(move))) std::copy_n(gradient, count, at(top(move)));
    for (index i = top(move); i > move.to; --i) kernels<T>().add_to(count, at(i - 1), at(i));
    if (part + 1 < static_cast<index>(ends_.size())) return;
    for (index i = 0; i <= move.to; ++i) {
      T* to = tree_.at(i) + base_ + piece.offset;
      for (index run = 0; run < piece.runs; ++run, to += piece.distance) {
        std::copy_n(at(i) + run * piece.count, piece.count, to);
      }
    }
  }
  void take(index, index, T*) override {}
  typename GradientSink<T>::Targets targets(index) const override { return {}; }

 private:
  T* at(index place) const { return stack_ + place * kMost; }
  // Where a gradient lies before it is added to those below it.
  static index top(const typename GradientTree<T>::Move& move) { return move.to + move.added; }

  const GradientTree<T>& tree_;
  std::span<const index> ends_;
  index base_;
  T* stack_;
};

/// Puts a layer's gradient into the tree.
template <class T>
class TreeSink final : public GradientSink<T> {
 public:
  TreeSink(const GradientTree<T>& tree, const typename GradientTree<T>::Move& move, index base)
      : tree_(tree), move_(move), base_(base) {}
  void take(index offset, index count, T* gradient) override {
    tree_.put(move_, base_ + offset, count, gradient);
  }
  typename GradientSink<T>::Targets targets(index) const override { return {}; }

 private:
  const GradientTree<T>& tree_;
  const typename GradientTree<T>::Move& move_;
  index base_;
};

}  // namespace foxnn
