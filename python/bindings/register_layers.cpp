// The layers of _core.Network: their description, arrays and activations, and appending new ones.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "any_network.hpp"
#include "interrupt.hpp"
#include "layer_specs.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

template <class N>
using Number = std::remove_pointer_t<decltype(std::declval<N>().parameters().data())>;

// Layer i, checked: a pickle may contain any number.
template <class N>
const auto& layer_at(const N& n, index i) {
  if (i < 0 || i >= n.size()) throw py::index_error("there is no layer " + std::to_string(i));
  return n.layer(i);
}

py::array array(const AnyNetwork& self, index i, const std::string& name) {
  return self.visit([&](const auto& n) -> py::array {
    using T = std::remove_const_t<Number<decltype(n)>>;
    const Array& found = array_of(n, i, name);
    py::array_t<T> out(found.shape);
    const AnyNetwork::Reading reading(self);
    interruptible([&](const StopRequest& stop) {
      n.layer(i).unpack(found, n.layer(i).parameters(), out.mutable_data(), Order::plain, stop);
    });
    return out;
  });
}

void set_array(AnyNetwork& self, index i, const std::string& name, const py::array& values) {
  self.change([&](auto& n) {
    using T = Number<decltype(n)>;
    const Array& found = array_of(n, i, name);
    const auto numbers = py::array_t<T, py::array::c_style | py::array::forcecast>(values);
    if (numbers.size() != found.size()) throw std::invalid_argument(name + " has the wrong size");
    n.set_array(i, found, numbers.data());
  });
}

// Sets several arrays, or none: no signal handler runs in between.
void set_arrays(AnyNetwork& self,
                const std::vector<std::tuple<index, std::string, py::array>>& given) {
  self.change([&](auto& n) {
    using T = Number<decltype(n)>;
    std::vector<py::array_t<T, py::array::c_style | py::array::forcecast>> all;
    for (const auto& [i, name, values] : given) {
      all.emplace_back(values);
      if (all.back().size() != array_of(n, i, name).size()) {
        throw std::invalid_argument(name + " has the wrong size");
      }
    }
    for (std::size_t k = 0; k < all.size(); ++k) {
      const auto& [i, name, values] = given[k];
      n.set_array(i, array_of(n, i, name), all[k].data());
    }
  });
}

// Appends layers with the given arrays, by name for each layer.
void append(AnyNetwork& self, const py::sequence& layers, const py::sequence& arrays) {
  const std::vector<LayerSpec> specs = layer_specs(layers);
  self.restructure([&](auto& n) {
    using N = std::remove_reference_t<decltype(n)>;
    // Made in a separate network first, so that nothing is changed if the arrays do not fit.
    N added(n.output_shape(), 0, n.outputs_vary());
    added.append(specs);
    set_arrays_by_layer(added, arrays, added.parameters(), "the arrays");
    const index before = n.parameters().size();
    n.append(specs);
    std::copy_n(added.parameters().data(), added.parameters().size(),
                n.parameters().data() + before);
  });
}

}  // namespace

void register_layers(NetworkClass& network) {
  network
      .def("_input_shape",
           [](const AnyNetwork& self) {
             return self.visit(
                 [](const auto& n) { return shape_tuple(n.input_shape(), n.varies()); });
           })
      .def("_output_shape",
           [](const AnyNetwork& self) {
             return self.visit(
                 [](const auto& n) { return shape_tuple(n.output_shape(), n.outputs_vary()); });
           })
      .def("_count",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return n.parts().size(); });
           })
      .def("_layers",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) {
               py::list layers;
               for (const Part& part : n.parts()) layers.append(show_part(n, part));
               return layers;
             });
           })
      .def("_layer",
           [](const AnyNetwork& self, std::size_t i) {
             return self.visit([i](const auto& n) {
               if (i >= n.parts().size()) {
                 throw py::index_error("there is no layer " + std::to_string(i));
               }
               return show_part(n, n.parts()[i]);
             });
           })
      .def("_activation",
           [](const AnyNetwork& self, index i) {
             const Activation a =
                 self.visit([i](const auto& n) { return layer_at(n, i).activation(); });
             return std::make_pair(std::string(a.name()), a.parameters());
           })
      .def("_output_activation",
           [](const AnyNetwork& self) {
             const Activation a = self.visit([](const auto& n) { return n.top().activation(); });
             return std::make_pair(std::string(a.name()), a.parameters());
           })
      .def("_set_activation",
           [](AnyNetwork& self, index i, const std::string& name,
              const std::vector<double>& parameters) {
             const Activation activation = Activation::parse(name, parameters);
             self.restructure([&](auto& n) {
               layer_at(n, i);
               n.set_activation(i, activation);
             });
           })
      .def("_set_trained",
           [](AnyNetwork& self, index i, bool trained) {
             self.restructure([&](auto& n) {
               layer_at(n, i);
               n.set_trained(i, trained);
             });
           })
      .def("_array", &array)
      .def("_set_array", &set_array)
      .def("_set_arrays", &set_arrays)
      .def("_append", &append);
}

}  // namespace foxnn::python
