// A pass of a batch through a network, forward and backward: the only loop over its layers in each
// direction but for that of narrow networks (layers/narrow.hpp), and the memory of both. The caller
// decides what happens between the layers (a barrier, or nothing) and how gradients are used.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "foxnn/network.hpp"
#include "network/batch.hpp"
#include "network/lane_plan.hpp"
#include "network/step_plan.hpp"
#include "network/stored_batch.hpp"

namespace foxnn {

/// What the memory of a pass must provide.
struct PassNeeds {
  bool backward = false;  ///< everything that layers keep for the backward pass is retained
  bool outputs = false;   ///< the outputs of all layers are retained
  bool gradient_of_input = false;
  int slots = 1;                ///< number of input batches held at once
  bool looks_for_zeros = true;  ///< zeros in the inputs are recorded and skipped
  bool stored = false;          ///< inputs are stored rows, in place of panels
  bool lengths = false;         ///< inputs are sequences of different lengths
  bool states = false;          ///< layers carry states from a piece of sequences to the next
};

/// The options of one pass.
struct PassOptions {
  int slot = 0;
  const Occasion* training = nullptr;  ///< null: the pass is for inference
  bool raw = false;                    ///< the last activation is not applied
  RowNeeds* const* needs = nullptr;    ///< by node, of rows of parameters; null: none is behind
  index piece = 0;                     ///< of sequences that come in pieces, if states are carried
};

template <class T>
class Pass {
 public:
  Pass(const Network<T>& network, index rows, const PassNeeds& needs);
  Pass(Pass&&) noexcept = default;
  Pass(const Pass&) = delete;  // nodes point into its memory

  /// Memory for the inputs, in compact panels.
  Rows<T> input(int slot = 0) { return inputs_[at(slot)].rows(); }
  /// Reads rows [first, first + rows) of x, or those that an order has there, into the first slot.
  /// Sequences must be in an order in which the longest come first.
  void read(const MatrixView& x, index first, index rows, const std::uint32_t* order = nullptr);
  /// Whether batches are sequences of different lengths.
  bool takes_lengths() const { return steps_.has_value(); }
  /// Says how long the sequences in a slot are: `length_of(r)` steps, the longest first.
  template <class LengthOf>
  void set_lengths(int slot, index rows, LengthOf length_of) {
    steps_->set(slot, rows, length_of);
  }
  /// How many first rows have each step of the outputs; null: all of them.
  const std::uint32_t* rows_of_output(int slot) const { return nodes_.back().steps_of(slot).y; }
  /// What stands in a step of the inputs that a sequence does not have.
  T missing() const { return missing_; }
  /// Layers read the inputs of a single sample there, in place of input(); null: in input() again.
  void read_at(const T* row);
  /// The outputs of a single sample are written there; null: to memory of the pass again.
  void write_at(T* row) { nodes_.back().out.y.data = row ? row : output_; }
  /// Whether all inputs of a batch of `rows` rows are finite. If the batch is not full, panels also
  /// hold older rows.
  bool inputs_are_finite(index rows);
  /// Memory for the inputs as stored rows; null if they are in panels.
  StoredBatch<T>* stored(int slot = 0) { return needs_.stored ? &stored_[at(slot)] : nullptr; }
  /// Makes room for batches of so many stored numbers, if the inputs are stored rows.
  void make_room(index stored) {
    for (StoredBatch<T>& batch : stored_) batch.make_room(stored);
  }
  /// Which inputs are nonzero, in the format of Rows; null if this is not recorded.
  std::uint32_t* nonzero(int slot = 0) {
    return nonzero_[at(slot)].empty() ? nullptr : nonzero_[at(slot)].data();
  }
  /// The outputs, in the layout of their layer; the numbers of a position follow each other.
  Rows<T> output() const { return nodes_.back().out.y; }
  /// The outputs of a node in its layer's layout. For all but the last node they are valid only if
  /// outputs are retained.
  Rows<T> output_of(index node) const { return nodes_[at(plan_.stage_of(node))].out.y; }
  Rows<T> slope_of_output() const { return nodes_.back().out.slope; }

  /// Applies dropout to the outputs of a node: the nodes that read it then read `dropped`. There is
  /// a mask for each slot. If `dropped` has null data, dropout is switched off.
  void set_dropout(index node, const Rows<T>& dropped, const std::vector<Rows<const T>>& masks);

  /// Computes the worker's share of every layer's outputs. Calls `wait()` after each layer.
  template <class Wait>
  void forward(Share share, index rows, const PassOptions& options, Scratch<T> scratch, Wait wait) {
    const NodeMemory* const last = &nodes_.back();
    for (const NodeMemory& node : nodes_) {
      if (node.merged_with >= 0) continue;
      Outputs<T> out = node.out;
      out.steps = node.steps_of(options.slot);
      out.raw = options.raw && &node == last;
      if (node.states[0]) node.carry(options.piece, out);
      Occasion occasion;
      if (options.training) {
        occasion = *options.training;
        occasion.draw += node.first_draw;
        out.training = &occasion;
      }
      if (node.out.dropped.data) out.mask = node.masks[at(options.slot)];
      if (RowNeeds* needs = needs_of(node, options)) {
        node.layer->need_rows(share, rows, node.inputs(options.slot), *needs);
        wait();
      }
      if (node.reads_stored) {
        node.layer->forward_stored(share, rows, stored_[at(options.slot)].rows(), out, scratch);
      } else {
        node.layer->forward(share, rows, node.inputs(options.slot), out, scratch);
      }
      wait();
    }
  }

  /// The states before a piece of sequences: of each layer that has one, so many numbers a row.
  struct States {
    T* numbers;
    index size;
  };
  std::vector<States> states(index piece) const;

  /// Lets layers update their running arrays after a training step.
  void settle(Share share, index rows) {
    for (const NodeMemory* node : settling_) {
      if (node->layer->is_trained()) node->layer->settle(share, rows, node->out.kept);
    }
  }

  /// Memory for d loss / d preactivations of the outputs (or d loss / d outputs, if the last layer
  /// has no activation), from which the backward pass starts.
  Rows<T> delta_of_output() const { return nodes_.back().delta; }
  /// d loss / d inputs, if it was requested.
  Rows<T> delta_of_input() const { return input_.delta; }
  /// Determines again which nodes need a gradient: layers may have been frozen.
  void plan_backward();
  /// The node at which, or before which, the backward pass last passes a gradient on.
  index last_to_pass() const { return last_to_pass_; }
  /// Runs the backward pass from delta_of_output. Calls `wait()` where workers need each other's
  /// results; it returns nothing. Calls `visit(i, back)` for every node of the network once its
  /// inputs' gradients have been computed; it returns whether to go on.
  template <class Wait, class Visit>
  bool backward(Share share, index rows, int slot, Scratch<T>& scratch, Wait wait, Visit visit) {
    for (index i = static_cast<index>(nodes_.size()) - 1; i >= 0; --i) {
      const NodeMemory& node = nodes_[at(i)];
      const StoredRows<T> stored = node.reads_stored ? stored_[at(slot)].rows() : StoredRows<T>();
      const Back<T> back{.x = node.inputs(slot),
                         .stored = node.reads_stored ? &stored : nullptr,
                         .y = node.out.y,
                         .slope = node.out.slope,
                         .kept = node.out.kept,
                         .items = node.items,
                         .delta = node.delta,
                         .lanes = node.out.lanes,
                         .steps = node.steps_of(slot)};
      if (node.needs_gradient) {
        if (!node.parts.empty()) {
          add_parts(share, rows, node, slot, scratch);
          wait();
        }
        if (node.layer->has_backward()) {
          node.layer->backward(share, rows, back, scratch);
          wait();
        }
        if (node.merged_with < 0 && !node.passings.empty()) {
          for (const Passing& passing : node.passings) {
            const typename Layer<T>::Below below = below_of(node, passing, slot);
            node.layer->backward_input(share, rows, passing.which, back, passing.to, below,
                                       scratch);
          }
          wait();
        }
      }
      if (node.number >= 0 && !visit(node.number, back)) return false;
    }
    if (!input_.parts.empty() && needs_.gradient_of_input) {
      add_parts(share, rows, input_, slot, scratch);
      wait();
    }
    return true;
  }

 private:
  template <class Integer>
  static std::size_t at(Integer i) {
    return static_cast<std::size_t>(i);
  }

  // A gradient that a node passes on: that of its input `which`, the output of node `source`.
  struct Passing {
    index which, source;
    Rows<T> to;
  };
  // The memory of a stage, or (without a layer) of the network's inputs.
  struct NodeMemory {
    const Layer<T>* layer = nullptr;
    index number = -1;  // of the node in the network; -1: it turns a value
    const std::vector<index>* reads = nullptr;
    Outputs<T> out;                    // what does not change from batch to batch
    const Rows<const T>* x = nullptr;  // inputs of slot 0, then those of the other slots
    index input_count = 0;
    Rows<T> delta;
    std::vector<Rows<const T>> masks;  // by slot
    index readers = 0, last_reader = 0;
    std::uint32_t first_draw = 0;
    index columns = 0;
    index merged_with = -1;                // the stage that does its part, in its memory
    const Layer<T>* picks_from = nullptr;  // the layer whose activation readers finish in its place
    bool needs_gradient = false;           // the backward pass needs its gradient
    bool reads_stored = false;             // it reads the network's inputs as stored rows
    std::vector<Passing> passings;
    std::vector<Rows<T>> parts;  // of delta, one per reader if there are several
    std::uint32_t* items = nullptr;
    std::vector<StepRows> steps;  // by slot; empty: there are no sequences
    // Those before pieces of even numbers, and of odd ones: of a piece that is dropped, the states
    // before it are still there. Null: it has none, or they are not carried.
    T* states[2] = {};

    StepRows steps_of(int slot) const { return steps.empty() ? StepRows() : steps[at(slot)]; }
    const Rows<const T>* inputs(int slot) const { return x + slot * input_count; }
    // Before the first piece they are zero.
    void carry(index piece, Outputs<T>& to) const {
      if (piece > 0) to.begin = states[piece % 2];
      to.end = states[(piece + 1) % 2];
    }
  };

  static RowNeeds* needs_of(const NodeMemory& node, const PassOptions& options) {
    return options.needs && node.number >= 0 ? options.needs[node.number] : nullptr;
  }
  void merge();
  void find_picks();
  NodeMemory& memory_of(index node) { return node == kNetworkInput ? input_ : nodes_[at(node)]; }
  void make_outputs();
  void make_deltas();
  void find_inputs();
  Rows<T> hold(Batch<T> batch);
  // The rows and columns of a node's values, as they lie in memory.
  struct Extent {
    index height, width;
    bool is_written = false;  // all of it by each pass, but for the last rows, which stay zero
    index zeros = 0;
    Batch<T> panels() const;
    index size() const { return height * panel_count<T>(width) * kPanelWidth<T>; }
  };
  Extent extent_of(const NodeMemory& node) const;
  Batch<T> batch_of(const NodeMemory& node) const;
  static typename Layer<T>::Below own_of(const NodeMemory& node);
  typename Layer<T>::Below below_of(const NodeMemory& node, const Passing& passing, int slot) const;
  void add_parts(Share share, index rows, const NodeMemory& node, int slot,
                 const Scratch<T>& scratch) const;

  index rows_;
  PassNeeds needs_;
  LanePlan<T> plan_;
  std::optional<StepPlan<T>> steps_;
  T missing_;
  index input_count_ = 0;  // numbers in a batch of inputs, with what is not used
  index last_to_pass_ = 0;
  std::vector<Batch<T>> inputs_;
  std::vector<StoredBatch<T>> stored_;
  std::vector<std::vector<std::uint32_t>> nonzero_;
  std::vector<Batch<T>> held_;
  std::vector<Buffer<T>> kept_;
  std::vector<Buffer<std::uint32_t>> kept_items_;
  std::vector<Buffer<T>> states_;
  std::vector<Rows<const T>> x_;  // of all nodes
  NodeMemory input_;
  std::vector<NodeMemory> nodes_;
  T* output_ = nullptr;                      // memory for the outputs of the last
  std::vector<const NodeMemory*> settling_;  // those with running arrays
};

extern template class Pass<float>;
extern template class Pass<double>;

}  // namespace foxnn
