// The class _core.Population: the members' answers, evaluations and parameters, in one call each.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>
#include <optional>
#include <string>

#include "any_population.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "layer_specs.hpp"
#include "member_samples.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

// The outputs of all members for samples of so many columns, as f(members, out) computes them; of
// so many samples for each member, or of one without its axis. None if these are not finite; the
// package then raises the error.
template <class T, class Function>
py::object outputs(AnyPopulation& self, Population<T>& all, index columns,
                   std::optional<index> samples, const Function& f) {
  using Outcome = typename Network<T>::Outcome;
  const auto at = self.at(all, columns, self.is_read() || self.running());
  const Network<T>& first = at->member(0);
  if (columns != first.inputs()) {
    throw std::invalid_argument("x must have as many columns as the members have inputs");
  }
  const Shape& shape = first.output_shape();
  std::vector<index> lengths{self.size()};
  if (samples) lengths.push_back(*samples);
  lengths.insert(lengths.end(), shape.axes.begin(), shape.axes.end());
  lengths.push_back(shape.channels);
  py::array_t<T> out(lengths);
  T* const data = out.mutable_data();
  Outcome outcome;
  {
    const AnyPopulation::Reading reading(self);
    // No Python object is touched below; x and out are held by this frame and its caller.
    const GilReleased released;
    outcome = f(*at, data);
  }
  throw_pending();
  if (outcome == Outcome::not_finite) return py::none();
  if (outcome == Outcome::no_number) {
    throw std::overflow_error(
        std::string("outputs are not numbers (NaN): layers go beyond ") +
        (sizeof(T) == 4 ? "float32; scale x, or use dtype='float64'" : "float64; scale x"));
  }
  return out;
}

py::object predict(AnyPopulation& self, const py::object& x, bool each, int threads) {
  const MatrixView view = matrix_view(x, "x");
  const index samples = each ? view.rows / self.size() : view.rows;
  return self.visit([&]<class T>(Population<T>& all) {
    return outputs(self, all, view.columns, samples, [&](Population<T>& members, T* out) {
      return members.predict(view, each, out, threads, signal_check());
    });
  });
}

// The same for an array with one flat sample of each member, as a loop asks for them step by step:
// with contiguous rows, or of the members' type in any order. None for anything else, too: the
// package then finds out what it is.
py::object predict_one_each(AnyPopulation& self, const py::object& x, int threads) {
  if (!py::isinstance<py::array>(x)) return py::none();
  const auto array = py::reinterpret_borrow<py::array>(x);
  if (array.ndim() != 2 || array.shape(0) != self.size()) return py::none();
  const index columns = array.shape(1);
  return self.visit([&]<class T>(Population<T>& all) -> py::object {
    const Network<T>& first = all.member(0);
    if (first.varies() || !first.input_shape().axes.empty() || first.inputs() != columns) {
      return py::none();
    }
    if (const auto view = try_matrix_view(array)) {
      return outputs(self, all, columns, {}, [&](Population<T>& members, T* out) {
        return members.predict(*view, true, out, threads, signal_check());
      });
    }
    constexpr auto kSize = static_cast<py::ssize_t>(sizeof(T));
    const bool fits = py::isinstance<py::array_t<T>>(array) && is_aligned(array) &&
                      array.strides(0) % kSize == 0 && array.strides(1) % kSize == 0;
    if (!fits) return py::none();
    const OneEach<T> given{static_cast<const T*>(array.data()), array.strides(0) / kSize,
                           array.strides(1) / kSize};
    return outputs(self, all, columns, {}, [&](Population<T>& members, T* out) {
      return members.predict(given, out, threads, signal_check());
    });
  });
}

// Losses, correct positions and all positions of some members, each over its own samples.
py::tuple evaluate(AnyPopulation& self, const py::object& x, const py::array& y,
                   const std::vector<index>& which, const py::object& rows,
                   const py::object& weights, int threads) {
  const MemberSamples given(samples_view(x, y), x, rows, weights, static_cast<index>(which.size()));
  for (const index i : which) {
    if (i < 0 || i >= self.size()) throw py::index_error("there is no such member");
  }
  const std::vector<Samples> samples = given.samples();
  std::vector<Evaluation> found(which.size());
  self.visit([&]<class T>(Population<T>& all) {
    const auto at = self.at(all, given.shared().inputs.columns);
    const AnyPopulation::Reading reading(self);
    const GilReleased released;
    at->evaluate(which, samples, found, threads, signal_check());
  });
  throw_pending();
  const auto count = static_cast<py::ssize_t>(found.size());
  py::array_t<double> loss(count);
  py::array_t<std::int64_t> correct(count), positions(count);
  for (py::ssize_t i = 0; i < count; ++i) {
    const Evaluation& one = found[static_cast<std::size_t>(i)];
    loss.mutable_data()[i] = one.loss;
    correct.mutable_data()[i] = one.correct;
    positions.mutable_data()[i] = one.positions;
  }
  return py::make_tuple(loss, correct, positions);
}

py::object parameters(AnyPopulation& self, int threads) {
  if (self.running()) throw std::runtime_error("the population cannot be read while it trains");
  return self.visit([&]<class T>(Population<T>& all) -> py::object {
    py::array_t<T> out({self.size(), all.parameter_count()});
    all.read_parameters(out.mutable_data(), threads);
    return out;
  });
}

void set_parameters(AnyPopulation& self, const py::array& given, int threads) {
  self.refuse_changes();
  self.visit([&]<class T>(Population<T>& all) {
    const py::array_t<T, py::array::c_style | py::array::forcecast> values(given);
    if (values.ndim() != 2 || values.shape(0) != self.size() ||
        values.shape(1) != all.parameter_count()) {
      throw std::invalid_argument("parameters must be a row of numbers for each member");
    }
    all.set_parameters(values.data(), threads);
  });
}

index parameter_count(AnyPopulation& self) {
  return self.visit([](auto& all) { return all.parameter_count(); });
}

}  // namespace

void register_population(py::module_& m) {
  using namespace py::literals;
  py::class_<AnyPopulation>(m, "Population", "Networks of the same layers side by side.")
      .def(py::init<py::list>(), "networks"_a)
      .def("predict", &predict, "x"_a, "each"_a, "threads"_a)
      .def("predict_one_each", &predict_one_each, "x"_a, "threads"_a)
      .def("evaluate", &evaluate, "x"_a, "y"_a, "which"_a, "rows"_a, "weights"_a, "threads"_a)
      .def("parameters", &parameters, "threads"_a)
      .def("set_parameters", &set_parameters, "values"_a, "threads"_a)
      .def("parameter_count", &parameter_count)
      .def("refuse_changes", &AnyPopulation::refuse_changes);
}

}  // namespace foxnn::python
