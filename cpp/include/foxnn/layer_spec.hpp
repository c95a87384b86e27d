// The description from which a layer is made: the name of its kind, and its options.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "foxnn/rows.hpp"

namespace foxnn {

struct LayerSpec {
  using Option = std::variant<bool, index, double, std::string, std::vector<double>>;

  std::string kind = {};
  std::map<std::string, Option, std::less<>> options = {};
  /// The layers of a composite, branch by branch.
  std::vector<std::vector<LayerSpec>> branches = {};

  /// The value of an option. Throws std::invalid_argument if it is missing or of another type.
  index whole(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  /// The same for optional options; `otherwise` is the default.
  bool flag(std::string_view name, bool otherwise) const;
  std::string text(std::string_view name, const char* otherwise) const;
  std::vector<double> numbers(std::string_view name) const;

  bool operator==(const LayerSpec&) const = default;
};

/// A dense layer with `units` neurons, which reads all numbers of its input.
LayerSpec dense_spec(index units, const std::string& activation = "sigmoid",
                     const std::vector<double>& parameters = {}, const std::string& init = "auto");

}  // namespace foxnn
