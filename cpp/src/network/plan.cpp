// Turns specs into nodes.
#include "network/plan.hpp"

#include <stdexcept>
#include <string>

#include "layers/arrange.hpp"

namespace foxnn {

namespace {

// What a layer computes is no whole number.
template <class T>
void check_reads_inputs(const Layer<T>& layer, bool are_inputs) {
  if (layer.index_limit() == 0 || are_inputs) return;
  throw std::invalid_argument("a layer of kind '" + layer.spec().kind +
                              "' reads whole numbers: it must come first in the network or in a "
                              "branch, or after reshape");
}

// Of other layers the parameters, or the outputs' shape, do not depend on the number of steps.
void check_takes_any_length(const LayerSpec& spec) {
  const bool reads_all = spec.kind == "dense" && !spec.flag("each_position", false);
  if (!reads_all && spec.kind != "flatten" && spec.kind != "reshape") return;
  throw std::invalid_argument("a layer of kind '" + spec.kind +
                              "' that reads all steps at once cannot read sequences of any length");
}

}  // namespace

template <class T>
void Plan<T>::append(const std::vector<LayerSpec>& layers) {
  for (const LayerSpec& spec : layers) {
    parts.push_back(spec.branches.empty() ? append_layer(spec) : append_composite(spec));
  }
}

template <class T>
void Plan<T>::append(std::unique_ptr<Layer<T>> layer) {
  const Form& needed = layer->input();
  if (!(needed.shape == form_.shape) || !needed.layout.is_like(form_.layout)) {
    throw std::invalid_argument("a layer for inputs of shape " + needed.shape.text() +
                                " cannot read values of shape " + form_.shape.text());
  }
  const Form output = layer->output();
  const std::string kind = layer->spec().kind;
  const bool are_inputs = are_inputs_ && layer->keeps_numbers();
  check_reads_inputs(*layer, are_inputs_);
  const bool varies = varies_ && layer->output_steps(1) >= 0;
  const index node = add(std::move(layer), {from_}, false);
  parts.push_back({.kind = kind,
                   .input = form_.shape,
                   .output = output.shape,
                   .node = node,
                   .end = node,
                   .input_varies = varies_,
                   .output_varies = varies});
  go_to({node, output, are_inputs, varies});
}

template <class T>
Part Plan<T>::append_layer(const LayerSpec& spec) {
  const Value before = here();
  if (varies_) check_takes_any_length(spec);
  join(spec, {before});
  return {.kind = spec.kind,
          .input = before.form.shape,
          .output = form_.shape,
          .node = from_,
          .end = from_,
          .input_varies = before.varies,
          .output_varies = varies_};
}

template <class T>
std::vector<Part> Plan<T>::append_branch(const std::vector<LayerSpec>& layers) {
  std::vector<Part> whole;
  std::swap(whole, parts);
  append(layers);
  std::swap(whole, parts);
  return whole;
}

// A residual is the sum of f(x) and its shortcut (x itself, if the second branch is empty). A
// parallel concatenates the outputs of its branches.
template <class T>
Part Plan<T>::append_composite(const LayerSpec& spec) {
  const bool is_residual = spec.kind == "residual";
  if (!is_residual && spec.kind != "parallel") {
    throw std::invalid_argument("a layer of kind '" + spec.kind + "' cannot have branches");
  }
  if (is_residual && spec.branches.size() != 2) {
    throw std::invalid_argument("a residual must have two branches: its layers and its shortcut");
  }
  Part part{.kind = spec.kind, .input = form_.shape, .input_varies = varies_};
  part.spec = {.kind = spec.kind, .options = spec.options};
  const Value start = here();
  std::vector<Value> ends;
  for (const std::vector<LayerSpec>& branch : spec.branches) {
    go_to(start);
    part.branches.push_back(append_branch(branch));
    ends.push_back(here());
  }
  join({.kind = is_residual ? "add" : "concatenate"}, ends);
  nodes.back().is_inserted = true;
  part.output = form_.shape;
  part.output_varies = varies_;
  part.end = from_;
  return part;
}

template <class T>
index Plan<T>::add(std::unique_ptr<Layer<T>> layer, std::vector<index> reads, bool is_inserted) {
  nodes.push_back({std::move(layer), std::move(reads), 0, is_inserted});
  return first_ + static_cast<index>(nodes.size()) - 1;
}

template <class T>
auto Plan<T>::arranged(const Value& value, Wants wants) -> Value {
  if (wants == Wants::any) return value;
  const Shape& shape = value.form.shape;
  const Layout layout = wants == Wants::packed ? Layout::packed(shape) : Layout::panels<T>(shape);
  if (layout.is_like(value.form.layout))
    return {value.node, {shape, layout}, value.are_inputs, value.varies};
  const Form form{shape, layout};
  const std::vector<Form> inputs{value.form};
  auto arrange = std::make_unique<Arrange<T>>(LayerSpec{.kind = "arrange"}, inputs, form);
  return {add(std::move(arrange), {value.node}, true), form, value.are_inputs, value.varies};
}

template <class T>
void Plan<T>::join(const LayerSpec& spec, const std::vector<Value>& values) {
  const Wants wants = layer_wants(spec, values.front().form.shape);
  std::vector<Form> forms;
  std::vector<index> reads;
  for (const Value& value : values) {
    const Value needed = arranged(value, wants);
    forms.push_back(needed.form);
    reads.push_back(needed.node);
  }
  auto layer = make_layer<T>(spec, forms);
  bool are_inputs = true;
  for (const Value& value : values) are_inputs = are_inputs && value.are_inputs;
  check_reads_inputs(*layer, are_inputs);
  are_inputs_ = are_inputs && layer->keeps_numbers();
  varies_ = values.front().varies && layer->output_steps(1) >= 0;
  form_ = layer->output();
  from_ = add(std::move(layer), std::move(reads), false);
}

template class Plan<float>;
template class Plan<double>;

}  // namespace foxnn
