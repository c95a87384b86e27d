// The class _core.Quantized: a network of bytes, made from its stages, which answers.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "foxnn/cpu.hpp"
#include "foxnn/quantized.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

using Scales = std::optional<std::pair<std::vector<double>, std::vector<double>>>;

// The network with how its inputs are scaled before.
class Quantized {
 public:
  Quantized(QuantizedNetwork network, Scaling inputs)
      : network_(std::move(network)), inputs_(std::move(inputs)) {}
  const QuantizedNetwork& network() const { return network_; }
  MatrixView scaled(MatrixView x) const {
    if (!inputs_.empty()) x.scaling = &inputs_;
    return x;
  }

 private:
  QuantizedNetwork network_;
  Scaling inputs_;
};

template <class T>
std::vector<T> numbers(const py::dict& stage, const char* name) {
  const auto array = py::array_t<T, py::array::c_style>::ensure(stage[name]);
  if (!array) throw py::error_already_set();
  return {array.data(), array.data() + array.size()};
}

ByteRounding rounding_of(const py::tuple& given) {
  return {given[0].cast<float>(), given[1].cast<float>(), given[2].cast<float>(),
          given[3].cast<std::int32_t>()};
}

ByteStage::Kind kind_of(const std::string& name) {
  using Kind = ByteStage::Kind;
  constexpr std::pair<const char*, Kind> kKinds[] = {{"product", Kind::product},
                                                     {"largest", Kind::largest},
                                                     {"average", Kind::average},
                                                     {"table", Kind::table},
                                                     {"numbers", Kind::numbers}};
  for (const auto& [known, kind] : kKinds) {
    if (name == known) return kind;
  }
  throw std::invalid_argument("there is no stage '" + name + "'");
}

ByteStage stage_of(const py::dict& given) {
  ByteStage stage;
  stage.kind = kind_of(given["kind"].cast<std::string>());
  ByteWindows& at = stage.windows;
  at.channels = given["channels"].cast<index>();
  using Axes = ByteWindows::Axes;
  for (const auto& [name, axes] : {std::pair<const char*, Axes*>{"in", &at.in},
                                   {"out", &at.out},
                                   {"kernel", &at.kernel},
                                   {"stride", &at.stride},
                                   {"dilation", &at.dilation},
                                   {"before", &at.before}}) {
    *axes = given[name].cast<Axes>();
  }
  stage.zero = given["zero"].cast<std::int32_t>();
  stage.weights = numbers<std::int8_t>(given, "weights");
  stage.bias = numbers<std::int32_t>(given, "bias");
  stage.factors = numbers<float>(given, "factors");
  stage.table = numbers<std::uint8_t>(given, "table");
  stage.rounding = rounding_of(given["rounding"].cast<py::tuple>());
  stage.gives_numbers = given["gives_numbers"].cast<bool>();
  return stage;
}

Quantized make(index inputs, const py::tuple& input, const py::sequence& stages,
               const Scales& scaling, const std::string& kernels) {
  std::vector<ByteStage> all;
  for (const auto& stage : stages) all.push_back(stage_of(stage.cast<py::dict>()));
  Scaling scales = scaling ? Scaling{scaling->first, scaling->second} : Scaling();
  const auto count = static_cast<std::size_t>(inputs);
  if (!scales.empty() && (scales.shift.size() != count || scales.factor.size() != count)) {
    throw std::invalid_argument("the scaling must have as many columns as there are inputs");
  }
  return {QuantizedNetwork(inputs, rounding_of(input), std::move(all), kernels), std::move(scales)};
}

// Returns None if x is not finite; the package then raises the error.
py::object predict(const Quantized& self, const py::object& x, int threads) {
  const MatrixView view = self.scaled(matrix_view(x, "x"));
  const QuantizedNetwork& network = self.network();
  if (view.columns != network.inputs() || view.lengths) {
    throw std::invalid_argument("x must have as many columns as the network has inputs");
  }
  py::array_t<float> out({view.rows, network.outputs()});
  float* const data = out.mutable_data();
  QuantizedNetwork::Outcome outcome;
  {
    // No Python object is touched below; self, x and out are held by the caller.
    const GilReleased released;
    outcome = network.predict(view, data, threads, signal_check());
  }
  throw_pending();
  if (outcome == QuantizedNetwork::Outcome::not_finite) return py::none();
  return out;
}

}  // namespace

void register_quantized(py::module_& m) {
  using namespace py::literals;
  m.def("byte_kernel_sets", byte_kernel_sets,
        "Names of the byte kernels that this processor can run, slowest first.");
  py::class_<Quantized>(m, "Quantized", "A network of bytes, which answers.")
      .def(py::init(&make), "inputs"_a, "input"_a, "stages"_a, "scaling"_a, "kernels"_a = "")
      .def_property_readonly("kernels",
                             [](const Quantized& self) { return self.network().kernels(); })
      .def_property_readonly("outputs",
                             [](const Quantized& self) { return self.network().outputs(); })
      .def("predict", &predict, "x"_a, "threads"_a);
}

}  // namespace foxnn::python
