"""LayerNormalization written as operations with the mean and the variance of channels.

Keras, and older exporters of PyTorch, write it so, in several orders. The operations are computed
for a few rows, and are the layer if they give what it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.functions import FUNCTIONS, compute
from foxnn.formats.onnx.layered_graph import CHANNEL_MEAN, LayeredGraph, Operation
from foxnn.formats.onnx.leaves import Leaf, shortest

# The distance from the mean, that divided by its spread, times a scale, and shifted.
_MOST_STAGES = 4
# More operations than any exporter writes for one: Keras has 13.
_MOST_NODES = 64
# A file may bring thousands of such operations, and claim any width without the numbers for it.
_WIDEST = 2**14
# Spreads of the rows; for the first ones, epsilon is the larger part of the variance.
_SPREADS = (1e-7, 0.003, 1.0, 40.0)
# Far above the rounding of float64, and far below what another formula or epsilon would make of it.
_TOLERANCE = 1e-8


def normalization_of(
    graph: LayeredGraph, stages: Sequence[tuple[int, Sequence[int]]]
) -> tuple[Leaf | None, int]:
    """Return the layer that the first stages are together, or None, and their number.

    A stage is the value that it begins with, and its operations.
    """
    found: tuple[Leaf | None, int] = (None, 0)
    operations: dict[int, Operation] = {}
    for count, (_, numbers) in enumerate(stages[:_MOST_STAGES], 1):
        if len(operations) + len(numbers) > _MOST_NODES:
            break
        operations |= {number: graph.operation(number) for number in numbers}
        if all(step.kind != CHANNEL_MEAN for step in operations.values()):
            break
        leaf = _normalization(stages[0][0], operations)
        if leaf is not None:
            found = leaf, count
    return found


def _normalization(cut: int, operations: dict[int, Operation]) -> Leaf | None:
    """Return the layer that operations are, by their numbers, after a value, or None."""
    kinds = {step.kind for step in operations.values()}
    width = next(reversed(operations.values())).shape[-1]
    if not kinds <= {CHANNEL_MEAN, *FUNCTIONS} or not 1 < width <= _WIDEST:
        return None
    steps = list(operations.values())
    scales, shifts = (_constants(steps, width, *of) for of in (("Mul",), ("Add", "Sub")))
    small = _constants(steps, 1, "Add")
    if max(len(scales), len(shifts)) > 1 or len(small) != 1:
        return None
    kind = small[0].dtype
    scale = scales[0].reshape(-1) if scales else np.ones(width, kind)
    shift = shifts[0].reshape(-1) if shifts else np.zeros(width, kind)
    (epsilon,) = (float(array.ravel()[0]) for array in small)
    rows = _rows(width)
    found = _computed(cut, operations, rows)
    spread = np.sqrt(rows.var(-1, keepdims=True) + epsilon)
    expected = (rows - rows.mean(-1, keepdims=True)) / spread * scale.astype(np.float64) + shift
    bound = _TOLERANCE * (1.0 + np.abs(expected).max())
    if found is None or not (np.abs(found - expected) <= bound).all():
        return None
    options = {"epsilon": epsilon if kind == np.float64 else shortest(epsilon)}
    arrays = {"weights": scale, "bias": shift}
    return Leaf({"kind": "layer_norm", "options": options}, arrays)


def _constants(steps: list[Operation], size: int, *kinds: str) -> list[Array]:
    """Return the constants of a size that operations of some kinds take."""
    return [
        array
        for step in steps
        for array in step.inputs
        if step.kind in kinds
        and isinstance(array, np.ndarray)
        and array.size == size
        and array.dtype.kind == "f"
    ]


def _rows(width: int) -> Array:
    """Return rows of several spreads, whose means are not 0."""
    places = np.arange(1.0, width + 1)
    rows = [(np.sin(places * (i + 1)) + 0.3) * spread for i, spread in enumerate(_SPREADS)]
    return np.stack(rows)


def _computed(cut: int, operations: dict[int, Operation], rows: Array) -> Array | None:
    """Return what operations make of rows, or None if they do something else than with rows."""
    values: dict[int, Array] = {cut: rows}
    found: Array | None = rows
    for number, step in operations.items():
        inputs: list[Any] = []
        for given in step.inputs:
            if isinstance(given, np.ndarray):
                if given.size not in (1, rows.shape[1]):
                    return None
                inputs.append(given.reshape(-1).astype(np.float64))
            else:
                inputs.append(None if given is None else values[given])
        if step.kind == CHANNEL_MEAN:
            found = np.broadcast_to(inputs[0].mean(-1, keepdims=True), rows.shape)
        else:
            found = compute(step.kind, step.given, inputs)
        if found is None or found.shape != rows.shape:
            return None
        values[number] = found
    return found
