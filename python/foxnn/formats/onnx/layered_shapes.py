"""What nodes that move numbers, or join values, make of a sample's shape and its order of axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foxnn.formats.onnx.constants import MOST_DIMENSIONS, Attributes, NotRead
from foxnn.formats.onnx.functions import FUNCTIONS
from foxnn.formats.onnx.layout import (
    Value,
    channels_first,
    flattened,
    is_in_place,
    is_last,
    places,
    plain,
)

APART = "expected the samples to stay apart"

_TURNED = "expected numbers in foxnn's order, which has channels last"


def reshaped(kind: str, given: Attributes, values: list[Any], value: Value) -> Value:
    """Return the value after a Flatten or Reshape."""
    shape = value.file_shape
    if kind == "Flatten":
        if given.get("axis", 1) not in (1, -len(shape)):
            raise NotRead(APART)
        return flattened(value, 0)
    wanted = values[1] if len(values) > 1 else None
    if not isinstance(wanted, np.ndarray) or wanted.dtype.kind != "i" or wanted.ndim != 1:
        raise NotRead("expected a constant shape")
    if not 2 <= wanted.size <= MOST_DIMENSIONS or (given.get("allowzero", 0) and 0 in wanted):
        raise NotRead(APART)
    first, *lengths = (int(n) for n in wanted)
    filled = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(lengths)]
    if filled.count(-1) == 1 and first == 0:
        rest = -math.prod(filled)
        if rest > 0 and math.prod(shape) % rest == 0:
            filled[filled.index(-1)] = math.prod(shape) // rest
    found = tuple(filled)
    right = first in (0, -1) and found and min(found) >= 1
    if not right or math.prod(found) != math.prod(shape):
        raise NotRead(APART)
    if len(found) == 1:
        return flattened(value, 0)
    if not value.is_plain:
        raise NotRead(_TURNED)
    return plain(0, found)


def merged(values: list[Any], value: Value) -> Value | None:
    """Return the value after a Reshape to rows of channels, of every position, or back from these.

    So exporters write a dense layer at each position. None if it is another Reshape.
    """
    wanted = values[1] if len(values) == 2 else None
    is_shape = isinstance(wanted, np.ndarray) and wanted.dtype.kind == "i" and wanted.ndim == 1
    if not is_shape or wanted is None:
        return None
    first, *lengths = wanted.tolist() or [0]
    if value.is_merged:
        if first not in (0, -1) or tuple(lengths) != value.shape:
            raise NotRead(APART)
        return value._replace(is_merged=False)
    is_rows = first == -1 and lengths == [value.shape[-1]] and len(value.shape) > 1
    is_right = is_rows and value.flat_of is None and value.order == plain(0, value.shape).order
    return value._replace(is_merged=True) if is_right and math.prod(value.shape[:-1]) > 1 else None


def check_merged(kind: str, given: Attributes, data: list[Value]) -> None:
    """Raise NotRead where positions that are rows would go into what is not alike for every row."""
    is_alike = kind in (*FUNCTIONS, "MatMul", "Gemm", "Reshape", "Identity", "Cast", "Dropout")
    is_alike = is_alike or (kind == "Softmax" and given.get("axis") == -1)
    kinds = {value.is_merged for value in data}
    if (True in kinds and not is_alike) or len(kinds) > 1:
        raise NotRead(APART)


def _named_axes(given: Attributes, values: list[Any]) -> list[int]:
    """Return the axes that a node names as attribute or input."""
    wanted = values[1] if len(values) > 1 else None
    named: list[int] | None = given.get("axes")
    if isinstance(wanted, np.ndarray) and wanted.dtype.kind == "i":
        named = wanted.reshape(-1).tolist()
    if not named or len(named) > MOST_DIMENSIONS:
        raise NotRead("expected constant axes")
    return named


def _axes(given: Attributes, values: list[Any], axes: int) -> list[int]:
    """Return the axes that a node names, counted with the samples from the front."""
    found = [axis + axes if axis < 0 else axis for axis in _named_axes(given, values)]
    if len(set(found)) < len(found) or not all(0 < axis < axes for axis in found):
        raise NotRead("expected the samples to stay the first axis")
    return found


def squeezed(value: Value, given: Attributes, values: list[Any]) -> Value:
    """Return a value without some axes of length 1."""
    gone = {value.order[axis - 1] for axis in _axes(given, values, len(value.order) + 1)}
    if any(value.shape[axis] != 1 for axis in gone) or len(gone) == len(value.order):
        raise NotRead("expected axes of length 1, and not all axes")
    kept = [axis for axis in range(len(value.shape)) if axis not in gone]
    order = tuple(kept.index(axis) for axis in value.order if axis in kept)
    return Value(0, tuple(value.shape[axis] for axis in kept), order)


def unsqueezed(value: Value, given: Attributes, values: list[Any]) -> Value:
    """Return a value with further axes of length 1."""
    if value.flat_of is not None:
        raise NotRead(_TURNED)
    axes = len(value.order) + len(_named_axes(given, values))
    if axes > MOST_DIMENSIONS:
        raise NotRead("expected fewer axes")
    new = {axis - 1 for axis in _axes(given, values, axes + 1)}
    lengths = iter(value.file_shape)
    shape = tuple(1 if axis in new else next(lengths) for axis in range(axes))
    if len(value.order) == 1 or value.order == tuple(range(len(value.order))):
        return plain(0, shape)
    if value.order != channels_first(len(value.order)) or 0 in new:
        raise NotRead(_TURNED)
    return Value(0, (*shape[1:], shape[0]), channels_first(axes))


def with_channels_first(value: Value) -> Value:
    """Return a value as one with its channels first in the file, if no number has to move."""
    axes = len(value.order)
    if axes > 1 and value.order == channels_first(axes):
        return value
    # The value's axes in the order that foxnn would have.
    order = (*value.order[1:], value.order[0])
    if axes < 2 or value.flat_of is not None or not is_in_place(value.shape, order):
        raise NotRead(
            "expected channels first, by a Transpose or after layers that have them first"
        )
    return Value(0, tuple(value.shape[axis] for axis in order), channels_first(axes))


def tiled(values: list[Any], value: Value) -> list[int]:
    """Return how often a Tile gives each position, of which there must be one where it is often."""
    wanted = values[1] if len(values) == 2 else None
    whole = (1, *value.file_shape)
    is_right = isinstance(wanted, np.ndarray) and wanted.dtype.kind == "i"
    if not is_right or wanted is None or wanted.shape != (len(whole),) or value.flat_of is not None:
        raise NotRead(f"expected {len(whole)} constant numbers of repetitions")
    repeats = [int(n) for n in wanted]
    pairs = list(zip(repeats, whole, strict=True))
    if repeats[0] != 1 or any(n < 1 or (n > 1 and length != 1) for n, length in pairs):
        raise NotRead("expected repetitions of axes of length 1")
    found = [0] * len(value.order)
    for axis, place in enumerate(value.order, 1):
        found[place] = repeats[axis]
    if found.pop() != 1 or not found:
        raise NotRead("expected repetitions of positions")
    return found


def is_over_positions(value: Value, given: Attributes, values: list[Any]) -> bool:
    """Return whether a mean or maximum is over all axes but the channels."""
    axes = len(value.order)
    if axes < 2:
        return False
    named = _axes(given, values, axes + 1)
    return sorted(value.order[axis - 1] for axis in named) == list(range(axes - 1))


def is_over_channels(kind: str, given: Attributes, values: list[Any], value: Value) -> bool:
    """Return whether a mean is over the channels of each position, and keeps their axis.

    tf2onnx writes a mean over the last of three axes as one over all axes but the first two.
    """
    if value.flat_of is not None or value.is_merged:
        return False
    if kind == "GlobalAveragePool":
        return value.order == (0, 1) and not is_in_place(value.shape, (1, 0))
    if kind != "ReduceMean" or not given.get("keepdims", 1):
        return False
    named = _named_axes(given, values)
    return len(named) == 1 and is_last(value, named[0])


def beside(given: Attributes, values: list[Any], data: list[Value]) -> Value:
    """Return values side by side, along the channels."""
    if len(data) < len(values):
        raise NotRead("expected values that depend on the samples")
    first = data[0]
    shapes = [value.shape for value in data]
    is_along = is_last(first, given.get("axis")) and all(v.flat_of is None for v in data)
    is_same = all(value.order == first.order for value in data)
    if not is_along or not is_same or any(s[:-1] != first.shape[:-1] for s in shapes):
        raise NotRead("expected values of the same positions, along the last axis")
    return first._replace(shape=(*first.shape[:-1], sum(s[-1] for s in shapes)))


def behind_dense(kind: str, given: Attributes, values: list[Any], value: Value) -> Value:
    """Return the value after a dense layer."""
    weights = values[1] if len(values) > 1 else None
    if not isinstance(weights, np.ndarray) or weights.ndim != 2 or weights.dtype.kind != "f":
        raise NotRead("expected samples times a matrix of constant weights")
    if given.get("transA", 0) or (kind == "Gemm" and len(value.file_shape) != 1):
        raise NotRead("expected samples in rows")
    if not is_last(value, -1):
        raise NotRead(_TURNED)
    turned = kind == "Gemm" and given.get("transB", 0)
    inputs, units = weights.shape[::-1] if turned else weights.shape
    if inputs != value.shape[-1] or units < 1:
        raise NotRead(f"expected weights for {value.shape[-1]} inputs, got {inputs}")
    return value._replace(shape=(*value.shape[:-1], units), flat_of=None)


def normalized(node: Any, given: Attributes, values: list[Any]) -> list[Any]:
    """Return the inputs of a BatchNormalization, with constants in foxnn's order of channels."""
    if given.get("training_mode", 0) or len([name for name in node.output if name]) > 1:
        raise NotRead("expected inference")
    value, *arrays = values
    width = value.shape[-1]
    if len(arrays) != 4 or given.get("spatial", 1) != 1:
        raise NotRead("expected a scale, a bias, a mean and a variance of each channel")
    for array in arrays:
        is_float = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        if not is_float or array.shape != (width,):
            raise NotRead(f"expected {width} numbers, one for each channel")
    if not (arrays[3] >= 0).all():
        raise NotRead("expected variances of at least 0")
    turned = places(value)
    return values if turned is None else [value, *(array[turned] for array in arrays)]


def embedded(given: Attributes, values: list[Any]) -> Value:
    """Return the rows of a constant table that a Gather takes by whole numbers."""
    table, numbers = values if len(values) == 2 else (None, None)
    is_table = isinstance(table, np.ndarray) and table.ndim == 2 and table.dtype.kind == "f"
    if not is_table or table is None or not table.size or given.get("axis", 0) != 0:
        raise NotRead("expected the rows of a constant matrix")
    if not isinstance(numbers, Value) or not numbers.is_plain:
        raise NotRead(_TURNED)
    return plain(0, (*numbers.shape, table.shape[1]))
