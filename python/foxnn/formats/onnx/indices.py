"""Indices of a table that nodes compute of others, as Keras' Embedding does.

It counts those below zero from the end of the table, and leaves all others as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.constants import NotRead
from foxnn.formats.onnx.functions import compute
from foxnn.formats.onnx.layout import Value

#: Functions whose results are the same in whole numbers and in floating point.
EXACT = (
    "Add", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mul", "Not", "Sub",
    "Where",
)  # fmt: skip

_CHANGED = "expected the indices as they are given, where they are rows of the table"
# Keras needs six.
_MOST_NODES = 32


def source_of(operations: list[Any], value: Value, count: int) -> Value:
    """Return the indices of `count` rows that others are computed of, if these are the same."""
    sources, found, waiting = set[int](), set[int](), [value.number]
    while waiting:
        number = waiting.pop()
        step = operations[number]
        if step is None or step.kind not in EXACT:
            sources.add(number)
        elif number not in found:
            found.add(number)
            waiting += [i for i in step.inputs if isinstance(i, int)]
        if len(found) > _MOST_NODES:
            raise NotRead(_CHANGED)
    if not found:
        return value
    rows = np.arange(float(count))
    values: dict[int, Array | None] = dict.fromkeys(sources, rows)
    for number in sorted(found):
        step = operations[number]
        inputs = [values[i] if isinstance(i, int) else _one(i) for i in step.inputs]
        values[number] = compute(step.kind, step.given, inputs)
    same = values[value.number]
    if len(sources) > 1 or same is None or not np.array_equal(same, rows):
        raise NotRead(_CHANGED)
    return value._replace(number=sources.pop())


def _one(array: Array | None) -> float | None:
    """Return a constant that is one number."""
    return float(array.ravel()[0]) if array is not None and array.size == 1 else None
