// Converts the specs and arrays of layers from and to Python.
#include "layer_specs.hpp"

#include <stdexcept>
#include <string>

#include "interrupt.hpp"

namespace foxnn::python {
namespace {

LayerSpec::Option option(const py::handle& value) {
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::int_>(value)) return value.cast<index>();
  if (py::isinstance<py::float_>(value)) return value.cast<double>();
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  return value.cast<std::vector<double>>();
}

py::dict show_options(const LayerSpec& spec) {
  py::dict options;
  for (const auto& [name, value] : spec.options) {
    options[py::str(name)] =
        std::visit([](const auto& v) -> py::object { return py::cast(v); }, value);
  }
  return options;
}

}  // namespace

LayerSpec layer_spec(const py::dict& given) {
  LayerSpec spec;
  spec.kind = given["kind"].cast<std::string>();
  if (given.contains("options")) {
    for (const auto& [name, value] : given["options"].cast<py::dict>()) {
      spec.options[name.cast<std::string>()] = option(value);
    }
  }
  if (given.contains("branches")) {
    for (const py::handle& branch : given["branches"]) {
      spec.branches.push_back(layer_specs(py::reinterpret_borrow<py::sequence>(branch)));
    }
  }
  return spec;
}

std::vector<LayerSpec> layer_specs(const py::sequence& given) {
  std::vector<LayerSpec> specs;
  for (const py::handle& spec : given) specs.push_back(layer_spec(spec.cast<py::dict>()));
  return specs;
}

py::tuple shape_tuple(const Shape& shape, bool varies) {
  const py::list lengths = py::cast(shape.lengths());
  if (varies) lengths[0] = py::none();
  return py::tuple(lengths);
}

template <class T>
py::dict show_part(const Network<T>& network, const Part& part) {
  using namespace py::literals;
  const bool is_composite = part.node < 0;
  py::dict shown("kind"_a = part.kind, "end"_a = part.end,
                 "input_shape"_a = shape_tuple(part.input, part.input_varies),
                 "output_shape"_a = shape_tuple(part.output, part.output_varies));
  if (is_composite) {
    shown["options"] = show_options(part.spec);
    py::list branches;
    for (const std::vector<Part>& branch : part.branches) {
      py::list layers;
      for (const Part& inner : branch) layers.append(show_part(network, inner));
      branches.append(layers);
    }
    shown["branches"] = branches;
    return shown;
  }
  const Layer<T>& layer = network.layer(part.node);
  shown["options"] = show_options(layer.spec());
  shown["index"] = part.node;
  shown["trained"] = layer.is_trained();
  shown["goes_step_by_step"] = layer.goes_step_by_step();
  py::dict arrays;
  py::list running;
  for (const Array& array : layer.arrays()) {
    arrays[py::str(array.name)] = py::tuple(py::cast(array.shape));
    if (!array.is_trained()) running.append(array.name);
  }
  shown["arrays"] = arrays;
  shown["running"] = running;
  return shown;
}

template <class T>
std::vector<index> leaf_nodes(const Network<T>& network) {
  std::vector<index> found;
  for (index i = 0; i < network.size(); ++i) {
    if (!network.node(i).is_inserted) found.push_back(i);
  }
  return found;
}

template <class T>
py::list arrays_by_layer(const Network<T>& network, const Buffer<T>& flat, Order order) {
  constexpr index kSize = sizeof(T);
  py::list layers;
  for (const index i : leaf_nodes(network)) {
    py::dict arrays;
    for (const Array& array : network.layer(i).arrays()) {
      const bool turns = order == Order::transposed && array.shape.size() == 2;
      py::array_t<T> values =
          turns ? py::array_t<T>({array.shape[0], array.shape[1]}, {kSize, array.shape[0] * kSize})
                : py::array_t<T>(array.shape);
      interruptible([&](const StopRequest& stop) {
        network.layer(i).unpack(array, flat.data() + network.offset(i), values.mutable_data(),
                                turns ? Order::transposed : Order::plain, stop);
      });
      arrays[py::str(array.name)] = values;
    }
    layers.append(arrays);
  }
  return layers;
}

template <class T>
void set_arrays_by_layer(const Network<T>& network, const py::sequence& given, Buffer<T>& flat,
                         const char* what) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument(std::string(what) + " do not fit the layers: " + why);
  };
  const std::vector<index> nodes = leaf_nodes(network);
  if (given.size() != nodes.size()) refuse("their number");
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    const index i = nodes[at];
    const auto arrays = given[at].template cast<py::dict>();
    if (arrays.size() != network.layer(i).arrays().size()) refuse("the names of a layer's arrays");
    for (const Array& array : network.layer(i).arrays()) {
      if (!arrays.contains(array.name.c_str())) refuse("the names of a layer's arrays");
      const auto values =
          arrays[array.name.c_str()]
              .template cast<py::array_t<T, py::array::c_style | py::array::forcecast>>();
      const std::vector<index> shape(values.shape(), values.shape() + values.ndim());
      if (shape != array.shape) refuse("a shape");
      interruptible([&](const StopRequest& stop) {
        network.layer(i).pack(array, values.data(), flat.data() + network.offset(i), stop);
      });
    }
  }
}

template py::dict show_part(const Network<float>&, const Part&);
template py::dict show_part(const Network<double>&, const Part&);
template std::vector<index> leaf_nodes(const Network<float>&);
template std::vector<index> leaf_nodes(const Network<double>&);
template py::list arrays_by_layer(const Network<float>&, const Buffer<float>&, Order);
template py::list arrays_by_layer(const Network<double>&, const Buffer<double>&, Order);
template void set_arrays_by_layer(const Network<float>&, const py::sequence&, Buffer<float>&,
                                  const char*);
template void set_arrays_by_layer(const Network<double>&, const py::sequence&, Buffer<double>&,
                                  const char*);

}  // namespace foxnn::python
