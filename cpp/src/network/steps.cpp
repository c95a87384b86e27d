// A network for sequences of any length is planned for one number of steps. Another plan of the
// same layers has the same parameters, in the same order: they do not depend on the steps.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "foxnn/network.hpp"
#include "network/plan.hpp"

namespace foxnn {
namespace {

Shape with_first(const Shape& shape, index steps) {
  std::vector<index> lengths = shape.lengths();
  lengths.front() = steps;
  return Shape::of(lengths);
}

template <class T>
LayerSpec spec_of(const Network<T>& network, const Part& part) {
  if (part.node >= 0) return network.layer(part.node).spec();
  LayerSpec spec = part.spec;
  for (const std::vector<Part>& branch : part.branches) {
    spec.branches.emplace_back();
    for (const Part& inner : branch) spec.branches.back().push_back(spec_of(network, inner));
  }
  return spec;
}

}  // namespace

template <class T>
std::vector<LayerSpec> Network<T>::specs() const {
  std::vector<LayerSpec> found;
  for (const Part& part : parts_) found.push_back(spec_of(*this, part));
  return found;
}

template <class T>
std::unique_ptr<Network<T>> Network<T>::with_steps(index steps) const {
  if (!varies_) throw std::invalid_argument("the network takes samples of one shape only");
  return planned(steps);
}

template <class T>
std::unique_ptr<Network<T>> Network<T>::with_pieces(index steps) const {
  check_pieces();
  return planned(steps);
}

template <class T>
void Network<T>::check_pieces() const {
  const auto refuse = [](const std::string& why) {
    throw std::invalid_argument("sequences cannot come in pieces: " + why);
  };
  if (input_shape_.axes.size() > 1) refuse("samples have shape " + input_shape_.text());
  for (const Node<T>& node : nodes_) {
    if (!node.layer->goes_step_by_step()) {
      refuse("a layer of kind '" + node.layer->spec().kind +
             "' does not answer each step by the steps so far");
    }
  }
  if (output_shape().axes != std::vector<index>{steps()}) {
    refuse("outputs have shape " + output_shape().text() +
           ", and no step for each of the samples'");
  }
}

template <class T>
std::unique_ptr<Network<T>> Network<T>::planned(index steps) const {
  const Shape inputs = with_first(input_shape_, steps);
  Plan<T> plan(kNetworkInput, {inputs, Layout::packed(inputs)}, 0, true, true);
  plan.append(specs());
  auto planned = std::make_unique<Network>(inputs, seed_, true);
  planned->loss_ = loss_;
  planned->sorted_ = sorted_;
  planned->index_limit_ = index_limit_;
  planned->shared_ = shared_;
  planned->take_layers(std::move(plan), inputs, *this);
  return planned;
}

template <class T>
void Network<T>::plan_for(index steps) {
  if (!varies_) throw std::invalid_argument("the network takes samples of one shape only");
  const Shape inputs = with_first(input_shape_, steps);
  Plan<T> plan(kNetworkInput, {inputs, Layout::packed(inputs)}, 0, true, true);
  plan.append(specs());
  take_layers(std::move(plan), inputs, *this);
}

template <class T>
index Network<T>::steps_after(index steps) const {
  std::vector<index> of_node;
  for (const Node<T>& node : nodes_) {
    index fewest = -1;
    for (const index read : node.reads) {
      const index given = read == kNetworkInput ? steps : of_node[static_cast<std::size_t>(read)];
      const index left = given > 0 ? node.layer->output_steps(given) : given;
      if (left == 0) return 0;
      fewest = std::max(fewest, left);
    }
    of_node.push_back(fewest);
  }
  return of_node.empty() ? steps : of_node.back();
}

// Nodes that the engine inserts may differ; the others are the same, and have the parameters.
template <class T>
void Network<T>::take_layers(Plan<T> plan, const Shape& inputs, const Network& from) {
  if (place(plan.nodes, 0) != from.parameters().size()) {
    throw std::logic_error("parameters depend on the number of steps");
  }
  index i = 0;
  for (Node<T>& node : plan.nodes) {
    if (node.is_inserted) continue;
    while (from.node(i).is_inserted) ++i;
    node.layer->set_trained(from.layer(i++).is_trained());
  }
  for (Node<T>& node : plan.nodes) node.layer->attach(parameters().data() + node.offset);
  input_shape_ = inputs;
  nodes_ = std::move(plan.nodes);
  parts_ = std::move(plan.parts);
}

#define FOXNN_STEPS(T)                                                       \
  template std::vector<LayerSpec> Network<T>::specs() const;                 \
  template std::unique_ptr<Network<T>> Network<T>::with_steps(index) const;  \
  template std::unique_ptr<Network<T>> Network<T>::with_pieces(index) const; \
  template void Network<T>::check_pieces() const;                            \
  template std::unique_ptr<Network<T>> Network<T>::planned(index) const;     \
  template void Network<T>::plan_for(index);                                 \
  template index Network<T>::steps_after(index) const;                       \
  template void Network<T>::take_layers(Plan<T>, const Shape&, const Network<T>&);
FOXNN_STEPS(float)
FOXNN_STEPS(double)
#undef FOXNN_STEPS

}  // namespace foxnn
