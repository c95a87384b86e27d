"""Lists with an array for each sample, however they are held, and the columns of their tables."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from foxnn.checks.arrays import Array, as_array
from foxnn.checks.tables import column_names, same_columns


def listed(values: Any) -> Any:
    """Return a list in place of an array or a column of objects that are arrays or lists.

    So NumPy, pandas and Polars hold what is ragged. Anything else is returned as it is.
    """
    array = values
    if not isinstance(array, np.ndarray):
        if isinstance(values, list | tuple):
            return values
        shape = getattr(values, "shape", ())
        if not isinstance(shape, tuple) or len(shape) != 1 or not hasattr(values, "to_numpy"):
            return values
        kind = str(getattr(values, "dtype", "object")).lower()
        if kind != "object" and not kind.startswith(("list", "array")):  # numbers, texts
            return values
        array = np.asarray(values.to_numpy())
    if not array.dtype.hasobject or array.ndim != 1 or not any(depth(one) for one in array[:1]):
        return values
    return list(array)


def steps_of(values: Any, name: str) -> Array:
    """Return a sequence as an array of numbers, even if its steps are objects."""
    try:
        return as_array(values, name)
    except (TypeError, ValueError):
        if (steps := listed(values)) is values:
            raise
    return as_array(steps, name)


def is_list(values: object, tail: tuple[int, ...]) -> bool:
    """Return whether samples are a list with an array for each, and not one array of numbers."""
    if not isinstance(values, list | tuple) or not values:
        return False
    depths = {1 + len(tail), *([1] if tail == (1,) else [])}
    return any(depth(one) in depths for one in values)


def depth(value: object) -> int:
    """Return the number of axes of an array or of nested lists."""
    found = 0
    while isinstance(value, list | tuple) or _holds_arrays(value):
        found += 1
        if len(value) == 0:
            return found
        value = value[0]
    shape = getattr(value, "shape", ())
    return found + len(shape) if isinstance(shape, tuple) else found


def refuse_uneven(values: object, name: str, shape: tuple[int, ...]) -> None:
    """Raise ValueError for sequences of different lengths in place of samples of one shape."""
    values = listed(values)
    if not isinstance(values, list | tuple) or not values:
        return
    lengths = {len(one) for one in values if depth(one) == len(shape)}
    if len(lengths) > 1:
        any_length = str((None, *shape[1:]))
        raise ValueError(
            f"{name} must hold samples of shape {shape}, got sequences of {min(lengths)} to "
            f"{max(lengths)} steps; a network of shape {any_length} reads sequences of any length"
        ) from None


def may_be_padded(values: object, tail: tuple[int, ...]) -> bool:
    """Return whether samples without lengths may be padded: an array, or nested lists as even."""
    values = listed(values)
    if not isinstance(values, list | tuple) or not is_list(values, tail):
        return True
    return all(isinstance(one, list | tuple) and len(one) == len(values[0]) for one in values)


def _holds_arrays(value: Any) -> TypeGuard[Any]:
    """Return whether an array has objects that may be arrays."""
    return isinstance(value, np.ndarray) and value.dtype.hasobject and value.ndim == 1


def same_columns_of_each(values: object, name: str, seen: list[str] | None) -> None:
    """Raise ValueError unless the tables of a list have the columns seen earlier, or the same."""
    if isinstance(values, np.ndarray) and not values.dtype.hasobject:  # at once
        return
    values = listed(values)
    if not isinstance(values, list | tuple):
        # A single sequence; the columns of a table of any other width are steps.
        if seen is not None and len(column_names(values) or ()) == len(seen):
            same_columns(values, name, seen)
        return
    if set(map(type, values)) == {np.ndarray}:  # at once, too
        return
    first = ""
    for i, table in enumerate(values):
        if (names := _of_table(table)) is None:
            continue
        if first and names != seen:
            raise ValueError(
                f"{name}[{i}] must have the columns of {first}, in their order "
                f"({', '.join(seen or ())}), got {', '.join(names)}"
            )
        same_columns(table, f"{name}[{i}]", seen)
        if seen is None:
            first, seen = f"{name}[{i}]", names


def names_of_each(values: object) -> list[str] | None:
    """Return the column names of the first table in a list of arrays and tables."""
    values = listed(values)
    if not isinstance(values, list | tuple):
        return None
    return next((names for table in values if (names := _of_table(table)) is not None), None)


def _of_table(table: object) -> list[str] | None:
    """Return the names of a table's columns; those of an array or a column are None."""
    if isinstance(table, np.ndarray | list | tuple) or not hasattr(table, "columns"):
        return None
    return column_names(table)
