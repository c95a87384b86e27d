// The class _core.SparseRows: the arrays of a sparse matrix by rows, which the engine reads in
// place.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string>

#include "gil.hpp"
#include "interrupt.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"

namespace foxnn::python {

SparseRows::SparseRows(py::array values, py::array_t<std::int32_t> columns,
                       py::array_t<std::int64_t> starts, index width)
    : values_(std::move(values)), columns_(std::move(columns)), starts_(std::move(starts)) {
  for (const py::array* array : {&values_, &columns_, &starts_}) {
    const bool is_plain = array->ndim() == 1 && is_aligned(*array) &&
                          (array->size() < 2 || array->strides(0) == array->itemsize());
    if (!is_plain) throw std::invalid_argument("the arrays must be aligned, contiguous vectors");
  }
  if (py::isinstance<py::array_t<float>>(values_)) {
    view_.type = ElementType::f32;
  } else if (py::isinstance<py::array_t<double>>(values_)) {
    view_.type = ElementType::f64;
  } else if (py::isinstance<py::array_t<std::uint8_t>>(values_)) {
    view_.type = ElementType::u8;
  } else {
    throw std::invalid_argument("the values must be float32, float64 or uint8");
  }
  if (starts_.size() < 1 || values_.size() != columns_.size()) {
    throw std::invalid_argument("there must be a start, and as many columns as values");
  }
  view_.data = static_cast<const std::byte*>(values_.data());
  view_.rows = starts_.size() - 1;
  view_.columns = width;
  view_.starts = static_cast<const std::int64_t*>(starts_.data());
  view_.stored_columns = static_cast<const std::int32_t*>(columns_.data());
  const index stored = values_.size();
  SparseFlaw flaw;
  {
    const GilReleased released;
    flaw = flaw_of(view_, stored, signal_check());
  }
  throw_pending();
  switch (flaw) {
    case SparseFlaw::none:
      is_ordered_ = true;
      return;
    case SparseFlaw::starts:
      throw std::invalid_argument("indptr must begin at 0, never fall, and end within the " +
                                  std::to_string(stored) + " stored numbers");
    case SparseFlaw::columns:
      throw std::invalid_argument("indices must be from 0 to " + std::to_string(width - 1));
    case SparseFlaw::order:
      return;
  }
}

void register_sparse(py::module_& m) {
  using namespace py::literals;
  py::class_<SparseRows>(m, "SparseRows", "A sparse matrix by rows, for the engine.")
      .def(py::init<py::array, py::array_t<std::int32_t>, py::array_t<std::int64_t>, index>(),
           "values"_a, "columns"_a.noconvert(), "starts"_a.noconvert(), "width"_a)
      .def_property_readonly("values", &SparseRows::values)
      .def_property_readonly("columns", &SparseRows::columns)
      .def_property_readonly("starts", &SparseRows::starts)
      .def_property_readonly("dtype", [](const SparseRows& self) { return self.values().dtype(); })
      .def_property_readonly("is_ordered", &SparseRows::is_ordered)
      .def_property_readonly("shape",
                             [](const SparseRows& self) {
                               return py::make_tuple(self.starts().size() - 1, self.width());
                             })
      .def("__len__", [](const SparseRows& self) { return self.starts().size() - 1; });
  using Lengths = py::array_t<std::int64_t, py::array::c_style>;
  py::class_<SequenceRows>(m, "SequenceRows", "Sequences of different lengths, for the engine.")
      .def(py::init<py::array, Lengths, index, std::optional<Lengths>>(), "values"_a, "lengths"_a,
           "step_columns"_a, "output_lengths"_a = py::none())
      .def_property_readonly("step_columns",
                             [](const SequenceRows& self) { return self.view().step_columns; })
      .def_property_readonly("values", &SequenceRows::values)
      .def_property_readonly("lengths", &SequenceRows::lengths)
      .def_property_readonly("output_lengths", &SequenceRows::output_lengths)
      .def_property_readonly("dtype",
                             [](const SequenceRows& self) { return self.values().dtype(); })
      .def_property_readonly("shape",
                             [](const SequenceRows& self) {
                               return py::make_tuple(self.view().rows, self.view().columns);
                             })
      .def("__len__", [](const SequenceRows& self) { return self.view().rows; });
}

}  // namespace foxnn::python
