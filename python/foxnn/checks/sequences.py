"""Sequences of different lengths: lists of arrays, or padded arrays with `lengths`.

The engine takes them as rows that are as long as the longest one, and never looks at what follows
a sequence in its row: neither do the checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from foxnn import _core
from foxnn.checks.arrays import (
    Array,
    all_finite,
    as_array,
    contiguous_rows,
    engine_type,
    shape_of,
    shape_of_samples,
)
from foxnn.checks.lists import depth, is_list, listed, steps_of
from foxnn.checks.values import shown
from foxnn.support import pieces
from foxnn.support.array_types import NDArray

Lengths = NDArray[np.int64]


class Padded(NamedTuple):
    """Samples of a number of steps each, padded to the longest, and how they were given.

    Attributes
    ----------
    values : ndarray of shape (samples, steps, ...)
    lengths : ndarray of int64
    width : int
        The steps of the array that was given.
    is_list : bool
        Whether a list of arrays was given.
    """

    values: Array
    lengths: Lengths
    width: int
    is_list: bool

    @property
    def longest(self) -> int:
        """The steps of the longest."""
        return int(self.lengths.max())


def padded(
    values: Any, lengths: Any, name: str, tail: tuple[int, ...], lengths_name: str = "lengths"
) -> Padded:
    """Return samples whose steps have the shape `tail`: () or (channels,).

    Parameters
    ----------
    values : array-like of shape (samples, steps, ...), or a list of arrays (steps, ...)
        Where there is one channel, its axis may be missing.
    lengths : array-like of int, optional
        The steps of each sample of an array; by default all of them.
    name, lengths_name : str
        The names of the arguments, for messages.
    tail : tuple of int

    Raises
    ------
    ValueError, TypeError
        For other shapes, empty sequences, and lengths that do not fit.
    """
    values = listed(values)
    if is_list(values, tail):
        if lengths is None:
            return _of_list(values, name, tail)
        if shape_of(values) is None:
            raise ValueError(
                f"{lengths_name} must be left out where {name} is a list of arrays, which have "
                "their own"
            )
    array = as_array(values, name)
    if tail == (1,) and array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 2 + len(tail) or array.shape[2:] != tail:
        wanted = str(("samples", "steps", *tail)).replace("'", "")
        raise ValueError(
            f"{name} must have shape {wanted}, or be a list of arrays of shape "
            f"{_shown(tail)}, got {array.shape}{_about_one(array, name, tail)}"
        )
    if len(array) == 0:
        raise ValueError(f"{name} must hold at least one sample, got shape {array.shape}")
    if array.shape[1] == 0:
        raise ValueError(f"{name} must hold sequences of at least one step, got {array.shape}")
    found = np.full(len(array), array.shape[1], np.int64)
    if lengths is not None:
        found = checked_lengths(lengths, lengths_name, len(array), array.shape[1])
    return Padded(array[:, : int(found.max())], found, array.shape[1], False)


def _of_list(values: Sequence[Any], name: str, tail: tuple[int, ...]) -> Padded:
    arrays = []
    for i, one in enumerate(values):
        array = steps_of(one, f"{name}[{i}]")
        if tail == (1,) and array.ndim == 1:
            array = array[:, None]
        if array.ndim > 0 and len(array) == 0:
            raise ValueError(f"{name}[{i}] must hold at least one step, got shape {array.shape}")
        if array.ndim != 1 + len(tail) or array.shape[1:] != tail:
            raise ValueError(
                f"{name}[{i}] must have shape {_shown(tail)}, as all arrays of the list, got "
                f"{array.shape}"
            )
        arrays.append(engine_type(array))
    lengths = np.array([len(array) for array in arrays], np.int64)
    kind = np.result_type(*{array.dtype for array in arrays})
    out = np.zeros((len(arrays), int(lengths.max()), *tail), kind)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return Padded(out, lengths, out.shape[1], True)


def _about_one(array: Array, name: str, tail: tuple[int, ...]) -> str:
    """Return how a sequence by itself is given, for a message."""
    is_one = array.ndim == 1 + len(tail) and array.shape[1:] == tail
    if not is_one and not (array.ndim == 1 and tail == (1,)):
        return ""
    return f"; a single sequence is [{name}], and get_out takes it as it is"


def _shown(tail: tuple[int, ...]) -> str:
    return str(("steps", *tail)).replace("'", "") if tail else "(steps,)"


def checked_lengths(given: Any, name: str, samples: int, most: int) -> Lengths:
    """Return the steps of each sample, from 1 to `most`."""
    of_mask = "; of a mask, they are mask.sum(axis=1)"
    array = as_array(given, name)
    if np.asarray(given).dtype == bool:
        raise TypeError(f"{name} must be whole numbers, got True and False{of_mask}")
    if array.shape != (samples,):
        hint = of_mask if array.shape == (samples, most) else ""
        raise ValueError(
            f"{name} must have shape ({samples},), one for each sample, got {array.shape}{hint}"
        )
    if array.dtype.kind == "f" and not (whole := array == np.floor(array)).all():
        raise ValueError(f"{name} must be whole numbers, got {array[~whole][0]}")
    if not (right := (array >= 1) & (array <= most)).all():
        at = int(np.argmin(right))
        raise ValueError(
            f"{name} must be from 1 to {most}, the steps of the padded array, got "
            f"{array[at]} for sample {at}"
        )
    return array.astype(np.int64)


def mask_of(lengths: Lengths, steps: int) -> NDArray[np.bool_]:
    """Return which of so many steps each sample has."""
    there: NDArray[np.bool_] = np.arange(steps) < lengths[:, None]
    return there


def rows_of(
    given: Padded, outputs: Lengths | None, name: str, *, single: bool, finite: bool
) -> Array | _core.SequenceRows:
    """Return samples as the engine reads them: rows, or sequences where their lengths differ.

    Parameters
    ----------
    given : Padded
    outputs : ndarray, optional
        How many positions the outputs of each sample have, if they have any.
    name, single, finite
        As for `checks.matrix`.
    """
    values = contiguous_rows(engine_type(given.values).reshape(len(given.values), -1))
    if int(given.lengths.min()) == given.longest:
        rows: Array | _core.SequenceRows = values
        good = not finite or all_finite(values, single)
    else:
        width = values.shape[1] // given.longest
        rows = _core.SequenceRows(values, given.lengths, width, outputs)
        good = not finite or _core.all_finite(rows, single)
    if not good:
        _refuse_infinite(given, name, single)
    return rows


def _refuse_infinite(given: Padded, name: str, single: bool) -> None:
    kind = " in float32" if single else ""
    for i, length in enumerate(given.lengths):
        some = given.values[i, :length].reshape(int(length), -1)
        with np.errstate(over="ignore"):
            wrong = ~np.isfinite(some.astype(np.float32) if single else some)
        if wrong.any():
            step, channel = (int(k) for k in np.argwhere(wrong)[0])
            raise ValueError(
                f"{name} must be finite{kind}, got {some[step, channel]} in sample {i}, step "
                f"{step}, channel {channel}"
            )


def steps_taken(rows: _core.SequenceRows, which: Array) -> _core.SequenceRows:
    """Return the sequences at some positions, as a copy."""
    outputs = rows.output_lengths
    return _core.SequenceRows(
        pieces.taken(rows.values, which),
        rows.lengths[which],
        rows.step_columns,
        None if outputs is None else outputs[which],
    )


def fitted_targets(
    values: Any,
    name: str,
    lengths: Lengths,
    steps: int,
    width: int,
    rest: tuple[int, ...],
    *,
    of_list: bool,
    takes_labels: bool,
) -> Any:
    """Return targets or weights of positions, as wide as the longest outputs.

    What is beyond the outputs of a sample becomes its first position's, in a copy: it counts
    nowhere, but checks see it.

    Parameters
    ----------
    values : array-like of shape (samples, positions, ...), or a list of arrays
    name : str
    lengths : ndarray
        The positions of each sample's outputs.
    steps : int
        Those of the longest.
    width : int
        Those that belong to the padded inputs.
    rest : tuple of int
        The further axes that numbers have.
    of_list : bool
        Whether x was a list of arrays, so that nested lists are no padded array either.
    takes_labels : bool
        Whether labels are allowed, for messages.
    """
    values = listed(values)
    is_listed = isinstance(values, list | tuple) and any(depth(one) > 0 for one in values)
    if is_listed and (of_list or any(len(one) != width for one in values if depth(one) > 0)):
        arrays = [_plain(listed(one), f"{name}[{i}]") for i, one in enumerate(values)]
        if len(arrays) != len(lengths):
            raise ValueError(
                f"{name} must hold one array for each of the {len(lengths)} samples, got "
                f"{len(arrays)}"
            )
        for i, (array, length) in enumerate(zip(arrays, lengths, strict=True)):
            if array.ndim == 0 or len(array) != length or array.shape[1:] != arrays[0].shape[1:]:
                many = "1 position" if length == 1 else f"{length} positions"
                raise ValueError(
                    f"{name}[{i}] must have {many}, as many as the outputs for x[{i}], got shape "
                    f"{array.shape}"
                )
        if len({array.dtype.kind in "US" for array in arrays}) > 1:
            raise TypeError(f"{name} must hold labels of one kind, got texts and others")
        out = np.empty((len(arrays), steps, *arrays[0].shape[1:]), np.result_type(*arrays))
        for row, array in zip(out, arrays, strict=True):
            row[: len(array)], row[len(array) :] = array, array[:1]
        return out
    array = _plain(values, name)
    has_positions = array.ndim >= 2 and len(array) == len(lengths)
    if not has_positions or array.shape[1] < steps or array.shape[1] not in {steps, width}:
        allowed = shape_of_samples((width, *rest))
        if takes_labels or rest == (1,):
            labels = " for labels" if takes_labels else ""
            allowed = f"{shape_of_samples((width,))}{labels} or {allowed}"
        raise ValueError(
            f"{name} must have shape {allowed}, or be a list of arrays, got {array.shape}"
        )
    array = array[:, :steps]
    if (lengths == steps).all():
        return array
    beyond = ~mask_of(lengths, steps)
    out = array.copy()
    out[beyond] = np.repeat(array[:, :1], steps, axis=1)[beyond]
    return out


def _plain(values: Any, name: str) -> Array:
    """Return numbers or labels of positions as an array, which other checks look at."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"{name} must be an array of positions, got {shown(values)}") from None
