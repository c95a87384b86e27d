// The Python module foxnn._core: the engine's classes. What is comfort, not arithmetic,
// is in the package around it.
#include <pybind11/pybind11.h>

#include "registers.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, m) {
  m.doc() = "The engine of foxnn.";
  m.attr("__version__") = FOXNN_VERSION;
  foxnn::python::register_names(m);
  foxnn::python::register_network(m);
  foxnn::python::register_single(m);
  foxnn::python::register_state(m);
  foxnn::python::register_trainer(m);
  foxnn::python::register_testing(m);
  foxnn::python::register_text(m);
}
