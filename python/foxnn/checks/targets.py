"""Checks of what a network is to learn: targets, class labels, and weights.

Where outputs have positions, so have targets: a label, a row of numbers or a weight for each. The
engine takes targets as a matrix, a row a sample. Labels are signed integers, which no other targets
are: a vector, or a row a sample.
"""

from __future__ import annotations

import math
from collections.abc import Sized

import numpy as np

from foxnn import _core
from foxnn.checks.arrays import Array, as_array, flat_samples, matrix, shape_of_samples
from foxnn.support import pieces
from foxnn.support.array_types import ArrayLike, NDArray

Shape = tuple[int, ...]

# What the targets of each loss are.
_TARGETS = {name: row["targets"] for name, row in _core.loss_traits().items()}
_SHOWN = {"binary_focal": "focal"}  # the names of losses as users know them
_TARGETS["outside"] = "outside"  # of a loss that is a function


def target_kind(loss: str) -> str:
    """Return what the targets of a loss are: "numbers", "counts", "classes", "sides" and so on.

    They are "repeated" where several outputs are for one target, and "outside" for a function.
    """
    return str(_TARGETS[loss])


def targets(
    values: ArrayLike,
    name: str,
    outputs: int,
    *,
    loss: str,
    single: bool,
    shape: tuple[int, ...] = (),
) -> Array:
    """Return targets as a matrix, or class labels as integers; `shape` is that of the outputs."""
    array = as_array(values, name)
    if len(shape) > 1:
        if _TARGETS[loss] == "classes" and has_labels(array.shape, shape[:-1]):
            by_position = array.reshape(len(array), math.prod(shape[:-1]))
            return _labels(by_position, name, shape[-1])
        array = flat_samples(array, name, shape, *_about_labels(array.shape, shape, loss))
    if array.ndim == 2 and array.shape[1] == 1 < outputs and _TARGETS[loss] == "classes":
        array = array[:, 0]  # a column of labels
    if array.ndim == 1 and _TARGETS[loss] == "classes":
        return _labels(array, name, outputs)
    if array.ndim == 1 and outputs == 1:
        array = array.reshape(-1, 1)
    if array.ndim == 1:
        raise ValueError(
            f"{name} must have shape (samples, {outputs}), got {array.shape} "
            "(class labels need loss='cross_entropy')"
        )
    kind = _TARGETS[loss]
    if array.ndim == 2 and array.shape[1] == 1 < outputs:
        raise ValueError(
            f"{name} must have shape (samples, {outputs}), got {array.shape} "
            "(a column of class labels needs loss='cross_entropy')"
        )
    array = matrix(array, name, outputs, "outputs", single=single, table=values)
    if kind in ("numbers", "repeated"):
        return array
    least, largest = pieces.extremes(array)
    if kind == "classes" and least < 0:
        raise ValueError(f"{name} must be shares of the classes, none below 0, got {least}")
    if kind == "counts" and least < 0:
        raise ValueError(f"{name} must be counts or rates, none below 0, got {least}")
    if kind == "sides" and (least < 0 or largest > 1):
        wrong = least if least < 0 else largest
        raise ValueError(f"{name} must be from 0 to 1 for {_SHOWN.get(loss, loss)}, got {wrong}")
    return array


def are_labels(checked: Array) -> bool:
    """Return whether targets, as `targets` returns them, are class labels."""
    return checked.dtype.kind == "i"


def has_labels(shape: Shape, positions: Shape) -> bool:
    """Return whether an array of a shape has one value for each position of each sample.

    It may be flat, and it may have a last axis of one value.
    """
    return shape[1:] in (positions, (*positions, 1), (math.prod(positions),))


def _about_labels(given: Shape, shape: Shape, loss: str) -> tuple[str, str]:
    """Return what targets at positions may be beside numbers, and a hint, for a message."""
    if _TARGETS[loss] == "classes":
        return f"{shape_of_samples(shape[:-1])} for labels, or ", ""
    are_meant = shape[-1] > 1 and given[1:] == shape[:-1]
    return "", " (class labels need loss='cross_entropy')" if are_meant else ""


def _labels(array: Array, name: str, outputs: int) -> Array:
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one label, got none")
    allowed = f"class labels in {name} must be whole numbers from 0 to {outputs - 1}"
    for part in pieces.slices(array) if array.dtype.kind == "f" else ():
        if not (whole := array[part] == np.floor(array[part])).all():
            raise ValueError(f"{allowed}, got {array[part][~whole][0]}")
    low, high = pieces.extremes(array)
    if low < 0 or high >= outputs:
        raise ValueError(f"{allowed}, got {low if low < 0 else high}")
    return signed(array, outputs)


def signed(array: Array, outputs: int) -> Array:
    """Return class labels from 0 to `outputs` - 1 as the engine takes them: signed integers."""
    kind = array.dtype
    if kind.kind not in "iu":
        return pieces.converted(array, np.int64)
    is_ready = kind.isnative and array.flags.c_contiguous and array.flags.aligned
    if is_ready and kind.kind == "i":
        return array
    # Labels keep their size: of a mask of bytes, a copy in 64 bits would be eight times as large.
    size = kind.itemsize
    if kind.kind == "u" and outputs - 1 > np.iinfo(f"i{size}").max:
        size *= 2
    if is_ready and size == kind.itemsize:
        return array.view(f"i{size}")  # the same numbers, since none is negative
    return pieces.converted(array, f"i{size}")


def weights(
    values: ArrayLike | None, name: str, samples: int, positions: Shape = ()
) -> NDArray[np.float64] | None:
    """Return weights of samples, or a row for each, one weight a position.

    They must be finite, none below 0, and not all of them 0.
    """
    if values is None:
        return None
    array = as_array(values, name)
    each = math.prod(positions)
    allowed = [(samples,), (samples, *positions), (samples, each)]
    if array.shape not in (allowed if each > 1 else allowed[:2]):
        hint = " (foxnn divides the samples into batches itself)" if array.ndim == 0 else ""
        more = f", or {allowed[1]}, one for each position" if positions else ""
        raise ValueError(
            f"{name} must have shape ({samples},), one for each sample{more}, got "
            f"{array.shape}{hint}"
        )
    array = array.reshape(samples, each) if array.ndim > 1 and each > 1 else array.reshape(samples)
    numbers = np.require(array, np.float64, ["C", "ALIGNED"])
    for part in pieces.slices(numbers):
        if not (right := np.isfinite(numbers[part]) & (numbers[part] >= 0)).all():
            wrong = numbers[part][~right][0]
            raise ValueError(f"{name} must be finite and at least 0, got {wrong}")
    if not numbers.any():
        raise ValueError(f"{name} must not all be 0")
    return near_one(numbers)


def near_one(weights: NDArray[np.float64], largest: float | None = None) -> NDArray[np.float64]:
    """Return weights divided by a power of two, so that the largest is between 0.5 and 1.

    Only their ratios matter, and their sums must not overflow; dividing by a power of two is exact.
    """
    exponent = np.frexp(weights.max(initial=0.0) if largest is None else largest)[1]
    scaled: NDArray[np.float64] = np.empty(weights.shape)
    for part in pieces.slices(weights):
        np.ldexp(weights[part], -exponent, out=scaled[part])
    return scaled


def same_length(x: Sized, y: Array, x_name: str = "x", y_name: str = "y") -> None:
    """Raise ValueError unless x and y have the same number of samples."""
    if len(x) != len(y):
        raise ValueError(
            f"{x_name} and {y_name} must hold the same number of samples, got {len(x)} and {len(y)}"
        )
