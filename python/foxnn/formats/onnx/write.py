"""ONNX files, written: Gemm and activation nodes, with the scalers before and after them.

Several quantiles are put into order after the layers (`ordering`).
Networks of other kinds of layers are written by `nodes`. Input `x` and output `y` have the
network's type and any number of samples. Operators are those of
operator set 13 (ONNX 1.8, 2020), which gelu is composed of; so old runtimes read the files, too.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import _core, checks
from foxnn.formats.onnx.nodes import BODIES, NEWER, LayerGraph, size_of
from foxnn.formats.onnx.ordering import add_order
from foxnn.formats.rounding import warn_if_coarse
from foxnn.formats.whole_files import replacing
from foxnn.layers.activation_table import ACTIVATIONS, Node, Number
from foxnn.layers.kinds import check_held
from foxnn.layers.view import is_number
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import OWN, public_name, sorts_outputs
from foxnn.model.scaler import Scaler, shift_and_scale
from foxnn.support import extras

OPSET, _IR = 13, 7

# protobuf takes no message of 2 GiB; some of it is for names.
_LARGEST = 2**31 - 2**20


class _Graph:
    """Nodes and arrays of a graph in the making; `last` is the value that the next node takes."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        self.last = "x"
        self._onnx, self._dtype = onnx, dtype

    def array(self, name: str, values: Any) -> str:
        """Add a constant; return its name."""
        given = np.asarray(values, self._dtype)
        self.arrays.append(self._onnx.numpy_helper.from_array(given, name))
        return name

    def whole_numbers(self, name: str, values: NDArray[np.int64]) -> str:
        """Add a constant of whole numbers; return its name."""
        self.arrays.append(self._onnx.numpy_helper.from_array(values, name))
        return name

    def singles(self, name: str, values: NDArray[np.float32]) -> str:
        """Add a constant of float32, even in a float64 network; return its name."""
        self.arrays.append(self._onnx.numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, by default after the last value; return the name of its output."""
        self.several(kind, [name], *(inputs or (self.last,)), **attributes)
        return name

    def several(self, kind: str, outputs: list[str], *inputs: str, **attributes: Any) -> None:
        """Add a node with several outputs, the last of which is the last value then."""
        self.last = outputs[-1]
        made = self._onnx.helper.make_node(kind, list(inputs), outputs, self.last, **attributes)
        self.nodes.append(made)


def write(path: str, network: AnsweringNetwork) -> None:
    """Write a network to a file.

    Raises
    ------
    ValueError
        For scalers that float32 cannot hold, and for more than 2 GiB.
    ImportError
        If onnx is missing.
    OSError
        If the file cannot be written; an older one is unchanged.
    """
    onnx = extras.library("onnx", "onnx", "an .onnx file")
    copy = network._copy()  # of one moment, even where another thread trains
    # The graph, the file, and what the checker makes of it, twice; numbers of 8 bytes at most.
    checks.memory(4 * 8 * size_of(copy._layers()) + 2**23)
    check(network)
    warn_if_coarse(network, path)
    data = _model(onnx, copy, network).SerializeToString(deterministic=True)
    onnx.checker.check_model(data, full_check=True)
    with replacing(path) as file:
        file.write(data)


def check(network: AnsweringNetwork) -> None:
    """Raise ValueError where the format cannot hold the network."""
    check_held(network._layers(), BODIES, "an ONNX file", of_any_length=True)
    size = np.dtype(network.dtype).itemsize * size_of(network._layers())
    if size > _LARGEST:
        raise ValueError(f"an ONNX file holds at most 2 GiB, and the weights take {size} bytes")
    for scaler, name in ((network.input_scaler, "input"), (network.output_scaler, "output")):
        if scaler is not None:
            _check_range(scaler, f"{name}_scaler", network.dtype)


def _check_range(scaler: Scaler, name: str, dtype: str) -> None:
    shift, scale = shift_and_scale(scaler)
    limits = np.finfo(dtype)
    right = np.abs(shift).max() <= limits.max and (scale <= limits.max).all()
    if not right or (scale < limits.tiny).any():
        raise ValueError(f"{name} must be within the range of {dtype}, as the ONNX file has it")


def nodes_of(
    onnx: Any, network: AnsweringNetwork, dtype: str, source: str
) -> tuple[list[Any], list[Any], str]:
    """Return the nodes and the arrays of the layers, and the name of their last value.

    They are for a graph that another library makes, in which they begin with the value `source`.
    """
    check_held(network._layers(), BODIES, "an ONNX file", of_any_length=True)
    copy, graph = network._copy(), _Graph(onnx, dtype)
    graph.last = source

    def activate(graph: _Graph, layer: str, name: str, parameters: list[float]) -> None:
        _activate(graph, layer, name, parameters, dtype)

    LayerGraph(graph, copy._array, activate).layers(copy._layers(), "layers")
    _order(graph, copy)
    return graph.nodes, graph.arrays, graph.last


def _model(onnx: Any, copy: _core.Network, network: AnsweringNetwork) -> Any:
    helper, dtype = onnx.helper, network.dtype
    inputs, outputs = network.input_scaler, network.output_scaler
    ends_of = copy._input_shape(), copy._output_shape()
    parts, graph = copy._layers(), _Graph(onnx, dtype)
    if inputs is not None:
        _scaled(graph, inputs, dtype, ends_of[0])

    def activate(graph: _Graph, layer: str, name: str, parameters: list[float]) -> None:
        _activate(graph, layer, name, parameters, dtype)

    writer = LayerGraph(graph, copy._array, activate)
    writer.layers(parts, "layers")
    writer.turn(len(ends_of[1]), is_first=False)
    _order(graph, copy)
    if outputs is not None:
        shift, scale = (column.reshape(ends_of[1]) for column in shift_and_scale(outputs))
        graph.node("Mul", "y_scaled", graph.last, graph.array("output_scaler.scale", scale))
        graph.node("Add", "y_shifted", graph.last, graph.array("output_scaler.shift", shift))
    graph.nodes[-1].output[0] = "y"
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    ends = [
        [helper.make_tensor_value_info(name, kind, ["samples", *_named(shape, steps)])]
        for name, shape, steps in zip("xy", ends_of, ("steps", "positions"), strict=True)
    ]
    kinds = {node.op_type for node in graph.nodes}
    opset, version = max([(OPSET, _IR), *(NEWER[kind] for kind in kinds & NEWER.keys())])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "foxnn", *ends, graph.arrays),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=version,
        producer_name="foxnn",
        producer_version=_core.__version__,
    )
    said = {"foxnn_version": _core.__version__}
    if copy._loss() != OWN:
        said["foxnn_loss"] = public_name(copy._loss())
    if copy._loss_parameters():
        said["foxnn_loss_parameters"] = json.dumps(copy._loss_parameters())
    if len(ends_of[0]) > 1 or any(not is_number(part) for part in parts):
        said["foxnn_layers"] = "of every kind"  # else those of a chain are read, which is stricter
    if network.classes is not None:
        said["foxnn_classes"] = json.dumps(network.classes)
    for scaler, name in ((inputs, "foxnn_input_scaler"), (outputs, "foxnn_output_scaler")):
        if scaler is not None:
            said[name] = scaler.method
    helper.set_model_props(model, said)
    return model


def _order(graph: _Graph, copy: _core.Network) -> None:
    """Put the quantiles of each target into order, as the network does."""
    if sorts_outputs(copy):
        add_order(graph, len(copy._loss_parameters()), copy._output_shape())


def _named(shape: tuple[int | None, ...], steps: str) -> list[int | str]:
    """Return the lengths of a sample's axes, of which the first may be any number of steps."""
    return [steps if length is None else length for length in shape]


def _scaled(graph: _Graph, scaler: Scaler, dtype: str, shape: tuple[int, ...]) -> None:
    shift, scale = (column.reshape(shape) for column in shift_and_scale(scaler))
    rounded = shift.astype(dtype)
    graph.node("Sub", "x_shifted", graph.last, graph.array("input_scaler.shift", rounded))
    # The engine shifts in float64. Where float32 loses digits of a shift that is large beside the
    # scale, a second subtraction brings them back.
    rest: NDArray[np.float64] = shift - rounded
    if (np.abs(rest) > 1e-7 * scale).any():
        graph.node("Sub", "x_shifted_more", graph.last, graph.array("input_scaler.rest", rest))
    graph.node("Div", "x_scaled", graph.last, graph.array("input_scaler.scale", scale))


def _activate(graph: _Graph, layer: str, name: str, parameters: list[float], dtype: str) -> None:
    """Add the nodes of an activation after the last value."""
    row, z, end = ACTIVATIONS[name], graph.last, f"{layer}.{name}"
    last = row.onnx_double if dtype == "float64" and row.onnx_double is not None else row.onnx
    if last is None:
        return
    made: dict[int, str] = {}

    def value(given: Node | Number | str) -> str:
        """Return the name of what a node takes, which is added where it is not yet there."""
        if given == "z":
            return z
        if id(given) not in made:
            if isinstance(given, Node):
                made[id(given)] = add(given, None)
            else:
                number = given.value if isinstance(given, Number) else parameters[0]
                made[id(given)] = graph.array(f"{end}.constant{len(graph.arrays)}", number)
        return made[id(given)]

    def add(node: Node, output: str | None) -> str:
        inputs = [value(given) for given in node.inputs]
        attributes = {
            key: parameters[0] if number == "alpha" else number for key, number in node.attributes
        }
        output = output or f"{end}.step{len(graph.nodes)}"
        return graph.node(node.operator, output, *inputs, **attributes)

    add(last, end)
