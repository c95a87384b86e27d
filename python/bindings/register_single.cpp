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
#include "outside_loss.hpp"
#include "registers.hpp"
#include "single_sample.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

// With more parameters the GIL is released, as with more products than kMostFlops. A product of a
// convolution takes less time than one of a dense layer, whose weights are read once only. Reading
// so many from a third-level cache takes 60 us.
constexpr index kMostParameters = 1'000'000;
// With more, the general path is used, which takes 20 to 40 us longer, but heeds signals, and keeps
// no memory: these take a millisecond, or a tenth of a second by the plain kernels.
constexpr index kMostLongParameters = 5'000'000, kMostLongBytes = 4 << 20;
constexpr double kMostLongFlops = 1e8;
// The same for sorted products, which take about 20 ns each.
constexpr index kMostSortedParameters = 500;

// The same for a network that scales its inputs, or that reads them as indices.
template <class T>
bool read_sample_of(const Network<T>& network, PyObject* x, std::vector<double>& unscaled,
                    SingleSample<T>& single) {
  if (network.input_scaling().empty() && network.index_limit() == 0) {
    if (const auto view = long_sample(x, network.input_shape())) return single.read(*view);
  }
  T* const out = single.input();
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
    using T = std::remove_pointer_t<decltype(n.parameters().data())>;
    auto& kept = self.kept(n);
    const index count = n.parameters().size();
    const bool is_long = count > kMostParameters || kept.flops > kMostFlops;
    const bool is_too_long = count > kMostLongParameters || kept.flops > kMostLongFlops ||
                             (is_long && kept.most_bytes > kMostLongBytes) ||
                             (n.sorted_summation() && count > kMostSortedParameters);
    if (self.running() || is_too_long) return py::none();
    AnyNetwork::LentSingle<T> single(kept, n);
    if (!read_sample_of(n, x.ptr(), kept.unscaled, *single)) return py::none();
    const Shape& shape = n.output_shape();
    py::array_t<T> out =
        shape.is_flat() ? py::array_t<T>(n.outputs()) : py::array_t<T>(shape.lengths());
    T* const numbers = out.mutable_data();
    const auto are_numbers = [&] {
      single->answer(numbers);
      n.finish_outputs(1, numbers);
      return !has_nan(n.outputs(), numbers);
    };
    bool done;
    if (!is_long) {
      done = are_numbers();
    } else {
      const AnyNetwork::Reading reading(self);
      // No Python object is touched below; x and out are held by this frame and its caller.
      const GilReleased released;
      done = are_numbers();
    }
    if (!done) return py::none();
    return out;
  });
}

template <class T>
bool is_ready_matrix(const py::object& object, index columns) {
  const std::optional<MatrixView> view = try_matrix_view(py::reinterpret_borrow<py::array>(object));
  return view && view->columns == columns && view->rows > 0 && all_finite<T>(*view);
}

// Whether x and y are valid arrays that need no conversion. For invalid ones, the package has
// better messages.
template <class T>
bool is_ready(const Network<T>& network, const py::object& x, const py::object& y) {
  if (network.varies()) return false;
  if (!is_plain_array(x.ptr()) || !is_plain_array(y.ptr())) return false;
  const auto ready = is_ready_matrix<T>;
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
                           TrainingPlan plan, bool checked, const py::object& loss) {
  if (!checked && !self.visit([&](const auto& n) { return is_ready(n, x, y); })) return {};
  std::optional<py::array> targets;
  if (loss.is_none()) targets = py::reinterpret_borrow<py::array>(y);
  const Samples samples = samples_view(x, targets).samples;
  plan.batch_size = samples.size();
  const AnyNetwork::Training training(self);
  StepReport report;
  self.visit([&](auto& base) {
    using T = std::remove_pointer_t<decltype(base.parameters().data())>;
    const auto at = self.at(base, samples.inputs.columns);
    Network<T>& n = *at;
    auto& kept = self.kept(at);
    if (!loss.is_none()) {
      if (!kept.asking || !(kept.asking_plan == plan) || !kept.asking->takes(samples)) {
        kept.asking = std::make_unique<Trainer<T>>(
            n, samples, plan, Outside<T>{.loss = outside_loss<T>(&kept.asked, &n.output_shape())});
        kept.asking->drop_steps_on(signal_check());
        kept.asking_plan = plan;
      }
      kept.asked = loss;
      const AnyNetwork::Running running(self);
      const GilReleased released;
      report = kept.asking->step(samples);
      return;
    }
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

// The loss of a trainer that goes along `kept.gradient`, whose numbers are by the outputs as users
// see them.
template <class T>
OutsideLoss<T> along_given(const Network<T>& network, const AnyNetwork::Kept<T>& kept) {
  return [&network, &kept](const OutsideBatch<T>& batch) {
    const index width = network.outputs();
    const Scaling& scaling = network.output_scaling();
    for (index r = 0; r < batch.rows; ++r) {
      const T* from = kept.gradient + index{batch.samples[r]} * width;
      T* const to = batch.gradient + r * width;
      std::copy_n(from, width, to);
      for (index i = 0; !scaling.empty() && i < width; ++i) {
        to[i] = static_cast<T>(static_cast<double>(to[i]) /
                               scaling.factor[static_cast<std::size_t>(i)]);
      }
    }
    network.unsort_gradient(batch.rows, batch.outputs, batch.gradient);
    std::fill_n(batch.losses, batch.rows, 0.0);
    return true;
  };
}

// Goes back from a gradient of the network's type, a row a sample; with a plan, it makes a step.
// Returns d loss / d inputs, False if the network diverges, or None if x and the gradient cannot be
// used without conversion.
py::object backward(AnyNetwork& self, const py::object& x, const py::object& gradient,
                    std::optional<TrainingPlan> given, int threads, bool checked) {
  TrainingPlan plan = given.value_or(TrainingPlan());
  plan.threads = threads;
  return self.visit([&](auto& base) -> py::object {
    using T = std::remove_pointer_t<decltype(base.parameters().data())>;
    using Gradient = py::array_t<T, py::array::c_style>;
    if (!py::isinstance<Gradient>(gradient)) return py::none();
    if (!checked && (!is_ready(base, x, gradient) || !is_ready_matrix<T>(gradient, base.outputs())))
      return py::none();
    const auto rows_of = py::reinterpret_borrow<py::array>(gradient);
    const Samples samples = samples_view(x, std::nullopt).samples;
    const AnyNetwork::Training training(self);
    const auto at = self.at(base, samples.inputs.columns);
    Network<T>& n = *at;
    if (rows_of.size() != samples.size() * n.outputs()) {
      throw std::invalid_argument("the gradient must have a number for each output");
    }
    auto& kept = self.kept(at);
    plan.batch_size = samples.size();
    plan.reduction = Reduction::sum;
    if (!kept.back || !(kept.back_plan == plan) || !kept.back->takes(samples)) {
      kept.back = std::make_unique<Trainer<T>>(
          n, samples, plan, Outside<T>{.loss = along_given(n, kept), .reaches_inputs = true});
      kept.back->drop_steps_on(signal_check());
      kept.back_plan = plan;
    }
    kept.gradient = static_cast<const T*>(rows_of.data());
    py::array_t<T> out({samples.size(), n.inputs()});
    T* const to = out.mutable_data();
    StepReport report;
    {
      const AnyNetwork::Running running(self);
      // No Python object is touched below; all arrays are held by this frame or its caller.
      const GilReleased released;
      if (given) {
        report = kept.back->step(samples);
      } else {
        report.diverged = !kept.back->back(samples);
      }
      kept.back->input_gradient(to);
    }
    throw_pending();
    if (report.diverged) return py::bool_(false);
    return out;
  });
}

}  // namespace

void register_single(py::module_& m) {
  using namespace py::literals;
  m.def("answer", &answer, "network"_a, "x"_a, py::pos_only());
  m.def("step", &step, "network"_a, "x"_a, "y"_a, "plan"_a, "checked"_a, "loss"_a = py::none(),
        py::pos_only());
  m.def("backward", &backward, "network"_a, "x"_a, "gradient"_a, "plan"_a, "threads"_a, "checked"_a,
        py::pos_only());
}

}  // namespace foxnn::python
