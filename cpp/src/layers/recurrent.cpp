// The arrays of a recurrent layer, and how they start.
#include "layers/recurrent.hpp"

#include <limits>
#include <stdexcept>

#include "base/pieces.hpp"
#include "foxnn/initializer.hpp"

namespace foxnn {
namespace {

Cell cell_of(const std::string& kind) {
  return kind == "lstm" ? Cell::lstm : kind == "gru" ? Cell::gru : Cell::rnn;
}

// Of a function of a cell, as many multiply-adds take as long.
constexpr double kFlopsPerFunction = 30.0;

// The gate of an LSTM that says what it keeps of its memory, and where its bias starts: so it
// remembers before it has learnt what to forget (Jozefowicz et al., "An empirical exploration of
// recurrent network architectures", 2015).
constexpr index kForgetGate = 1;
constexpr double kForgetBias = 1.0;

}  // namespace

template <class T>
Recurrent<T>::Recurrent(const LayerSpec& spec, const std::vector<Form>& inputs)
    : Layer<T>(spec, inputs) {
  const Shape& input = inputs.front().shape;
  if (input.axes.size() != 1) {
    throw std::invalid_argument("a layer of kind '" + spec.kind +
                                "' must have an input of shape (steps, features), got " +
                                input.text());
  }
  shape_.cell = cell_of(spec.kind);
  shape_.steps = input.axes.front();
  shape_.channels = input.channels;
  shape_.units = spec.whole("units");
  const Layout& layout = inputs.front().layout;
  shape_.step_columns = layout.is_packed() ? input.channels : layout.pitch;
  shape_.directions = spec.flag("bidirectional", false) ? 2 : 1;
  shape_.reverse = spec.flag("reverse", false);
  shape_.sequences = spec.flag("return_sequences", false);
  const index gates = shape_.gates(), units = shape_.units;
  if (units < 1) throw std::invalid_argument("units must be at least 1");
  if (shape_.directions == 2 && shape_.reverse) {
    throw std::invalid_argument("a layer that is bidirectional cannot be reverse, too");
  }
  if (units > kMostNumbers / 8 / (units + shape_.channels)) throw std::bad_alloc();
  Shape output{{}, shape_.directions * units};
  if (shape_.sequences) output.axes = input.axes;
  this->set_output({output, Layout::panels<T>(output)});
  for (index d = 0; d < shape_.directions; ++d) {
    const std::string prefix = d == 1 ? "reverse_" : "";
    // All begin at a multiple of a panel's width from each other: a product goes on from the lines
    // of one to those of another.
    const auto add = [&](const char* name, index lines, Array::Role role) {
      std::vector<index> shape{gates * units};
      if (lines > 0) shape.insert(shape.begin(), lines);
      const index count = std::max<index>(1, lines) * gates * shape_.pitch();
      this->add_array(prefix + name, shape, rounded_up(count, kPanelWidth<T>), role);
      return this->arrays().back().offset;
    };
    auto& own = shape_.arrays[d];
    own.weights = add("weights", shape_.channels, Array::Role::weight);
    own.recurrent = add("recurrent_weights", units, Array::Role::weight);
    if (!spec.flag("bias", true)) continue;
    own.bias = add("bias", 0, Array::Role::bias);
    if (shape_.cell == Cell::gru) own.recurrent_bias = add("recurrent_bias", 0, Array::Role::bias);
  }
}

template <class T>
double Recurrent<T>::flops() const {
  const double cells = static_cast<double>(shape_.directions * shape_.steps * shape_.pitch());
  const double products = static_cast<double>(shape_.gates() * (shape_.channels + shape_.units));
  const double functions = static_cast<double>(shape_.gates() + (shape_.has_memory() ? 1 : 0));
  return cells * (2.0 * products + kFlopsPerFunction * functions);
}

// What both directions have seen is not what comes before the next step.
template <class T>
index Recurrent<T>::state_size() const {
  if (shape_.directions == 2) return 0;
  return shape_.has_memory() ? 2 * shape_.units : shape_.units;
}

template <class T>
index Recurrent<T>::kept_size(index batch) const {
  const double least = static_cast<double>(shape_.steps) * static_cast<double>(batch) *
                       static_cast<double>(shape_.directions * shape_.pitch());
  if (least > 1e15) throw std::bad_alloc();  // before sizes overflow
  return shape_.all_kept(batch);
}

// Where an element of an array of so many lines is kept, from the array's first on.
template <class T>
index Recurrent<T>::place_of(index lines, index line, index column) const {
  const index gate = column / shape_.units, unit = column % shape_.units;
  const index block = unit / kPanelWidth<T>;
  return shape_.panel_of(lines, block, gate) + line * shape_.width(block) + unit % kPanelWidth<T>;
}

template <class T>
void Recurrent<T>::initialize(std::uint64_t seed, std::uint32_t place, const StopRequest& stop) {
  const index columns = shape_.gates() * shape_.units, all = shape_.directions * columns;
  const index weights = shape_.channels * all;
  const InitializerKind kind = parse_initializer(this->spec().text("init", "auto"));
  T* const parameters = this->own_parameters();
  for (const auto& own : shape_.arrays) {
    if (shape_.cell != Cell::lstm || own.bias < 0) continue;
    for (index u = 0; u < shape_.units; ++u) {
      const index at = place_of(1, 0, kForgetGate * shape_.units + u);
      parameters[own.bias + at] = static_cast<T>(kForgetBias);
    }
  }
  // The weights of all gates and directions line by line, and then the biases, if the initializer
  // draws any. To Glorot's scale, a gate is a layer of its own.
  const auto take = [&](index first, index count, const double* drawn) {
    for (index i = first; i < first + count; ++i) {
      const auto& own = shape_.arrays[i % all / columns];
      const T value = static_cast<T>(drawn[i - first]);
      if (i < weights) {
        parameters[own.weights + place_of(shape_.channels, i / all, i % columns)] = value;
      } else if (own.bias >= 0) {
        parameters[own.bias + place_of(1, 0, i % columns)] = value;
      }
    }
  };
  draw_parameters(kind, {ActivationKind::tanh, 0.0}, shape_.channels, all, seed, place, stop, take,
                  shape_.units);
  index first = weights + all;
  for (index d = 0; d < shape_.directions; ++d) {
    for (index gate = 0; gate < shape_.gates(); ++gate) {
      const index column = gate * shape_.units;
      draw_orthogonal(shape_.units, seed, place, first, stop, [&](index line, const double* row) {
        for (index u = 0; u < shape_.units; ++u) {
          parameters[shape_.arrays[d].recurrent + place_of(shape_.units, line, column + u)] =
              static_cast<T>(row[u]);
        }
      });
      first += shape_.units * shape_.units;
    }
  }
}

template <class T>
void Recurrent<T>::unpack(const Array& array, const T* packed, T* values, Order order,
                          const StopRequest& stop) const {
  const index columns = shape_.gates() * shape_.units, lines = array.size() / columns;
  const bool is_plain = order == Order::plain || array.shape.size() == 1;
  Pieces pieces(stop);
  for (index line = 0; line < lines; ++line) {
    for (index c = 0; c < columns; ++c) {
      const T value = packed[array.offset + place_of(lines, line, c)];
      values[is_plain ? line * columns + c : c * lines + line] = value;
    }
    pieces.after(columns);
  }
}

template <class T>
void Recurrent<T>::pack(const Array& array, const T* values, T* packed,
                        const StopRequest& stop) const {
  const index columns = shape_.gates() * shape_.units, lines = array.size() / columns;
  Pieces pieces(stop);
  for (index line = 0; line < lines; ++line) {
    for (index c = 0; c < columns; ++c) {
      packed[array.offset + place_of(lines, line, c)] = values[line * columns + c];
    }
    pieces.after(columns);
  }
}

template <class T>
void Recurrent<T>::forward(Share share, index batch, const Rows<const T>* x, const Outputs<T>& out,
                           Scratch<T> scratch) const {
  const OwnRows<T> rows = rows_of(shape_, share, batch, out.steps.x, out.kept != nullptr);
  forward_through_time(shape_, this->parameters(), rows, batch, *x, out, scratch);
}

template <class T>
void Recurrent<T>::backward(Share share, index batch, const Back<T>& back,
                            Scratch<T> scratch) const {
  const OwnRows<T> rows = rows_of(shape_, share, batch, back.steps.x, true);
  back_through_time(shape_, this->parameters(), rows, batch, back, scratch);
}

template <class T>
void Recurrent<T>::backward_input(Share share, index batch, index, const Back<T>& back,
                                  const Rows<T>& delta_below, const typename Layer<T>::Below& below,
                                  Scratch<T> scratch) const {
  const OwnRows<T> rows = rows_of(shape_, share, batch, back.steps.x, true);
  gradient_of_steps(shape_, this->parameters(), rows, batch, back, delta_below, below, scratch);
}

template <class T>
void Recurrent<T>::backward_parameters(Share share, index batch, const Back<T>& back,
                                       GradientSink<T>& sink, Scratch<T> scratch) const {
  gradient_of_arrays(shape_, share, batch, back, sink, scratch);
}

template class Recurrent<float>;
template class Recurrent<double>;

}  // namespace foxnn
