// Functions that a control loop calls thousands of times per second: the prediction for one sample,
// and one training step on a batch. Both keep their buffers in the network between calls.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "any_network.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"
#include "single_sample.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

// With more parameters, the general path is used, as with more products than kMostFlops. A product
// of a convolution takes less time than one of a dense layer, whose weights are read once only.
constexpr index kMostParameters = 500'000;
// The same for sorted products, which take about 20 ns each.
constexpr index kMostSortedParameters = 500;

// The same for a network that scales its inputs, or that reads them as indices.
template <class T>
bool read_sample_of(const Network<T>& network, PyObject* x, std::vector<double>& unscaled, T* out) {
  const Scaling& scaling = network.input_scaling();
  if (const index limit = network.index_limit()) {
    // In double, so that no fraction is rounded away.
    if (!read_sample(x, network.input_shape(), unscaled.data())) return false;
    if (!are_indices(unscaled, limit)) return false;
    std::copy(unscaled.begin(), unscaled.end(), out);
    return true;
  }
  if (scaling.empty()) return read_sample(x, network.input_shape(), out);
  if (!read_sample(x, network.input_shape(), unscaled.data())) return false;
  for (std::size_t i = 0; i < unscaled.size(); ++i) {
    out[i] = static_cast<T>(scaling.apply(unscaled[i], i));
  }
  return true;
}

// The outputs for one sample of a type that is quick to read. None for all others and for invalid
// samples, which the general path accepts or refuses.
py::object answer(AnyNetwork& self, const py::object& x) {
  return self.visit([&](auto& n) -> py::object {
    if (n.varies()) return py::none();
    auto& kept = self.kept(n);
    const index most = n.sorted_summation() ? kMostSortedParameters : kMostParameters;
    if (self.running() || n.parameters().size() > most || kept.flops > kMostFlops) {
      return py::none();
    }
    if (!read_sample_of(n, x.ptr(), kept.unscaled, kept.single->input())) return py::none();
    using T = std::remove_pointer_t<decltype(n.parameters().data())>;
    const Shape& shape = n.output_shape();
    const T* const answer = kept.single->answer();
    py::array_t<T> out = shape.is_flat() ? array_of(n.outputs(), n.outputs(), answer)
                                         : array_of(shape.lengths(), n.outputs(), answer);
    n.unscale_outputs(1, out.mutable_data());
    for (index i = 0; i < n.outputs(); ++i) {
      if (std::isnan(out.data()[i])) return py::none();
    }
    return out;
  });
}

// Whether x and y are valid arrays that need no conversion. For invalid ones, the package has
// better messages.
template <class T>
bool is_ready(const Network<T>& network, const py::object& x, const py::object& y) {
  if (network.varies()) return false;
  if (!py::isinstance<py::array>(x) || !py::isinstance<py::array>(y)) return false;
  const auto ready = [](const py::object& object, index columns) {
    const std::optional<MatrixView> view =
        try_matrix_view(py::reinterpret_borrow<py::array>(object));
    return view && view->columns == columns && view->rows > 0 && all_finite<T>(*view);
  };
  if (const index limit = network.index_limit()) {
    const auto view = try_matrix_view(py::reinterpret_borrow<py::array>(x));
    if (!view || first_no_index(*view, limit) >= 0) return false;
  }
  const auto target = py::reinterpret_borrow<py::array>(y);
  if (!ready(x, network.inputs())) return false;
  if (target.ndim() < 1) return false;
  if (target.shape(0) != py::reinterpret_borrow<py::array>(x).shape(0)) return false;
  // For some losses y must meet further conditions, which the general path checks.
  const Targets targets = loss_traits(network.loss()).targets;
  if (targets == Targets::numbers) return ready(y, network.outputs());
  if (targets != Targets::classes || !network.output_shape().is_flat()) return false;
  if (target.ndim() != 1 || !py::isinstance<py::array_t<std::int64_t>>(y) || !is_aligned(target) ||
      target.strides(0) != target.itemsize()) {
    return false;
  }
  const auto* labels = static_cast<const std::int64_t*>(target.data());
  return std::all_of(labels, labels + target.shape(0),
                     [&](std::int64_t label) { return label >= 0 && label < network.outputs(); });
}

// Makes one step. Returns the mean loss, NaN if it diverges, or None if x and y cannot be used
// without conversion. `checked`: the package has already checked and converted them.
std::optional<double> step(AnyNetwork& self, const py::object& x, const py::object& y,
                           TrainingPlan plan, bool checked) {
  if (!checked && !self.visit([&](const auto& n) { return is_ready(n, x, y); })) return {};
  const Samples samples = samples_view(x, py::reinterpret_borrow<py::array>(y)).samples;
  plan.batch_size = samples.size();
  const AnyNetwork::Training training(self);
  StepReport report;
  self.visit([&](auto& base) {
    using T = std::remove_pointer_t<decltype(base.parameters().data())>;
    const auto at = self.at(base, samples.inputs.columns);
    Network<T>& n = *at;
    auto& kept = self.kept(at);
    if (!kept.trainer || !(kept.plan == plan) || !kept.trainer->takes(samples)) {
      kept.trainer = std::make_unique<Trainer<T>>(n, samples, plan);
      kept.trainer->drop_steps_on(signal_check());
      kept.plan = plan;
    }
    const AnyNetwork::Running running(self);
    // No Python object is touched below; x and y are held by the caller.
    const GilReleased released;
    report = kept.trainer->step(samples);
  });
  throw_pending();
  if (report.diverged) return std::numeric_limits<double>::quiet_NaN();
  return report.loss / report.weight;
}

}  // namespace

void register_single(py::module_& m) {
  using namespace py::literals;
  m.def("answer", &answer, "network"_a, "x"_a, py::pos_only());
  m.def("step", &step, "network"_a, "x"_a, "y"_a, "plan"_a, "checked"_a, py::pos_only());
}

}  // namespace foxnn::python
