// What layers that end with an activation have in common.
#pragma once

#include "foxnn/initializer.hpp"
#include "foxnn/layer.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"
#include "layers/last_columns.hpp"

namespace foxnn {

template <class T>
class Activated : public Layer<T> {
 public:
  Activation activation() const override { return activation_; }
  void set_activation(const Activation& activation) override {
    this->set_activation_option(activation);
    activation_ = activation;
    joins_outputs_ = activation.traits().joins_outputs;
  }
  bool keeps_slope() const override {
    return kernels<T>().keeps_slope[static_cast<int>(activation_.kind)];
  }
  bool finishes_rows() const override { return joins_outputs_; }
  void finish_rows(index rows, const Rows<T>& y) const override {
    if (!finishes_rows()) return;
    const Places positions = Places::positions_of(this->output());
    for (index p = 0; p < positions.count; ++p) {
      const Rows<T> at = positions.at(y, p);
      kernels<T>().softmax(rows, positions.channels, at.data, at.stride);
    }
  }
  void backward_activation(index first_row, index rows, index panel, index width,
                           const Rows<T>& delta, const Rows<const T>& y,
                           const Rows<const T>& slope) const override {
    const KernelTable<T>& k = kernels<T>();
    if (joins_outputs_) {
      k.softmax_backward(rows, this->output().shape.channels, delta.at(first_row), delta.stride,
                         y.at(first_row), y.stride);
      return;
    }
    if (activation_.kind == ActivationKind::identity) return;
    const int kind = static_cast<int>(activation_.kind);
    const Rows<const T>& kept = k.keeps_slope[kind] ? slope : y;  // a copy would take longer
    k.apply_slope[kind](rows, width, delta.at(first_row, panel), delta.stride,
                        kept.at(first_row, panel), kept.stride,
                        static_cast<T>(activation_.parameter));
  }

 protected:
  Activated(const LayerSpec& spec, std::vector<Form> inputs, const Activation& activation)
      : Layer<T>(spec, std::move(inputs)) {
    set_activation(activation);
  }
  /// Options: activation (by default the identity), parameters.
  Activated(const LayerSpec& spec, std::vector<Form> inputs)
      : Activated(
            spec, std::move(inputs),
            Activation::parse(spec.text("activation", "identity_x"), spec.numbers("parameters"))) {}

  /// Applies the activation to `width` columns of a panel of out.y, and then the dropout mask.
  void activate(index rows, index width, index row, index panel, const Outputs<T>& out) const {
    activate(rows, width, row, panel, out, width);
  }
  /// The same where columns from `used` on are padding, whose values do not matter.
  void activate(index rows, index width, index row, index panel, const Outputs<T>& out,
                index used) const {
    const KernelTable<T>& k = kernels<T>();
    const Rows<T>& y = out.y;
    const int kind = static_cast<int>(activation_.kind);
    const T parameter = static_cast<T>(activation_.parameter);
    if (activation_.kind == ActivationKind::identity || finishes_rows() || out.raw) {
      // Nothing to apply.
    } else if (out.slope.data) {
      k.activate_keep[kind](rows, width, y.at(row, panel), y.stride, out.slope.at(row, panel),
                            out.slope.stride, parameter);
    } else if (used == width || is_cheap(activation_.kind)) {
      k.activate[kind](rows, width, y.at(row, panel), y.stride, parameter);
    } else {
      activate_used(activation_.kind, rows, used, y.at(row, panel), y.stride, parameter);
    }
    if (out.mask.data) {
      k.multiply_elements(rows, width, y.at(row, panel), y.stride, out.mask.at(row, panel),
                          out.mask.stride, out.dropped.at(row, panel), out.dropped.stride);
    }
  }

  // Draws weights[lines x filters], of which number (line, filter) is kept at place_of(line,
  // filter), and the biases, if the layer has any: its last array. `readers` as in
  // draw_parameters.
  template <class PlaceOf>
  void draw_filters(index lines, index filters, index readers, bool has_bias, std::uint64_t seed,
                    std::uint32_t place, const StopRequest& stop, PlaceOf place_of) {
    const index weights = lines * filters;
    const auto take = [&](index first, index count, const double* drawn) {
      for (index i = first; i < first + count; ++i) {
        if (i >= weights && !has_bias) return;
        const index to = i < weights ? place_of(i / filters, i % filters)
                                     : this->arrays().back().offset + i - weights;
        this->own_parameters()[to] = static_cast<T>(drawn[i - first]);
      }
    };
    draw_parameters(parse_initializer(this->spec().text("init", "auto")), activation_, lines,
                    filters, seed, place, stop, take, readers);
  }

 private:
  Activation activation_;
  bool joins_outputs_ = false;
};

}  // namespace foxnn
