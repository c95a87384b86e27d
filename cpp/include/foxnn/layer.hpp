// The interface of a layer: its shapes, its parameters, and its part of a pass over a batch. Every
// worker of a team calls a layer once per batch, and computes its share of the outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "foxnn/activation.hpp"
#include "foxnn/initializer.hpp"
#include "foxnn/layer_spec.hpp"
#include "foxnn/rows.hpp"
#include "foxnn/shape.hpp"
#include "foxnn/sink.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// An array of a layer as users see it, and its position within the layer's part of the network's
/// parameters. Arrays are stored in this order, each padded to cache lines.
struct Array {
  enum class Role {
    weight,   ///< trained, and subject to penalties
    bias,     ///< trained, not subject to penalties
    running,  ///< not a parameter: the layer itself updates it in training
  };
  std::string name;
  std::vector<index> shape;
  index offset = 0;
  index count = 0;  ///< numbers from `offset` on, padding included
  Role role = Role::weight;

  /// The number of elements that users see.
  index size() const;
  bool is_penalised() const { return role == Role::weight; }
  bool is_trained() const { return role != Role::running; }
};

/// How an array is shown: as users know it, or, for a matrix, transposed.
enum class Order { plain, transposed };

/// What a pass in training gets in addition to the batch, for layers that draw random numbers.
struct Occasion {
  std::uint64_t seed = 0;
  std::uint32_t draw = 0;  ///< of the first layer that draws; the n-th layer uses draw + n
  index first = 0;  ///< the position of the batch's first sample in the epoch; the second piece of
                    ///< its sequences is as far behind it as an epoch has samples, and so on
};

/// What a layer does where the batch lies in lanes: its columns are the rows, without gaps, and its
/// samples the columns, so that a register holds the same number of many samples.
enum class LaneUse {
  never,    ///< it takes rows
  follows,  ///< it takes either, and gives the same
  turns,    ///< it takes either, and gives rows
  weighed,  ///< as `follows`, if that saves work: see Layer::products
};
/// Whether a layer's inputs lie in lanes, and its outputs.
struct InLanes {
  bool x = false, y = false;
};
/// Multiply-adds of a sample in a pass forward and for the gradient of the inputs, counted with the
/// lanes that stay empty where samples are rows, and of either without them.
struct Products {
  double forward = 0.0, of_inputs = 0.0, full = 0.0;
};

/// Of a batch of sequences of different lengths, sorted so that the longest come first: how many of
/// its rows, the first ones, have each step of a layer's input, and of its output. Null: all have.
/// What stands in a step that a row does not have is undefined, and must not be read.
struct StepRows {
  const std::uint32_t* x = nullptr;
  const std::uint32_t* y = nullptr;
};

template <class T>
class Layer;

/// The destination of a layer's outputs.
template <class T>
struct Outputs {
  Rows<T> y;
  Rows<T> slope = {};  ///< what the backward pass needs besides y; null data: nothing is kept
  /// Dropout: `dropped` is y times the mask, and replaces y as the next layer's input. Null data:
  /// no dropout.
  Rows<const T> mask = {};
  Rows<T> dropped = {};
  T* kept = nullptr;                   ///< kept_size numbers; null: nothing is kept
  const Occasion* training = nullptr;  ///< null: the pass is for inference
  bool raw = false;                    ///< the activation is not applied to y
  /// A layer that the pass has merged with this one, which applies it to y: `slope` is of that
  /// layer.
  const Layer<T>* then = nullptr;
  InLanes lanes = {};
  StepRows steps = {};
  /// Of layers that carry a state (Layer::state_size): that before the first step, and where that
  /// after each row's last one is written, row by row. Null: it is zero, and not kept.
  const T* begin = nullptr;
  T* end = nullptr;
};

/// A batch of samples by the stored numbers of sparse rows: what a first layer reads in place of
/// panels, if it takes them.
template <class T>
struct StoredRows {
  const T* values = nullptr;
  const std::uint32_t* columns = nullptr;  ///< ascending within a row
  const std::uint32_t* starts = nullptr;   ///< of each row, and the end of the last
  /// Memory in which the workers arrange the numbers by column for the backward pass, each those of
  /// its share of columns: the end of each column, its values, and their rows in ascending order.
  std::uint32_t* ends = nullptr;
  T* sorted = nullptr;
  std::uint32_t* rows = nullptr;
};

/// What the forward pass left for a layer's backward pass, and d loss / d y.
template <class T>
struct Back {
  const Rows<const T>* x = nullptr;       ///< one for each input
  const StoredRows<T>* stored = nullptr;  ///< given in place of x to layers that read stored rows
  Rows<const T> y, slope;
  T* kept = nullptr;               ///< `backward` may add to it
  std::uint32_t* items = nullptr;  ///< kept_items whole numbers, as the last batch left them
  Rows<T> delta;
  InLanes lanes = {};
  StepRows steps = {};
};

/// Rows of samples that a worker will read soon, anywhere in memory. A long computation in a layer
/// prefetches them meanwhile, one at a time.
struct RowsToFetch {
  const std::byte* data = nullptr;
  index row_bytes = 0;
  const std::uint32_t* next = nullptr;
  const std::uint32_t* end = nullptr;

  const std::byte* take() { return next == end ? nullptr : data + *next++ * row_bytes; }
};

/// Memory that a worker lends to a layer for the duration of a call, and what the layer may do
/// during the call.
template <class T>
struct Scratch {
  T* numbers = nullptr;
  std::uint32_t* items = nullptr;
  Stretch* stretches = nullptr;
  RowsToFetch* fetch = nullptr;
  Leaving* leaving = nullptr;  ///< null: the call is short, or must run to its end

  bool leaves() const { return leaving && leaving->now(); }
};
struct ScratchSize {
  index numbers = 0, items = 0, stretches = 0;
};

/// What a layer provides for the fast path of narrow networks: x W + b, and a function of it.
template <class T>
struct NarrowPart {
  const Layer<T>* layer = nullptr;
  index inputs = 0, neurons = 0;
  const T* weights = nullptr;  ///< one line of neurons per input
  const T* bias = nullptr;     ///< one line, directly after the weights
  Activation activation = {};
};

template <class T>
class Layer {
 public:
  /// `inputs` are the forms of the values that the layer reads.
  Layer(const LayerSpec& spec, std::vector<Form> inputs)
      : spec_(spec), inputs_(std::move(inputs)) {}
  virtual ~Layer() = default;
  virtual std::unique_ptr<Layer> clone() const = 0;

  // Description.

  const LayerSpec& spec() const { return spec_; }
  const std::vector<Form>& inputs() const { return inputs_; }
  const Form& input() const { return inputs_.front(); }
  const Form& output() const { return output_; }
  const std::vector<Array>& arrays() const { return arrays_; }
  /// Elements of the layer's part of the parameter buffer, padding included.
  index parameter_count() const {
    return arrays_.empty() ? 0 : arrays_.back().offset + arrays_.back().count;
  }
  /// The parameters that a training step reads and changes.
  virtual index step_parameters(index /*batch*/) const { return parameter_count(); }
  /// Floating-point operations of the forward pass for one sample.
  virtual double flops() const = 0;
  /// Whether training steps change its parameters.
  bool is_trained() const { return trained_; }
  void set_trained(bool trained) { trained_ = trained; }
  /// The number of sub-streams of random numbers that it draws from in training.
  virtual int draws() const { return 0; }
  /// If it reads its input as whole numbers from 0 on: the number that they must be below. 0: it
  /// reads any numbers.
  virtual index index_limit() const { return 0; }
  /// The numbers of a sample that it carries from one stretch of steps to the next.
  virtual index state_size() const { return 0; }
  /// Of a sequence of so many steps, those of its output: 0 if it is too short; -1 if the output is
  /// no sequence. Longer sequences never have fewer.
  virtual index output_steps(index steps) const { return output_.shape.is_flat() ? -1 : steps; }
  /// Whether each step of its output depends on that step of its input alone, and on the state
  /// before it: so that a sequence may come in pieces.
  virtual bool goes_step_by_step() const { return false; }
  /// Whether its outputs are the numbers of its input, in the same order.
  virtual bool keeps_numbers() const { return false; }

  // The activation that is applied last, if the layer has one. In the backward pass, the layers
  // that read its outputs apply the derivative (`backward_activation`).

  virtual Activation activation() const { return {ActivationKind::identity, 0.0}; }
  /// Throws std::invalid_argument if the layer has no activation.
  virtual void set_activation(const Activation& activation);
  /// True if the backward pass needs a buffer of slopes in addition to the outputs.
  virtual bool keeps_slope() const { return false; }
  /// True if outputs are finished row by row, in `finish_rows`, after all of `forward`.
  virtual bool finishes_rows() const { return false; }
  /// True if `forward` can apply a dropout mask to its outputs.
  virtual bool takes_masks() const { return false; }

  // Two layers that a pass may merge: the second works in the memory of the first's outputs, while
  // they are in the cache, and d loss / d inputs of the second is its own `delta`.

  /// Whether it applies `Outputs::then` to its outputs, which its backward pass does not need.
  virtual bool applies_next() const { return false; }
  /// Whether `apply` does all that `forward` does, and the gradient is passed on unchanged.
  virtual bool works_in_place() const { return false; }
  /// out.y = f(out.y), and the slope, for `width` columns of a panel.
  virtual void apply(index /*rows*/, index /*width*/, index /*row*/, index /*panel*/,
                     const Outputs<T>& /*out*/) const {}

  /// Whether each of its outputs is one of its inputs, and no input is given twice. The derivative
  /// of the activation before it is then that of its outputs, which are fewer.
  virtual bool picks_inputs() const { return false; }

  // Parameters.

  /// Assigns the layer its part of the network's parameters.
  void attach(T* parameters) { parameters_ = parameters; }
  const T* parameters() const { return parameters_; }
  /// Draws the initial parameters, which are zero before. `place` distinguishes the layers of a
  /// network. Throws Stopped if `stop` returns true.
  virtual void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop);
  /// Converts an array from the layout of the parameters (parameters, gradients and moments have
  /// it), and back. Padding is left unchanged. Throws Stopped if `stop` returns true.
  virtual void unpack(const Array& array, const T* packed, T* values, Order order,
                      const StopRequest& stop) const;
  virtual void pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const;

  /// If a batch names rows of its parameters, which are all of one length: their number.
  virtual index row_count() const { return 0; }

  // A pass over a batch.

  /// Whether the sums over inputs, and in the backward pass over neurons, run from the smallest
  /// term to the largest. The scratch that a worker must lend depends on it.
  virtual void set_sorted_summation(bool) {}
  /// The number of products per sample that are then sorted.
  virtual double sorted_products() const { return 0.0; }
  /// Where it is not `never`, Outputs and Back may say that the batch lies in lanes.
  virtual LaneUse lane_use() const { return LaneUse::never; }
  virtual Products products() const { return {}; }
  /// The scratch that a worker must lend for a batch.
  virtual ScratchSize scratch_size(index) const { return {}; }
  /// Numbers that it keeps for the backward pass of a batch, besides its outputs and slopes.
  virtual index kept_size(index) const { return 0; }
  /// Whole numbers that its backward pass has for itself, zero before the first batch.
  virtual index kept_items(index) const { return 0; }

  /// In training, before `forward`: brings those rows of its parameters up to date that the batch
  /// names, and those whose turn it is. Each is one worker's.
  virtual void need_rows(Share, index /*batch*/, const Rows<const T>* /*x*/, RowNeeds&) const {}
  /// out.y = f(x) for the worker's share of outputs, for the first `batch` rows of each input.
  /// Scratch is needed only if x.nonzero is given, and for sorted sums.
  virtual void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                       Scratch<T> scratch) const = 0;
  /// Whether it skips zeros among the network's inputs, so that they are recorded (Rows::nonzero).
  virtual bool skips_zeros() const { return false; }
  /// Whether the network's inputs can be given as stored rows of sparse samples, with the same bits
  /// as with all numbers: what is not stored is zero.
  virtual bool takes_stored_rows() const { return false; }
  /// The same as `forward` for the stored rows of the network's inputs.
  virtual void forward_stored(Share, index /*batch*/, const StoredRows<T>&, const Outputs<T>&,
                              Scratch<T>) const {}
  /// Finishes whole rows of outputs (softmax), position by position.
  virtual void finish_rows(index, const Rows<T>&) const {}
  /// Turns d loss / d outputs into d loss / d preactivations, in place, for `width` columns of a
  /// panel (for all channels of the position that the rows begin with, if the layer finishes rows).
  /// `y` and `slope` are what `forward` left.
  virtual void backward_activation(index /*first_row*/, index /*rows*/, index /*panel*/,
                                   index /*width*/, const Rows<T>& /*delta*/,
                                   const Rows<const T>& /*y*/,
                                   const Rows<const T>& /*slope*/) const {}

  /// The same for all columns of a network's outputs.
  void backward_outputs(index rows, const Rows<T>& delta, const Rows<const T>& y,
                        const Rows<const T>& slope) const;

  /// True if `backward` has work that all workers must complete before what follows. The backward
  /// pass runs it for a first layer, too, although that passes no gradient on.
  virtual bool has_backward() const { return false; }
  /// True if `backward` changes what `forward` kept, so that it can be called only once after it.
  virtual bool spends_kept() const { return false; }
  /// Whether everything that is kept is written before it is read, whatever memory held before.
  virtual bool needs_no_zeros() const { return false; }
  /// May change back.delta.
  virtual void backward(Share, index /*batch*/, const Back<T>&, Scratch<T>) const {}
  /// d loss / d input `which` for the worker's share. `below` finishes each block while it is in
  /// the cache: it refers to the layer whose outputs the input is, what that layer kept, and its
  /// dropout mask. Null if the input is the network's, or if other layers read it, too.
  struct Below {
    const Layer* layer = nullptr;
    Rows<const T> y = {}, slope = {}, mask = {};

    Below from_panel(index p) const {
      return {layer, y.from_panel(p), slope.data ? slope.from_panel(p) : slope,
              mask.data ? mask.from_panel(p) : mask};
    }
    /// Finishes `width` columns of a panel.
    void finish(index row, index rows, index panel, index width, const Rows<T>& delta) const;
    /// Finishes whole rows.
    void finish_rows(index row, index rows, index columns, const Rows<T>& delta) const;
  };
  virtual void backward_input(Share share, index batch, index which, const Back<T>& back,
                              const Rows<T>& delta_below, const Below& below,
                              Scratch<T> scratch) const = 0;
  /// Whether `delta_below` may be `back.delta`: its only input has the form of its outputs, each
  /// number depends on the one in its place, and backward_parameters reads neither.
  virtual bool passes_in_place() const { return false; }
  /// Whether all that it computes of a sample has the same bits in a batch of any samples, and
  /// backward_parameters can pass the gradients of parts of a batch on (GradientSink::part_ends).
  virtual bool takes_parts() const { return false; }
  /// Passes d loss / d parameters of the worker's share to the sink. May be called after other
  /// workers have changed the parameters of their shares.
  virtual void backward_parameters(Share, index /*batch*/, const Back<T>&, GradientSink<T>&,
                                   Scratch<T>) const {}

  /// Updates its running arrays, once the training step is certain to be made.
  virtual void settle(Share, index /*batch*/, const T* /*kept*/) const {}

  /// What the fast path for narrow networks needs; empty if the layer does not support it.
  virtual std::optional<NarrowPart<T>> narrow_part() const { return std::nullopt; }

 protected:
  Layer(const Layer&) = default;

  /// Throws std::bad_alloc for shapes that no memory could hold, before sizes overflow.
  void set_output(Form output) {
    const Shape& shape = output.shape;
    if (shape.channels > kMostNumbers / shape.positions()) throw std::bad_alloc();
    output_ = std::move(output);
  }
  /// Appends an array of `count` numbers, padding included.
  void add_array(std::string name, std::vector<index> shape, index count, Array::Role role);
  /// Lets the spec say the activation under its own name, with its parameters.
  void set_activation_option(const Activation& activation) {
    spec_.options["activation"] = std::string(activation.name());
    spec_.options["parameters"] = activation.parameters();
  }
  T* own_parameters() const { return parameters_; }

 private:
  LayerSpec spec_;
  std::vector<Form> inputs_;
  Form output_;
  std::vector<Array> arrays_;
  bool trained_ = true;
  T* parameters_ = nullptr;
};

extern template class Layer<float>;
extern template class Layer<double>;

}  // namespace foxnn
