// The class _core.Network: construction, prediction, evaluation, loss and scaling.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "any_network.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "kernels/has_nan.hpp"
#include "layer_specs.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

template <class N>
using Number = std::remove_pointer_t<decltype(std::declval<N>().parameters().data())>;

std::unique_ptr<AnyNetwork> make_network(const std::vector<index>& shape,
                                         const py::sequence& layers, bool single,
                                         std::uint64_t seed, bool varies) {
  if (layers.size() == 0) throw std::invalid_argument("there must be at least one layer");
  const std::vector<LayerSpec> specs = layer_specs(layers);
  auto network = std::make_unique<AnyNetwork>(Shape::of(shape), single, seed, varies);
  try {
    // Drawing the weights of a large network takes seconds. No Python object is touched here.
    const GilReleased released;
    network->visit([&](auto& n) {
      n.append(specs);
      n.initialize(0, signal_check());
    });
  } catch (const Stopped&) {
    throw py::error_already_set();
  }
  return network;
}

std::unique_ptr<AnyNetwork> copy_network(const AnyNetwork& other) {
  other.refuse_while_running();
  const AnyNetwork::Reading reading(other);
  return interruptible(
      [&](const StopRequest& stop) { return std::make_unique<AnyNetwork>(other, stop); });
}

// Becomes Python's OverflowError: the outputs should be numbers, and infinity is the closest to a
// number beyond the range of T.
std::overflow_error no_number(const char* what, bool single) {
  const std::string message = std::string(what) + " are not numbers (NaN): layers go beyond ";
  return std::overflow_error(
      message + (single ? "float32; scale x, or use dtype='float64'" : "float64; scale x"));
}

std::vector<index> shape_of_outputs(index samples, const Shape& shape) {
  std::vector<index> lengths{samples};
  lengths.insert(lengths.end(), shape.axes.begin(), shape.axes.end());
  lengths.push_back(shape.channels);
  return lengths;
}

// The outputs of the given layers, each as samples of its shape. None if x is not finite.
py::object node_outputs(AnyNetwork& self, const py::object& x, const std::vector<index>& layers,
                        int threads) {
  const MatrixView view = matrix_view(x, "x");
  return self.visit([&](auto& base) -> py::object {
    using N = std::remove_cvref_t<decltype(base)>;
    using T = std::remove_const_t<Number<decltype(base)>>;
    const auto at = self.at(base, view.columns);
    const N& n = *at;
    std::vector<index> nodes;
    for (const index i : layers) {
      if (i < 0 || i >= static_cast<index>(n.parts().size())) {
        throw py::index_error("there is no layer " + std::to_string(i));
      }
      nodes.push_back(n.parts()[static_cast<std::size_t>(i)].end);
    }
    if (view.columns != n.inputs()) {
      throw std::invalid_argument("x must have as many columns as the network has inputs");
    }
    py::list all;
    std::vector<T*> data;
    for (const index i : nodes) {
      py::array_t<T> out(shape_of_outputs(view.rows, n.layer(i).output().shape));
      data.push_back(out.mutable_data());
      all.append(out);
    }
    typename N::Outcome outcome;
    {
      const AnyNetwork::Reading reading(self);
      // No Python object is touched below; x and the list are held by this frame.
      const GilReleased released;
      outcome = n.node_outputs(view, nodes, data, threads, signal_check());
    }
    throw_pending();
    if (outcome == N::Outcome::not_finite) return py::none();
    return all;
  });
}

// Few samples of a small network are answered in memory that is kept between calls, for making it
// would take longer than the answer. Meanwhile the GIL is held: these are 100 us at most. The kept
// memory is twice the largest value on the way, for kFew samples.
constexpr double kMostFlops = 1e7;
constexpr index kMostBytes = 4 << 20;

// Whether the outputs are written.
template <class T>
bool predict_few(AnyNetwork& self, const AnyNetwork::At<T>& at, const MatrixView& x, T* out) {
  const bool is_few = 0 < x.rows && x.rows <= AnyNetwork::kFew;
  if (!is_few || x.is_sparse() || x.lengths || self.running()) return false;
  Network<T>& network = *at;
  auto& kept = self.kept(at);
  if (static_cast<double>(x.rows) * kept.flops > kMostFlops || network.sorted_summation() ||
      2 * AnyNetwork::kFew * kept.most_bytes > kMostBytes) {
    return false;
  }
  if (!kept.few) kept.few = std::make_unique<FewSamples<T>>(network, AnyNetwork::kFew);
  using Outcome = typename Network<T>::Outcome;
  const Outcome outcome = kept.few->predict(x, out);
  // It would hold the samples that are not finite.
  if (outcome == Outcome::not_finite) kept.few = nullptr;
  return outcome == Outcome::done;
}

// Returns None if x is not finite; the package then raises the error.
py::object predict(AnyNetwork& self, const py::object& x, int threads) {
  const MatrixView view = matrix_view(x, "x");
  return self.visit([&](auto& base) -> py::object {
    using N = std::remove_cvref_t<decltype(base)>;
    const auto at = self.at(base, view.columns);
    N& n = *at;
    if (view.columns != n.inputs()) {
      throw std::invalid_argument("x must have " + std::to_string(n.inputs()) +
                                  " inputs, as many as the network, got " +
                                  std::to_string(view.columns));
    }
    py::array_t<std::remove_const_t<Number<decltype(n)>>> out(
        shape_of_outputs(view.rows, n.output_shape()));
    auto* data = out.mutable_data();
    if (predict_few(self, at, view, data)) return out;
    typename N::Outcome outcome;
    {
      const AnyNetwork::Reading reading(self);
      // No Python object is touched below; x and out are held by this frame.
      const GilReleased released;
      outcome = n.predict(view, data, threads, signal_check());
    }
    throw_pending();
    if (outcome == N::Outcome::not_finite) return py::none();
    if (outcome == N::Outcome::no_number) throw no_number("outputs", sizeof(*data) == 4);
    return out;
  });
}

py::tuple evaluate(AnyNetwork& self, const py::object& x, const py::array& y,
                   const py::object& weights, int threads) {
  const SamplesView view = samples_view(x, y, weights);
  Evaluation result;
  self.visit([&](auto& base) {
    const auto at = self.at(base, view.samples.inputs.columns);
    const AnyNetwork::Reading reading(self);
    const GilReleased released;
    at->evaluate(view.samples, result, threads, signal_check());
  });
  throw_pending();
  return py::make_tuple(result.loss, result.correct, result.positions);
}

py::object input_gradient(AnyNetwork& self, const py::object& x, index first, index count,
                          int threads) {
  const MatrixView view = matrix_view(x, "x");
  return self.visit([&](auto& base) -> py::object {
    const auto at = self.at(base, view.columns);
    const auto& n = *at;
    py::array_t<std::remove_const_t<Number<decltype(n)>>> out({view.rows, count, n.inputs()});
    auto* data = out.mutable_data();
    {
      const AnyNetwork::Reading reading(self);
      const GilReleased released;
      n.input_gradient(view, first, count, data, threads, signal_check());
    }
    throw_pending();
    if (has_nan(index{out.size()}, data)) {
      throw no_number("gradients", sizeof(*data) == 4);
    }
    return out;
  });
}

// How many positions the outputs have for sequences of some lengths; 0 where one is too short.
py::array_t<std::int64_t> steps_after(
    const AnyNetwork& self, const py::array_t<std::int64_t, py::array::c_style>& lengths) {
  py::array_t<std::int64_t> out(lengths.size());
  self.visit([&](const auto& n) {
    for (index i = 0; i < lengths.size(); ++i) {
      out.mutable_data()[i] = n.steps_after(static_cast<index>(lengths.data()[i]));
    }
  });
  return out;
}

Scaling make_scaling(const std::optional<std::pair<std::vector<double>, std::vector<double>>>& s) {
  return s ? Scaling{s->first, s->second} : Scaling();
}

py::object show_scaling(const Scaling& scaling) {
  if (scaling.empty()) return py::none();
  return py::make_tuple(py::array(py::cast(scaling.shift)), py::array(py::cast(scaling.factor)));
}

void restore(AnyNetwork& self, const AnyNetwork& earlier) {
  self.change([&](auto& n) {
    using N = std::remove_reference_t<decltype(n)>;
    earlier.visit([&](const auto& e) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(e)>, N>) {
        const AnyNetwork::Reading reading(earlier), changing(self);
        interruptible([&](const StopRequest& stop) { n.restore(e, stop); });
      }
    });
  });
}

}  // namespace

NetworkClass register_network(py::module_& m) {
  using namespace py::literals;
  NetworkClass network(m, "Network", "Layers and their parameters.");
  network
      .def(py::init(&make_network), "shape"_a, "layers"_a, "single"_a, "seed"_a, "varies"_a = false)
      .def(py::init(&copy_network), "other"_a)
      .def("_plan_for",
           [](AnyNetwork& self, index steps) {
             self.restructure([steps](auto& n) { n.plan_for(steps); });
           })
      .def("_steps_after", &steps_after, "lengths"_a)
      .def("_single",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return sizeof(*n.parameters().data()) == 4; });
           })
      .def(
          "_seed",
          [](const AnyNetwork& self) { return self.visit([](const auto& n) { return n.seed(); }); })
      .def("_inputs",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return n.inputs(); });
           })
      .def("_outputs",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return n.outputs(); });
           })
      .def("_index_limit",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return n.index_limit(); });
           })
      .def("_loss",
           [](const AnyNetwork& self) {
             return std::string(self.visit([](const auto& n) { return loss_name(n.loss()); }));
           })
      .def(
          "_set_loss",
          [](AnyNetwork& self, const std::string& name, const std::vector<double>& parameters) {
            self.restructure([&](auto& n) { n.set_loss(parse_loss(name), parameters); });
          },
          "name"_a, "parameters"_a = std::vector<double>(), py::pos_only())
      .def("_loss_parameters",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return n.loss_parameters(); });
           })
      .def("_set_sorted_summation",
           [](AnyNetwork& self, bool sorted) {
             self.restructure([sorted](auto& n) { n.set_sorted_summation(sorted); });
           })
      .def("_predict", &predict, "x"_a, "threads"_a)
      .def("_node_outputs", &node_outputs, "x"_a, "layers"_a, "threads"_a)
      .def("_evaluate", &evaluate, "x"_a, "y"_a, "weights"_a, "threads"_a)
      .def("_input_gradient", &input_gradient, "x"_a, "first"_a, "count"_a, "threads"_a)
      .def("_set_scaling",
           [](AnyNetwork& self,
              const std::optional<std::pair<std::vector<double>, std::vector<double>>>& inputs,
              const std::optional<std::pair<std::vector<double>, std::vector<double>>>& outputs) {
             self.restructure(
                 [&](auto& n) { n.set_scaling(make_scaling(inputs), make_scaling(outputs)); });
           })
      .def("_scaling",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) {
               return py::make_tuple(show_scaling(n.input_scaling()),
                                     show_scaling(n.output_scaling()));
             });
           })
      .def("_restore", &restore)
      .def(
          "_draw",
          [](const AnyNetwork& self) { return self.visit([](const auto& n) { return n.draw(); }); })
      .def("_next_draw",
           [](AnyNetwork& self) { return self.change([](auto& n) { return n.next_draw(); }); })
      .def("_steps",
           [](const AnyNetwork& self) {
             return self.visit([](const auto& n) { return n.optimizer().step; });
           })
      .def("_reset_optimizer",
           [](AnyNetwork& self) { self.restructure([](auto& n) { n.reset_optimizer(); }); })
      .def("_is_training", &AnyNetwork::training)
      .def("_copy", &copy_network);
  return network;
}

}  // namespace foxnn::python
