// What layers have in common: arrays padded to cache lines, and the backward pass through the
// activation of the layer below.
#include "foxnn/layer.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/pieces.hpp"
#include "kernels/kernel_table.hpp"
#include "layers/columns.hpp"

namespace foxnn {

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
