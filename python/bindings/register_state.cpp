// What a network remembers beside its parameters, out and in: how often it has drawn random
// numbers, and the optimizer's rule, steps and moments. For copies and files.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "any_network.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

template <class N>
using NumberOf = std::remove_cvref_t<decltype(*std::declval<N&>().parameters().data())>;

py::dict rule_as_dict(const Optimizer& rule) {
  using namespace py::literals;
  return py::dict("name"_a = std::string(optimizer_name(rule.kind)), "momentum"_a = rule.momentum,
                  "beta_1"_a = rule.beta_1, "beta_2"_a = rule.beta_2, "rho"_a = rule.rho,
                  "epsilon"_a = rule.epsilon, "weight_decay"_a = rule.weight_decay,
                  "restart_after"_a = rule.restart_after);
}

// Weights and biases of the layers. A neuron's weights stand together, as files have them: what is
// written need not be turned over.
template <class T>
py::object layers_of(const Network<T>& n, const Buffer<T>& flat) {
  constexpr index kSize = sizeof(T);
  py::list layers;
  for (index i = 0; i < n.size(); ++i) {
    const index inputs = n.dense(i).inputs(), neurons = n.dense(i).outputs();
    py::array_t<T> weights({inputs, neurons}, {kSize, inputs * kSize});
    py::array_t<T> bias(neurons);
    n.dense(i).unpack_by_neuron(flat.data() + n.offset(i), weights.mutable_data(),
                                bias.mutable_data());
    layers.append(py::make_tuple(weights, bias));
  }
  return layers;
}

py::object parameters(const AnyNetwork& self) {
  self.refuse_while_running();
  return self.visit([](const auto& n) { return layers_of(n, n.parameters()); });
}

// Rule, steps, and for each of the two kinds of moments the arrays of the layers, or None.
py::object optimizer_state(const AnyNetwork& self) {
  self.refuse_while_running();
  return self.visit([](const auto& n) -> py::object {
    using T = NumberOf<decltype(n)>;
    const OptimizerState<T>& state = n.optimizer();
    if (state.step == 0) return py::none();
    py::list moments;
    for (const Buffer<T>& buffer : state.moments) {
      moments.append(buffer.size() == 0 ? py::object(py::none()) : layers_of(n, buffer));
    }
    return py::make_tuple(rule_as_dict(state.rule), state.step, moments);
  });
}

template <class T>
using Arrays =
    std::vector<std::pair<py::array_t<T, py::array::c_style>, py::array_t<T, py::array::c_style>>>;

// The package hands over arrays of the right shapes and type; what is not, is refused.
template <class T>
Buffer<T> moments_of(const Network<T>& n, const Arrays<T>& layers) {
  const auto refuse = [](const char* what) {
    throw std::invalid_argument(std::string("the moments do not fit the layers: ") + what);
  };
  if (static_cast<index>(layers.size()) != n.size()) refuse("their number");
  Buffer<T> buffer(n.parameters().size());
  for (index i = 0; i < n.size(); ++i) {
    const auto& [weights, bias] = layers[static_cast<std::size_t>(i)];
    const Dense<T>& dense = n.dense(i);
    if (weights.ndim() != 2 || weights.shape(0) != dense.inputs() ||
        weights.shape(1) != dense.outputs() || bias.ndim() != 1 ||
        bias.shape(0) != dense.outputs()) {
      refuse("a shape");
    }
    dense.pack(weights.data(), bias.data(), buffer.data() + n.offset(i));
  }
  return buffer;
}

void set_optimizer_state(AnyNetwork& self, const Optimizer& rule, std::uint64_t step,
                         const py::list& moments) {
  self.restructure([&](auto& n) {
    using T = NumberOf<decltype(n)>;
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
      if (!given.is_none()) state.moments[i] = moments_of<T>(n, given.cast<Arrays<T>>());
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
