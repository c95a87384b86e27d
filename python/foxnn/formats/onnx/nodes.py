"""What each layer kind is in ONNX, for networks that are not chains of flat dense layers.

Dense layers at positions are MatMul and Add, a dense layer over all positions flattens first;
Residual ends in Add, Parallel in Concat; Dropout carries its rate, and does nothing outside of
training. Names of layers, initializers, and which layers are frozen have no place in a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn.checks import Array

# The operator set of networks that need one of these, and the version of the format then.
NEWER = {"layer_norm": (17, 8)}

Part = Mapping[str, Any]


class LayerGraph:
    """Writes layers into a graph, one behind the other."""

    def __init__(self, graph: Any, read: Callable[[int, str], Array], activate: Any) -> None:
        self.graph, self.read, self._activate = graph, read, activate

    def layers(self, parts: Sequence[Part], place: str) -> None:
        """Add the nodes of layers behind the last value."""
        for i, part in enumerate(parts):
            self.layer(part, f"{place}.{i}")

    def layer(self, part: Part, name: str) -> None:
        """Add the nodes of a layer behind the last value."""
        BODIES[part["kind"]](self, part, name)

    def activate(self, part: Part, name: str) -> None:
        """Add the nodes of a layer's activation."""
        options = part["options"]
        self._activate(self.graph, name, options["activation"], list(options["parameters"]))

    def array(self, part: Part, name: str, array: str, shown: str) -> str:
        """Add an array of a layer; return its name."""
        return str(self.graph.array(f"{name}.{shown}", self.read(part["index"], array)))


def _flatten(to: LayerGraph, part: Part, name: str) -> None:
    if len(part["input_shape"]) > 1:
        to.graph.node("Flatten", f"{name}.flat", axis=1)


def _dense(to: LayerGraph, part: Part, name: str) -> None:
    has_bias = "bias" in part["arrays"]
    if part["options"].get("each_position") and len(part["input_shape"]) > 1:
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
    to.graph.node("Flatten", f"{name}.flat", axis=1)


def _reshape(to: LayerGraph, part: Part, name: str) -> None:
    lengths = np.array([0, *part["output_shape"]], np.int64)  # 0: as before, the samples
    shape = to.graph.whole_numbers(f"{name}.shape", lengths)
    to.graph.node("Reshape", f"{name}.reshaped", to.graph.last, shape)


def _dropout(to: LayerGraph, part: Part, name: str) -> None:
    rate = to.graph.array(f"{name}.rate", part["options"]["rate"])
    to.graph.node("Dropout", f"{name}.same", to.graph.last, rate)


def _layer_norm(to: LayerGraph, part: Part, name: str) -> None:
    arrays = [to.array(part, name, "weights", "weight"), to.array(part, name, "bias", "bias")]
    epsilon = part["options"]["epsilon"]
    given = {"axis": -1, "epsilon": epsilon}
    to.graph.node("LayerNormalization", f"{name}.normal", to.graph.last, *arrays, **given)


def _residual(to: LayerGraph, part: Part, name: str) -> None:
    start = to.graph.last
    inner, shortcut = part["branches"]
    to.layers(inner, f"{name}.0")
    end = to.graph.last
    to.graph.last = start
    to.layers(shortcut, f"{name}.1")
    to.graph.node("Add", f"{name}.sum", end, to.graph.last)


def _parallel(to: LayerGraph, part: Part, name: str) -> None:
    start, ends = to.graph.last, []
    for i, branch in enumerate(part["branches"]):
        to.graph.last = start
        to.layers(branch, f"{name}.{i}")
        ends.append(to.graph.last)
    to.graph.node("Concat", f"{name}.together", *ends, axis=-1)


#: How each kind is written; one that is not here is refused by name.
BODIES: dict[str, Callable[[LayerGraph, Part, str], None]] = {
    "dense": _dense,
    "activation": _activation,
    "flatten": _flat,
    "reshape": _reshape,
    "dropout": _dropout,
    "layer_norm": _layer_norm,
    "residual": _residual,
    "parallel": _parallel,
}


def size_of(parts: Sequence[Part]) -> int:
    """Return how many numbers the arrays of layers hold."""
    return sum(
        sum(math.prod(shape) for shape in part.get("arrays", {}).values())
        + sum(size_of(branch) for branch in part.get("branches", ()))
        for part in parts
    )
