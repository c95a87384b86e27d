// The network: its layers, and the flat buffers of parameters and moments that they share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/dataset.hpp"
#include "foxnn/dense.hpp"
#include "foxnn/initializer.hpp"
#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/optimizer.hpp"
#include "foxnn/scaling.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// What an optimizer remembers between the steps.
template <class T>
struct OptimizerState {
  Optimizer rule;
  std::uint64_t step = 0;  ///< steps made; 0: nothing remembered
  Buffer<T> moments[2];
};

/// Loss and hits over a set of samples.
struct Evaluation {
  double loss = 0.0;  ///< mean over the samples, each with its weight
  index correct = 0;  ///< samples whose largest output is where the largest target is
};

template <class T>
class Network {
 public:
  /// An empty network; `seed` feeds everything random that it does.
  explicit Network(std::uint64_t seed) : seed_(seed) {}
  /// Throws std::bad_alloc where there is no room for a network of these sizes: before any layer is
  /// made, since making the first of them may take long.
  static void check_room(const std::vector<index>& sizes);
  Network(const Network& other);
  Network& operator=(const Network&) = delete;

  /// Appends a layer whose inputs fit; its parameters start at zero, or as drawn.
  void append(std::unique_ptr<Layer<T>> layer);
  /// Drawing many takes seconds: where `stop` says yes, it throws Stopped, and the network, whose
  /// last layers are then incomplete, is of no use.
  void append_dense(index inputs, index neurons, Activation activation, InitializerKind init,
                    const StopRequest& stop = {});
  /// Appends a dense layer from each of the sizes to the next, at once: what it takes grows with
  /// the layers, where one by one it grows with their square.
  void append_dense(const std::vector<index>& sizes, const std::vector<Activation>& activations,
                    InitializerKind init, const StopRequest& stop = {});

  index inputs() const { return layers_.front()->inputs(); }
  index outputs() const { return layers_.back()->outputs(); }
  index size() const { return static_cast<index>(layers_.size()); }
  Layer<T>& layer(index i) { return *layers_[static_cast<std::size_t>(i)]; }
  const Layer<T>& layer(index i) const { return *layers_[static_cast<std::size_t>(i)]; }
  /// Layer i, where it is a dense one. Throws std::bad_cast otherwise.
  Dense<T>& dense(index i) { return dynamic_cast<Dense<T>&>(layer(i)); }
  const Dense<T>& dense(index i) const { return dynamic_cast<const Dense<T>&>(layer(i)); }

  /// Throws std::invalid_argument where it does not suit the layer's place, or the loss.
  void set_activation(index i, Activation activation);
  LossKind loss() const { return loss_; }
  /// Throws std::invalid_argument where the loss does not suit the output layer.
  void set_loss(LossKind loss);
  /// Whether the loss is computed from the output layer's preactivations.
  bool loss_takes_preactivations() const {
    return takes_preactivations(loss_, layers_.back()->activation());
  }
  /// How inputs are scaled before the first layer, and how the outputs that the layers give are to
  /// those that users know. Wanted outputs are scaled in training and evaluation, so losses are of
  /// scaled numbers. Throws std::invalid_argument where there are not as many columns.
  void set_scaling(Scaling inputs, Scaling outputs);
  const Scaling& input_scaling() const { return input_scaling_; }
  const Scaling& output_scaling() const { return output_scaling_; }
  /// The samples, to be read as scaled.
  MatrixView scaled_inputs(MatrixView x) const;
  Samples scaled(Samples samples) const;
  /// Outputs as users know them, in place: rows one behind the other.
  void unscale_outputs(index rows, T* outputs) const;
  std::uint64_t seed() const { return seed_; }
  /// Whether the products of a neuron are summed from the smallest to the largest, in both passes.
  bool sorted_summation() const { return sorted_; }
  /// Not while there is a Trainer or SingleSample, which hold the memory that layers need.
  void set_sorted_summation(bool sorted);

  /// Position of layer i's parameters in the flat buffer.
  index offset(index i) const { return offsets_[static_cast<std::size_t>(i)]; }
  Buffer<T>& parameters() { return parameters_; }
  const Buffer<T>& parameters() const { return parameters_; }
  OptimizerState<T>& optimizer() { return optimizer_; }
  const OptimizerState<T>& optimizer() const { return optimizer_; }
  /// Gets ready for steps by `rule`: keeps the moments where the rule is the one they belong to.
  void use_optimizer(const Optimizer& rule);
  void reset_optimizer() { optimizer_ = {}; }
  /// Parameters and the optimizer's memory as those of another network of the same layers.
  void restore(const Network& earlier);

  /// A new number each time, for the sub-stream of the next thing drawn of that kind.
  std::uint32_t next_draw() { return draws_++; }
  /// The number that next_draw will return.
  std::uint32_t draw() const { return draws_; }
  void set_draw(std::uint32_t draw) { draws_ = draw; }

  /// out[rows x outputs] = f(x), by at most `threads` workers (0: as many as pay). `out` is not
  /// complete unless it is done, but for what is no number: an infinity less an infinity, or times
  /// zero, where layers go beyond T.
  enum class Outcome { done, stopped, not_finite, no_number };
  Outcome predict(const MatrixView& x, T* out, int threads, const StopRequest& stop) const;
  /// d output / d input of x, [rows x count x inputs], for `count` outputs from `first` on.
  bool input_gradient(const MatrixView& x, index first, index count, T* out, int threads,
                      const StopRequest& stop) const;
  /// Mean loss, and hits, in `result`.
  bool evaluate(const Samples& samples, Evaluation& result, int threads,
                const StopRequest& stop) const;

 private:
  using Layers = std::vector<std::unique_ptr<Layer<T>>>;
  void append(Layers added);

  std::uint64_t seed_;
  std::uint32_t draws_ = 0;
  LossKind loss_ = LossKind::mse;
  bool sorted_ = false;
  Scaling input_scaling_, output_scaling_;
  Layers layers_;
  std::vector<index> offsets_;
  Buffer<T> parameters_;
  OptimizerState<T> optimizer_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace foxnn
