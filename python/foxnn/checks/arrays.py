"""Checks of arrays and tables, and their conversion into what the engine reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from foxnn import _core
from foxnn.checks.tables import from_objects, from_table, place_of, text_remedy
from foxnn.checks.values import shown
from foxnn.support import pieces
from foxnn.support.array_types import ArrayLike, NDArray

Array = NDArray[Any]
# Samples as the engine reads them.
Rows = Array | _core.SparseRows | _core.SequenceRows
# Those of one shape.
SameRows = Array | _core.SparseRows


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self) -> Any:
        """Return it by rows."""
        ...


# Samples as users pass them; only some functions take sparse ones, or lists of sequences.
SamplesLike = ArrayLike | SparseMatrix | Rows | Sequence[Any]

# NumPy types that the engine reads directly.
_ENGINE_TYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))
# Bytes checked in one call of the engine: some milliseconds, after which Ctrl-C takes effect, and
# enough to make a second thread worthwhile.
_AT_ONCE = 64 << 20
# Those of samples of the most axes, and one more: lists may be deeper than any array, or hold
# themselves.
_MOST_AXES = 6


def _plain_array(values: object, name: str) -> Array:
    try:
        return np.asarray(values)
    except TypeError:
        raise TypeError(f"{name} must hold real numbers, got {shown(values)}") from None


def is_sparse_matrix(values: object) -> bool:
    """Return whether an object is a sparse matrix or array of SciPy, of any format."""
    return hasattr(values, "nnz") and callable(getattr(values, "tocsr", None))


def as_array(values: SamplesLike, name: str) -> Array:
    """Return a NumPy array of numbers from an array, a (nested) list, or anything array-like."""
    if type(values) is np.ndarray and is_engine_type(values):  # at once: answers take 3 us
        return values
    if is_sparse_matrix(values) or isinstance(values, _core.SparseRows):
        shape = getattr(values, "shape", None)
        raise TypeError(
            f"{name} must be dense, got a sparse matrix of shape {shape}; its toarray() is an array"
        )
    try:
        if hasattr(values, "to_numpy") and (hasattr(values, "dtypes") or hasattr(values, "dtype")):
            array = from_table(values, name)
        elif isinstance(values, list | tuple):
            array = pieces.from_sequence(values)
        else:
            array = _plain_array(values, name)
    except ValueError as error:
        raise ValueError(
            f"{name} must be rectangular, but its rows differ: {_uneven(values, name) or error}"
        ) from None
    if isinstance(values, np.ma.MaskedArray) and (hidden := int(np.ma.getmaskarray(values).sum())):
        raise ValueError(f"{name} must not be masked, got {hidden} masked numbers")
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    if array.dtype == object and array.ndim > 0:
        array = from_objects(array, name, values)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} must hold real numbers, got {shown(values)} (dtype {array.dtype})"
            f"{text_remedy(array)}"
        )
    return array


def _uneven(values: object, name: str) -> str:
    """Return which items of a list have different shapes, for a message."""
    for _ in range(_MOST_AXES):
        if not isinstance(values, list | tuple) or not values:
            break
        shapes: list[tuple[int, ...]] = []
        for i, item in enumerate(values):
            shape = shape_of(item)
            if shape is None:
                values, name = item, f"{name}[{i}]"
                break
            if shapes and shape != shapes[0]:
                return f"{name}[0] has shape {shapes[0]}, {name}[{i}] has shape {shape}"
            shapes.append(shape)
        else:
            break
    return ""


def shape_of(values: object) -> tuple[int, ...] | None:
    """Return the shape of an array, a table or a (nested) list; None if it has none."""
    found = getattr(values, "shape", None)
    if isinstance(found, tuple):
        return found
    try:
        return np.asarray(values).shape
    except (ValueError, TypeError):  # of other kinds of objects, and of lists that are not even
        return None


def is_engine_type(array: Array) -> bool:
    """Return whether the engine reads numbers of this type directly."""
    return array.dtype in _ENGINE_TYPES


def is_engine_matrix(array: Array, columns: int) -> bool:
    """Return whether an array holds samples with so many columns that the engine reads in place."""
    return (
        array.ndim == 2
        and array.dtype in _ENGINE_TYPES
        and array.shape[1] == columns
        and array.shape[0] > 0
        and (columns == 1 or array.strides[1] == array.itemsize)
        and array.flags.aligned
    )


def engine_type(array: Array) -> Array:
    """Return the array in a type that the engine reads; itself if it has one already."""
    if is_engine_type(array):
        # Numbers in a buffer of bytes may be unaligned, which the engine does not read.
        return array if array.flags.aligned else pieces.converted(array)
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    with np.errstate(over="ignore"):  # too large a number becomes infinite
        return pieces.converted(array, np.float32 if narrow else np.float64)


def contiguous_rows(array: Array) -> Array:
    """Return a matrix with contiguous rows; itself if they already are."""
    if array.shape[1] <= 1 or array.strides[1] == array.itemsize:
        return array
    return pieces.converted(array)


def all_finite(array: Array, single: bool) -> bool:
    """Return whether all numbers are finite, and stay so in float32 where `single` is true."""
    return first_infinite(array.reshape(len(array), -1), single) is None


def first_infinite(rows: Array, single: bool) -> slice | None:
    """Return the first part of the rows with a number that is not finite."""
    if rows.nbytes <= _AT_ONCE and _core.all_finite(contiguous_rows(rows), single):
        return None
    for part in pieces.slices(rows, _AT_ONCE // rows.itemsize):
        if not _core.all_finite(contiguous_rows(rows[part]), single):
            return part
    return None


def matrix(
    values: SamplesLike,
    name: str,
    columns: int,
    what: str,
    *,
    single: bool = False,
    finite: bool = True,
    shape: tuple[int, ...] = (),
    table: object = None,
) -> Array:
    """Return samples as a matrix that the engine reads in place.

    Parameters
    ----------
    values : array-like of shape (samples, columns)
    name : str
        The argument's name, for messages.
    columns : int
        The required number of columns; -1 allows any.
    what : str
        What a column is ("inputs", "outputs"), for messages.
    single : bool
        Whether float32 must be able to hold the numbers.
    finite : bool
        Whether to check that the numbers are finite; the caller may have a cheaper way.
    shape : tuple of int
        The shape of a sample, if it has several axes; samples may have this shape, too.
    table : table, optional
        What the values were taken from, if it is not they that may have names of columns.

    Raises
    ------
    ValueError
        For another shape, no sample, an infinity or NaN.
    TypeError
        For anything but real numbers.
    """
    array = as_array(values, name)
    if len(shape) > 1:
        array = flat_samples(array, name, shape)
    if array.ndim != 2 or (columns >= 0 and array.shape[1] != columns):
        wanted = columns if columns >= 0 else what
        raise ValueError(
            f"{name} must have shape (samples, {wanted}), got {array.shape}"
            f"{_about_rows(array, name, columns)}"
        )
    if array.shape[0] == 0:
        raise ValueError(f"{name} must hold at least one sample, got shape {array.shape}")
    array = contiguous_rows(engine_type(array))
    if finite and (part := first_infinite(array, single)) is not None:
        with np.errstate(over="ignore"):
            wrong = ~np.isfinite(array[part].astype(np.float32) if single else array[part])
        row, column = (int(i) for i in np.argwhere(wrong)[0] + (part.start, 0))
        value, kind = array[row, column], " in float32" if single else ""
        remedy = "fill in what is missing, or leave out its sample or its column"
        if np.isfinite(value):
            remedy = "scale the column, or let the network be of dtype='float64'"
        place = place_of(values if table is None else table, row, column)
        raise ValueError(
            f"{name} must be finite{kind}, got {value} in {place}"
            + ("" if np.isinf(value) else f"; {remedy}")
        )
    return array


def _about_rows(array: Array, name: str, columns: int) -> str:
    """Return what a vector may be meant as, for a message."""
    if array.ndim != 1:
        return ""
    if array.size == columns:
        return f"; a single sample is [{name}]"
    return f"; one column is {name}.reshape(-1, 1)" if columns in (1, -1) else ""


def flat_samples(
    array: Array, name: str, shape: tuple[int, ...], more: str = "", hint: str = ""
) -> Array:
    """Return samples of a shape as rows, without a copy where they are contiguous.

    They may have the shape itself, be flat, or lack a last axis of one channel. For the message
    are `more`, which else is allowed, and a hint.
    """
    if array.shape[1:] == shape:  # fast path
        return array if len(shape) == 1 else array.reshape(len(array), math.prod(shape))
    flat = (math.prod(shape),)
    allowed = [shape, flat] + ([shape[:-1]] if shape[-1] == 1 and shape[:-1] != flat else [])
    if array.shape[1:] not in allowed:
        texts = more + " or ".join(map(shape_of_samples, allowed))
        hint = hint or _about_samples(array, name, shape)
        raise ValueError(f"{name} must have shape {texts}, got {array.shape}{hint}")
    return array if array.ndim == 2 else array.reshape(len(array), math.prod(shape))


def shape_of_samples(shape: tuple[int, ...]) -> str:
    """Return the shape of an array of samples, for messages."""
    return str(("samples", *shape)).replace("'", "")


def _about_samples(array: Array, name: str, shape: tuple[int, ...]) -> str:
    """Return what an array of another shape may be meant as, for a message."""
    if array.shape == shape or (shape[-1] == 1 and array.shape == shape[:-1]):
        return f"; a single sample is {name}[None]"
    if array.shape[1:] == (shape[-1], *shape[:-1]):
        return f"; channels are last: numpy.moveaxis({name}, 1, -1)"
    return ""
