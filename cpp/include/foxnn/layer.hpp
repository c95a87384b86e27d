// What the engine asks of a layer: its shapes, its parameters, and its part of a pass over a batch.
// A layer is called once a batch by every worker of a team, and does its share of the outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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

/// An array of numbers that a layer has, as users know it, and where it lies in the layer's part of
/// the network's parameters. Arrays lie there in this order, each padded to lines of the cache.
struct Array {
  enum class Role {
    weight,   ///< trained, and penalties fall on it
    bias,     ///< trained, free of penalties
    running,  ///< no parameter: the layer itself changes it in training
  };
  std::string name;
  std::vector<index> shape;
  index offset = 0;
  index count = 0;  ///< numbers from `offset` on, padding included
  Role role = Role::weight;

  /// Numbers that users see.
  index size() const;
  bool is_penalised() const { return role == Role::weight; }
  bool is_trained() const { return role != Role::running; }
};

/// How an array is shown: as users know it, or, for a matrix, transposed.
enum class Order { plain, transposed };

/// What a pass in training is told beside the batch, for layers that draw random numbers.
struct Occasion {
  std::uint64_t seed = 0;
  std::uint32_t draw = 0;  ///< of the first layer that draws; the n-th has draw + n
  index first = 0;         ///< the place in the epoch of the batch's first sample
};

/// Where the outputs of a layer go.
template <class T>
struct Outputs {
  Rows<T> y;
  Rows<T> slope = {};  ///< what the backward pass needs beside y; without data: nothing is kept
  /// Dropout: `dropped` is y times the mask, and takes the place of y as the next layer's inputs.
  /// Without data: there is none.
  Rows<const T> mask = {};
  Rows<T> dropped = {};
  T* kept = nullptr;                   ///< kept_size numbers; null: nothing is kept
  const Occasion* training = nullptr;  ///< null: the layer answers
  bool raw = false;                    ///< y is left as it is before the activation
};

/// What a layer finds on the way back: what it got and gave on the way there, and d loss / d y.
template <class T>
struct Back {
  const Rows<const T>* x = nullptr;  ///< one for each input
  Rows<const T> y, slope;
  const T* kept = nullptr;
  Rows<T> delta;
};

/// Rows of samples that a worker will read soon, wherever they are in memory. A layer that computes
/// for long asks for them meanwhile, one now and then.
struct RowsToFetch {
  const std::byte* data = nullptr;
  index row_bytes = 0;
  const std::uint32_t* next = nullptr;
  const std::uint32_t* end = nullptr;

  const std::byte* take() { return next == end ? nullptr : data + *next++ * row_bytes; }
};

/// Memory that a worker lends a layer for the length of a call, and what it may do meanwhile.
template <class T>
struct Scratch {
  T* numbers = nullptr;
  std::uint32_t* items = nullptr;
  RowsToFetch* fetch = nullptr;
  Leaving* leaving = nullptr;  ///< null: the call is short, or must come to its end

  bool leaves() const { return leaving && leaving->now(); }
};
struct ScratchSize {
  index numbers = 0, items = 0;
};

template <class T>
class Layer;

/// What a layer tells the short way of narrow networks of itself: x W + b, and a function of it.
template <class T>
struct NarrowPart {
  const Layer<T>* layer = nullptr;
  index inputs = 0, neurons = 0;
  const T* weights = nullptr;  ///< lines of neurons, an input behind the other
  const T* bias = nullptr;     ///< a line, just behind them
  Activation activation = {};
};

template <class T>
class Layer {
 public:
  /// `inputs` are the values that it reads.
  Layer(const LayerSpec& spec, std::vector<Form> inputs)
      : spec_(spec), inputs_(std::move(inputs)) {}
  virtual ~Layer() = default;
  virtual std::unique_ptr<Layer> clone() const = 0;

  // What it is.

  const LayerSpec& spec() const { return spec_; }
  const std::vector<Form>& inputs() const { return inputs_; }
  const Form& input() const { return inputs_.front(); }
  const Form& output() const { return output_; }
  const std::vector<Array>& arrays() const { return arrays_; }
  /// Elements of its part of the parameter buffer, padding included.
  index parameter_count() const {
    return arrays_.empty() ? 0 : arrays_.back().offset + arrays_.back().count;
  }
  /// Floating-point operations for a sample, on the way there.
  virtual double flops() const = 0;
  /// Whether steps change its parameters.
  bool is_trained() const { return trained_; }
  void set_trained(bool trained) { trained_ = trained; }
  /// How many sub-streams of random numbers it draws from in training.
  virtual int draws() const { return 0; }

  // The function that its outputs come out of: where a layer has one, what reads it goes back
  // through it (`backward_activation`).

  virtual Activation activation() const { return {ActivationKind::identity, 0.0}; }
  /// Throws std::invalid_argument where the layer has none to set.
  virtual void set_activation(const Activation& activation);
  /// True when the backward pass needs a buffer of slopes beside the outputs.
  virtual bool keeps_slope() const { return false; }
  /// True when the outputs are finished by rows, in `finish_rows`, after all of `forward`.
  virtual bool finishes_rows() const { return false; }
  /// True when `forward` can apply a mask of dropout to what it gives.
  virtual bool takes_masks() const { return false; }

  // Its parameters.

  /// Gives the layer its part of the network's parameters.
  void attach(T* parameters) { parameters_ = parameters; }
  const T* parameters() const { return parameters_; }
  /// Draws the first parameters, which were zero; `place` tells layers of a network apart. Throws
  /// Stopped where `stop` says yes.
  virtual void initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop);
  /// An array out of numbers that lie as the parameters do (parameters, gradient, moment), and into
  /// such; padding is left.
  virtual void unpack(const Array& array, const T* packed, T* values, Order order) const;
  virtual void pack(const Array& array, const T* values, T* packed) const;

  // A pass over a batch.

  /// Whether the sums over inputs, and over neurons going back, run from the smallest term to the
  /// largest. What a worker must lend depends on it.
  virtual void set_sorted_summation(bool) {}
  /// Products of a sample that are sorted then.
  virtual double sorted_products() const { return 0.0; }
  /// What a worker must lend for a batch.
  virtual ScratchSize scratch_size(index) const { return {}; }
  /// Numbers that it keeps of a batch for the way back, beside its outputs and slopes.
  virtual index kept_size(index) const { return 0; }

  /// out.y = f(x) for the worker's share of outputs, for the batch's first `batch` rows of each
  /// input. Scratch is needed only where x.nonzero is known, and for sorted sums.
  virtual void forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                       Scratch<T> scratch) const = 0;
  /// Finishes whole rows of outputs (softmax).
  virtual void finish_rows(index, const Rows<T>&) const {}
  /// From d loss / d outputs to d loss / d preactivations, in place, for `width` columns of a panel
  /// (all columns, for a layer that finishes rows).
  /// `y` and `slope` are what `forward` left.
  virtual void backward_activation(index /*first_row*/, index /*rows*/, index /*panel*/,
                                   index /*width*/, const Rows<T>& /*delta*/,
                                   const Rows<const T>& /*y*/,
                                   const Rows<const T>& /*slope*/) const {}

  /// True where `backward` has work that must come before what follows it, for all workers; the
  /// way back always runs it, also where no gradient is passed on and none is kept.
  virtual bool has_backward() const { return false; }
  /// It may change back.delta.
  virtual void backward(Share, index /*batch*/, const Back<T>&, Scratch<T>) const {}
  /// d loss / d input `which` for the worker's share. `below` finishes each block where it is warm:
  /// it is the layer whose outputs the inputs are, with what it kept, and the mask of its dropout.
  /// Null where the inputs are the network's, or others read them, too.
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
  /// Hands d loss / d parameters of the worker's share to the sink. May be called after other
  /// workers have changed the parameters of their shares.
  virtual void backward_parameters(Share, index /*batch*/, const Back<T>&, GradientSink<T>&,
                                   Scratch<T>) const {}

  /// What the short way of narrow networks takes of it; none: it must go the usual way.
  virtual std::optional<NarrowPart<T>> narrow_part() const { return std::nullopt; }

 protected:
  Layer(const Layer&) = default;

  void set_output(Form output) { output_ = std::move(output); }
  /// Appends an array of so many numbers, padding included.
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
