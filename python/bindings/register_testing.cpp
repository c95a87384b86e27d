// The submodule _core.testing: single kernels of a kernel set by name, and the estimate from which
// the number of threads follows, for the test suite and the benchmarks. Not part of the public
// interface.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "any_network.hpp"
#include "foxnn/buffer.hpp"
#include "gil.hpp"
#include "kernels/kernel_table.hpp"
#include "network/cost.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;
template <class T>
using Array = py::array_t<T, py::array::c_style>;

constexpr const char* kMathNames[kMathFunctionCount] = {"exp", "log", "tanh", "sigmoid",
                                                        "sin", "cos", "atan", "erf_normal"};

// Columns first ... first + width of a row-major matrix, padded with zeros to a panel.
template <class T>
void copy_columns(const T* source, index rows, index columns, index first, index width, T* out) {
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width; ++c) {
      out[r * width + c] = first + c < columns ? source[r * columns + first + c] : T(0);
    }
  }
}

// Calls f(first column, width) for each panel of n columns.
template <class T, class Function>
void each_panel(index n, Function f) {
  const index padded = (n + kLineWidth<T> - 1) / kLineWidth<T> * kLineWidth<T>;
  for (index first = 0; first < padded; first += kPanelWidth<T>) {
    f(first, std::min(kPanelWidth<T>, padded - first));
  }
}

template <class T>
void paste_columns(const T* panel, index rows, index columns, index first, index width, T* out) {
  for (index r = 0; r < rows; ++r) {
    for (index c = 0; c < width && first + c < columns; ++c) {
      out[r * columns + first + c] = panel[r * width + c];
    }
  }
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("expected ") + what);
}

template <class T>
Array<T> multiply(const std::string& set, const Array<T>& x, const Array<T>& w,
                  const Array<T>& bias) {
  const KernelTable<T>& kernels = kernels_by_name(set.c_str()).template table<T>();
  expect(x.ndim() == 2 && w.ndim() == 2 && bias.ndim() == 1,
         "x and w of two dimensions, bias of one");
  const index m = x.shape(0), k = x.shape(1), n = w.shape(1);
  expect(w.shape(0) == k && bias.shape(0) == n, "x of shape (m, k), w (k, n), bias (n,)");
  Array<T> out({m, n});
  const Rows<const T> plain{x.data(), k};
  each_panel<T>(n, [&](index first, index width) {
    Buffer<T> panel(k * width), padded_bias(width), c(m * width);
    copy_columns(w.data(), k, n, first, width, panel.data());
    copy_columns(bias.data(), 1, n, first, width, padded_bias.data());
    kernels.multiply(m, k, plain, panel.data(), width, padded_bias.data(), c.data(), width,
                     nullptr);
    paste_columns(c.data(), m, n, first, width, out.mutable_data());
  });
  return out;
}

template <class T>
Array<T> multiply_transposed(const std::string& set, const Array<T>& x, const Array<T>& d,
                             index part) {
  const KernelTable<T>& kernels = kernels_by_name(set.c_str()).template table<T>();
  expect(x.ndim() == 2 && d.ndim() == 2, "x and d of two dimensions");
  const index samples = x.shape(0), k = x.shape(1), n = d.shape(1);
  expect(d.shape(0) == samples, "x of shape (samples, k), d (samples, n)");
  expect(part > 0, "part above 0");
  Array<T> out({k, n});
  each_panel<T>(n, [&](index first, index width) {
    Buffer<T> panel(samples * width), c(k * width);
    copy_columns(d.data(), samples, n, first, width, panel.data());
    const Rows<const T> plain{x.data(), k};
    for (index q = 0; q * kPanelWidth<T> < k; ++q) {
      const index column = q * kPanelWidth<T>;
      // At least once: without samples, the result is zero.
      index r = 0;
      do {
        kernels.multiply_transposed(std::min(kPanelWidth<T>, k - column),
                                    std::min(part, samples - r), plain.from_panel(q).from_row(r),
                                    nullptr, panel.data() + r * width, width, width,
                                    c.data() + column * width, nullptr, r > 0);
        r += part;
      } while (r < samples);
    }
    paste_columns(c.data(), k, n, first, width, out.mutable_data());
  });
  return out;
}

template <class T>
Array<T> multiply_by_transpose(const std::string& set, const Array<T>& d, const Array<T>& w) {
  const KernelTable<T>& kernels = kernels_by_name(set.c_str()).template table<T>();
  expect(d.ndim() == 2 && w.ndim() == 2, "d and w of two dimensions");
  const index k = w.shape(0), n = w.shape(1);
  expect(d.shape(1) == n, "d of shape (m, n), w (k, n)");
  Array<T> transposed({n, k}), zeros(k);
  std::fill_n(zeros.mutable_data(), k, T(0));
  each_panel<T>(k, [&](index first, index width) {
    Buffer<T> panel(n * width);
    const index used = std::min(width, k - first);
    kernels.transpose(used, n, w.data() + first * n, n, panel.data(), width);
    paste_columns(panel.data(), n, k, first, width, transposed.mutable_data());
  });
  return multiply<T>(set, d, transposed, zeros);
}

template <class T>
Array<T> math(const std::string& set, const std::string& name, const Array<T>& x) {
  const KernelTable<T>& kernels = kernels_by_name(set.c_str()).template table<T>();
  const auto* found = std::find(std::begin(kMathNames), std::end(kMathNames), name);
  if (found == std::end(kMathNames)) throw std::invalid_argument("no function '" + name + "'");
  Array<T> out(x.size());
  kernels.math[found - std::begin(kMathNames)](x.size(), x.data(), out.mutable_data());
  return out;
}

// Calls f for the given number of seconds. Returns the number of calls per second in the best of
// ten parts.
template <class Function>
double calls_per_second(double seconds, Function f) {
  using Clock = std::chrono::steady_clock;
  double best = 0.0;
  for (int part = 0; part < 10; ++part) {
    const auto begin = Clock::now();
    double elapsed = 0.0;
    index calls = 0;
    while (elapsed < seconds / 10) {
      f();
      ++calls;
      elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    best = std::max(best, static_cast<double>(calls) / elapsed);
  }
  return best;
}

template <class T>
double fma_peak_of(const KernelSet& set, double seconds) {
  const KernelTable<T>& kernels = set.table<T>();
  constexpr index kRounds = 20'000;
  volatile T sink = T(0.999);
  const double rate = calls_per_second(seconds, [&] { sink = kernels.peak(kRounds, T(0.999)); });
  return rate * 2e-9 * static_cast<double>(kRounds * kPeakRegisters * kernels.lanes);
}

// GFLOP/s of one thread.
double fma_peak(const std::string& set, const std::string& dtype, double seconds) {
  const KernelSet& kernels = kernels_by_name(set.c_str());
  const GilReleased released;
  return dtype == "float64" ? fma_peak_of<double>(kernels, seconds)
                            : fma_peak_of<float>(kernels, seconds);
}

// GB/s of one thread that reads an array repeatedly.
double read_bandwidth(const std::string& set, const Array<float>& array, double seconds) {
  const KernelTable<float>& kernels = kernels_by_name(set.c_str()).f32;
  const GilReleased released;
  volatile bool sink = false;
  const double rate = calls_per_second(
      seconds, [&] { sink = kernels.all_finite(array.size(), array.data(), 1.0f); });
  return rate * 1e-9 * static_cast<double>(array.nbytes());
}

// What the engine expects of a training step on a machine with so many cores: the workers that it
// would take, and the seconds with 1, 2, ... workers.
py::tuple expected_step(AnyNetwork& self, index batch, int cores) {
  const Cost cost = self.visit([&](const auto& network) { return training_cost(network, batch); });
  py::list seconds;
  for (int workers = 1; workers <= cores; ++workers) seconds.append(cost.of(workers));
  return py::make_tuple(best_workers(cost, cores), seconds);
}

template <class T>
void register_type(py::module_& m) {
  using namespace py::literals;
  m.def("multiply", &multiply<T>, "kernel_set"_a, "x"_a.noconvert(), "w"_a.noconvert(),
        "bias"_a.noconvert());
  m.def("multiply_transposed", &multiply_transposed<T>, "kernel_set"_a, "x"_a.noconvert(),
        "d"_a.noconvert(), "part"_a = std::numeric_limits<index>::max());
  m.def("multiply_by_transpose", &multiply_by_transpose<T>, "kernel_set"_a, "d"_a.noconvert(),
        "w"_a.noconvert());
  m.def("math", &math<T>, "kernel_set"_a, "name"_a, "x"_a.noconvert());
}

}  // namespace

void register_testing(py::module_& m) {
  using namespace py::literals;
  py::module_ testing = m.def_submodule("testing", "Single kernels, for the test suite.");
  testing.def("fma_peak", &fma_peak);
  testing.def("read_bandwidth", &read_bandwidth);
  testing.def("expected_step", &expected_step, "network"_a, "batch"_a, "cores"_a);
  register_type<float>(testing);
  register_type<double>(testing);
}

}  // namespace foxnn::python
