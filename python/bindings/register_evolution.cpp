// What rules of evolution do to every weight, over NumPy arrays with a row for each member.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <span>

#include "foxnn/evolution.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "registers.hpp"

namespace foxnn::python {
namespace {

namespace py = pybind11;
template <class T>
using Plain = py::array_t<T, py::array::c_style | py::array::forcecast>;
using Rows = Plain<std::uint32_t>;

std::span<const std::uint32_t> rows_of(const Rows& rows, py::ssize_t parents) {
  const std::span given(rows.data(), static_cast<std::size_t>(rows.size()));
  if (std::any_of(given.begin(), given.end(), [&](auto row) { return row >= parents; })) {
    throw py::index_error("there is no such parent");
  }
  return given;
}

template <class T>
py::array_t<T> children_of(const Plain<T>& parents, const Rows& mothers, const Rows& fathers,
                           py::ssize_t elite, const Mutation& mutation, const Draw& draw,
                           int threads) {
  if (parents.ndim() != 2 || mothers.size() != fathers.size()) {
    throw std::invalid_argument("each child must have two parents, which are rows");
  }
  const auto first = rows_of(mothers, parents.shape(0)),
             second = rows_of(fathers, parents.shape(0));
  const py::ssize_t n = parents.shape(1);
  py::array_t<T> out({mothers.size(), n});
  T* const data = out.mutable_data();
  {
    // All arrays are held by this frame and its caller.
    const GilReleased released;
    breed(parents.data(), n, first, second, elite, mutation, draw, data, threads, signal_check());
  }
  throw_pending();
  return out;
}

py::object bred(const py::array& parents, const Rows& mothers, const Rows& fathers,
                py::ssize_t elite, double share, double speed, bool relative, std::uint64_t seed,
                std::uint32_t generation, int threads) {
  const Mutation mutation{share, speed, relative};
  const Draw draw{seed, generation};
  if (py::isinstance<py::array_t<float>>(parents)) {
    return children_of<float>(parents, mothers, fathers, elite, mutation, draw, threads);
  }
  return children_of<double>(parents, mothers, fathers, elite, mutation, draw, threads);
}

template <class T>
py::array_t<T> pairs_around(const Plain<double>& center, py::ssize_t pairs, double sigma,
                            const Draw& draw, double* normals, int threads) {
  py::array_t<T> out({2 * pairs, center.size()});
  T* const data = out.mutable_data();
  {
    // All arrays are held by this frame and its caller.
    const GilReleased released;
    perturb(center.data(), center.size(), pairs, sigma, draw, data, threads, signal_check(),
            normals);
  }
  throw_pending();
  return out;
}

// The normal numbers that a generation is made of, a row for each pair, or none.
using Normals = std::optional<py::array_t<double, py::array::c_style>>;

// `normals`: where to keep them, too.
py::object perturbed(const Plain<double>& center, py::ssize_t pairs, double sigma, bool single,
                     std::uint64_t seed, std::uint32_t generation, int threads, Normals normals) {
  const Draw draw{seed, generation};
  if (normals && normals->size() != pairs * center.size()) {
    throw std::invalid_argument("normals must have a number for each weight of each pair");
  }
  double* const kept = normals ? normals->mutable_data() : nullptr;
  if (single) return pairs_around<float>(center, pairs, sigma, draw, kept, threads);
  return pairs_around<double>(center, pairs, sigma, draw, kept, threads);
}

// `normals`: those that `perturbed` has kept.
py::array_t<double> summed_perturbations(const Plain<double>& weights, py::ssize_t count,
                                         std::uint64_t seed, std::uint32_t generation, int threads,
                                         const Normals& normals) {
  if (normals && normals->size() != weights.size() * count) {
    throw std::invalid_argument("normals must have a number for each weight of each pair");
  }
  const double* const kept = normals ? normals->data() : nullptr;
  const std::span given(weights.data(), static_cast<std::size_t>(weights.size()));
  py::array_t<double> out(count);
  double* const data = out.mutable_data();
  {
    const GilReleased released;
    sum_perturbations(given, count, {seed, generation}, data, threads, signal_check(), kept);
  }
  throw_pending();
  return out;
}

}  // namespace

void register_evolution(py::module_& m) {
  using namespace py::literals;
  m.def("bred", &bred, "parents"_a, "mothers"_a, "fathers"_a, "elite"_a, "share"_a, "speed"_a,
        "relative"_a, "seed"_a, "generation"_a, "threads"_a);
  m.def("perturbed", &perturbed, "center"_a, "pairs"_a, "sigma"_a, "single"_a, "seed"_a,
        "generation"_a, "threads"_a, py::arg("normals").noconvert() = py::none());
  m.def("summed_perturbations", &summed_perturbations, "weights"_a, "count"_a, "seed"_a,
        "generation"_a, "threads"_a, py::arg("normals").noconvert() = py::none());
}

}  // namespace foxnn::python
