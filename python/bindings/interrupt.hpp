// Ctrl-C in long calls: the engine polls a stop request, which runs Python's signal handlers.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <optional>

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

/// The same, which also stops when the time is over.
inline StopRequest stop_after(const std::optional<double>& seconds) {
  if (!seconds) return signal_check();
  using Clock = std::chrono::steady_clock;
  // A time of more than a year is treated as a year: it might overflow the clock.
  const double left = std::min(*seconds, 365.0 * 24 * 3600);
  const auto end = Clock::now() +
                   std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(left));
  return [end, signals = signal_check()] { return signals() || Clock::now() >= end; };
}

/// As `signal_check`, for a thread that holds the GIL.
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
