"""Columns of labels as arrays: of lists, arrays, and tables of pandas, Polars and the like.

Where outputs have positions, a sample has a label for each.

Numbers stay what they are, for the checks of numbers. Everything else becomes an array of True and
False, of strings, or of objects that are all strings.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.checks.arrays import Array
from foxnn.checks.targets import Shape, has_labels
from foxnn.checks.values import shown
from foxnn.support import pieces

# Values of a list that are made objects at once: some milliseconds, after which Ctrl-C acts.
_AT_ONCE = 1 << 16
_BOOLS = (bool, np.bool_)
_WHOLE = (int, np.integer)
_NUMBERS = (*_WHOLE, float, np.floating)


def column_of(values: Any, name: str, positions: Shape = ()) -> tuple[Any, list[Any] | None]:
    """Return labels as an array, and the order of the categories of a categorical column.

    Texts become a vector, or a row a sample where samples have positions. What can be no labels is
    returned as it is, for the checks of numbers to refuse.

    Raises
    ------
    TypeError, ValueError
        For missing labels, and for others than strings, whole numbers, and True and False.
    """
    order = None
    if isinstance(values, np.ma.MaskedArray):
        return values, None
    if isinstance(values, list | tuple):
        values = _of_sequence(values)
    elif hasattr(values, "to_numpy") and (hasattr(values, "dtypes") or hasattr(values, "dtype")):
        values, order = _of_table(values)
    if not isinstance(values, np.ndarray) or values.dtype.kind in "iufcb":
        return values, order
    if not is_column(values, positions):
        return values, None
    flat = values.reshape(-1)
    if values.dtype.kind not in "UOT":
        raise TypeError(_wanted(name, flat[0] if len(flat) else values))
    if values.dtype.kind != "U":
        flat = _of_objects(flat.astype(object), name, len(flat) // max(1, len(values)))
    return flat.reshape(len(values), -1) if positions and len(flat) else flat, order


def is_column(array: Array, positions: Shape = ()) -> bool:
    """Return whether an array has one value for each sample, or for each of its positions."""
    return array.ndim > 0 and has_labels(array.shape, positions)


def _of_sequence(values: Any) -> Any:
    """Return a list or tuple as an array: of numbers, of bools, or of objects."""
    try:
        array = pieces.from_sequence(values)
        if array.dtype.kind in "iufb":
            return array
        # NumPy would make strings of all, so that 1 and "1" were one label.
        parts = [
            np.array(values[i : i + _AT_ONCE], object) for i in range(0, len(values), _AT_ONCE)
        ]
        if len({part.shape[1:] for part in parts}) != 1:
            return values
        return np.concatenate(parts)
    except (ValueError, TypeError):
        return values


def _of_table(table: Any) -> tuple[Any, list[Any] | None]:
    """Return the column of a table as an array, with the order of its categories."""
    shape: tuple[int, ...] = getattr(table, "shape", ())
    if len(shape) == 2:
        if shape[1] != 1 or getattr(table, "columns", None) is None:
            return table, None
        table = table[table.columns[0]]
    dtype: Any = getattr(table, "dtype", None)
    library = type(table).__module__.partition(".")[0]
    if getattr(dtype, "kind", "O") in "iuf":
        return table, None  # nullable numbers, too
    # Polars' Categorical, unlike its Enum, has its categories in the order of their appearance.
    has_order = hasattr(dtype, "categories") if library == "pandas" else "Enum" in str(dtype)
    order = list(dtype.categories) if has_order else None
    array = np.asarray(table.to_numpy())
    # Polars has numbers without a kind.
    return (array if array.dtype.kind in "iufbUO" else table), order


def _of_objects(labels: Array, name: str, each: int) -> Array:
    """Return objects as an array of numbers or bools, or as they are where all are strings.

    A sample has `each` of them.
    """
    kinds = set[type]()
    for part in pieces.slices(labels, _AT_ONCE):
        kinds.update(map(type, labels[part].tolist()))
    if all(issubclass(kind, str) for kind in kinds):
        return labels
    for i, label in enumerate(labels.tolist()):
        if _is_missing(label):
            raise ValueError(
                f"{name} must have no missing labels, got {shown(label)} in sample {i // each}"
            )
        if not isinstance(label, (str, *_BOOLS, *_NUMBERS)):
            raise TypeError(_wanted(name, label))
    if all(issubclass(kind, _BOOLS) for kind in kinds):
        return labels.astype(bool)
    are_bools = any(issubclass(kind, _BOOLS) for kind in kinds)
    if are_bools or not all(issubclass(kind, _NUMBERS) for kind in kinds):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(f"labels in {name} must be of one kind, got {names}")
    whole = all(issubclass(kind, _WHOLE) for kind in kinds)
    array = np.array(labels.tolist()) if whole else labels.astype(np.float64)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"labels in {name} must be whole numbers of 64 bits at most")
    return array


def _is_missing(label: object) -> bool:
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, float | np.floating) and bool(label != label)


def _wanted(name: str, label: object) -> str:
    return f"labels in {name} must be strings, whole numbers or True and False, got {shown(label)}"
