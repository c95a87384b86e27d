// Ctrl-C in the long calls: the engine asks from time to time whether to stop, and the answer is
// Python's.
#pragma once

#include <pybind11/pybind11.h>

#include "foxnn/network.hpp"
#include "gil.hpp"

namespace foxnn::python {

/// A stop request, for a thread that has given back Python's lock by GilReleased, that says yes
/// once a Python signal handler has raised. The exception stays set: the caller throws
/// pybind11::error_already_set when the engine has returned.
inline StopRequest signal_check() {
  return [] {
    take_gil(GilReleased::of_this_thread());
    const bool raised = PyErr_CheckSignals() != 0;
    PyEval_SaveThread();
    return raised;
  };
}

/// Throws what a signal handler raised during the call, if it did.
inline void throw_pending() {
  if (PyErr_Occurred()) throw pybind11::error_already_set();
}

}  // namespace foxnn::python
