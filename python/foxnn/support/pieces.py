"""Long operations on arrays, done in pieces so that Ctrl-C takes effect between them.

NumPy does not check for signals while it computes, and converting some gigabytes takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from foxnn.support.array_types import DTypeLike, NDArray

Array = NDArray[Any]

# Numbers per piece: a few milliseconds, compared to which the overhead of a call is negligible.
_NUMBERS = 1 << 20
# The same for lists, whose numbers are objects: a piece needs little memory compared to them.
_OBJECTS = 1 << 13


def slices(array: Array, numbers: int = _NUMBERS) -> Iterator[slice]:
    """Yield the parts of an array's first axis."""
    rows = len(array)
    step = max(1, numbers * rows // max(1, array.size))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def converted(array: Array, dtype: DTypeLike | None = None) -> Array:
    """Return a copy in C order, of another type if one is given."""
    out: Array = np.empty(array.shape, array.dtype if dtype is None else dtype)
    copy_into(out, array)
    return out


def of_type(array: Array, dtype: DTypeLike) -> Array:
    """Return an array as the engine takes it: of that type, in C order and aligned."""
    right = array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned
    return array if right else converted(array, dtype)


def copy_into(target: Array, source: Array) -> None:
    """Copy an array into another one of its shape."""
    if source.size <= _NUMBERS:
        target[...] = source
        return
    for part in slices(source):
        target[part] = source[part]


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array with any numbers.

    One without rows has the strides of one with rows, by which the engine knows its numbers to lie
    next to each other; NumPy sets those of a new one to 0.
    """
    return np.empty((max(1, shape[0]), *shape[1:]), dtype)[: shape[0]]


def taken(array: Array, which: Array) -> Array:
    """Return the rows at some positions."""
    out = empty((len(which), *array.shape[1:]), array.dtype)
    if out.size <= _NUMBERS:
        out[...] = array[which]
        return out
    for part in slices(out):
        out[part] = array[which[part]]
    return out


def extremes(array: Array) -> tuple[Any, Any]:
    """Return the smallest and the largest number of an array that is not empty."""
    if array.size <= _NUMBERS:  # at once: the methods take as long for what they wrap
        return np.minimum.reduce(array, axis=None), np.maximum.reduce(array, axis=None)
    ends = [(array[part].min(), array[part].max()) for part in slices(array)]
    return min(least for least, _ in ends), max(largest for _, largest in ends)


def column_extremes(array: Array) -> tuple[Array, Array]:
    """Return the smallest and the largest number of each column."""
    ends = [(array[part].min(axis=0), array[part].max(axis=0)) for part in slices(array)]
    least, largest = zip(*ends, strict=True)
    return np.min(least, axis=0), np.max(largest, axis=0)


def from_sequence(values: Sequence[Any]) -> Array:
    """Return a list or tuple of any objects as an array.

    Raises
    ------
    ValueError
        If its rows differ in shape.
    """
    rows = max(1, _OBJECTS // _width(values[0])) if values else 1
    if len(values) <= rows:
        return np.asarray(values)
    out: Array = np.empty(0)
    for first in range(0, len(values), rows):
        part = np.asarray(values[first : first + rows])
        if first == 0:
            out = np.empty((len(values), *part.shape[1:]), part.dtype)
        if part.shape[1:] != out.shape[1:]:
            raise ValueError(f"some have shape {out.shape[1:]}, others {part.shape[1:]}")
        kind = np.result_type(out, part)
        if kind.kind not in "fiub":  # not numbers
            return part.astype(kind)
        if kind != out.dtype:
            out = converted(out, kind)
        out[first : first + len(part)] = part
    return out


def _width(value: object) -> int:
    """Return the approximate number of numbers in a row."""
    try:
        return max(1, len(value))  # type: ignore[arg-type]
    except TypeError:
        return 1
