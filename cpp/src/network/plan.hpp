// The plan of a network: its layers, ordered so that each comes after those that it reads.
// Composites are split into their layers. If a layer needs its inputs in another layout, a node
// that arranges them is inserted before it.
#pragma once

#include <vector>

#include "foxnn/network.hpp"
#include "layers/kinds.hpp"

namespace foxnn {

/// Nodes to be appended to those of a network.
template <class T>
class Plan {
 public:
  /// Appends to a network's inputs or to its last node, whose outputs have this form. `are_inputs`:
  /// they are the numbers of the network's inputs. `varies`: they are sequences of any length.
  Plan(index from, const Form& form, index first, bool are_inputs, bool varies)
      : first_(first), from_(from), form_(form), are_inputs_(are_inputs), varies_(varies) {}

  /// Throws std::invalid_argument if a layer does not fit.
  void append(const std::vector<LayerSpec>& layers);
  void append(std::unique_ptr<Layer<T>> layer);

  std::vector<Node<T>> nodes;
  std::vector<Part> parts;

 private:
  // A value, and the node that computes it.
  struct Value {
    index node;
    Form form;
    bool are_inputs;
    bool varies;
  };

  Part append_layer(const LayerSpec& spec);
  Part append_composite(const LayerSpec& spec);
  std::vector<Part> append_branch(const std::vector<LayerSpec>& layers);
  index add(std::unique_ptr<Layer<T>> layer, std::vector<index> reads, bool is_inserted);
  Value here() const { return {from_, form_, are_inputs_, varies_}; }
  void go_to(const Value& value) {
    from_ = value.node, form_ = value.form, are_inputs_ = value.are_inputs;
    varies_ = value.varies;
  }
  Value arranged(const Value& value, Wants wants);
  void join(const LayerSpec& spec, const std::vector<Value>& values);

  index first_;  // number of nodes that the network already has
  index from_;   // what the next layer reads
  Form form_;
  bool are_inputs_;
  bool varies_;  // whether it is a sequence of any length
};

extern template class Plan<float>;
extern template class Plan<double>;

}  // namespace foxnn
