"""The quantiles of each target in ascending order: TopK, between two Reshapes for several targets.

They are no layer of a network, which puts its outputs into order itself: they are written after the
layers, and taken off before a file's layers are read.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

# Names of values, which only have to differ from those of layers.
_APART, _ORDERED, _TOGETHER = "y_by_target", "y_in_order", "y_ordered"


def add_order(graph: Any, each: int, shape: Sequence[int | None]) -> None:
    """Put the last value, with samples of this shape, into order in groups of `each` channels."""
    *positions, channels = shape
    assert channels is not None
    kept = [0] * (1 + len(positions))  # as before
    if channels > each:
        lengths = np.array([*kept, channels // each, each], np.int64)
        graph.node("Reshape", _APART, graph.last, graph.whole_numbers(f"{_APART}.shape", lengths))
    count = graph.whole_numbers(f"{_ORDERED}.count", np.array([each], np.int64))
    graph.several(
        "TopK", [_ORDERED, f"{_ORDERED}.places"], graph.last, count, axis=-1, largest=0, sorted=1
    )
    graph.last = _ORDERED
    if channels > each:
        lengths = np.array([*kept, channels], np.int64)
        graph.node(
            "Reshape", _TOGETHER, graph.last, graph.whole_numbers(f"{_TOGETHER}.shape", lengths)
        )


def take_off_order(onnx: Any, model: Any, each: int) -> None:
    """Take the nodes of `add_order` off a model, where it has just these; else leave it alone."""
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    span = _span(onnx, graph, stored, each)
    if span is None:
        return
    nodes = [graph.node[i] for i in span]
    source, end = nodes[0].input[0], nodes[-1].output[0]
    if not isinstance(end, str):  # bytes that are no text
        return
    makers = [one for one in graph.node[: span.start] if source in one.output]
    # What nobody else may read: everything between the layers and the end.
    between = {source, *(name for one in nodes for name in one.output)} - {end}
    read = {name for i, one in enumerate(graph.node) if i not in span for name in one.input}
    read |= {one.name for one in graph.output}
    in_a_row = all(b.input[0] == a.output[0] for a, b in itertools.pairwise(nodes))
    if not in_a_row or len(makers) != 1 or between & read:
        return
    outputs = makers[0].output
    outputs[list(outputs).index(source)] = end
    del graph.node[span.start : span.stop]


def _span(onnx: Any, graph: Any, stored: Any, each: int) -> range | None:
    """Return the places of nodes that are, each by itself, those of `add_order`."""
    found = [i for i, node in enumerate(graph.node) if node.op_type == "TopK"]
    if len(found) != 1:
        return None
    (at,) = found
    node = graph.node[at]
    attributes = {given.name: given.i for given in node.attribute}
    if attributes != {"axis": -1, "largest": 0, "sorted": 1} or not _has(node, 2, 2):
        return None
    if _whole_numbers(onnx, stored, node.input[1]) != [each]:
        return None
    around = graph.node[at - 1 : at] if at > 0 else []
    around = [*around, *graph.node[at + 1 : at + 2]]
    if len(around) < 2 or any(one.op_type != "Reshape" or not _has(one, 2, 1) for one in around):
        return range(at, at + 1)
    apart, together = (_whole_numbers(onnx, stored, one.input[-1]) for one in around)
    if not apart or apart[-1] != each or any(apart[:-2]) or len(apart) < 3:
        return None
    return range(at - 1, at + 2) if together == [*apart[:-2], apart[-2] * each] else None


def _has(node: Any, inputs: int, outputs: int) -> bool:
    """Return whether a node has so many inputs and outputs."""
    return (len(node.input), len(node.output)) == (inputs, outputs)


def _whole_numbers(onnx: Any, stored: Any, name: str) -> list[int] | None:
    """Return a stored list of whole numbers; None for anything else, and for long ones."""
    tensor = stored.get(name)
    if tensor is None or tensor.data_type != onnx.TensorProto.INT64:
        return None
    if len(tensor.dims) != 1 or not 0 < tensor.dims[0] <= 8:
        return None
    try:
        found: list[int] = onnx.numpy_helper.to_array(tensor).tolist()
    except (ValueError, TypeError):
        return None
    return found
