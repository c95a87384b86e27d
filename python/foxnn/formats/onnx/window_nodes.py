"""What convolutions, pools and `UpSample` are in ONNX, where channels come before positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.folding import array_of
from foxnn.layers.padding import pads_of

if TYPE_CHECKING:
    from foxnn.formats.onnx.nodes import LayerGraph

Part = Mapping[str, Any]


def zeros_in(part: Part) -> int:
    """Return how many zeros a file has between the weights of a layer."""
    if not _is_filled(part):
        return 0
    shape = part["arrays"]["weights"]
    return int(math.prod((*_spans(part), *shape[-2:])) - math.prod(shape))


def _has_pads_by_length(part: Part) -> bool:
    """Return whether what "same" adds depends on the number of steps, which is not known."""
    options = part["options"]
    is_same = options.get("padding") == "same" and None in part["input_shape"]
    return bool(is_same and max(options["stride"]) > 1)


def _is_filled(part: Part) -> bool:
    """Return whether zeros fill the gaps of a filter with a dilation.

    ONNX leaves pads that depend on the length to `auto_pad`, which onnxruntime does not take
    together with dilations.
    """
    return _has_pads_by_length(part) and max(part["options"].get("dilation", (1,))) > 1


def _spans(part: Part) -> list[int]:
    """Return how many positions a window reaches over."""
    options = part["options"]
    pairs = zip(options["kernel"], options["dilation"], strict=True)
    return [(int(kernel) - 1) * int(dilation) + 1 for kernel, dilation in pairs]


def _filled(part: Part, weights: Array) -> Array:
    """Return weights with zeros in the gaps of the dilation."""
    spans, dilation = _spans(part), part["options"]["dilation"]
    found = np.zeros((*spans, *weights.shape[len(spans) :]), weights.dtype)
    found[tuple(slice(None, None, int(step)) for step in dilation)] = weights
    return found


def _window(part: Part) -> dict[str, Any]:
    """Return the attributes of a window."""
    options = part["options"]
    kernel = _spans(part) if _is_filled(part) else options["kernel"]
    given: dict[str, Any] = {
        "kernel_shape": [int(length) for length in kernel],
        "strides": [int(length) for length in options["stride"]],
    }
    if _has_pads_by_length(part):
        given["auto_pad"] = "SAME_UPPER"
    elif options["padding"] != "valid":
        # With a stride of 1 they are the same for any number of steps.
        pads = pads_of([length or 1 for length in part["input_shape"]], options)
        given["pads"] = [before for before, _ in pads] + [after for _, after in pads]
    return given


def _conv(to: LayerGraph, part: Part, name: str) -> None:
    to.turn(len(part["input_shape"]), is_first=True)
    weights = array_of(part, "weights", to.read)
    dilation = part["options"]["dilation"]
    if _is_filled(part):
        weights, dilation = _filled(part, weights), [1] * len(dilation)
    filters_first = (weights.ndim - 1, weights.ndim - 2, *range(weights.ndim - 2))
    turned = np.ascontiguousarray(weights.transpose(filters_first))
    inputs = [to.graph.last, str(to.graph.array(f"{name}.weight", turned))]
    if "bias" in part["arrays"]:
        inputs.append(to.array(part, name, "bias", "bias"))
    given: dict[str, Any] = {"dilations": [int(length) for length in dilation]}
    given["group"] = int(part["options"]["groups"])
    to.graph.node("Conv", f"{name}.sum", *inputs, **_window(part), **given)
    to.activate(part, name)


def _pool(operator: str, **given: Any) -> Callable[[LayerGraph, Part, str], None]:
    def body(to: LayerGraph, part: Part, name: str) -> None:
        to.turn(len(part["input_shape"]), is_first=True)
        to.graph.node(operator, f"{name}.pooled", **_window(part), **given)

    return body


def _global_pool(operator: str) -> Callable[[LayerGraph, Part, str], None]:
    # As a reduction, which takes either order of axes, and gives numbers without positions.
    def body(to: LayerGraph, part: Part, name: str) -> None:
        axes = len(part["input_shape"])
        if axes == 1:
            to.graph.node("Identity", f"{name}.same")
            return
        positions = range(2, axes + 1) if to.is_first else range(1, axes)
        to.graph.node(operator, f"{name}.pooled", axes=list(positions), keepdims=0)
        to.is_first = False

    return body


def _up_sample(to: LayerGraph, part: Part, name: str) -> None:
    axes = len(part["input_shape"]) - 1
    to.turn(axes + 1, is_first=True)
    factor = [float(length) for length in part["options"]["factor"]]
    scales = np.array([1.0, 1.0, *(factor * axes if len(factor) == 1 else factor)], np.float32)
    given = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    given["nearest_mode"] = "floor"
    inputs = to.graph.last, "", to.graph.singles(f"{name}.scales", scales)
    to.graph.node("Resize", f"{name}.larger", *inputs, **given)


#: How each kind is written.
WINDOWED: dict[str, Callable[[LayerGraph, Part, str], None]] = {
    **{f"conv{axes}d": _conv for axes in (1, 2, 3)},
    **{f"max_pool{axes}d": _pool("MaxPool") for axes in (1, 2, 3)},
    **{f"average_pool{axes}d": _pool("AveragePool", count_include_pad=0) for axes in (1, 2, 3)},
    "global_max_pool": _global_pool("ReduceMax"),
    "global_average_pool": _global_pool("ReduceMean"),
    "up_sample": _up_sample,
}
