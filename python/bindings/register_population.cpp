// The class _core.Population: the members' answers, evaluations and parameters, in one call each.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>
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

// The outputs of all members; `is_one`: for one sample each, without its axis. None if x is not
// finite; the package then raises the error.
py::object outputs(AnyPopulation& self, const MatrixView& view, bool each, bool is_one,
                   int threads) {
  return self.visit([&]<class T>(Population<T>& all) -> py::object {
    using Outcome = typename Network<T>::Outcome;
    const auto at = self.at(all, view.columns, self.is_read() || self.running());
    const Network<T>& first = at->member(0);
    if (view.columns != first.inputs()) {
      throw std::invalid_argument("x must have as many columns as the members have inputs");
    }
    const Shape& shape = first.output_shape();
    std::vector<index> lengths{self.size()};
    if (!is_one) lengths.push_back(each ? view.rows / self.size() : view.rows);
    lengths.insert(lengths.end(), shape.axes.begin(), shape.axes.end());
    lengths.push_back(shape.channels);
    py::array_t<T> out(lengths);
    T* const data = out.mutable_data();
    Outcome outcome;
    {
      const AnyPopulation::Reading reading(self);
      // No Python object is touched below; x and out are held by this frame.
      const GilReleased released;
      outcome = at->predict(view, each, data, threads, signal_check());
    }
    throw_pending();
    if (outcome == Outcome::not_finite) return py::none();
    if (outcome == Outcome::no_number) {
      throw std::overflow_error(
          std::string("outputs are not numbers (NaN): layers go beyond ") +
          (sizeof(T) == 4 ? "float32; scale x, or use dtype='float64'" : "float64; scale x"));
    }
    return out;
  });
}

py::object predict(AnyPopulation& self, const py::object& x, bool each, int threads) {
  return outputs(self, matrix_view(x, "x"), each, false, threads);
}

// The same for an array with one flat sample of each member, as a loop asks for them step by step.
// None for anything else, too: the package then finds out what it is.
py::object predict_one_each(AnyPopulation& self, const py::object& x, int threads) {
  if (!py::isinstance<py::array>(x)) return py::none();
  const auto view = try_matrix_view(py::reinterpret_borrow<py::array>(x));
  const bool fits = view && view->rows == self.size() && self.visit([&](auto& all) {
    const auto& first = all.member(0);
    return !first.varies() && first.input_shape().axes.empty() && first.inputs() == view->columns;
  });
  return fits ? outputs(self, *view, true, true, threads) : py::none();
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

// A trained array: of which node, and its position among the numbers of a member.
struct TrainedArray {
  index node;
  Array array;
  index place;
};

// Those of all members, which have the same layers: they are listed once, since listing the arrays
// of a small network takes longer than copying their numbers.
struct TrainedArrays {
  std::vector<TrainedArray> each;
  index numbers = 0;  // of a member
};

template <class T>
TrainedArrays trained_arrays(const Network<T>& network) {
  TrainedArrays found;
  for (const index i : leaf_nodes(network)) {
    for (const Array& array : network.layer(i).arrays()) {
      if (!array.is_trained()) continue;
      found.each.push_back({i, array, found.numbers});
      found.numbers += array.size();
    }
  }
  return found;
}

py::object parameters(AnyPopulation& self) {
  if (self.running()) throw std::runtime_error("the population cannot be read while it trains");
  return self.visit([&]<class T>(Population<T>& all) -> py::object {
    const TrainedArrays arrays = trained_arrays(all.member(0));
    py::array_t<T> out({self.size(), arrays.numbers});
    T* row = out.mutable_data();
    for (index m = 0; m < self.size(); ++m, row += arrays.numbers) {
      const Network<T>& network = all.member(m);
      for (const TrainedArray& one : arrays.each) {
        network.layer(one.node).unpack(one.array,
                                       network.parameters().data() + network.offset(one.node),
                                       row + one.place, Order::plain, {});
      }
    }
    return out;
  });
}

void set_parameters(AnyPopulation& self, const py::array& given) {
  self.refuse_changes();
  self.visit([&]<class T>(Population<T>& all) {
    const TrainedArrays arrays = trained_arrays(all.member(0));
    const py::array_t<T, py::array::c_style | py::array::forcecast> values(given);
    if (values.ndim() != 2 || values.shape(0) != self.size() || values.shape(1) != arrays.numbers) {
      throw std::invalid_argument("parameters must be a row of numbers for each member");
    }
    const T* row = values.data();
    for (index m = 0; m < self.size(); ++m, row += arrays.numbers) {
      Network<T>& network = all.member(m);
      for (const TrainedArray& one : arrays.each) {
        network.set_array(one.node, one.array, row + one.place);
      }
    }
  });
}

index parameter_count(AnyPopulation& self) {
  return self.visit(
      []<class T>(Population<T>& all) { return trained_arrays(all.member(0)).numbers; });
}

}  // namespace

void register_population(py::module_& m) {
  using namespace py::literals;
  py::class_<AnyPopulation>(m, "Population", "Networks of the same layers side by side.")
      .def(py::init<py::list>(), "networks"_a)
      .def("predict", &predict, "x"_a, "each"_a, "threads"_a)
      .def("predict_one_each", &predict_one_each, "x"_a, "threads"_a)
      .def("evaluate", &evaluate, "x"_a, "y"_a, "which"_a, "rows"_a, "weights"_a, "threads"_a)
      .def("parameters", &parameters)
      .def("set_parameters", &set_parameters, "values"_a)
      .def("parameter_count", &parameter_count)
      .def("refuse_changes", &AnyPopulation::refuse_changes);
}

}  // namespace foxnn::python
