// The network's structure and memory. Predictions are computed in predict.cpp.
#include "foxnn/network.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/pieces.hpp"
#include "network/plan.hpp"

namespace foxnn {
namespace {

void check_outputs(const Activation& activation, const Shape& outputs) {
  // A softmax over one output is always 1.
  if (activation.kind == ActivationKind::softmax && outputs.channels < 2) {
    throw std::invalid_argument("softmax needs at least two outputs, got 1 (use sigmoid for one)");
  }
}

void check_is_output(const Activation& activation, bool is_output) {
  if (!activation.is_for_output() || is_output) return;
  throw std::invalid_argument(std::string(activation.name()) +
                              " is for the output layer: nothing can follow it");
}

// The targets of the other losses are proportions, labels or counts, which must not be scaled.
void check_scaled_loss(LossKind loss) {
  if (loss_traits(loss).targets == Targets::numbers) return;
  std::string known;
  for (const std::string& name : loss_names()) {
    if (loss_traits(parse_loss(name)).targets != Targets::numbers) continue;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw std::invalid_argument("outputs can be scaled for the losses " + known + ", not for '" +
                              std::string(loss_name(loss)) + "'");
}

[[noreturn]] void refuse_scaled_indices() {
  throw std::invalid_argument("inputs that an embedding reads as indices cannot be scaled");
}

template <class T>
Buffer<T> copied(const Buffer<T>& from, const StopRequest& stop) {
  Buffer<T> to(from.size());
  copy_in_pieces(from.data(), from.size(), to.data(), stop);
  return to;
}

template <class T>
OptimizerState<T> copied(const OptimizerState<T>& from, const StopRequest& stop) {
  OptimizerState<T> to;
  to.rule = from.rule;
  to.step = from.step;
  for (int i = 0; i < 2; ++i) to.moments[i] = copied(from.moments[i], stop);
  return to;
}

// The system provides a page when it is first touched: in a step, that could not be interrupted.
template <class T>
void touch(Buffer<T>& fresh, const StopRequest& stop) {
  if (fresh.size() < Pieces::kPiece) return;
  constexpr index kPage = 4096 / static_cast<index>(sizeof(T));
  Pieces pieces(stop);
  for (index i = 0; i < fresh.size(); i += kPage) {
    fresh.data()[i] = T(0);
    pieces.after(kPage);
  }
}

}  // namespace

template <class T>
Network<T>::Network(const Shape& inputs, std::uint64_t seed, bool varies)
    : seed_(seed), varies_(varies), input_shape_(inputs), shared_(std::make_shared<Shared>()) {
  if (varies && inputs.axes.size() > 1) {
    throw std::invalid_argument("sequences must have steps and channels, or steps alone, got " +
                                inputs.text());
  }
}

template <class T>
Network<T>::Network(const Network& other, const StopRequest& stop)
    : seed_(other.seed_),
      varies_(other.varies_),
      loss_(other.loss_),
      sorted_(other.sorted_),
      index_limit_(other.index_limit_),
      input_scaling_(other.input_scaling_),
      output_scaling_(other.output_scaling_),
      input_shape_(other.input_shape_),
      parts_(other.parts_),
      shared_(std::make_shared<Shared>(Shared{copied(other.parameters(), stop),
                                              copied(other.optimizer(), stop), other.draw()})) {
  for (const Node<T>& node : other.nodes_) {
    nodes_.push_back({node.layer->clone(), node.reads, node.offset, node.is_inserted});
    nodes_.back().layer->attach(parameters().data() + node.offset);
  }
}

template <class T>
void Network<T>::append(const std::vector<LayerSpec>& layers) {
  Plan<T> plan = plan_from(size() > 0 ? size() - 1 : kNetworkInput, output_form(), size());
  plan.append(layers);
  append(std::move(plan));
}

template <class T>
void Network<T>::append(std::unique_ptr<Layer<T>> added) {
  Plan<T> plan = plan_from(size() > 0 ? size() - 1 : kNetworkInput, output_form(), size());
  plan.append(std::move(added));
  append(std::move(plan));
}

template <class T>
Plan<T> Network<T>::plan_from(index from, const Form& form, index before) const {
  bool are_inputs = true;
  for (index i = from; i != kNetworkInput && are_inputs; i = node(i).reads.front()) {
    are_inputs = layer(i).keeps_numbers();
  }
  return Plan<T>(from, form, before, are_inputs, outputs_vary());
}

template <class T>
index Network<T>::place(std::vector<Node<T>>& nodes, index count) const {
  for (Node<T>& node : nodes) {
    node.layer->set_sorted_summation(sorted_);
    node.offset = count;
    if (node.layer->parameter_count() > std::numeric_limits<index>::max() / 16 - count) {
      throw std::bad_alloc();
    }
    count += node.layer->parameter_count();
  }
  return count;
}

template <class T>
void Network<T>::append(Plan<T> plan) {
  if (!output_scaling_.empty()) {
    throw std::invalid_argument("nothing can follow outputs that are scaled");
  }
  const auto kept = nodes_.size();
  const index before = size() > 0 ? offset(size() - 1) + top().parameter_count() : 0;
  const index count = place(plan.nodes, before);
  std::vector<bool> is_read(kept + plan.nodes.size(), false);
  index limit = index_limit_;
  for (Node<T>& added : plan.nodes) {
    if (const index own = added.layer->index_limit()) limit = limit ? std::min(limit, own) : own;
    check_outputs(added.layer->activation(), added.layer->output().shape);
    for (const index read : added.reads) {
      if (read != kNetworkInput) is_read[static_cast<std::size_t>(read)] = true;
    }
  }
  const auto layer_at = [&](std::size_t i) -> const Layer<T>& {
    return i < kept ? *nodes_[i].layer : *plan.nodes[i - kept].layer;
  };
  for (std::size_t i = kept > 0 ? kept - 1 : 0; i < is_read.size(); ++i) {
    check_is_output(layer_at(i).activation(), !is_read[i]);
  }
  if (!is_read.empty()) {
    const Layer<T>& last = layer_at(is_read.size() - 1);
    check_loss(loss_, last.activation(), last.output().shape.channels);
  }

  if (limit > 0 && !input_scaling_.empty()) refuse_scaled_indices();

  Buffer<T> grown(count);
  std::copy_n(parameters().data(), std::min(count, parameters().size()), grown.data());
  nodes_.reserve(kept + plan.nodes.size());
  parts_.reserve(parts_.size() + plan.parts.size());
  // From here on nothing throws.
  for (Node<T>& added : plan.nodes) nodes_.push_back(std::move(added));
  for (Part& part : plan.parts) parts_.push_back(std::move(part));
  parameters() = std::move(grown);
  reset_optimizer();
  index_limit_ = limit;
  for (Node<T>& node : nodes_) node.layer->attach(parameters().data() + node.offset);
}

template <class T>
void Network<T>::initialize(index first, const StopRequest& stop) {
  shared_->version.next();  // layers write to their parts of the parameters
  // Layers are distinguished by their position among the layers that the user listed.
  std::uint32_t place = 0;
  for (index i = 0; i < size(); ++i) {
    Node<T>& at = nodes_[static_cast<std::size_t>(i)];
    if (i >= first) at.layer->initialize(seed_, place, stop);
    if (!at.is_inserted) ++place;
  }
}

template <class T>
bool Network<T>::is_chain() const {
  for (index i = 0; i < size(); ++i) {
    const std::vector<index>& reads = node(i).reads;
    if (reads.size() != 1 || reads[0] != i - 1) return false;
  }
  return true;
}

template <class T>
void Network<T>::set_activation(index i, const Activation& activation) {
  const bool last = i == parts_.back().end;  // a node that arranges its outputs may follow
  if (activation.is_for_output() && !last) {
    throw std::invalid_argument(std::string(activation.name()) + " is for the output layer only");
  }
  check_outputs(activation, layer(i).output().shape);
  if (last) check_loss(loss_, activation, output_shape().channels);
  nodes_[static_cast<std::size_t>(i)].layer->set_activation(activation);
  shared_->version.next();
}

template <class T>
void Network<T>::set_trained(index i, bool trained) {
  nodes_[static_cast<std::size_t>(i)].layer->set_trained(trained);
}

template <class T>
void Network<T>::set_array(index i, const Array& array, const T* values) {
  layer(i).pack(array, values, parameters().data() + offset(i), {});
}

template <class T>
void Network<T>::set_loss(LossKind kind, std::vector<double> parameters) {
  Loss loss{kind, std::move(parameters)};
  check_loss(loss, top().activation(), output_shape().channels);
  if (!output_scaling_.empty()) check_scaled_loss(kind);
  loss_ = std::move(loss);
}

template <class T>
void Network<T>::set_scaling(Scaling of_inputs, Scaling of_outputs) {
  const auto check = [](const Scaling& scaling, index columns, const char* what) {
    const auto count = static_cast<std::size_t>(columns);
    if (scaling.empty() || (scaling.shift.size() == count && scaling.factor.size() == count))
      return;
    throw std::invalid_argument("the scaling of the " + std::string(what) + " must have " +
                                std::to_string(columns) + " columns, got " +
                                std::to_string(scaling.shift.size()));
  };
  check(of_inputs, inputs(), "inputs");
  if (index_limit_ > 0 && !of_inputs.empty()) refuse_scaled_indices();
  check(of_outputs, outputs(), "outputs");
  if (!of_outputs.empty()) check_scaled_loss(loss_.kind);
  input_scaling_ = std::move(of_inputs);
  output_scaling_ = std::move(of_outputs);
  shared_->version.next();
}

template <class T>
MatrixView Network<T>::scaled_inputs(MatrixView x) const {
  if (!input_scaling_.empty()) x.scaling = &input_scaling_;
  return x;
}

template <class T>
bool Network<T>::goes_by_stored(const MatrixView& x) const {
  const auto is_zero = [](double shift) { return shift == 0.0; };
  const std::vector<double>& shifts = input_scaling_.shift;
  if (!x.is_sparse() || !std::all_of(shifts.begin(), shifts.end(), is_zero)) return false;
  return std::all_of(nodes_.begin(), nodes_.end(), [](const Node<T>& node) {
    const std::vector<index>& reads = node.reads;
    const bool reads_inputs = std::find(reads.begin(), reads.end(), kNetworkInput) != reads.end();
    return !reads_inputs || node.layer->takes_stored_rows();
  });
}

template <class T>
Samples Network<T>::scaled(Samples samples) const {
  samples.inputs = scaled_inputs(samples.inputs);
  if (!output_scaling_.empty()) samples.outputs.scaling = &output_scaling_;
  return samples;
}

template <class T>
void Network<T>::sort_outputs(index count, T* values) const {
  if (!loss_.sorts_outputs()) return;
  const index each = loss_.outputs_per_target();
  for (T* of = values; of < values + count; of += each) {
    // In few steps where they are nearly in order, and without memory of its own.
    for (index i = 1; i < each; ++i) {
      for (index k = i; k > 0 && of[k] < of[k - 1]; --k) std::swap(of[k], of[k - 1]);
    }
  }
}

template <class T>
void Network<T>::finish_outputs(index rows, T* values) const {
  sort_outputs(rows * outputs(), values);
  if (output_scaling_.empty()) return;
  const auto count = static_cast<std::size_t>(outputs());
  for (index r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < count; ++c, ++values) {
      *values = static_cast<T>(output_scaling_.undo(static_cast<double>(*values), c));
    }
  }
}

template <class T>
index Network<T>::sorted_from(const T* values, index place) const {
  const index each = loss_.outputs_per_target();
  for (index i = 0; i < each; ++i) {
    index before = 0;
    for (index k = 0; k < each; ++k)
      before += values[k] < values[i] || (k < i && !(values[i] < values[k]));
    if (before == place) return i;
  }
  return place;
}

template <class T>
void Network<T>::unsort_gradient(index rows, const T* values, T* gradient) const {
  if (!loss_.sorts_outputs()) return;
  const index each = loss_.outputs_per_target(), all = rows * outputs();
  std::vector<T> sorted(static_cast<std::size_t>(each));
  for (index first = 0; first < all; first += each) {
    if (std::is_sorted(values + first, values + first + each)) continue;
    std::copy_n(gradient + first, each, sorted.begin());
    for (index place = 0; place < each; ++place) {
      gradient[first + sorted_from(values + first, place)] =
          sorted[static_cast<std::size_t>(place)];
    }
  }
}

template <class T>
void Network<T>::set_sorted_summation(bool sorted) {
  sorted_ = sorted;
  shared_->version.next();
  for (const Node<T>& node : nodes_) node.layer->set_sorted_summation(sorted);
}

template <class T>
void Network<T>::use_optimizer(const Optimizer& rule, const StopRequest& stop) {
  rule.check();
  if (optimizer().step > 0 && optimizer().rule == rule) return;
  OptimizerState<T> fresh;
  fresh.rule = rule;
  for (int i = 0; i < 2; ++i) {
    if (!rule.remembers(i)) continue;
    fresh.moments[i] = Buffer<T>(parameters().size());
    touch(fresh.moments[i], stop);
  }
  optimizer() = std::move(fresh);
}

template <class T>
void Network<T>::restore(const Network& earlier, const StopRequest& stop) {
  if (earlier.parameters().size() != parameters().size()) {
    throw std::invalid_argument("the layers have changed since");
  }
  OptimizerState<T> memory = copied(earlier.optimizer(), stop);
  // In place, because layers point into the buffer.
  std::copy_n(earlier.parameters().data(), parameters().size(), parameters().data());
  optimizer() = std::move(memory);
}

template class Network<float>;
template class Network<double>;

}  // namespace foxnn
