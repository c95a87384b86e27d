// Ctrl-C in long calls: the engine polls a stop request, which runs Python's signal handlers.
#pragma once

#include <pybind11/pybind11.h>

#include "foxnn/network.hpp"
#include "gil.hpp"

namespace foxnn::python {

/// A stop request for a thread that has released the GIL by GilReleased. It returns true once a
/// Python signal handler has raised an exception. The exception stays set: the caller throws
/// pybind11::error_already_set when the engine has returned.
inline StopRequest signal_check() {
  return [] {
    take_gil(GilReleased::of_this_thread());
    const bool raised = PyErr_CheckSignals() != 0;
    PyEval_SaveThread();
    return raised;
  };
}

/// The same for a thread that holds the GIL.
inline StopRequest signal_check_with_gil() {
  return [] { return PyErr_CheckSignals() != 0; };
}

/// Returns f(stop request), for a thread that holds the GIL and a function that throws Stopped; the
/// exception that the handler has raised takes its place.
template <class Function>
decltype(auto) interruptible(Function&& f) {
  try {
    return f(signal_check_with_gil());
  } catch (const Stopped&) {
    throw pybind11::error_already_set();
  }
}

/// Throws the exception that a signal handler raised during the call, if any.
inline void throw_pending() {
  if (PyErr_Occurred()) throw pybind11::error_already_set();
}

}  // namespace foxnn::python
