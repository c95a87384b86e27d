// The table of layer kinds: how a layer of each is made, and how it wants its inputs to lie.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "foxnn/layer.hpp"

namespace foxnn {

/// How a layer wants its inputs to lie.
enum class Wants {
  packed,  ///< number behind number
  panels,  ///< each position in panels of its own
  any,     ///< as they come
};

/// Throws std::invalid_argument for a kind that there is not.
Wants layer_wants(const LayerSpec& spec);
/// A layer that reads values of these forms, which lie as it wants them to.
template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec, const std::vector<Form>& inputs);

/// The names of the kinds.
std::vector<std::string> layer_kinds();

}  // namespace foxnn
