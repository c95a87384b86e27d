// The values that describe a layer: shapes and options.
#include "foxnn/layer_spec.hpp"

#include <limits>
#include <new>
#include <stdexcept>

#include "foxnn/shape.hpp"

namespace foxnn {
namespace {

[[noreturn]] void refuse_option(const LayerSpec& spec, std::string_view name, const char* what) {
  throw std::invalid_argument("layer '" + spec.kind + "' needs " + std::string(name) + ", " + what);
}

template <class Value>
const Value& option(const LayerSpec& spec, std::string_view name, const char* what) {
  const auto found = spec.options.find(name);
  if (found == spec.options.end()) refuse_option(spec, name, what);
  const Value* value = std::get_if<Value>(&found->second);
  if (!value) refuse_option(spec, name, what);
  return *value;
}

}  // namespace

Shape Shape::of(const std::vector<index>& lengths) {
  if (lengths.empty()) throw std::invalid_argument("a shape must have at least one length");
  index size = 1;
  for (const index length : lengths) {
    if (length < 1) {
      throw std::invalid_argument("a shape's lengths must be at least 1, got " +
                                  std::to_string(length));
    }
    if (length > std::numeric_limits<index>::max() / 64 / size) throw std::bad_alloc();
    size *= length;
  }
  return {{lengths.begin(), lengths.end() - 1}, lengths.back()};
}

index Shape::positions() const {
  index count = 1;
  for (const index length : axes) count *= length;
  return count;
}

std::vector<index> Shape::lengths() const {
  std::vector<index> all = axes;
  all.push_back(channels);
  return all;
}

std::string Shape::text() const {
  std::string text = "(";
  for (const index length : axes) text += std::to_string(length) + ", ";
  return text + std::to_string(channels) + (axes.empty() ? ",)" : ")");
}

index LayerSpec::whole(std::string_view name) const {
  return option<index>(*this, name, "a whole number");
}

double LayerSpec::number(std::string_view name) const {
  return option<double>(*this, name, "a number");
}

const std::string& LayerSpec::text(std::string_view name) const {
  return option<std::string>(*this, name, "a string");
}

bool LayerSpec::flag(std::string_view name, bool otherwise) const {
  return options.contains(name) ? option<bool>(*this, name, "true or false") : otherwise;
}

std::string LayerSpec::text(std::string_view name, const char* otherwise) const {
  return options.contains(name) ? text(name) : otherwise;
}

std::vector<double> LayerSpec::numbers(std::string_view name) const {
  if (!options.contains(name)) return {};
  return option<std::vector<double>>(*this, name, "numbers");
}

LayerSpec dense_spec(index units, const std::string& activation,
                     const std::vector<double>& parameters, const std::string& init) {
  return {.kind = "dense",
          .options = {{"units", units},
                      {"activation", activation},
                      {"parameters", parameters},
                      {"init", init}}};
}

}  // namespace foxnn
