// Gets and sets the state of a network besides its parameters, for copies and files: the number of
// its random draws, and the optimizer's rule, steps and moments.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "any_network.hpp"
#include "layer_specs.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

template <class N>
using NumberOf = std::remove_cvref_t<decltype(*std::declval<N&>().parameters().data())>;

py::dict rule_as_dict(const Optimizer& rule) {
  using namespace py::literals;
  py::dict values("name"_a = std::string(optimizer_name(rule.kind)));
  for (const OptimizerConstant& constant : optimizer_constants()) {
    values[py::str(std::string(constant.name))] = rule.*constant.value;
  }
  values["restart_after"] = rule.restart_after;
  return values;
}

py::object parameters(const AnyNetwork& self) {
  self.refuse_while_running();
  const AnyNetwork::Reading reading(self);
  return self.visit([](const auto& n) -> py::object {
    return arrays_by_layer(n, n.parameters(), Order::transposed);
  });
}

// The rule, the steps, and for each of the two kinds of moments the arrays of the layers, or None.
py::object optimizer_state(const AnyNetwork& self) {
  self.refuse_while_running();
  const AnyNetwork::Reading reading(self);
  return self.visit([](const auto& n) -> py::object {
    using T = NumberOf<decltype(n)>;
    const OptimizerState<T>& state = n.optimizer();
    if (state.step == 0) return py::none();
    py::list moments;
    for (int i = 0; i < 2; ++i) {
      moments.append(state.rule.remembers(i)
                         ? arrays_by_layer(n, state.moments[i], Order::transposed)
                         : py::object(py::none()));
    }
    return py::make_tuple(rule_as_dict(state.rule), state.step, moments);
  });
}

void set_optimizer_state(AnyNetwork& self, const Optimizer& rule, std::uint64_t step,
                         const py::list& moments) {
  self.restructure([&](auto& n) {
    using T = NumberOf<decltype(n)>;
    const AnyNetwork::Reading reading(self);
    OptimizerState<T> state;
    state.rule = rule;
    state.step = step;
    if (step < 1) throw std::invalid_argument("step must be at least 1");
    if (moments.size() != 2) throw std::invalid_argument("there must be two kinds of moments");
    for (int i = 0; i < 2; ++i) {
      const py::object given = moments[static_cast<std::size_t>(i)];
      if (given.is_none() == rule.remembers(i)) {
        throw std::invalid_argument("the moments are not those of the optimizer");
      }
      if (given.is_none()) continue;
      state.moments[i] = Buffer<T>(n.parameters().size());
      set_arrays_by_layer(n, given.cast<py::sequence>(), state.moments[i], "the moments");
    }
    n.optimizer() = std::move(state);
  });
}

}  // namespace

void register_state(py::module_& m) {
  using namespace py::literals;
  m.def("optimizer_state", &optimizer_state, "network"_a, py::pos_only());
  m.def("set_optimizer_state", &set_optimizer_state, "network"_a, "rule"_a, "step"_a, "moments"_a,
        py::pos_only());
  m.def("parameters", &parameters, "network"_a, py::pos_only());
  m.def(
      "set_draw",
      [](AnyNetwork& network, std::uint32_t draw) {
        network.change([draw](auto& n) { n.set_draw(draw); });
      },
      "network"_a, "draw"_a, py::pos_only());
}

}  // namespace foxnn::python
