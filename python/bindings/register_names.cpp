// The names that the engine knows (activations, losses, initializers, optimizers), the kernel sets
// and threads of this machine, and the engine's random numbers.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "foxnn/activation.hpp"
#include "foxnn/cpu.hpp"
#include "foxnn/initializer.hpp"
#include "foxnn/loss.hpp"
#include "foxnn/optimizer.hpp"
#include "foxnn/random.hpp"
#include "gil.hpp"
#include "interrupt.hpp"
#include "registers.hpp"

namespace foxnn::python {

namespace {

namespace py = pybind11;

py::dict activation_traits_by_name() {
  using namespace py::literals;
  py::dict found;
  for (int i = 0; i < kActivationCount; ++i) {
    const ActivationTraits& traits = activation_traits(static_cast<ActivationKind>(i));
    found[py::str(std::string(traits.name))] =
        py::dict("aliases"_a = py::str(std::string(traits.aliases)).attr("split")(),
                 "takes_alpha"_a = traits.takes_alpha, "is_for_output"_a = traits.is_for_output,
                 "joins_outputs"_a = traits.joins_outputs);
  }
  return found;
}

py::dict loss_traits_by_name() {
  using namespace py::literals;
  py::dict found;
  for (int i = 0; i < kLossCount; ++i) {
    const LossTraits& traits = loss_traits(static_cast<LossKind>(i));
    py::list joined;
    for (int a = 0; a < kActivationCount; ++a) {
      const auto kind = static_cast<ActivationKind>(a);
      if (traits.joined.has(kind)) joined.append(std::string(activation_traits(kind).name));
    }
    found[py::str(std::string(traits.name))] =
        py::dict("targets"_a = std::string(targets_name(traits.targets)), "joined"_a = joined,
                 "slope_is_difference"_a = traits.slope_is_difference);
  }
  return found;
}

std::vector<std::string> constant_names() {
  std::vector<std::string> names;
  for (const OptimizerConstant& constant : optimizer_constants()) names.emplace_back(constant.name);
  return names;
}

py::array_t<double> uniform(std::uint64_t seed, std::uint32_t stream, py::ssize_t count,
                            std::uint32_t substream, int threads, std::uint64_t begin) {
  const Random random(seed, static_cast<RandomStream>(stream), substream);
  py::array_t<double> out(count);
  double* data = out.mutable_data();
  // No Python object is touched below; `out` is held by this frame.
  const GilReleased released;
  uniforms(random, begin, static_cast<std::size_t>(count), data, threads);
  return out;
}

py::array_t<std::int64_t> shuffled(std::uint64_t seed, std::uint32_t stream, std::size_t count,
                                   std::uint32_t substream) {
  std::vector<std::uint32_t> order;
  {
    const GilReleased released;
    shuffled_indices(Random(seed, static_cast<RandomStream>(stream), substream), count, order,
                     signal_check());
  }
  throw_pending();
  py::array_t<std::int64_t> out(static_cast<py::ssize_t>(count));
  std::copy(order.begin(), order.end(), out.mutable_data());
  return out;
}

}  // namespace

void register_names(py::module_& m) {
  using namespace py::literals;
  m.def("activations", activation_names, "Names of the activations, FoxNN's first.");
  m.def("losses", loss_names, "Names of the losses.");
  m.def("initializers", initializer_names, "Names of the initializers.");
  m.def("optimizers", optimizer_names, "Names of the optimizers.");
  m.def("activation_traits", &activation_traits_by_name, "What each activation is, by its name.");
  m.def("loss_traits", &loss_traits_by_name, "What each loss is, by its name.");
  m.def("optimizer_constants", &constant_names, "Names of the constants of the optimizers.");
  m.def("kernel_sets", kernel_sets,
        "Names of the kernel sets that this processor can run, slowest first.");
  m.def(
      "kernel_set", [] { return std::string(kernel_set()); },
      "Name of the kernel set in use; FOXNN_FORCE_ISA forces one.");
  m.def("uniform", &uniform, "seed"_a, "stream"_a, "count"_a, "substream"_a = 0, "threads"_a = 0,
        "begin"_a = 0,
        "Uniform random numbers from 0 to 1, for a seed, a stream and a sub-stream of it: from "
        "the one at position `begin` on.");
  m.def("shuffled", &shuffled, "seed"_a, "stream"_a, "count"_a, "substream"_a = 0,
        "The numbers 0 ... count - 1 in random order.");
  m.def("thread_limit", thread_limit, "The maximum number of threads that the engine uses.");
}

}  // namespace foxnn::python
