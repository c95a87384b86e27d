// Specs of layers as Python has them: dicts of kind, options and branches.
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
/// What a layer is: kind, options, shapes; of a composite its branches, of any other its number,
/// its arrays' shapes by name, and whether it is trained.
template <class T>
py::dict show_part(const Network<T>& network, const Part& part);

/// The nodes that have been asked for, in their order.
template <class T>
std::vector<index> asked_nodes(const Network<T>& network);

/// The arrays of each of these nodes by name, out of numbers that lie as the parameters do. In
/// Order::transposed a matrix has each column's numbers together, as files have them: what is
/// written need not be turned over.
template <class T>
py::list arrays_by_layer(const Network<T>& network, const Buffer<T>& flat, Order order);
/// The other way. Throws std::invalid_argument, naming `what`, for other arrays than the layers
/// have.
template <class T>
void set_arrays_by_layer(const Network<T>& network, const py::sequence& given, Buffer<T>& flat,
                         const char* what);

/// Array `name` of node i. Throws IndexError, KeyError where there is none.
template <class T>
const Array& array_of(const Network<T>& network, index i, const std::string& name) {
  if (i < 0 || i >= network.size()) throw py::index_error("there is no layer " + std::to_string(i));
  for (const Array& array : network.layer(i).arrays()) {
    if (array.name == name) return array;
  }
  throw py::key_error(name);
}

}  // namespace foxnn::python
