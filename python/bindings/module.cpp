// The Python module foxnn._core: the engine's classes. Conveniences are in the package around it.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <exception>
#include <new>

#include "any_network.hpp"
#include "registers.hpp"

namespace py = pybind11;

namespace {

// Python's message: pybind11's own names C++ exceptions.
void say_no_memory(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "there is not enough memory");
  }
}

}  // namespace

PYBIND11_MODULE(engine, m) {
  m.doc() = "The engine of foxnn.";
  m.attr("__version__") = FOXNN_VERSION;
  py::register_local_exception_translator(&say_no_memory);
  foxnn::python::register_names(m);
  foxnn::python::register_sparse(m);
  auto network = foxnn::python::register_network(m);
  foxnn::python::register_layers(network);
  foxnn::python::register_single(m);
  foxnn::python::register_stream(m);
  foxnn::python::register_state(m);
  foxnn::python::register_trainer(m);
  foxnn::python::register_population(m);
  foxnn::python::register_population_trainer(m);
  foxnn::python::register_evolution(m);
  foxnn::python::register_quantized(m);
  foxnn::python::register_testing(m);
  foxnn::python::register_text(m);
  // pybind11 finds NumPy on first use, which releases the GIL for a moment. Do this now, not in an
  // arbitrary thread, and not while Python may be ending.
  static_cast<void>(py::isinstance<py::array>(m));
}

// What Python calls. The classes belong to the interpreter that has made them. CPython refuses a
// second one by itself from 3.12 on; before, pybind11's part of the initialization would wait
// forever for a lock that its thread already holds.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError,
                    "foxnn can only be imported in the first interpreter of a process");
    return nullptr;
  }
  return PyInit_engine();
}
