// Losses that are Python functions: how the engine calls them, and d loss / d outputs that a caller
// has computed.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "foxnn/outside.hpp"
#include "foxnn/shape.hpp"
#include "gil.hpp"

namespace foxnn::python {

namespace py = pybind11;

/// An array that Python code may read, but not write.
template <class N>
py::array_t<N> read_only(const std::vector<index>& shape, const N* numbers) {
  py::array_t<N> array(shape, numbers);
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

/// Calls loss(outputs, samples, number of the batch), which returns losses and gradient as arrays
/// of float64 and of the network's type. What is not finite goes to loss.refuse, which raises.
template <class T>
bool ask(py::handle loss, const Shape& shape, const OutsideBatch<T>& batch) {
  std::vector<index> lengths = shape.lengths();
  lengths.insert(lengths.begin(), batch.rows);
  const py::tuple found = loss(read_only(lengths, batch.outputs),
                               read_only<std::uint32_t>({batch.rows}, batch.samples), batch.number);
  const auto losses = found[0].cast<py::array_t<double, py::array::c_style>>();
  const auto gradient = found[1].cast<py::array_t<T, py::array::c_style>>();
  const index count = batch.rows * shape.size();
  if (losses.size() != batch.rows || gradient.size() != count) {
    throw py::value_error("a loss must return as many numbers as there are samples and outputs");
  }
  std::copy_n(losses.data(), batch.rows, batch.losses);
  std::copy_n(gradient.data(), count, batch.gradient);
  const auto is_finite = [](auto number) { return std::isfinite(number); };
  if (std::all_of(batch.losses, batch.losses + batch.rows, is_finite) &&
      std::all_of(batch.gradient, batch.gradient + count, is_finite)) {
    return true;
  }
  loss.attr("refuse")(losses, gradient, batch.number);
  return false;
}

/// A loss for the engine, which calls it while this thread has released the GIL by GilReleased. The
/// exception that it raises stays set: the caller throws it when the engine has returned. `loss` is
/// the handle to call then; it must outlive the trainer.
template <class T>
OutsideLoss<T> outside_loss(const py::handle* loss, const Shape* shape) {
  return [=](const OutsideBatch<T>& batch) {
    take_gil(GilReleased::of_this_thread());
    bool is_taken = false;
    try {
      is_taken = ask(*loss, *shape, batch);
    } catch (py::error_already_set& error) {
      error.restore();
    } catch (const std::exception& error) {
      PyErr_SetString(PyExc_ValueError, error.what());
    }
    PyEval_SaveThread();
    return is_taken;
  };
}

}  // namespace foxnn::python
