// One sample as Python code has it at hand, a list, a tuple or an array, read without conversions
// by NumPy: for calls that take less than a microsecond.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "foxnn/dataset.hpp"
#include "foxnn/shape.hpp"
#include "kernels/has_nan.hpp"
#include "numpy_interop.hpp"

namespace foxnn::python {

// With more products, the GIL is released: its overhead of some microseconds is small compared with
// the computation.
inline constexpr double kMostFlops = 1e7;

// Whether an object is an array whose numbers all count. Those of a masked array may not; the
// package says so. NumPy's own type comes first: no attribute is looked up for it.
inline bool is_plain_array(PyObject* x) {
  if (Py_TYPE(x) == py::detail::npy_api::get().PyArray_Type_) return true;
  return py::isinstance<py::array>(x) && PyObject_HasAttrString(x, "mask") == 0;
}

// Reads the numbers of a list or tuple of floats and ints. False if it contains anything else.
template <class T>
bool read_sequence(PyObject* x, index count, T* out) {
  if (PySequence_Fast_GET_SIZE(x) != count) return false;
  PyObject** items = PySequence_Fast_ITEMS(x);
  for (index i = 0; i < count; ++i) {
    if (PyFloat_CheckExact(items[i])) {
      out[i] = static_cast<T>(PyFloat_AS_DOUBLE(items[i]));
    } else if (PyLong_CheckExact(items[i])) {
      const double value = PyLong_AsDouble(items[i]);
      if (value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
      }
      out[i] = static_cast<T>(value);
    } else {
      return false;
    }
  }
  return true;
}

// Whether an array is a sample by itself: as long as the inputs, or of their shape, whose last axis
// may be missing if it has one channel.
inline bool is_one_sample(const py::array& array, const Shape& shape) {
  if (array.ndim() == 1 && array.shape(0) == shape.size()) return true;
  const std::vector<index> lengths = shape.lengths();
  const auto axes = static_cast<index>(lengths.size());
  const bool has_all = array.ndim() == axes;
  const bool lacks_channels = array.ndim() > 0 && array.ndim() + 1 == axes && shape.channels == 1;
  if (!has_all && !lacks_channels) return false;
  return std::equal(array.shape(), array.shape() + array.ndim(), lengths.begin());
}

template <class T, class Source>
bool read_array(PyObject* x, const Shape& shape, T* out) {
  if (!py::isinstance<py::array_t<Source>>(x)) return false;
  const auto array = py::reinterpret_borrow<py::array>(x);
  if (!is_aligned(array) || !is_one_sample(array, shape)) return false;
  const bool contiguous = (array.flags() & py::array::c_style) != 0;
  if (array.ndim() != 1 && !contiguous) return false;
  const index count = shape.size();
  if (contiguous) {
    const auto* numbers = static_cast<const Source*>(array.data());
    for (index i = 0; i < count; ++i) out[i] = static_cast<T>(numbers[i]);
    return true;
  }
  const auto* bytes = static_cast<const std::byte*>(array.data());
  const index stride = array.strides(0);
  for (index i = 0; i < count; ++i) {
    out[i] = static_cast<T>(*reinterpret_cast<const Source*>(bytes + i * stride));
  }
  return true;
}

inline bool are_indices(const std::vector<double>& x, index limit) {
  MatrixView view{.data = reinterpret_cast<const std::byte*>(x.data()), .type = ElementType::f64};
  view.rows = 1;
  view.columns = static_cast<index>(x.size());
  return first_no_index(view, limit) < 0;
}

// A sample by itself that `read_row` can read as it is: of many numbers, which it reads in vectors.
inline std::optional<MatrixView> long_sample(PyObject* x, const Shape& shape) {
  constexpr index kLong = 64;
  const index count = shape.size();
  if (count < kLong || !is_plain_array(x)) return {};
  const auto array = py::reinterpret_borrow<py::array>(x);
  if ((array.flags() & py::array::c_style) == 0 || !is_aligned(array)) return {};
  if (!is_one_sample(array, shape)) return {};
  MatrixView view{.data = static_cast<const std::byte*>(array.data())};
  view.rows = 1;
  view.columns = count;
  if (py::isinstance<py::array_t<float>>(x)) {
    view.type = ElementType::f32;
  } else if (py::isinstance<py::array_t<double>>(x)) {
    view.type = ElementType::f64;
  } else if (py::isinstance<py::array_t<std::uint8_t>>(x)) {
    view.type = ElementType::u8;
  } else {
    return {};
  }
  return view;
}

// Without a branch for each number, so that compilers use vectors.
template <class T>
bool are_finite(index count, const T* numbers) {
  constexpr T kMost = std::numeric_limits<T>::max();
  int others = 0;
  for (index i = 0; i < count; ++i) others |= !(std::abs(numbers[i]) <= kMost);
  return others == 0;
}

template <class T>
bool read_sample(PyObject* x, const Shape& shape, T* out) {
  const bool read =
      PyList_CheckExact(x) || PyTuple_CheckExact(x)
          ? read_sequence(x, shape.size(), out)
          : is_plain_array(x) &&
                (read_array<T, T>(x, shape, out) || read_array<T, double>(x, shape, out) ||
                 read_array<T, float>(x, shape, out) || read_array<T, std::uint8_t>(x, shape, out));
  return read && are_finite(shape.size(), out);
}

// An array of these numbers. NumPy would take 0.1 us more to copy them into a new array itself.
template <class T, class Lengths>
py::array_t<T> array_of(const Lengths& lengths, index count, const T* numbers) {
  py::array_t<T> out(lengths);
  std::copy_n(numbers, count, out.mutable_data());
  return out;
}

}  // namespace foxnn::python
