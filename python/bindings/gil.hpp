// Releases the GIL during long calls, and acquires it again. The interpreter does not wait for
// daemon threads when it ends. If it has ended meanwhile, the thread must end here: CPython before
// 3.14 unwinds it, and unwinding through a destructor aborts the whole process.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace foxnn::python {

/// Acquires the GIL for this thread, which has released it. Never returns if Python has ended.
inline void take_gil(PyThreadState* state) noexcept {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    // The unwinding can be caught, but it must not end. The process will exit in a moment.
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

/// Releases the GIL during its lifetime: no Python object may be touched meanwhile.
class GilReleased {
 public:
  GilReleased() { of_this_thread() = PyEval_SaveThread(); }
  ~GilReleased() { take_gil(of_this_thread()); }
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

  /// The state with which a thread acquires the GIL again. It is kept here because Python discards
  /// it when it ends.
  static PyThreadState*& of_this_thread() {
    thread_local PyThreadState* state = nullptr;
    return state;
  }
};

}  // namespace foxnn::python
