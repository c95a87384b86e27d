// Layer specs in Python's form: dicts of kind, options and branches.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "foxnn/network.hpp"

namespace foxnn::python {

namespace py = pybind11;

LayerSpec layer_spec(const py::dict& given);
std::vector<LayerSpec> layer_specs(const py::sequence& given);
/// The description of a layer: kind, options and shapes. For a composite also its branches; for any
/// other layer its number, the shapes of its arrays by name, and whether it is trained.
template <class T>
py::dict show_part(const Network<T>& network, const Part& part);

/// The lengths of all axes, channels last; None for the steps of sequences of any length.
py::tuple shape_tuple(const Shape& shape, bool varies);

/// The nodes of the layers that the user listed, in order; nodes inserted by the engine are
/// omitted.
template <class T>
std::vector<index> leaf_nodes(const Network<T>& network);

/// The arrays of these nodes by name, taken from numbers in the layout of the parameters. With
/// Order::transposed, a matrix is stored column by column, as in files, so that it need not be
/// transposed when it is written.
template <class T>
py::list arrays_by_layer(const Network<T>& network, const Buffer<T>& flat, Order order);
/// The inverse. Throws std::invalid_argument with `what` in its message if the arrays are not those
/// of the layers.
template <class T>
void set_arrays_by_layer(const Network<T>& network, const py::sequence& given, Buffer<T>& flat,
                         const char* what);

/// Array `name` of node i. Throws IndexError or KeyError if it does not exist.
template <class T>
const Array& array_of(const Network<T>& network, index i, const std::string& name) {
  if (i < 0 || i >= network.size()) throw py::index_error("there is no layer " + std::to_string(i));
  for (const Array& array : network.layer(i).arrays()) {
    if (array.name == name) return array;
  }
  throw py::key_error(name);
}

}  // namespace foxnn::python
