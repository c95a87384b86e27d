// The table of layer kinds: how a layer of each kind is made, and which layout of its inputs it
// needs.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "foxnn/layer.hpp"

namespace foxnn {

/// The layout that a layer needs for its inputs.
enum class Wants {
  packed,  ///< all numbers without gaps
  panels,  ///< each position begins a panel
  any,     ///< any layout
};

/// Of a layer that reads a value of this shape. Throws std::invalid_argument if the kind does not
/// exist.
Wants layer_wants(const LayerSpec& spec, const Shape& input);
/// Makes a layer that reads values of these forms, whose layouts must be those that it needs.
template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec, const std::vector<Form>& inputs);

/// The names of the kinds.
std::vector<std::string> layer_kinds();

}  // namespace foxnn
