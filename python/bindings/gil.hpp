// Python's lock given back during the long calls, and taken again. Where the interpreter has ended
// meanwhile, which it does without waiting for daemon threads, the thread ends here: CPython before
// 3.14 unwinds it, and an unwinding that meets a destructor ends the whole process.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace foxnn::python {

/// Takes the lock for this thread, which has given it back; never returns where Python has ended.
inline void take_gil(PyThreadState* state) noexcept {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    // The unwinding may be caught, but not ended. The process is over in a moment.
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

/// Without Python's lock as long as it lives: no Python object may be touched meanwhile.
class GilReleased {
 public:
  GilReleased() { of_this_thread() = PyEval_SaveThread(); }
  ~GilReleased() { take_gil(of_this_thread()); }
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

  /// What a thread that has given the lock back takes it with. Kept here, since Python forgets it
  /// when it ends.
  static PyThreadState*& of_this_thread() {
    thread_local PyThreadState* state = nullptr;
    return state;
  }
};

}  // namespace foxnn::python
