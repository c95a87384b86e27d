"""Tables (pandas, Polars) and arrays of objects, as arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.checks.values import shown
from foxnn.support import pieces
from foxnn.support.array_types import NDArray

Array = NDArray[Any]

# Objects converted at once; looking at each of them takes some milliseconds.
_AT_ONCE = 1 << 15
# Texts that are examined for a message: several rows of a usual table.
_LOOKED_AT = 1000
# What can be done about a column that holds something else.
_TEXT = "leave it out or encode it, one column per value, as pandas.get_dummies does"
_NUMBERS_AS_TEXT = "convert it, as pandas.to_numeric does"
_REMEDIES = {
    "M": "turn it into numbers, such as seconds since some moment",
    "m": "turn it into numbers, such as seconds",
    "c": "divide it into real and imaginary parts",
}
# The same for types that are known by name: those of Polars, and pandas' categories.
_REMEDIES_BY_NAME = {
    **dict.fromkeys(("Date", "Datetime", "Time"), _REMEDIES["M"]),
    **dict.fromkeys(("category", "Categorical", "Enum"), _TEXT),
    "Duration": _REMEDIES["m"],
}


def column_names(values: object) -> list[str] | None:
    """Return the column names of a table (pandas, Polars), or None if there are none."""
    columns = getattr(values, "columns", None)
    if columns is None and getattr(values, "ndim", 0) == 1 and hasattr(values, "to_numpy"):
        columns = getattr(values, "index", None)  # where a row of a table has them
    if columns is None or callable(columns) or isinstance(values, np.ndarray):
        return None
    names = list(columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def same_columns(table: object, name: str, seen: list[str] | None) -> None:
    """Raise ValueError for a table whose columns are not those seen earlier."""
    if seen is None or (names := column_names(table)) is None or names == seen:
        return
    raise ValueError(
        f"{name} must have the columns seen before, in their order ({', '.join(seen)}), "
        f"got {', '.join(names)}"
    )


def place_of(values: object, row: int, column: int) -> str:
    """Return where a number stands, in words: with the name of the column if it has one."""
    names = column_names(values) if getattr(values, "ndim", 2) == 2 else None
    own = getattr(values, "name", None)  # of a column of a table
    if names is None and isinstance(own, str) and own:
        names = [own]
    named = f" ({names[column]!r})" if names is not None and column < len(names) else ""
    return f"sample {row}, column {column}{named}"


def from_table(table: Any, name: str) -> Array:
    """Return a table or a column of pandas, Polars or a similar library as an array.

    Columns of objects are accepted if these are numbers; a missing one becomes NaN.
    """
    dtypes = getattr(table, "dtypes", None)
    kinds = [dtypes] if dtypes is None or not hasattr(dtypes, "__iter__") else list(dtypes)
    names = column_names(table) if len(kinds) > 1 or hasattr(table, "columns") else None
    has_objects = False
    for i, kind in enumerate(kinds):
        letter = getattr(kind, "kind", "f")  # Polars has none
        if remedy := _REMEDIES_BY_NAME.get(str(kind).partition("(")[0], _REMEDIES.get(letter)):
            which = f"column {names[i]!r}" if names else "it"
            raise TypeError(f"{name} must hold real numbers, but {which} holds {kind}: {remedy}")
        has_objects |= letter not in "fiub"
    array: Array = np.asarray(table.to_numpy())
    if array.dtype != object:
        return array
    if not has_objects and all(hasattr(kind, "kind") for kind in kinds):
        # Nullable numbers: a missing one becomes NaN, which is refused later.
        return np.asarray(table.to_numpy(dtype=np.float64, na_value=np.nan))
    return from_objects(array, name, table)


def from_objects(array: Array, name: str, values: object) -> Array:
    """Return an array of real numbers as objects in float64; those of a table may be missing.

    Parameters
    ----------
    array : ndarray of objects
    name : str
        The argument's name, for messages.
    values : object
        What the array was made from: it may have names of columns.

    Raises
    ------
    TypeError
        For anything else, with its place.
    """
    out, missing = np.empty(array.shape), ("NoneType", "NAType") if _is_table(values) else ()
    for part in pieces.slices(array, _AT_ONCE):
        some = array[part]
        kinds = {type(value) for value in some.reshape(-1).tolist()}
        if wrong := tuple(
            kind for kind in kinds if kind.__name__ not in missing and not _is_number(kind)
        ):
            raise TypeError(_refusal(array, name, values, wrong))
        if any(kind.__name__ == "NAType" for kind in kinds):
            is_missing = np.frompyfunc(lambda value: type(value).__name__ == "NAType", 1, 1)
            some = np.where(is_missing(some).astype(bool), np.nan, some)
        try:
            out[part] = some
        except (OverflowError, ValueError):  # large integers, and Decimal's signaling NaN
            raise ValueError(f"{name} must hold numbers that float64 can hold") from None
    return out


def _is_table(values: object) -> bool:
    return hasattr(values, "to_numpy")


def _is_number(kind: type) -> bool:
    if kind in (float, int):
        return True
    import decimal  # late: few arrays hold objects
    import numbers

    return issubclass(kind, numbers.Real | decimal.Decimal | np.bool_)


def _refusal(array: Array, name: str, values: object, wrong: tuple[type, ...]) -> str:
    """Return the message about the first object of a wrong type."""
    at, value = next(pair for pair in np.ndenumerate(array) if type(pair[1]) in wrong)
    names = column_names(values) if len(at) == 2 else None
    if names is not None:
        said = f"but column {names[at[1]]!r} holds {shown(value)} (sample {at[0]})"
    elif len(at) == 2:
        said = f"got {shown(value)} in {place_of(values, *at)}"
    else:
        said = f"got {shown(value)} at {list(at)}"
    remedy = f": {_remedy(value)}" if isinstance(value, str | bytes) else ""
    return f"{name} must hold real numbers, {said}{remedy}"


def _remedy(text: str | bytes) -> str:
    """Return what can be done about a column of text."""
    try:
        float(text)
    except ValueError:
        return _TEXT
    return _NUMBERS_AS_TEXT


def text_remedy(array: Array) -> str:
    """Return what can be done about an array that does not hold numbers."""
    kind = array.dtype.kind
    if kind in "US":
        # One text turns all numbers into texts: the first that is not a number is to blame.
        remedies = map(_remedy, array.reshape(-1)[:_LOOKED_AT].tolist())
        return f": {next((r for r in remedies if r is _TEXT), _NUMBERS_AS_TEXT)}"
    return f": {_REMEDIES[kind]}" if kind in _REMEDIES else ""
