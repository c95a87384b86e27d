// The memory of a pass: where each node writes, and which nodes read it.
#include "network/pass.hpp"

#include <algorithm>

#include "layers/lanes.hpp"

namespace foxnn {
namespace {

// Whether a layer that reads the network's inputs wants to know where they are zero.
template <class T>
bool are_zeros_skipped(const std::vector<Stage<T>>& stages) {
  return std::any_of(stages.begin(), stages.end(), [](const Stage<T>& stage) {
    const auto& reads = stage.reads;
    return stage.layer->skips_zeros() &&
           std::find(reads.begin(), reads.end(), kNetworkInput) != reads.end();
  });
}

}  // namespace

// Users see the outputs of all layers in rows.
template <class T>
Pass<T>::Pass(const Network<T>& network, index rows, const PassNeeds& needs)
    : rows_(rows),
      needs_(needs),
      plan_(network, needs.outputs || needs.lengths
                         ? LaneNeeds{}
                         : LaneNeeds{rows, needs.backward, needs.gradient_of_input}),
      missing_(network.index_limit() > 0 ? T(-1) : T(0)) {  // an index of no row
  const bool looks_for_zeros = needs.looks_for_zeros && are_zeros_skipped(plan_.stages());
  for (int slot = 0; slot < needs.slots; ++slot) {
    nonzero_.emplace_back();
    if (needs.stored) {
      stored_.emplace_back(rows, network.inputs(), needs.backward);
      inputs_.emplace_back();
      continue;
    }
    inputs_.push_back(Batch<T>::panels(rows, network.inputs()));
    input_count_ = panel_count<T>(network.inputs()) * inputs_.back().rows().panel;
    if (looks_for_zeros) nonzero_.back().resize(at(input_count_ / kPanelWidth<T>));
  }
  input_.columns = network.inputs();
  const std::vector<Stage<T>>& stages = plan_.stages();
  const auto size = static_cast<index>(stages.size());
  held_.reserve(at(size * (needs.backward ? 3 : 1)));
  nodes_.resize(at(size));
  std::uint32_t draws = 0;
  for (index i = 0; i < size; ++i) {
    const Stage<T>& stage = stages[at(i)];
    NodeMemory& node = nodes_[at(i)];
    node.layer = stage.layer;
    node.number = stage.node;
    node.reads = &stage.reads;
    node.out.lanes = stage.lanes;
    node.input_count = static_cast<index>(stage.reads.size());
    for (const index read : stage.reads) {
      ++memory_of(read).readers;
      memory_of(read).last_reader = i;
      if (read == kNetworkInput) node.reads_stored = needs.stored;
    }
    const Form& output = node.layer->output();
    node.columns = stage.lanes.y ? output.shape.size() : output.layout.columns();
    node.first_draw = draws;
    draws += static_cast<std::uint32_t>(node.layer->draws());
  }
  if (needs.lengths) {
    steps_.emplace(network, stages, needs.slots);
    for (index i = 0; i < size; ++i) {
      for (int slot = 0; slot < needs.slots; ++slot) {
        nodes_[at(i)].steps.push_back(steps_->rows_of(stages[at(i)], i, slot));
      }
    }
  }
  for (NodeMemory& node : nodes_) {
    if (!needs.states || node.layer->state_size() == 0) continue;
    for (T*& states : node.states) {
      states_.emplace_back(rows * node.layer->state_size());
      states = states_.back().data();
    }
  }
  for (const NodeMemory& node : nodes_) {
    const std::vector<Array>& arrays = node.layer->arrays();
    const auto is_running = [](const Array& array) { return !array.is_trained(); };
    if (std::any_of(arrays.begin(), arrays.end(), is_running)) settling_.push_back(&node);
  }
  merge();
  if (needs.backward) find_picks();
  make_outputs();
  find_inputs();
  if (needs.backward) {
    make_deltas();
    plan_backward();
  }
}

template <class T>
auto Pass<T>::extent_of(const NodeMemory& node) const -> Extent {
  const bool is_backward = needs_.backward && !needs_.lengths;
  if (!node.out.lanes.y) {
    // Where panels have columns without a number, some that read them take these for zeros.
    const bool is_full =
        node.columns % kPanelWidth<T> == 0 && node.columns == node.layer->output().shape.size();
    return {rows_, node.columns, is_backward && is_full};
  }
  // And a position that stays zero.
  const index zeros = node.layer->output().shape.channels;
  return {node.columns + zeros, rows_, is_backward && rows_ % kPanelWidth<T> == 0, zeros};
}

template <class T>
Batch<T> Pass<T>::Extent::panels() const {
  Batch<T> batch = Batch<T>::panels(height, width, !is_written);
  for (index panel = 0; is_written && zeros > 0 && panel < panel_count<T>(width); ++panel) {
    std::fill_n(batch.rows().at(height - zeros, panel), zeros * kPanelWidth<T>, T(0));
  }
  return batch;
}

// Finds the nodes that the only node that they read can do in passing. Users see the outputs of all
// layers as they are.
template <class T>
void Pass<T>::merge() {
  if (needs_.outputs) return;
  for (NodeMemory& node : nodes_) {
    if (!node.layer->works_in_place() || node.input_count != 1 || &node == &nodes_.back()) continue;
    const index read = node.reads->front();
    if (read == kNetworkInput) continue;
    NodeMemory& source = nodes_[at(read)];
    if (source.readers > 1 || source.merged_with >= 0 || !source.layer->applies_next()) continue;
    node.merged_with = read;
    source.out.then = node.layer;
  }
}

// Finds the nodes whose readers can apply the derivative of the activation before them. It must
// follow from the outputs: slopes are kept of all of them.
template <class T>
void Pass<T>::find_picks() {
  for (NodeMemory& node : nodes_) {
    if (!node.layer->picks_inputs() || &node == &nodes_.back()) continue;
    const index read = node.reads->front();
    if (read == kNetworkInput || nodes_[at(read)].readers > 1) continue;
    const Layer<T>* layer = nodes_[at(read)].layer;
    if (layer->keeps_slope() || layer->finishes_rows() || layer->takes_masks()) continue;
    node.picks_from = layer;
  }
}

// Memory for numbers of a node; those of the network's outputs as losses need them.
template <class T>
Batch<T> Pass<T>::batch_of(const NodeMemory& node) const {
  if (&node == &nodes_.back()) {
    return Batch<T>::of_outputs(rows_, node.layer->output(), needs_.backward);
  }
  return extent_of(node).panels();
}

template <class T>
Rows<T> Pass<T>::hold(Batch<T> batch) {
  held_.push_back(std::move(batch));
  return held_.back().rows();
}

template <class T>
void Pass<T>::read(const MatrixView& x, index first, index rows, const std::uint32_t* order) {
  const auto row_of = [first, order](index r) {
    return order ? index{order[first + r]} : first + r;
  };
  if (needs_.stored) return stored_.front().read({}, x, rows, row_of, nullptr);
  const Rows<T> in = input();
  for (index r = 0; r < rows; ++r) {
    read_row(x, row_of(r), in.from_row(r), nonzero() ? nonzero() + r : nullptr, missing_);
  }
  if (steps_) set_lengths(0, rows, [&](index r) { return index{x.lengths[row_of(r)]}; });
}

template <class T>
void Pass<T>::read_at(const T* row) {
  const T* const from = row ? row : inputs_.front().rows().data;
  for (const NodeMemory& node : nodes_) {
    for (index which = 0; which < node.input_count; ++which) {
      if ((*node.reads)[at(which)] == kNetworkInput) x_[at(node.x - x_.data() + which)].data = from;
    }
  }
}

template <class T>
bool Pass<T>::inputs_are_finite(index rows) {
  const KernelTable<T>& k = kernels<T>();
  if (!needs_.stored) return k.all_finite(input_count_, input().data, T(1));
  const StoredRows<T> batch = stored_.front().rows();
  return k.all_finite(index{batch.starts[rows]}, batch.values, T(1));
}

// Without a backward pass, a buffer is reused when all of its readers are done: a chain needs two.
template <class T>
void Pass<T>::make_outputs() {
  const bool keeps_all = needs_.backward || needs_.outputs;
  index widest = 0;
  for (const NodeMemory& node : nodes_) {
    if (&node != &nodes_.back()) widest = std::max(widest, extent_of(node).size());
  }
  std::vector<T*> free;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    NodeMemory& node = nodes_[i];
    if (node.merged_with >= 0) {
      NodeMemory& source = nodes_[at(node.merged_with)];
      node.out.y = source.out.y;
      if (!needs_.backward) continue;
      if (node.layer->keeps_slope()) node.out.slope = source.out.slope = hold(batch_of(node));
      continue;
    }
    if (i + 1 == nodes_.size() || keeps_all) {
      node.out.y = hold(batch_of(node));
    } else {
      if (free.empty()) free.push_back(hold(Batch<T>::panels(widest / kPanelWidth<T>, 1)).data);
      node.out.y = {free.back(), kPanelWidth<T>, extent_of(node).height * kPanelWidth<T>};
      free.pop_back();
    }
    if (i + 1 == nodes_.size()) output_ = node.out.y.data;
    if (!keeps_all) {
      const std::vector<index>& reads = *node.reads;
      for (std::size_t k = 0; k < reads.size(); ++k) {
        const bool is_twice = std::find(reads.begin(), reads.begin() + static_cast<index>(k),
                                        reads[k]) != reads.begin() + static_cast<index>(k);
        if (reads[k] == kNetworkInput || is_twice) continue;
        const NodeMemory& source = nodes_[at(reads[k])];
        if (source.last_reader == static_cast<index>(i)) free.push_back(source.out.y.data);
      }
    }
    if (!needs_.backward) continue;
    if (node.layer->keeps_slope()) node.out.slope = hold(batch_of(node));
    if (const index kept = node.layer->kept_size(rows_)) {
      kept_.push_back(node.layer->needs_no_zeros() ? Buffer<T>::unset(kept) : Buffer<T>(kept));
      node.out.kept = kept_.back().data();
    }
    if (const index kept = node.layer->kept_items(rows_)) {
      kept_items_.emplace_back(kept);
      node.items = kept_items_.back().data();
    }
  }
}

template <class T>
void Pass<T>::find_inputs() {
  index count = 0;
  for (const NodeMemory& node : nodes_) count += node.input_count * needs_.slots;
  x_.clear();
  x_.reserve(at(count));  // nodes point into it
  for (NodeMemory& node : nodes_) {
    node.x = x_.data() + x_.size();
    for (std::size_t slot = 0; slot < inputs_.size(); ++slot) {
      for (const index read : *node.reads) {
        if (read == kNetworkInput) {
          Rows<T> x = inputs_[slot].rows();
          if (!nonzero_[slot].empty()) x.nonzero = nonzero_[slot].data();
          x_.push_back(x);
        } else {
          const Outputs<T>& source = nodes_[at(read)].out;
          x_.push_back(source.dropped.data ? source.dropped : source.y);
        }
      }
    }
  }
}

template <class T>
auto Pass<T>::states(index piece) const -> std::vector<States> {
  std::vector<States> found;
  for (const NodeMemory& node : nodes_) {
    if (node.states[0]) found.push_back({node.states[piece % 2], node.layer->state_size()});
  }
  return found;
}

template <class T>
void Pass<T>::set_dropout(index node, const Rows<T>& dropped,
                          const std::vector<Rows<const T>>& masks) {
  NodeMemory& memory = nodes_[at(plan_.stage_of(node))];
  memory.out.dropped = dropped;
  memory.masks = masks;
  find_inputs();
}

// From the last node on, because some nodes lend their memory to those that they read.
template <class T>
void Pass<T>::make_deltas() {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (!node->delta.data) node->delta = hold(batch_of(*node));
    for (index r = 0; node->readers > 1 && r < node->readers; ++r) {
      node->parts.push_back(hold(extent_of(*node).panels()));
    }
    const index read = node->reads->front();
    if (read == kNetworkInput) continue;
    NodeMemory& source = nodes_[at(read)];
    const bool lends = node->layer->passes_in_place() && node != nodes_.rbegin();
    if (node->merged_with >= 0 || (lends && source.readers == 1)) source.delta = node->delta;
  }
  if (!needs_.gradient_of_input) return;
  const Extent inputs{rows_, input_.columns};
  input_.delta = hold(inputs.panels());
  if (input_.readers < 2) return;
  for (index r = 0; r < input_.readers; ++r) input_.parts.push_back(hold(inputs.panels()));
}

template <class T>
void Pass<T>::plan_backward() {
  last_to_pass_ = nodes_.back().number;
  // For each source, the index of its next reader. Readers are visited in their order.
  std::vector<std::size_t> met(nodes_.size() + 1, 0);
  index number = 0;  // of the last node of the network up to here
  for (NodeMemory& node : nodes_) {
    number = std::max(number, node.number);
    const std::vector<index>& reads = *node.reads;
    node.passings.clear();
    for (index which = 0; which < static_cast<index>(reads.size()); ++which) {
      const index source = reads[at(which)];
      NodeMemory& memory = memory_of(source);
      const bool needs_gradient =
          source == kNetworkInput ? needs_.gradient_of_input : memory.needs_gradient;
      const std::size_t reader = met[at(source + 1)]++;
      if (!needs_gradient) continue;
      node.passings.push_back(
          {which, source, memory.parts.empty() ? memory.delta : memory.parts[reader]});
    }
    const std::vector<Array>& arrays = node.layer->arrays();
    const bool learns =
        node.layer->is_trained() &&
        std::any_of(arrays.begin(), arrays.end(), [](const Array& a) { return a.is_trained(); });
    node.needs_gradient = learns || !node.passings.empty();
    if (!node.passings.empty()) last_to_pass_ = std::min(last_to_pass_, number);
  }
}

// What finishes the gradient of a node's outputs.
template <class T>
auto Pass<T>::own_of(const NodeMemory& node) -> typename Layer<T>::Below {
  return {node.picks_from ? node.picks_from : node.layer, node.out.y, node.out.slope};
}

template <class T>
auto Pass<T>::below_of(const NodeMemory& node, const Passing& passing, int slot) const ->
    typename Layer<T>::Below {
  if (passing.source == kNetworkInput) return {};
  const NodeMemory& source = nodes_[at(passing.source)];
  if (!source.parts.empty()) return {};
  typename Layer<T>::Below below = own_of(source);
  if (node.picks_from) below.layer = nullptr;
  if (source.out.dropped.data) below.mask = source.masks[at(slot)];
  return below;
}

// Sums the gradients from the last reader to the first, in whatever order they were computed.
template <class T>
void Pass<T>::add_parts(Share share, index rows, const NodeMemory& node, int slot,
                        const Scratch<T>& scratch) const {
  typename Layer<T>::Below own;  // of the network's inputs there is none
  if (node.layer) own = own_of(node);
  if (node.out.dropped.data) own.mask = node.masks[at(slot)];
  const auto add = [&](index first, index count, index panel, index width) {
    for (index r = first; r < first + count; ++r) {
      T* sum = node.delta.at(r, panel);
      std::copy_n(node.parts.back().at(r, panel), width, sum);
      for (std::size_t part = node.parts.size() - 1; part-- > 0;) {
        const T* added = node.parts[part].at(r, panel);
        for (index c = 0; c < width; ++c) sum[c] += added[c];
      }
    }
  };
  if (node.out.lanes.y) {
    each_lane_part<T>(share, rows, node.columns, scratch,
                      [&](index panel, index first, index last, index width) {
                        add(first, last - first, panel, width);
                        own.finish(first, last - first, panel, width, node.delta);
                      });
    return;
  }
  each_part<T>(share, rows, scratch, [&](index first, index count) {
    each_panel<T>(node.columns, [&](index panel, index width) { add(first, count, panel, width); });
    own.finish_rows(first, count, node.columns, node.delta);
  });
}

template class Pass<float>;
template class Pass<double>;

}  // namespace foxnn
