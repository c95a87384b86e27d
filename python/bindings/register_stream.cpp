// The class _core.Stream: one sequence through a network as it comes. A single step takes about a
// microsecond, so it is read and answered here; what needs conversions or checks goes by `read`.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "any_network.hpp"
#include "foxnn/stream.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "numpy_interop.hpp"
#include "registers.hpp"
#include "single_sample.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;

// A stream through a network of either number type, which it keeps alive.
class AnyStream {
 public:
  explicit AnyStream(py::object network)
      : object_(std::move(network)), network_(&object_.cast<AnyNetwork&>()) {
    network_->visit([&](const auto& n) { stream_ = make(n); });
    structure_ = network_->structure();
  }

  AnyNetwork& network() { return *network_; }

  /// Calls f(stream, network). Throws if another call is reading, or if the network's layers have
  /// changed.
  template <class Function>
  decltype(auto) visit(Function&& f) {
    if (busy_) throw std::runtime_error("the stream cannot be used while another thread uses it");
    if (structure_ != network_->structure()) follow();
    return std::visit(
        [&](auto& stream) -> decltype(auto) {
          using T = std::remove_pointer_t<decltype(stream->input())>;
          Network<T>* network = nullptr;
          network_->visit([&](auto& n) {
            if constexpr (std::is_same_v<decltype(n), Network<T>&>) network = &n;
          });
          return f(*stream, *network);
        },
        stream_);
  }

  /// Held while the stream reads with the GIL released.
  class Busy {
   public:
    explicit Busy(AnyStream& stream) : stream_(stream) { stream.busy_ = true; }
    ~Busy() { stream_.busy_ = false; }
    Busy(const Busy&) = delete;

   private:
    AnyStream& stream_;
  };

 private:
  using Streams = std::variant<std::unique_ptr<Stream<float>>, std::unique_ptr<Stream<double>>>;

  template <class T>
  static Streams make(const Network<T>& network) {
    return std::make_unique<Stream<T>>(network);
  }

  // Takes the state over to a stream of the network as it is now.
  void follow() {
    const std::uint64_t structure = network_->structure();
    network_->visit([&](const auto& n) {
      Streams made = make(n);
      const bool taken = std::visit(
          [&](const auto& now, const auto& earlier) {
            if constexpr (std::is_same_v<decltype(now), decltype(earlier)>) {
              return now->take_state(*earlier);
            } else {
              return false;
            }
          },
          made, stream_);
      if (!taken) {
        throw std::invalid_argument(
            "the network's layers have changed since the stream was made: make a new one with "
            "stream()");
      }
      stream_ = std::move(made);
    });
    structure_ = structure;
  }

  py::object object_;
  AnyNetwork* network_;
  std::uint64_t structure_ = 0;
  Streams stream_;
  bool busy_ = false;
};

// Reads a step that needs no conversion into the stream.
template <class T>
bool read_step(const Network<T>& network, Stream<T>& stream, PyObject* x) {
  if (network.index_limit() > 0 || !network.input_scaling().empty()) return false;
  return read_sample(x, stream.step_shape(), stream.input());
}

// The answer to one more step. None if there is none yet; NotImplemented, and nothing has changed,
// for what `read` must convert, check or compute.
py::object answer(AnyStream& self, const py::object& x) {
  return self.visit([&](auto& stream, auto& n) -> py::object {
    const auto other = [] {
      return py::reinterpret_borrow<py::object>(py::handle(Py_NotImplemented));
    };
    const bool is_flat = stream.gives_sequences() || n.output_shape().is_flat();
    if (self.network().running() || stream.flops() > kMostFlops || !is_flat) return other();
    if (!read_step(n, stream, x.ptr())) return other();
    const auto* numbers = stream.step();
    if (!numbers) return py::none();
    const index count = stream.outputs();
    auto out = array_of(count, count, numbers);
    auto* const data = out.mutable_data();
    stream.finish(data);
    if (has_nan(count, data)) {
      stream.restore();
      return other();
    }
    return out;
  });
}

// The answers to the rows of x, one row each. None if x is not finite.
py::object read(AnyStream& self, const py::object& x) {
  const MatrixView view = matrix_view(x, "x");
  return self.visit([&](auto& stream, auto& n) -> py::object {
    using N = std::remove_cvref_t<decltype(n)>;
    using T = std::remove_pointer_t<decltype(stream.input())>;
    if (view.columns != stream.channels() || view.is_sparse() || view.lengths) {
      throw std::invalid_argument("x must have " + std::to_string(stream.channels()) + " columns");
    }
    py::array_t<T> out({stream.answers(view.rows), stream.outputs()});
    T* const data = out.mutable_data();
    typename N::Outcome outcome;
    if (static_cast<double>(view.rows) * stream.flops() <= kMostFlops &&
        !self.network().running()) {
      outcome = stream.read(view, data, {});
    } else {
      const AnyStream::Busy busy(self);
      const AnyNetwork::Reading reading(self.network());
      // No Python object is touched below; x and out are held by this frame.
      const GilReleased released;
      outcome = stream.read(view, data, signal_check());
    }
    throw_pending();
    if (outcome == N::Outcome::not_finite) return py::none();
    if (outcome == N::Outcome::no_number) {
      throw std::overflow_error(
          std::string("answers are not numbers (NaN): layers go beyond ") +
          (sizeof(T) == 4 ? "float32; scale x, or use dtype='float64'" : "float64; scale x"));
    }
    return out;
  });
}

// The arrays of the state after so many steps: layer, name, shape.
using Place = std::tuple<index, std::string, std::vector<index>>;
template <class T>
std::vector<Place> places(const Stream<T>& stream, index steps) {
  std::vector<Place> found;
  for (const auto& array : stream.state_arrays()) {
    std::vector<index> shape{array.size};
    if (array.is_window) shape.insert(shape.begin(), stream.kept_steps(array, steps));
    found.emplace_back(array.layer, array.name, std::move(shape));
  }
  return found;
}

py::tuple state(AnyStream& self) {
  return self.visit([](const auto& stream, const auto& n) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(n.parameters().data())>>;
    py::list arrays;
    const std::vector<Place> all = places(stream, stream.steps());
    for (std::size_t i = 0; i < all.size(); ++i) {
      py::array_t<T> values(std::get<2>(all[i]));
      stream.get_state(stream.state_arrays()[i], values.mutable_data());
      arrays.append(values);
    }
    return py::make_tuple(stream.steps(), arrays);
  });
}

void set_state(AnyStream& self, index steps, const py::list& arrays) {
  self.visit([&](auto& stream, const auto& n) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(n.parameters().data())>>;
    const std::vector<Place> all = places(stream, steps);
    std::vector<py::array_t<T, py::array::c_style>> values;
    for (const py::handle one : arrays) {
      values.push_back(one.cast<py::array_t<T, py::array::c_style>>());
    }
    if (steps < 0 || values.size() != all.size()) {
      throw std::invalid_argument("a state must have an array for each place");
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::vector<index>& shape = std::get<2>(all[i]);
      const bool fits = values[i].ndim() == static_cast<index>(shape.size()) &&
                        std::equal(shape.begin(), shape.end(), values[i].shape());
      if (!fits) throw std::invalid_argument("an array of a state must have the place's shape");
    }
    stream.set_steps(steps);
    for (std::size_t i = 0; i < all.size(); ++i) {
      stream.set_state(stream.state_arrays()[i], values[i].data());
    }
  });
}

}  // namespace

void register_stream(py::module_& m) {
  using namespace py::literals;
  py::class_<AnyStream>(m, "Stream", "One sequence through a network as it comes.")
      .def(py::init<py::object>(), "network"_a)
      .def("answer", &answer, "x"_a, py::pos_only())
      .def("read", &read, "x"_a, py::pos_only())
      .def("gives_sequences",
           [](AnyStream& self) {
             return self.visit([](auto& s, const auto&) { return s.gives_sequences(); });
           })
      .def("channels",
           [](AnyStream& self) {
             return self.visit([](auto& s, const auto&) { return s.channels(); });
           })
      .def(
          "places",
          [](AnyStream& self, index steps) {
            return self.visit([steps](auto& s, const auto&) { return places(s, steps); });
          },
          "steps"_a)
      .def("state", &state)
      .def("set_state", &set_state, "steps"_a, "arrays"_a)
      .def("reset", [](AnyStream& self) { self.visit([](auto& s, const auto&) { s.reset(); }); });
}

}  // namespace foxnn::python
