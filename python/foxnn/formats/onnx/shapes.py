"""Shapes in ONNX graphs: what they are after a node, and shapes that nodes compute.

Exporters write `x.view(x.size(0), -1)` as five nodes, which take a shape apart and build another.
Only shapes are understood that leave each sample as one row of all its numbers.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from foxnn.formats.onnx.constants import MOST_DIMENSIONS, Attributes

# The first is that of the samples; None where it is not known.
Dimensions = tuple["int | None", ...]


# A dimension other than the first that is not known; no shape may be built of it.
UNKNOWN = -2


class Sizes(NamedTuple):
    """Dimensions that nodes compute with; None is the number of samples."""

    values: list[int | None]
    is_single: bool = False


def width_of(dimensions: Dimensions) -> int | None:
    """Return how many numbers a sample has."""
    known = [d for d in dimensions[1:] if d is not None]
    return math.prod(known) if len(known) == len(dimensions) - 1 else None


def sizes_of(value: object) -> list[int | None] | None:
    """Return the numbers of a shape, given as a constant or computed."""
    if isinstance(value, Sizes):
        return None if value.is_single else value.values
    if isinstance(value, np.ndarray) and value.dtype.kind == "i" and value.ndim == 1:
        return list(value.tolist()) if value.size <= MOST_DIMENSIONS else None
    return None


def behind(
    kind: str, given: Attributes, values: list[Any], before: Dimensions
) -> Dimensions | None:
    """Return the dimensions after a node that only moves numbers, or None if it does more."""
    if kind == "Flatten":
        is_first = given.get("axis", 1) in (1, 1 - len(before))
        return (before[0], width_of(before)) if is_first else None
    wanted = sizes_of(values[1]) if len(values) > 1 else None
    if kind == "Reshape" and wanted is not None and len(wanted) == 2:
        return _reshaped(wanted, before)
    if kind == "Squeeze" and before[1:] == (1,):
        axes = given.get("axes", wanted)
        return before if axes in ([1], [-1]) else None  # a number a sample: as a row of one
    return None


def _reshaped(wanted: list[int | None], before: Dimensions) -> Dimensions | None:
    rows, columns = wanted
    width = width_of(before)
    if columns == -1 and rows != -1:
        columns = width
        if width is None and len(before) > 2:
            return None
    elif columns == 0 and len(before) == 2:
        columns = before[1]
    elif columns is None or columns < 1 or columns != (width or columns):
        return None
    return (before[0], columns) if rows in (None, 0, -1, before[0]) else None


def _product(
    first: list[int | None], second: list[int | None] | None, is_single: bool
) -> Sizes | None:
    """Return the product of two lengths, or None where it is no length."""
    numbers = [*first, *(second or [])]
    if len(first) != 1 or len(numbers) != 2 or None in numbers:
        return None
    product = math.prod(number for number in numbers if number is not None)
    return Sizes([product], is_single) if 0 <= product < 2**31 else None


def _count(lengths: list[int | None]) -> int | None:
    """Return the product of lengths: that of the samples, a number, or -1 where both are in it."""
    known = math.prod(length for length in lengths if length is not None)
    is_of_samples = None in lengths
    return (None if known == 1 else -1) if is_of_samples else known


def computed(kind: str, values: list[Any], keeps: bool = True) -> Sizes | None:
    """Return what a node makes of shapes, or None where it is not understood.

    `keeps` says whether a product over an axis keeps it.
    """
    first = sizes_of(values[0])
    if kind == "Concat":
        parts = [sizes_of(value) for value in values]
        joined = [size for part in parts if part is not None for size in part]
        return None if None in parts or len(joined) > MOST_DIMENSIONS else Sizes(joined)
    if kind in ("Cast", "Identity", "Unsqueeze", "Squeeze") and isinstance(values[0], Sizes):
        is_single = kind == "Squeeze" or (kind != "Unsqueeze" and values[0].is_single)
        return Sizes(values[0].values, is_single)
    if kind == "Mul" and first is not None and len(values) == 2:
        second = sizes_of(values[1])
        return _product(first, second, isinstance(values[0], Sizes) and values[0].is_single)
    if kind == "ReduceProd" and first is not None and isinstance(values[0], Sizes):
        return Sizes([_count(first)], is_single=not keeps)
    if kind == "Reshape" and isinstance(values[0], Sizes) and len(values[0].values) == 1:
        lengths = sizes_of(values[1]) if len(values) == 2 else None
        return Sizes(values[0].values, not lengths) if lengths in ([], [-1], [1]) else None
    if first is None or not all(isinstance(value, np.ndarray) for value in values[1:]):
        return None
    is_list = len(values) == 2 and values[1].ndim == 1 and values[1].dtype.kind == "i"
    if kind == "Gather" and is_list:
        places = values[1].tolist()
        is_within = all(-len(first) <= place < len(first) for place in places[:MOST_DIMENSIONS])
        is_short = len(places) <= MOST_DIMENSIONS
        return Sizes([first[place] for place in places]) if is_short and is_within else None
    index = [int(v.ravel()[0]) for v in values[1:] if v.size == 1 and v.dtype.kind == "i"]
    if kind == "Gather" and len(index) == 1 and -len(first) <= index[0] < len(first):
        return Sizes([first[index[0]]], values[1].ndim == 0)
    if kind == "Slice" and len(index) == len(values) - 1 and index[2:] in ([], [0], [0, 1]):
        return Sizes(first[index[0] : index[1]]) if len(index) > 1 else None
    return None
