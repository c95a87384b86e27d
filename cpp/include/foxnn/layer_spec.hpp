// What a layer is made from: the name of its kind, and options.
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

  /// An option's value. These throw std::invalid_argument where it is missing or of another type.
  index whole(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  /// The same for options that may be missing.
  bool flag(std::string_view name, bool otherwise) const;
  std::string text(std::string_view name, const char* otherwise) const;
  std::vector<double> numbers(std::string_view name) const;

  bool operator==(const LayerSpec&) const = default;
};

/// A dense layer of so many neurons, over all numbers of its input.
LayerSpec dense_spec(index units, const std::string& activation = "sigmoid",
                     const std::vector<double>& parameters = {}, const std::string& init = "auto");

}  // namespace foxnn
