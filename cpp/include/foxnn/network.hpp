// The network: its layers in the order in which they are computed, and the flat buffers of
// parameters and moments that they share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "foxnn/buffer.hpp"
#include "foxnn/dataset.hpp"
#include "foxnn/layer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/optimizer.hpp"
#include "foxnn/scaling.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// What an optimizer remembers between steps.
template <class T>
struct OptimizerState {
  Optimizer rule;
  std::uint64_t step = 0;  ///< steps made so far; 0: nothing is remembered
  Buffer<T> moments[2];
};

/// Loss and number of correct outputs over a set of samples.
struct Evaluation {
  double loss = 0.0;    ///< mean over the samples and their positions, weighted by their weights
  index correct = 0;    ///< positions whose largest output is at the place of the largest target
  index positions = 0;  ///< of all samples; a flat sample has one
};

/// A node in the plan of a network: a layer, and the nodes whose outputs it reads.
template <class T>
struct Node {
  std::unique_ptr<Layer<T>> layer;
  std::vector<index> reads;  ///< earlier nodes, or kNetworkInput
  index offset = 0;          ///< of its parameters in the flat buffer
  bool is_inserted = false;  ///< added by the engine, not listed by the user
};
inline constexpr index kNetworkInput = -1;

/// Whether any network of this process may have changed since a moment: a single load, where asking
/// many networks for their versions would read a line of the cache, and mostly a page, for each.
class Changes {
 public:
  /// This moment, which is not 0. What is read of networks must be read after it.
  static std::uint64_t now() {
    return count_.fetch_or(kIsAwaited, std::memory_order_relaxed) | kIsAwaited;
  }
  static bool none_since(std::uint64_t moment) {
    return count_.load(std::memory_order_relaxed) == moment;
  }
  /// To be called whenever a network changes. Only the first change after a moment is counted, so
  /// that networks in training do not write to a line that all of them share.
  static void note() {
    if (count_.load(std::memory_order_relaxed) & kIsAwaited) {
      count_.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr std::uint64_t kIsAwaited = 1;
  alignas(64) inline static std::atomic<std::uint64_t> count_{2};  // 0 is no moment
};

template <class T>
class Plan;

/// A layer as users listed it; for a composite, with the layers that it consists of.
struct Part {
  std::string kind = {};
  Shape input = {}, output = {};
  index node = -1;  ///< -1: it is a composite
  index end = -1;   ///< the node that computes its outputs
  std::vector<std::vector<Part>> branches = {};
  LayerSpec spec = {};  ///< set for a composite
  /// Whether input and output are sequences of any length, planned for so many steps.
  bool input_varies = false, output_varies = false;
};

template <class T>
class Network {
 public:
  /// Makes a network without layers. Everything random in it is derived from `seed`. `varies`: the
  /// first length of the inputs' shape is a number of steps, and only one of those that samples may
  /// have (see `with_steps`).
  Network(const Shape& inputs, std::uint64_t seed, bool varies = false);
  /// Throws Stopped if `stop` returns true before all is copied.
  Network(const Network& other, const StopRequest& stop);
  Network(const Network& other) : Network(other, {}) {}
  Network& operator=(const Network&) = delete;

  /// Appends all of the layers or none; their parameters are zero. Throws std::invalid_argument if
  /// one does not fit.
  void append(const std::vector<LayerSpec>& layers);
  /// Appends a custom layer, made for `output_form()`.
  void append(std::unique_ptr<Layer<T>> layer);
  /// Draws the initial parameters of the nodes from `first` on. For many parameters this takes
  /// seconds. If `stop` returns true, it throws Stopped, and the remaining parameters are zero.
  void initialize(index first = 0, const StopRequest& stop = {});

  /// Whether samples are sequences of any length.
  bool varies() const { return varies_; }
  /// Whether outputs are.
  bool outputs_vary() const { return parts_.empty() ? varies_ : parts_.back().output_varies; }
  /// The numbers of a step of a sample, and the steps that the layers are planned for.
  index step_columns() const { return input_shape_.is_flat() ? 1 : input_shape_.channels; }
  index steps() const { return inputs() / step_columns(); }
  /// The same network planned for sequences of another length, or of at most that length. It shares
  /// parameters, optimizer and random draws with this one, and is valid as long as that has the
  /// same layers, activations, loss and scaling. Throws std::invalid_argument if a layer cannot
  /// read so few steps.
  std::unique_ptr<Network> with_steps(index steps) const;
  /// The same network, of samples of one shape, too, planned for pieces of so many steps of a
  /// sequence. Throws std::invalid_argument as `check_pieces` does.
  std::unique_ptr<Network> with_pieces(index steps) const;
  /// Throws std::invalid_argument unless samples are sequences and the outputs have a step for each
  /// of theirs, which depends on the steps so far alone.
  void check_pieces() const;
  /// The steps of the outputs for a sequence of so many; 0 if it is too short for a layer. Only if
  /// outputs vary.
  index steps_after(index steps) const;
  /// Plans this network itself for another number of steps.
  void plan_for(index steps);

  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const { return top().output().shape; }
  /// The form of the value that the next layer reads.
  Form output_form() const {
    return nodes_.empty() ? Form{input_shape_, Layout::packed(input_shape_)} : top().output();
  }
  /// The number of inputs of a sample.
  index inputs() const { return input_shape_.size(); }
  index outputs() const { return output_shape().size(); }
  /// If layers read the inputs as whole numbers from 0 on: the number that they must be below. 0:
  /// inputs may be any numbers.
  index index_limit() const { return index_limit_; }

  /// The nodes, each after those that it reads. The last one gives the outputs.
  index size() const { return static_cast<index>(nodes_.size()); }
  const Node<T>& node(index i) const { return nodes_[static_cast<std::size_t>(i)]; }
  const Layer<T>& layer(index i) const { return *node(i).layer; }
  const Layer<T>& top() const { return *nodes_.back().layer; }
  /// Whether each node reads only the node before it.
  bool is_chain() const;
  /// The layers as they were appended.
  const std::vector<Part>& parts() const { return parts_; }

  /// Throws std::invalid_argument if the activation does not suit the layer's position, or the
  /// loss.
  void set_activation(index i, const Activation& activation);
  /// Sets whether training steps change the parameters of node i.
  void set_trained(index i, bool trained);
  /// Sets an array of node i from numbers in its shape.
  void set_array(index i, const Array& array, const T* values);
  LossKind loss() const { return loss_.kind; }
  const std::vector<double>& loss_parameters() const { return loss_.parameters; }
  /// Whether outputs are in ascending order where a target has several.
  bool sorts_outputs() const { return loss_.sorts_outputs(); }
  /// Throws std::invalid_argument if the loss does not suit the output layer.
  void set_loss(LossKind loss, std::vector<double> parameters = {});
  /// Whether the loss is computed from the output layer's preactivations.
  bool loss_takes_preactivations() const {
    return takes_preactivations(loss_.kind, top().activation());
  }
  /// How inputs are scaled before the first layer, and how the outputs of the last layer are
  /// converted to the units that users know. Targets are scaled in training and evaluation, so
  /// losses are those of scaled numbers. Throws std::invalid_argument if the number of columns does
  /// not match.
  void set_scaling(Scaling inputs, Scaling outputs);
  const Scaling& input_scaling() const { return input_scaling_; }
  const Scaling& output_scaling() const { return output_scaling_; }
  /// The same samples as a view that scales them when they are read.
  MatrixView scaled_inputs(MatrixView x) const;
  /// Whether samples go through the network by their stored numbers: those of a sparse matrix, if
  /// zeros stay zeros when they are scaled, and if all layers that read the inputs take them.
  /// Otherwise a batch is read with its zeros, with the same results.
  bool goes_by_stored(const MatrixView& x) const;
  Samples scaled(Samples samples) const;
  /// Converts outputs to the units that users know, in place, and sorts those of the same target if
  /// the loss says so. Rows are contiguous.
  void finish_outputs(index rows, T* outputs) const;
  /// The second half of that, of so many outputs.
  void sort_outputs(index count, T* outputs) const;
  /// Of outputs before that: takes a gradient with respect to finished ones to them, in place, but
  /// for the units.
  void unsort_gradient(index rows, const T* outputs, T* gradient) const;
  /// Which of the numbers of a target, from `values` on, becomes number `place` when they are
  /// sorted.
  index sorted_from(const T* values, index place) const;
  std::uint64_t seed() const { return seed_; }
  /// Whether the products of a neuron are summed from the smallest to the largest, in both passes.
  bool sorted_summation() const { return sorted_; }
  /// Must not be called while a Trainer or SingleSample exists: they own the memory that layers
  /// need.
  void set_sorted_summation(bool sorted);

  /// Position of node i's parameters in the flat buffer.
  index offset(index i) const { return node(i).offset; }
  Buffer<T>& parameters() {
    shared_->version.next();
    return shared_->parameters;
  }
  const Buffer<T>& parameters() const { return shared_->parameters; }
  /// A number that changes with every access to the parameters by which they could be changed, and
  /// with what layers compute from them.
  std::uint64_t version() const { return shared_->version.get(); }
  /// Where it is read: a load from a place that is known is faster, if many networks are asked.
  const std::atomic<std::uint64_t>& version_place() const { return shared_->version.count(); }
  OptimizerState<T>& optimizer() { return shared_->optimizer; }
  const OptimizerState<T>& optimizer() const { return shared_->optimizer; }
  /// Prepares for steps with `rule`: keeps the moments if they belong to the same rule. Throws
  /// Stopped, and has changed nothing, if `stop` returns true.
  void use_optimizer(const Optimizer& rule, const StopRequest& stop = {});
  void reset_optimizer() { shared_->optimizer = {}; }
  /// Copies the parameters and the optimizer's memory from a network with the same layers. Throws
  /// Stopped, and has changed nothing, if `stop` returns true.
  void restore(const Network& earlier, const StopRequest& stop = {});

  /// Returns a new number on each call: the sub-stream for the next random draw.
  std::uint32_t next_draw() { return shared_->draws++; }
  /// The number that next_draw will return next.
  std::uint32_t draw() const { return shared_->draws; }
  void set_draw(std::uint32_t draw) { shared_->draws = draw; }

  /// out[rows x outputs] = f(x), with at most `threads` workers (0: as many as are worthwhile).
  /// `out` is complete only if the outcome is `done`, or `no_number`: then some outputs are NaN,
  /// because layers exceed the range of T (infinity minus infinity, or infinity times zero).
  enum class Outcome { done, stopped, not_finite, no_number };
  Outcome predict(const MatrixView& x, T* out, int threads, const StopRequest& stop) const;
  /// The outputs of the given nodes for x: out[i][rows x numbers of node i].
  Outcome node_outputs(const MatrixView& x, const std::vector<index>& nodes,
                       const std::vector<T*>& out, int threads, const StopRequest& stop) const;
  /// d output / d input of x, [rows x count x inputs], for `count` outputs from `first` on.
  bool input_gradient(const MatrixView& x, index first, index count, T* out, int threads,
                      const StopRequest& stop) const;
  /// Writes the mean loss and the number of correct outputs to `result`.
  bool evaluate(const Samples& samples, Evaluation& result, int threads,
                const StopRequest& stop) const;

 private:
  void append(Plan<T> plan);
  // A plan to append to the value of a node.
  Plan<T> plan_from(index node, const Form& form, index before) const;
  // Takes nodes over, whose parameters begin after `count` numbers. Returns where they end.
  index place(std::vector<Node<T>>& nodes, index count) const;
  // The network planned for samples of another number of steps.
  std::unique_ptr<Network> planned(index steps) const;
  // The specs from which the layers can be made again, as they are now.
  std::vector<LayerSpec> specs() const;
  // Takes over the layers of another network, planned for other numbers of steps.
  void take_layers(Plan<T> plan, const Shape& inputs, const Network& from);

  // Counts accesses to the parameters. Another thread may read it meanwhile.
  class Version {
   public:
    Version() = default;
    Version(const Version& other) : count_(other.get()) {}
    Version& operator=(const Version&) = delete;
    std::uint64_t get() const { return count_.load(std::memory_order_acquire); }
    const std::atomic<std::uint64_t>& count() const { return count_; }
    // Only one thread changes a network at a time.
    void next() {
      count_.store(get() + 1, std::memory_order_release);
      Changes::note();
    }

   private:
    std::atomic<std::uint64_t> count_{0};
  };
  // What networks share that differ in the number of steps alone.
  struct Shared {
    Buffer<T> parameters;
    OptimizerState<T> optimizer;
    std::uint32_t draws = 0;
    Version version = {};
  };

  std::uint64_t seed_;
  bool varies_ = false;
  Loss loss_;
  bool sorted_ = false;
  index index_limit_ = 0;
  Scaling input_scaling_, output_scaling_;
  Shape input_shape_;
  std::vector<Node<T>> nodes_;
  std::vector<Part> parts_;
  std::shared_ptr<Shared> shared_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace foxnn
