// The functions that register the parts of the module, one per class or subject.
#pragma once

#include <pybind11/pybind11.h>

namespace foxnn::python {

void register_names(pybind11::module_& module);
class AnyNetwork;
using NetworkClass = pybind11::class_<AnyNetwork>;
NetworkClass register_network(pybind11::module_& module);
void register_layers(NetworkClass& network);
void register_sparse(pybind11::module_& module);
void register_evolution(pybind11::module_& module);
void register_population(pybind11::module_& module);
void register_population_trainer(pybind11::module_& module);
void register_quantized(pybind11::module_& module);
void register_single(pybind11::module_& module);
void register_stream(pybind11::module_& module);
void register_state(pybind11::module_& module);
void register_trainer(pybind11::module_& module);
void register_testing(pybind11::module_& module);
void register_text(pybind11::module_& module);

}  // namespace foxnn::python
