// Which networks a stream runs through, and the plan of their layers for the steps that come next.
#include "network/stream_chain.hpp"

#include <stdexcept>
#include <string>

namespace foxnn {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument("a stream cannot run through this network: " + why);
}

std::string named(const LayerSpec& spec) { return "a layer of kind '" + spec.kind + "'"; }

// The columns of one position of a scaling that is the same at all of them.
Scaling of_position(const Scaling& scaling, index channels, const char* what) {
  if (scaling.empty()) return {};
  const auto width = static_cast<std::size_t>(channels);
  for (std::size_t i = width; i < scaling.shift.size(); ++i) {
    if (scaling.shift[i] == scaling.shift[i % width] &&
        scaling.factor[i] == scaling.factor[i % width]) {
      continue;
    }
    refuse(std::string(what) + "_scaler does not scale every step in the same way");
  }
  Scaling one = scaling;
  one.shift.resize(width);
  one.factor.resize(width);
  return one;
}

}  // namespace

template <class T>
StreamChain<T>::StreamChain(const Network<T>& from) : network_(from) {
  add_stages();
  if (!gives_sequences_) add_tail();
  outputs_ = gives_sequences_ ? form_.shape.channels : network_.outputs();
  input_scaling_ = of_position(network_.input_scaling(), channels_, "input");
  output_scaling_ = gives_sequences_ ? of_position(network_.output_scaling(), outputs_, "output")
                                     : network_.output_scaling();
  plan(1);
}

// The layers up to one that gives its last state.
template <class T>
void StreamChain<T>::add_stages() {
  const Shape& shape = network_.input_shape();
  if (shape.axes.size() > 1) refuse("its samples have shape " + shape.text());
  is_flat_ = shape.is_flat();
  channels_ = is_flat_ ? 1 : shape.channels;
  step_shape_ = {{}, channels_};
  form_ = input_form(1);
  bool seen = !is_flat_;  // whether values are known to be sequences
  for (const Part& part : network_.parts()) {
    specs_.push_back(part.node < 0 ? part.spec : network_.layer(part.node).spec());
    if (!gives_sequences_) continue;
    check(part, seen);
    add_stage(part);
    if (!form_.shape.is_flat()) seen = true;
  }
  if (!seen) refuse("its samples are no sequences");
}

template <class T>
void StreamChain<T>::check(const Part& part, bool seen) const {
  const LayerSpec& spec = specs_.back();
  const auto is = [&](const char* kind) { return spec.kind == kind; };
  if (part.node < 0) refuse(named(spec) + " has branches");
  const bool is_recurrent = is("rnn") || is("gru") || is("lstm");
  if (is_recurrent && (spec.flag("bidirectional", false) || spec.flag("reverse", false))) {
    refuse(named(spec) + " reads steps from the end");
  }
  const bool is_window = is("conv1d") || is("max_pool1d") || is("average_pool1d");
  if (is_window && spec.options.at("padding") != LayerSpec::Option("valid")) {
    refuse(named(spec) + " with padding reads steps to come");
  }
  const bool is_at_each = is("activation") || is("dropout") || is("layer_norm") ||
                          is("batch_norm") || is("embedding") ||
                          (is("dense") && spec.flag("each_position", false));
  if (!is_recurrent && !is_window && !is_at_each) refuse(named(spec) + " reads all steps at once");
  if (!seen && !is("embedding")) refuse("its samples are no sequences");
  if (seen && is("embedding") && !is_flat_) refuse("an embedding must read single numbers");
}

template <class T>
void StreamChain<T>::add_stage(const Part& part) {
  const index number = static_cast<index>(specs_.size()) - 1;
  const bool is_window = specs_.back().options.contains("kernel");
  index span = 1, stride = 1;
  Form probe = form_;
  if (is_window) {
    const Layer<T>& layer = network_.layer(part.node);
    while (layer.output_steps(span) < 1) ++span;
    while (layer.output_steps(span + stride) < 2) ++stride;
    const Shape window{{span}, form_.shape.channels};
    probe = {window, Layout::panels<T>(window)};
  }
  stages_.emplace_back(network_, part.node, number, probe);
  StreamStage<T>& stage = stages_.back();
  const PlannedStage<T>& made = stage.at(probe, needs_);
  flops_ += made.layers.back()->flops();
  if (is_window) {
    stage.make_window(span, stride);
    arrays_.push_back({number, "inputs", 0, stage.channels(), true});
  }
  if (stage.state_size() > 0) {
    arrays_.push_back({number, "h", state_size_, stage.units()});
    if (stage.state_size() > stage.units()) {
      arrays_.push_back({number, "c", state_size_ + stage.units(), stage.units()});
    }
    state_size_ += stage.state_size();
  }
  gives_sequences_ = !stage.ends();
  form_ = made.output();
}

// What follows a last state.
template <class T>
void StreamChain<T>::add_tail() {
  const auto first = static_cast<std::size_t>(stages_.back().layer()) + 1;
  if (first == specs_.size()) return;
  for (std::size_t i = first; i < specs_.size(); ++i) {
    if (network_.parts()[i].node < 0) refuse(named(specs_[i]) + " has branches");
  }
  Plan<T> made(kNetworkInput, form_, 0, false, false);
  made.append({specs_.begin() + static_cast<index>(first), specs_.end()});
  std::size_t part = first;
  for (Node<T>& node : made.nodes) {
    const bool is_inserted = node.is_inserted;
    tail_.push_back(std::move(node.layer));
    Layer<T>& layer = *tail_.back();
    layer.set_sorted_summation(network_.sorted_summation());
    needs_.add(layer);
    flops_ += layer.flops();
    if (is_inserted) continue;
    const index from = network_.parts()[part++].node;
    layer.attach(const_cast<T*>(network_.parameters().data()) + network_.offset(from));
  }
  form_ = tail_.back()->output();
}

template <class T>
void StreamChain<T>::plan(index steps) {
  Form next = input_form(steps);
  index left = steps;
  for (StreamStage<T>& stage : stages_) {
    stage.fresh = left;
    stage.made = stage.outputs(stage.count + left) - stage.outputs(stage.count);
    stage.plan = nullptr;
    if (stage.is_window()) stage.make_room(left);
    if (left == 0 || stage.made == 0) {
      left = 0;
      continue;
    }
    if (stage.is_window()) next = stage.window_form(stage.steps_of_windows());
    stage.plan = &stage.at(next, needs_);
    next = stage.plan->output();
    left = stage.made;
  }
  given_ = left;
  if (gives_sequences_) form_ = next;
  if (numbers_.size() < needs_.scratch.numbers) numbers_ = Buffer<T>(needs_.scratch.numbers);
  if (items_.size() < needs_.scratch.items) items_ = Buffer<std::uint32_t>(needs_.scratch.items);
  if (static_cast<index>(stretches_.size()) < needs_.scratch.stretches) {
    stretches_.resize(static_cast<std::size_t>(needs_.scratch.stretches));
  }
  // Vectors that begin at the last number extend past it.
  const index size = rounded_up(needs_.columns, kPanelWidth<T>) + 2 * kPanelWidth<T>;
  for (Buffer<T>& value : values_) {
    if (value.size() < size) value = Buffer<T>(size);
  }
}

template <class T>
T* StreamChain<T>::run(const std::vector<std::unique_ptr<Layer<T>>>& layers, const T* from,
                       const T* begin, T* end) {
  Scratch<T> scratch{numbers_.data(), items_.data(), stretches_.data()};
  T* to = nullptr;
  for (const auto& layer : layers) {
    to = values_[from == values_[0].data() ? 1 : 0].data();
    const Rows<const T> x{from, kPanelWidth<T>, kPanelWidth<T>};
    Outputs<T> out{row(to)};
    if (&layer == &layers.back()) out.begin = begin, out.end = end;
    layer->forward({}, 1, &x, out, scratch);
    from = to;
  }
  return to;
}

template class StreamChain<float>;
template class StreamChain<double>;

}  // namespace foxnn
