// What the engine asks of a layer: its shape, its parameters, and its part of a pass over a batch.
// A layer is called once a batch by every worker of a team, and does its share of the outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "foxnn/activation.hpp"

namespace foxnn {

using index = std::ptrdiff_t;

/// Which worker of how many. Work is divided by output: every number is computed by one worker, in
/// an order that does not depend on the division.
struct Share {
  int worker = 0;
  int workers = 1;

  /// This worker's part [first, last) of n tasks. (A small step is felt by every division.)
  index first(index n) const { return worker == 0 ? 0 : n * worker / workers; }
  index last(index n) const { return worker + 1 == workers ? n : n * (worker + 1) / workers; }
};

/// Bytes of a panel's row, in weights and in batches: two AVX-512 registers, the B side of the
/// widest register tile.
inline constexpr index kPanelBytes = 128;
template <class T>
inline constexpr index kPanelWidth = kPanelBytes / static_cast<index>(sizeof(T));
/// Panels that so many columns take.
template <class T>
constexpr index panel_count(index columns) {
  return (columns + kPanelWidth<T> - 1) / kPanelWidth<T>;
}

/// A batch of rows. Its columns stand in panels of kPanelWidth; in a panel the rows are `stride`
/// elements apart, and a panel is `panel` elements from the next. With a stride of kPanelWidth the
/// panels are compact, and a tile finds all that it reads in a few neighbouring pages; with a panel
/// of kPanelWidth the rows are contiguous, as users know them.
template <class T>
struct Rows {
  T* data = nullptr;
  index stride = 0;
  index panel = kPanelWidth<T>;
  /// For compact panels, where it is known: bit c of nonzero[p * panel / stride + row] tells
  /// whether column c of panel p of the row may be other than zero.
  const std::uint32_t* nonzero = nullptr;

  T* at(index row, index p = 0) const { return data + p * panel + row * stride; }
  const std::uint32_t* nonzero_at(index row, index p) const {
    return nonzero ? nonzero + p * (panel / stride) + row : nullptr;
  }
  Rows from_row(index row) const { return {at(row), stride, panel, nonzero_at(row, 0)}; }
  Rows from_panel(index p) const { return {at(0, p), stride, panel, nonzero_at(0, p)}; }
  operator Rows<const T>() const { return {data, stride, panel, nonzero}; }
};

/// Takes the gradient of a layer's parameters, piece by piece, each piece once.
template <class T>
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  /// `count` derivatives, of the parameters from `offset` on, which the sink may change. Called by
  /// several workers at once, for different pieces; no piece has both weights and biases.
  virtual void take(index offset, index count, T* gradient) = 0;
  /// What `take` will touch for the parameters from `offset` on: it is fetched into the cache while
  /// their gradient is computed. Null where there is nothing.
  struct Targets {
    const T* at[3] = {};
  };
  virtual Targets targets(index offset) const = 0;
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

/// Asked by a layer that computes for long, between pieces of its work: whether to leave the rest
/// undone, since nobody will use it.
class Leaving {
 public:
  virtual ~Leaving() = default;
  virtual bool now() = 0;
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
