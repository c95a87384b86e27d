"""What recurrent layers are in ONNX: a node RNN, GRU or LSTM, which has the steps before samples.

The values around it have their samples first, so each node stands between two of Transpose. Both
directions of a layer are one node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.folding import array_of
from foxnn.formats.onnx.gates import OPERATORS, to_onnx

if TYPE_CHECKING:
    from foxnn.formats.onnx.nodes import LayerGraph

Part = Mapping[str, Any]


def _body(to: LayerGraph, part: Part, name: str) -> None:
    options, kind = part["options"], part["kind"]
    to.turn(len(part["input_shape"]), is_first=False)
    is_both = bool(options.get("bidirectional", False))
    ways = ("", "reverse_") if is_both else ("",)
    arrays = [
        to.graph.array(f"{name}.weight", _stacked(to, part, ways, "weights")),
        to.graph.array(f"{name}.recurrent", _stacked(to, part, ways, "recurrent_weights")),
    ]
    if "bias" in part["arrays"]:
        bias = _stacked(to, part, ways, "bias")
        other = np.zeros_like(bias)
        if "recurrent_bias" in part["arrays"]:
            other = _stacked(to, part, ways, "recurrent_bias")
        arrays.append(to.graph.array(f"{name}.bias", np.concatenate((bias, other), 1)))
    given: dict[str, Any] = {"hidden_size": int(options["units"])}
    if is_both or options.get("reverse", False):
        given["direction"] = "bidirectional" if is_both else "reverse"
    if kind == "gru":
        given["linear_before_reset"] = 1
    to.graph.node("Transpose", f"{name}.steps", perm=[1, 0, 2])
    outputs = [f"{name}.states"] if options.get("return_sequences", False) else ["", f"{name}.last"]
    to.graph.several(OPERATORS[kind], outputs, to.graph.last, *arrays, **given)
    # (steps, directions, samples, units), or (directions, samples, units).
    if len(outputs) == 1:
        to.graph.node("Transpose", f"{name}.samples", perm=[2, 0, 1, 3])
        lengths = np.array([0, 0, part["output_shape"][-1]], np.int64)  # 0: as before
        shape = to.graph.whole_numbers(f"{name}.shape", lengths)
        to.graph.node("Reshape", f"{name}.joined", to.graph.last, shape)
    else:
        to.graph.node("Transpose", f"{name}.samples", perm=[1, 0, 2])
        to.graph.node("Flatten", f"{name}.joined", axis=1)


def _stacked(to: LayerGraph, part: Part, ways: tuple[str, ...], array: str) -> Array:
    """Return an array of each direction."""
    found = [to_onnx(part["kind"], array_of(part, f"{way}{array}", to.read)) for way in ways]
    stacked: Array = np.stack(found)
    return stacked


#: How each kind is written.
RECURRENT: dict[str, Callable[[LayerGraph, Part, str], None]] = dict.fromkeys(OPERATORS, _body)
