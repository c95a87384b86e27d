// A layer of a stream: planned for the steps that it reads at once, with what it remembers of those
// before. A single row is contiguous in panels, position after position.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "layers/columns.hpp"
#include "network/plan.hpp"

namespace foxnn {

/// Layers for one number of steps: the stage's, and one that arranges its inputs before it.
template <class T>
struct PlannedStage {
  index steps = 0;
  std::vector<std::unique_ptr<Layer<T>>> layers;

  const Form& output() const { return layers.back()->output(); }
};

/// The most that layers need which run one after the other.
struct Needs {
  ScratchSize scratch;
  index columns = 0;

  template <class T>
  void add(const Layer<T>& layer) {
    const ScratchSize own = layer.scratch_size(1);
    scratch.numbers = std::max(scratch.numbers, own.numbers);
    scratch.items = std::max(scratch.items, own.items);
    scratch.stretches = std::max(scratch.stretches, own.stretches);
    columns = std::max(columns, layer.output().layout.columns());
  }
};

/// A layer that gives a step for each of its input, or for each window of them.
template <class T>
class StreamStage {
 public:
  StreamStage(const Network<T>& network, index node, index layer, const Form& probe)
      : layer_(layer), network_(&network), node_(node) {
    const Plan<T> layers = planned(probe);
    const Layer<T>& own = *layers.nodes.back().layer;
    state_size_ = own.state_size();
    channels_ = probe.shape.channels;
    output_ = own.output();
    ends_ = state_size_ > 0 && own.output_steps(1) < 0;
  }

  /// The layer's number in the network's list.
  index layer() const { return layer_; }
  /// The numbers of its state; 0: it is not recurrent.
  index state_size() const { return state_size_; }
  index units() const { return output_.shape.channels; }
  /// Whether it gives its last state only.
  bool ends() const { return ends_; }
  /// Makes it a window over so many steps.
  void make_window(index span, index stride) {
    span_ = span, stride_ = stride;
    pitch_ = panel_count<T>(channels_) * kPanelWidth<T>;
    is_window_ = true;
    saved_ = Buffer<T>(span * pitch_);
    make_room(1);
  }
  bool is_window() const { return is_window_; }
  index channels() const { return channels_; }

  /// Of so many steps of its input, those of its output, and those that it still needs.
  index outputs(index steps) const {
    if (!is_window_) return steps;
    return steps < span_ ? 0 : (steps - span_) / stride_ + 1;
  }
  index kept(index steps) const {
    return is_window_ ? std::max<index>(0, steps - outputs(steps) * stride_) : 0;
  }
  /// Steps so far.
  index count = 0;
  const PlannedStage<T>* plan = nullptr;  ///< for what comes next; null: it gives nothing
  index fresh = 0;                        ///< steps that it reads next
  index made = 0;                         ///< steps that it gives for them

  /// The layers for an input of this form.
  const PlannedStage<T>& at(const Form& form, Needs& needs) {
    const index steps = form.shape.is_flat() ? form.shape.channels : form.shape.positions();
    for (const std::unique_ptr<PlannedStage<T>>& known : plans_) {
      if (known->steps == steps) return *known;
    }
    auto added = std::make_unique<PlannedStage<T>>();
    added->steps = steps;
    Plan<T> layers = planned(form);
    for (Node<T>& node : layers.nodes) added->layers.push_back(std::move(node.layer));
    prepare(added->layers, needs);
    if (plans_.size() == kMostPlans) plans_.erase(plans_.begin());
    plans_.push_back(std::move(added));
    return *plans_.back();
  }
  /// The steps of the windows that it has next.
  index steps_of_windows() const { return (made - 1) * stride_ + span_; }
  /// The form in which a window reads so many steps.
  Form window_form(index steps) const {
    const Shape shape{{steps}, channels_};
    return {shape, Layout::panels<T>(shape)};
  }
  /// Makes room for so many steps more than it keeps.
  void make_room(index steps) {
    const index size = (span_ + steps) * pitch_ + kPanelWidth<T>;
    if (window_.size() >= size) return;
    Buffer<T> grown(size);
    std::copy_n(window_.data(), window_.size(), grown.data());
    window_ = std::move(grown);
  }
  /// Adds steps to those that it keeps. Returns where the first window begins.
  const T* take(const T* values, index pitch, index steps) {
    const index before = kept(count);
    const index skipped = std::min(steps, std::max<index>(0, outputs(count) * stride_ - count));
    for (index i = skipped; i < steps; ++i) {
      std::copy_n(values + i * pitch, channels_, window_.data() + (before + i - skipped) * pitch_);
    }
    return window_.data();
  }
  /// Drops the steps that no further window needs. `steps` were taken since `count`.
  void drop(index steps) {
    const index after = kept(count + steps);
    const index skipped = std::max<index>(0, outputs(count) * stride_ - count);
    const index held = kept(count) + std::max<index>(0, steps - skipped);
    if (held > after) {
      std::copy_n(window_.data() + (held - after) * pitch_, after * pitch_, window_.data());
    }
  }
  void save() { std::copy_n(window_.data(), kept(count) * pitch_, saved_.data()); }
  void restore() { std::copy_n(saved_.data(), kept(count) * pitch_, window_.data()); }
  T* kept_step(index i) { return window_.data() + i * pitch_; }
  const T* kept_step(index i) const { return window_.data() + i * pitch_; }

 private:
  // More block sizes than a caller usually has in turn.
  static constexpr std::size_t kMostPlans = 16;

  Plan<T> planned(const Form& form) const {
    Plan<T> layers(kNetworkInput, form, 0, true, false);
    layers.append({network_->layer(node_).spec()});
    return layers;
  }

  // Makes layers ready to run, the last of which has this stage's parameters.
  void prepare(const std::vector<std::unique_ptr<Layer<T>>>& layers, Needs& needs) const {
    for (const auto& layer : layers) {
      layer->set_sorted_summation(network_->sorted_summation());
      needs.add(*layer);
    }
    layers.back()->attach(const_cast<T*>(network_->parameters().data()) + network_->offset(node_));
  }

  index layer_ = 0;
  const Network<T>* network_;
  index node_ = 0;
  index state_size_ = 0, channels_ = 0;
  index span_ = 1, stride_ = 1, pitch_ = 0;
  bool is_window_ = false, ends_ = false;
  Form output_;
  Buffer<T> window_, saved_;
  std::vector<std::unique_ptr<PlannedStage<T>>> plans_;
};

}  // namespace foxnn
