// What layers have in common: shapes and options as values, arrays padded to cache lines, and the
// backward pass through the activation of the layer below.
#include "foxnn/layer.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>

#include "base/pieces.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"

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

index Array::size() const {
  index size = 1;
  for (const index length : shape) size *= length;
  return size;
}

template <class T>
void Layer<T>::set_activation(const Activation&) {
  throw std::invalid_argument("a layer of kind '" + spec_.kind + "' has no activation to set");
}

template <class T>
void Layer<T>::initialize(std::uint64_t, std::uint32_t, const StopRequest&) {}

template <class T>
void Layer<T>::unpack(const Array& array, const T* packed, T* values, Order,
                      const StopRequest& stop) const {
  copy_in_pieces(packed + array.offset, array.size(), values, stop);
}

template <class T>
void Layer<T>::pack(const Array& array, const T* values, T* packed, const StopRequest& stop) const {
  copy_in_pieces(values, array.size(), packed + array.offset, stop);
}

template <class T>
void Layer<T>::add_array(std::string name, std::vector<index> shape, index count,
                         Array::Role role) {
  arrays_.push_back({std::move(name), std::move(shape), parameter_count(), count, role});
}

template <class T>
void Layer<T>::backward_outputs(index rows, const Rows<T>& delta, const Rows<const T>& y,
                                const Rows<const T>& slope) const {
  const Places places =
      finishes_rows() ? Places::positions_of(output()) : Places::parts_of(output().layout);
  const index width = rounded_up(places.channels, kLineWidth<T>);
  for (index p = 0; p < places.count; ++p) {
    backward_activation(0, rows, 0, width, places.at(delta, p), places.at(y, p),
                        slope.data ? places.at(slope, p) : slope);
  }
}

template <class T>
void Layer<T>::Below::finish(index row, index rows, index panel, index width,
                             const Rows<T>& delta) const {
  if (!layer) return;
  layer->backward_activation(row, rows, panel, width, delta, y, slope);
  if (!mask.data) return;
  T* at = delta.at(row, panel);
  kernels<T>().multiply_elements(rows, width, at, delta.stride, mask.at(row, panel), mask.stride,
                                 at, delta.stride);
}

template <class T>
void Layer<T>::Below::finish_rows(index row, index rows, index columns,
                                  const Rows<T>& delta) const {
  if (!layer) return;
  each_panel<T>(columns, [&](index panel, index width) { finish(row, rows, panel, width, delta); });
}

template class Layer<float>;
template class Layer<double>;

}  // namespace foxnn
