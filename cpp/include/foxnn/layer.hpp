// What the engine asks of a layer: its shape, its parameters, and its part of a pass over a batch.
// A layer is called once a batch by every worker of a team, and does its share of the outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "foxnn/activation.hpp"
#include "foxnn/rows.hpp"
#include "foxnn/sink.hpp"
#include "foxnn/stop_request.hpp"

namespace foxnn {

/// Where the outputs of a layer go.
template <class T>
struct Outputs {
  Rows<T> y;
  Rows<T> slope = {};  ///< what the backward pass needs beside y; without data: nothing is kept
  /// Dropout: `dropped` is y times the mask, and takes the place of y as the next layer's inputs.
  /// Without data: there is none.
  Rows<const T> mask = {};
  Rows<T> dropped = {};
  bool raw = false;  ///< y is left as it is before the activation
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

/// Memory that a worker lends a layer for the length of a call, and what it may do by the way.
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
  /// Those of them that are weights, on which penalties fall; they come first.
  virtual index weight_count() const = 0;
  /// The function that its outputs come out of.
  virtual const Activation& activation() const = 0;
  /// Gives the layer its part of the network's parameters.
  virtual void attach(T* parameters) = 0;
  /// True when the backward pass needs a buffer of slopes beside the outputs.
  virtual bool keeps_slope() const = 0;
  /// True when the outputs are finished by rows, in `finish_rows`, after all of `forward`.
  virtual bool finishes_rows() const = 0;
  /// Whether the sums over inputs, and over neurons going back, run from the smallest term to the
  /// largest. What a worker must lend hangs on it.
  virtual void set_sorted_summation(bool sorted) = 0;
  /// What a worker must lend for a batch.
  virtual ScratchSize scratch_size(index batch) const = 0;

  /// out.y = f(x) for the worker's share of outputs. Scratch is needed only where x.nonzero is
  /// known, and for sorted sums.
  virtual void forward(Share share, index batch, const Rows<const T>& x, const Outputs<T>& out,
                       Scratch<T> scratch) const = 0;
  /// Finishes whole rows of outputs (softmax).
  virtual void finish_rows(index rows, const Rows<T>& y) const = 0;
  /// From d loss / d outputs to d loss / d preactivations, in place, for `width` columns of a panel
  /// (all columns, for a layer that finishes rows).
  /// `y` and `slope` are what `forward` left.
  virtual void backward_activation(index first_row, index rows, index panel, index width,
                                   const Rows<T>& delta, const Rows<const T>& y,
                                   const Rows<const T>& slope) const = 0;
  /// d loss / d inputs for the worker's share of inputs. `below` finishes each block where it is
  /// warm: it is the layer whose outputs the inputs are, with what it kept, and the mask of its
  /// dropout. Null where the inputs are the network's.
  struct Below {
    const Layer* layer = nullptr;
    Rows<const T> y = {}, slope = {}, mask = {};
  };
  virtual void backward_input(Share share, index batch, const Rows<const T>& delta,
                              const Rows<T>& delta_below, const Below& below,
                              Scratch<T> scratch) const = 0;
  /// Hands d loss / d parameters of the worker's share to the sink. May be called after other
  /// workers have changed the parameters of their shares.
  virtual void backward_parameters(Share share, index batch, const Rows<const T>& x,
                                   const Rows<const T>& delta, GradientSink<T>& sink,
                                   Scratch<T> scratch) const = 0;
};

}  // namespace foxnn
