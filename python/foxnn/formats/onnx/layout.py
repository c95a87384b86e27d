"""Values of an ONNX graph and the order of their axes: foxnn's channels are last, ONNX's first.

A Transpose becomes no layer: it gives the same value with its axes in another order. What is
flattened in the file's order is recorded, too, so that the weights of the next dense layer can be
permuted.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.constants import NotRead

Shape = tuple[int, ...]
Order = tuple[int, ...]


class Value(NamedTuple):
    """A value that depends on the samples."""

    number: int  # of the operation; 0 is the input
    shape: Shape  # of a sample, as foxnn has it
    order: Order  # of the file's axes each one's place in `shape`
    flat_of: tuple[Shape, Order] | None = None  # what was flattened in the file's order
    is_whole: bool = False  # a Cast has made whole numbers of it
    pads: tuple[tuple[int, int], ...] = ()  # zeros around each axis of positions, not in `shape`
    is_merged: bool = False  # in the file its positions are rows, as samples are

    @property
    def file_shape(self) -> Shape:
        """The shape of a sample in the file, or of a row."""
        if self.is_merged:
            return self.shape[-1:]
        return tuple(self.shape[axis] for axis in self.order)

    @property
    def is_plain(self) -> bool:
        """Whether its numbers lie in the file as they do in foxnn."""
        is_whole = self.flat_of is None and not self.is_merged
        return is_whole and is_in_place(self.shape, self.order)


def plain(number: int, shape: Shape) -> Value:
    """Return a value with the same order of axes in the file and in foxnn."""
    return Value(number, shape, tuple(range(len(shape))))


def channels_first(axes: int) -> Order:
    """Return the order of a value with so many axes whose channels are first in the file."""
    return (axes - 1, *range(axes - 1))


def is_in_place(shape: Shape, order: Order) -> bool:
    """Return whether numbers stay where they are when axes get an order."""
    moved = [axis for axis in order if shape[axis] > 1]
    return moved == sorted(moved)


def transposed(value: Value, wanted: list[int] | None) -> Value:
    """Return the value after a Transpose."""
    axes = len(value.order)
    if wanted is None or sorted(wanted) != list(range(axes + 1)) or wanted[0] != 0:
        raise NotRead("expected the samples to stay the first axis")
    return value._replace(order=tuple(value.order[axis - 1] for axis in wanted[1:]))


def flattened(value: Value, number: int) -> Value:
    """Return the value after a Flatten, which is the operation of this number."""
    told = value.flat_of
    if told is None and not value.is_plain:
        told = value.shape, value.order
    return Value(number, (math.prod(value.shape),), (0,), told)


def places(value: Value) -> Array | None:
    """Return for each number of a flat value its place in the file, or None if that is the same."""
    if value.flat_of is None:
        return None
    shape, order = value.flat_of
    found: Array = np.arange(math.prod(shape)).reshape(shape).transpose(order).reshape(-1).argsort()
    return found


def constant_as_ours(array: Array, value: Value) -> Array:
    """Return a constant that is computed with a value, in foxnn's order of axes."""
    whole = (1, *value.file_shape)  # the same for every sample
    pairs = zip(array.shape[::-1], whole[::-1], strict=False)
    if array.ndim > len(whole) or any(a not in (1, b) for a, b in pairs):
        raise NotRead(f"expected a constant for each column, got shape {array.shape}")
    is_in_order = value.flat_of is None and value.order == tuple(range(len(value.order)))
    if array.size == 1 or is_in_order:
        return array
    turned = places(value)
    if turned is not None:
        return array.reshape(-1)[turned]
    spread: Array = array.reshape((1,) * (len(whole) - array.ndim) + array.shape)[0]
    spread = spread.transpose([value.order.index(axis) for axis in range(len(value.order))])
    return spread


def is_last(value: Value, axis: int | None) -> bool:
    """Return whether an axis of the file, counted with the samples, holds the channels."""
    axes = len(value.order)
    if axis is None or not -axes <= axis <= axes or axis == 0:
        return False
    return value.order[axis if axis < 0 else axis - 1] == axes - 1


def is_innermost(value: Value, axis: int | None) -> bool:
    """Return whether nothing lies behind an axis of the file, counted with the samples."""
    axes = len(value.order)
    if axis is None or not -axes <= axis <= axes or axis == 0:
        return False
    behind = value.file_shape[axis + axes + 1 if axis < 0 else axis :]
    return math.prod(behind) == 1
