"""What each layer kind is in ONNX, for networks that are not chains of flat dense layers.

Dense layers at positions are MatMul and Add, a dense layer over all positions flattens first;
Residual ends in Add, Parallel in Concat; Dropout carries its rate, and does nothing outside of
training; a BatchNorm is taken into the layer before it where it can be. Names of layers,
initializers, and which layers are frozen have no place in a file. Convolutions and pools are in
`window_nodes`: around them, and around BatchNorm, values have their channels first, and are
transposed where a layer needs the other order. Recurrent kinds are in `recurrent_nodes`. The inputs
of Embedding are floats, as those of all networks, and become whole numbers in the graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.folding import array_of, folded
from foxnn.formats.onnx.recurrent_nodes import RECURRENT
from foxnn.formats.onnx.window_nodes import WINDOWED, zeros_in
from foxnn.layers.activation_table import JOINING

# The operator set of graphs that need one of these, and the version of the format then. Up to set
# 13, BatchNormalization did not say whether it is in training; ONNX's own evaluator takes it to be.
NEWER = {"BatchNormalization": (15, 8), "LayerNormalization": (17, 8)}

_INT64 = 7  # of TensorProto.DataType

Part = Mapping[str, Any]


class LayerGraph:
    """Writes layers into a graph, one after another."""

    def __init__(self, graph: Any, read: Callable[[int, str], Array], activate: Any) -> None:
        self.graph, self.read, self._activate = graph, read, activate
        #: Whether the last value has its channels before its positions, as convolutions need it.
        self.is_first = False
        self._turned: dict[str, str] = {}  # values with the other order, by value

    def layers(self, parts: Sequence[Part], place: str) -> None:
        """Add the nodes of layers after the last value."""
        for i, part in enumerate(folded(parts, self.read, ("batch_norm",))):
            self.layer(part, f"{place}.{i}")

    def layer(self, part: Part, name: str) -> None:
        """Add the nodes of a layer after the last value."""
        BODIES[part["kind"]](self, part, name)

    def turn(self, axes: int, is_first: bool) -> None:
        """Give the last value, whose samples have so many axes, this order of axes."""
        if self.is_first == is_first or axes == 1:
            return
        start, self.is_first = self.graph.last, is_first
        if start not in self._turned:
            order = [axes, *range(1, axes)] if is_first else [*range(2, axes + 1), 1]
            end = f"{start}.{'first' if is_first else 'last'}"
            self.graph.node("Transpose", end, perm=[0, *order])
            self._turned |= {start: end, end: start}
        self.graph.last = self._turned[start]

    def ends(self, branches: Sequence[Sequence[Part]], name: str, axes: int) -> list[str]:
        """Add branches after the last value; return their ends, all in one order of axes."""
        start, found = (self.graph.last, self.is_first), []
        for i, branch in enumerate(branches):
            self.graph.last, self.is_first = start
            self.layers(branch, f"{name}.{i}")
            found.append((self.graph.last, self.is_first))
        is_first = any(first for _, first in found)
        for i, (end, first) in enumerate(found):
            self.graph.last, self.is_first = end, first
            self.turn(axes, is_first)
            found[i] = self.graph.last, is_first
        return [end for end, _ in found]

    def activate(self, part: Part, name: str) -> None:
        """Add the nodes of a layer's activation."""
        options = part["options"]
        if options["activation"] in JOINING:  # over the last axis
            self.turn(len(part["output_shape"]), is_first=False)
        self._activate(self.graph, name, options["activation"], list(options["parameters"]))

    def array(self, part: Part, name: str, array: str, shown: str) -> str:
        """Add an array of a layer; return its name."""
        return str(self.graph.array(f"{name}.{shown}", array_of(part, array, self.read)))


def _flatten(to: LayerGraph, part: Part, name: str) -> None:
    if len(part["input_shape"]) > 1:
        to.turn(len(part["input_shape"]), is_first=False)
        to.graph.node("Flatten", f"{name}.flat", axis=1)


def _dense(to: LayerGraph, part: Part, name: str) -> None:
    has_bias = "bias" in part["arrays"]
    if part["options"].get("each_position") and len(part["input_shape"]) > 1:
        to.turn(len(part["input_shape"]), is_first=False)
        weights = to.array(part, name, "weights", "weight")
        to.graph.node("MatMul", f"{name}.product", to.graph.last, weights)
        if has_bias:
            bias = to.array(part, name, "bias", "bias")
            to.graph.node("Add", f"{name}.sum", to.graph.last, bias)
    else:
        _flatten(to, part, name)
        inputs = [to.graph.last, to.array(part, name, "weights", "weight")]
        if has_bias:
            inputs.append(to.array(part, name, "bias", "bias"))
        to.graph.node("Gemm", f"{name}.sum", *inputs)
    to.activate(part, name)


def _activation(to: LayerGraph, part: Part, name: str) -> None:
    if part["options"]["activation"] == "identity_x":
        to.graph.node("Identity", f"{name}.same")
    to.activate(part, name)


def _flat(to: LayerGraph, part: Part, name: str) -> None:
    to.turn(len(part["input_shape"]), is_first=False)
    to.graph.node("Flatten", f"{name}.flat", axis=1)


def _reshape(to: LayerGraph, part: Part, name: str) -> None:
    to.turn(len(part["input_shape"]), is_first=False)
    lengths = np.array([0, *part["output_shape"]], np.int64)  # 0: as before, the samples
    shape = to.graph.whole_numbers(f"{name}.shape", lengths)
    to.graph.node("Reshape", f"{name}.reshaped", to.graph.last, shape)


def _dropout(to: LayerGraph, part: Part, name: str) -> None:
    rate = to.graph.array(f"{name}.rate", part["options"]["rate"])
    to.graph.node("Dropout", f"{name}.same", to.graph.last, rate)


def _layer_norm(to: LayerGraph, part: Part, name: str) -> None:
    to.turn(len(part["input_shape"]), is_first=False)
    arrays = [to.array(part, name, "weights", "weight"), to.array(part, name, "bias", "bias")]
    epsilon = part["options"]["epsilon"]
    given = {"axis": -1, "epsilon": epsilon}
    to.graph.node("LayerNormalization", f"{name}.normal", to.graph.last, *arrays, **given)


def _batch_norm(to: LayerGraph, part: Part, name: str) -> None:
    to.turn(len(part["input_shape"]), is_first=True)
    shown = {"weights": "weight", "bias": "bias"}
    arrays = [to.array(part, name, array, shown.get(array, array)) for array in part["arrays"]]
    given = {key: part["options"][key] for key in ("epsilon", "momentum")}
    to.graph.node("BatchNormalization", f"{name}.normal", to.graph.last, *arrays, **given)


def _embedding(to: LayerGraph, part: Part, name: str) -> None:
    to.turn(len(part["input_shape"]), is_first=False)
    table = to.array(part, name, "weights", "weight")
    indices = to.graph.node("Cast", f"{name}.indices", to=_INT64)
    to.graph.node("Gather", f"{name}.rows", table, indices)


def _residual(to: LayerGraph, part: Part, name: str) -> None:
    to.graph.node("Add", f"{name}.sum", *to.ends(part["branches"], name, len(part["output_shape"])))


def _parallel(to: LayerGraph, part: Part, name: str) -> None:
    ends = to.ends(part["branches"], name, len(part["output_shape"]))
    to.graph.node("Concat", f"{name}.together", *ends, axis=1 if to.is_first else -1)


#: How each kind is written; one that is not here is refused by name.
BODIES: dict[str, Callable[[LayerGraph, Part, str], None]] = {
    "dense": _dense,
    **WINDOWED,
    **RECURRENT,
    "activation": _activation,
    "flatten": _flat,
    "reshape": _reshape,
    "dropout": _dropout,
    "batch_norm": _batch_norm,
    "embedding": _embedding,
    "layer_norm": _layer_norm,
    "residual": _residual,
    "parallel": _parallel,
}


def size_of(parts: Sequence[Part]) -> int:
    """Return how many numbers the arrays of layers hold in a file."""
    return sum(
        sum(math.prod(shape) for shape in part.get("arrays", {}).values())
        + zeros_in(part)
        + sum(size_of(branch) for branch in part.get("branches", ()))
        for part in parts
    )
