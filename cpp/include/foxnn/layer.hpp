// What the engine asks of a layer: its shape, its parameters, and its part of a pass over a batch.
// A layer is called once a batch by every worker of a team, and does its share of the outputs.
#pragma once

#include <cstddef>
#include <memory>

namespace foxnn {

using index = std::ptrdiff_t;

/// Which worker of how many. Work is divided by output: every number is computed by one worker, in
/// an order that does not depend on the division.
struct Share {
  int worker = 0;
  int workers = 1;

  /// This worker's part [first, last) of n tasks.
  index first(index n) const { return n * worker / workers; }
  index last(index n) const { return n * (worker + 1) / workers; }
};

/// A batch: rows of numbers, `stride` elements apart.
template <class T>
struct Rows {
  T* data = nullptr;
  index stride = 0;

  T* row(index i) const { return data + i * stride; }
  operator Rows<const T>() const { return {data, stride}; }
};

/// Takes the gradient of a layer's parameters, piece by piece, each piece once.
template <class T>
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// `count` derivatives, of the parameters from `offset` on. Called by several workers at once,
  /// for different pieces.
  virtual void take(index offset, index count, const T* gradient) = 0;
};

template <class T>
class Layer {
 public:
  virtual ~Layer() = default;
  virtual std::unique_ptr<Layer> clone() const = 0;

  virtual index inputs() const = 0;
  virtual index outputs() const = 0;
  /// Elements that a row of outputs takes in a batch; those after `outputs()` are padding.
  virtual index output_width() const = 0;
  /// Elements of the flat parameter buffer, padding included.
  virtual index parameter_count() const = 0;
  /// Gives the layer its part of the network's parameters.
  virtual void attach(T* parameters) = 0;
  /// True when the backward pass needs a buffer of slopes beside the outputs.
  virtual bool keeps_slope() const = 0;
  /// True when the outputs are finished by rows, in `finish_rows`, after all of `forward`.
  virtual bool finishes_rows() const = 0;
  /// Elements of scratch memory that a worker needs in `backward_input`.
  virtual index scratch_count() const = 0;

  /// y = f(x) for the worker's share of outputs. `slope` without data: nothing is kept.
  virtual void forward(Share share, index batch, Rows<const T> x, Rows<T> y,
                       Rows<T> slope) const = 0;
  /// Finishes whole rows of outputs (softmax).
  virtual void finish_rows(index rows, Rows<T> y) const = 0;
  /// From d loss / d outputs to d loss / d preactivations, in place, for a block of the batch.
  /// `y` and `slope` are what `forward` left.
  virtual void backward_activation(index first_row, index rows, index first_column, index width,
                                   Rows<T> delta, Rows<const T> y, Rows<const T> slope) const = 0;
  /// d loss / d inputs for the worker's share of inputs. `below` finishes each block where it is
  /// warm: it is the layer whose outputs the inputs are, with what it kept.
  struct Below {
    const Layer* layer;
    Rows<const T> y, slope;
  };
  virtual void backward_input(Share share, index batch, Rows<const T> delta, Rows<T> delta_below,
                              const Below& below, T* scratch) const = 0;
  /// Hands d loss / d parameters of the worker's share to the sink. May be called after other
  /// workers have changed the parameters of their shares.
  virtual void backward_parameters(Share share, index batch, Rows<const T> x, Rows<const T> delta,
                                   GradientSink<T>& sink) const = 0;
};

}  // namespace foxnn
