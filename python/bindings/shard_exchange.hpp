// Shards as Python describes them, and the Python object through which processes exchange
// gradients.
#pragma once

#include <pybind11/numpy.h>

#include <vector>

#include "foxnn/shards.hpp"
#include "gil.hpp"

namespace foxnn::python {

namespace py = pybind11;

/// How samples are cut. `exchange` is an object with the methods of ShardExchange, or None.
struct ShardsGiven {
  std::vector<index> borders;
  index process = 0;
  index samples = 0;
  py::object exchange;
  index average_every = 0;
};

/// Calls the methods of a Python object. The engine calls it while this thread has released the GIL
/// by GilReleased. The exception that a method raises stays set: the caller throws it when the
/// engine has returned. `object` must outlive the trainer.
template <class T>
class PythonExchange final : public ShardExchange<T> {
 public:
  explicit PythonExchange(py::handle object) : object_(object) {}

  bool meet(std::span<ShardSums> sums, bool& ends) override {
    static_assert(sizeof(ShardSums) == 4 * sizeof(double));
    return call([&] {
      const std::vector<index> shape{static_cast<index>(sums.size()), 4};
      const py::array_t<double> table(shape, &sums.data()->loss, nothing());
      ends = object_.attr("meet")(table, ends).template cast<bool>();
    });
  }
  bool swap(const T* sent, std::span<const index> sent_counts, T* received,
            std::span<const index> received_counts) override {
    return call([&] {
      object_.attr("swap")(view(const_cast<T*>(sent), sent_counts), list(sent_counts),
                           view(received, received_counts), list(received_counts));
    });
  }
  bool collect(T* whole, std::span<const index> counts) override {
    return call([&] { object_.attr("collect")(view(whole, counts), list(counts)); });
  }

 private:
  // The owner of arrays that own nothing: they are views of the engine's memory for one call.
  static py::object nothing() {
    return py::capsule("", [](void*) {});
  }
  static py::array_t<T> view(T* numbers, std::span<const index> counts) {
    index count = 0;
    for (const index part : counts) count += part;
    return py::array_t<T>(count, numbers, nothing());
  }
  static py::list list(std::span<const index> counts) {
    py::list made;
    for (const index count : counts) made.append(count);
    return made;
  }

  template <class Body>
  static bool call(Body&& body) {
    take_gil(GilReleased::of_this_thread());
    // A signal handler may have raised an exception, which is raised once the step is done.
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    bool is_done = false;
    try {
      body();
      is_done = true;
    } catch (py::error_already_set& error) {
      error.restore();
    } catch (const std::exception& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    if (type) PyErr_Restore(type, value, trace);
    PyEval_SaveThread();
    return is_done;
  }

  py::handle object_;
};

}  // namespace foxnn::python
