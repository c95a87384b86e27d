// The layers of a network as a stream runs them: stages that give a step for each step or window
// of their input, and a tail behind a layer that gives its last state.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "foxnn/stream.hpp"
#include "network/stream_stage.hpp"

namespace foxnn {

/// Throws std::invalid_argument for a network that reads no sequences, or with a layer that needs
/// steps to come.
template <class T>
class StreamChain {
 public:
  explicit StreamChain(const Network<T>& from);

  const Network<T>& network() const { return network_; }
  /// The numbers of a step, and of an answer.
  index channels() const { return channels_; }
  index outputs() const { return outputs_; }
  /// Whether each step is one number, and its positions are channels of a flat shape.
  bool is_flat() const { return is_flat_; }
  const Shape& step_shape() const { return step_shape_; }
  /// Whether the last stage gives sequences, so that there is no tail.
  bool gives_sequences() const { return gives_sequences_; }
  double flops() const { return flops_; }
  const std::vector<LayerSpec>& specs() const { return specs_; }
  /// The arrays of the state, and the numbers of those of recurrent layers, which lie together.
  const std::vector<typename Stream<T>::StateArray>& arrays() const { return arrays_; }
  index state_size() const { return state_size_; }
  /// The scaling of a step, and of an answer.
  const Scaling& input_scaling() const { return input_scaling_; }
  const Scaling& output_scaling() const { return output_scaling_; }

  std::vector<StreamStage<T>>& stages() { return stages_; }
  const std::vector<StreamStage<T>>& stages() const { return stages_; }
  StreamStage<T>& stage_of(index layer) {
    return *std::find_if(stages_.begin(), stages_.end(),
                         [layer](const auto& stage) { return stage.layer() == layer; });
  }
  const std::vector<std::unique_ptr<Layer<T>>>& tail() const { return tail_; }

  /// Prepares for so many steps: everything that may throw.
  void plan(index steps);
  /// How many steps the last stage gives for those planned, and their form.
  index given() const { return given_; }
  const Form& form() const { return form_; }
  /// The form of so many steps of the inputs.
  Form input_form(index steps) const {
    const Shape shape = is_flat_ ? Shape{{}, steps} : Shape{{steps}, channels_};
    return {shape, Layout::panels<T>(shape)};
  }

  /// A sample in memory that begins there.
  static Rows<T> row(T* first) { return {first, kPanelWidth<T>, kPanelWidth<T>}; }
  /// Runs layers one after the other. A recurrent one, the last, begins with the state `begin`, or
  /// zeros for null, and writes its last one to `end`. Returns where the last layer has written.
  T* run(const std::vector<std::unique_ptr<Layer<T>>>& layers, const T* from, const T* begin,
         T* end);
  /// Memory that `run` reads from as well as any.
  T* inner() { return values_[0].data(); }

 private:
  void add_stages();
  void add_stage(const Part& part);
  void add_tail();
  void check(const Part& part, bool seen) const;

  const Network<T>& network_;
  std::vector<LayerSpec> specs_;
  std::vector<StreamStage<T>> stages_;
  std::vector<std::unique_ptr<Layer<T>>> tail_;
  bool is_flat_ = false, gives_sequences_ = true;
  index channels_ = 0, outputs_ = 0, given_ = 0;
  double flops_ = 0.0;
  Form form_;
  Shape step_shape_;
  Scaling input_scaling_, output_scaling_;
  std::vector<typename Stream<T>::StateArray> arrays_;
  index state_size_ = 0;
  // Values between layers, and what they need beside.
  Needs needs_;
  Buffer<T> values_[2], numbers_;
  Buffer<std::uint32_t> items_;
  std::vector<Stretch> stretches_;
};

}  // namespace foxnn
