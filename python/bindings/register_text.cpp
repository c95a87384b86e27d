// Tables of numbers as text. Only the numbers are handled here; the package knows the file formats.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string_view>

#include "foxnn/text.hpp"
#include "gil.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

py::bytes rows_as_text(const std::vector<py::array>& matrices, index first, index last) {
  std::vector<MatrixView> views;
  for (const py::array& matrix : matrices) {
    views.push_back(matrix_view(matrix, "matrix"));
    if (first < 0 || last < first || last > views.back().rows) {
      throw std::invalid_argument("first and last must be row numbers of every matrix");
    }
  }
  std::string text;
  {
    const GilReleased released;
    text = foxnn::rows_as_text(views, first, last);
  }
  return py::bytes(text);
}

// Returns where it stopped, whether the table is complete, and for each group whether its numbers
// are written as float32.
py::tuple read_table(const py::buffer& text, index start, index rows,
                     const std::vector<py::array>& tables, index first_row) {
  const py::buffer_info view = text.request();
  if (view.ndim != 1 || view.itemsize != 1 || view.strides[0] != 1) {
    throw std::invalid_argument("text must be bytes");
  }
  const char* begin = static_cast<const char*>(view.ptr);
  const index size = view.size;
  if (start < 0 || start > size) {
    throw std::invalid_argument("start must be a position in the text");
  }
  std::vector<TextColumns> groups;
  for (const py::array& table : tables) {
    if (!py::isinstance<py::array_t<double>>(table) || table.ndim() != 2 ||
        !(table.flags() & py::array::c_style) || rows < 0 || first_row < 0 ||
        first_row > table.shape(0) || rows > table.shape(0) - first_row) {
      throw std::invalid_argument(
          "tables must be matrices of float64 in C order that have the rows");
    }
    auto out = py::reinterpret_borrow<py::array_t<double>>(table);
    groups.push_back({out.mutable_data() + first_row * out.shape(1), out.shape(1)});
  }
  bool complete = false;
  const char* stop = nullptr;
  {
    const GilReleased released;
    stop = foxnn::read_table(begin + start, begin + size, rows, groups, complete);
  }
  std::vector<bool> as_float;
  for (const TextColumns& group : groups) as_float.push_back(group.as_float);
  return py::make_tuple(stop - begin, complete, as_float);
}

}  // namespace

void register_text(py::module_& m) {
  using namespace py::literals;
  m.def("rows_as_text", &rows_as_text, "matrices"_a, "first"_a, "last"_a,
        "Rows of adjacent matrices, one number per line.");
  m.def("read_table", &read_table, "text"_a, "start"_a, "rows"_a, "tables"_a, "first_row"_a,
        "Reads numbers into rows of tables that are adjacent in a text.");
}

}  // namespace foxnn::python
