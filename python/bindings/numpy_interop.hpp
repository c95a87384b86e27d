// NumPy arrays as views for the engine. The package passes two-dimensional arrays of one of the
// engine's types. A view borrows, so the array must be kept alive as long as the view.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "foxnn/dataset.hpp"

namespace foxnn::python {

namespace py = pybind11;

/// Whether the array's elements are aligned as the processor requires for their type.
inline bool is_aligned(const py::array& array) {
  return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

/// A view of an aligned 2-D array of float32, float64 or uint8 with contiguous rows; empty for any
/// other array.
inline std::optional<MatrixView> try_matrix_view(const py::array& array) {
  if (array.ndim() != 2 || !is_aligned(array)) return {};
  MatrixView view;
  if (py::isinstance<py::array_t<float>>(array)) {
    view.type = ElementType::f32;
  } else if (py::isinstance<py::array_t<double>>(array)) {
    view.type = ElementType::f64;
  } else if (py::isinstance<py::array_t<std::uint8_t>>(array)) {
    view.type = ElementType::u8;
  } else {
    return {};
  }
  if (array.shape(1) > 1 && array.strides(1) != array.itemsize()) return {};
  view.data = static_cast<const std::byte*>(array.data());
  view.rows = array.shape(0);
  view.columns = array.shape(1);
  view.row_bytes = array.strides(0);
  return view;
}

/// The same, but throws std::invalid_argument for any other array.
inline MatrixView matrix_view(const py::array& array, const char* name) {
  if (const auto view = try_matrix_view(array)) return *view;
  throw std::invalid_argument(std::string(name) +
                              " must be an aligned 2-D array of float32, float64 or uint8 with "
                              "contiguous rows");
}

/// Samples from an input matrix and either an output matrix or a vector of int64 labels. The
/// weights are a vector of float64, or None.
inline Samples samples_view(const py::array& x, const py::array& y,
                            const py::object& weights = py::none()) {
  Samples samples;
  samples.inputs = matrix_view(x, "x");
  if (y.ndim() == 1 && py::isinstance<py::array_t<std::int64_t>>(y) && is_aligned(y)) {
    samples.labels = static_cast<const std::int64_t*>(y.data());
  } else {
    samples.outputs = matrix_view(y, "y");
  }
  if (y.shape(0) != x.shape(0)) {
    throw std::invalid_argument("x and y must have the same number of samples, got " +
                                std::to_string(x.shape(0)) + " and " + std::to_string(y.shape(0)));
  }
  if (!weights.is_none()) {
    if (!py::isinstance<py::array_t<double>>(weights)) {
      throw std::invalid_argument("weights must be float64");
    }
    const auto array = py::reinterpret_borrow<py::array>(weights);
    if (array.ndim() != 1 || array.shape(0) != x.shape(0) || array.strides(0) != array.itemsize() ||
        !is_aligned(array)) {
      throw std::invalid_argument("weights must be a contiguous vector with one number per sample");
    }
    samples.weights = static_cast<const double*>(array.data());
  }
  return samples;
}

}  // namespace foxnn::python
