"""Arguments with one value for all members, or with one a member."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.checks import Array
from foxnn.network import neural_network
from foxnn.training.options import FitArguments

#: The arguments of `fit` that may have one value a member.
EACH = (
    "optimizer", "learning_rate", "early_stopping", "l1", "l2", "dropout", "clip_norm",
    "clip_value",
)  # fmt: skip


#: What `fit` takes where an argument is not given.
USUAL = {
    name: parameter.default
    for name, parameter in inspect.signature(neural_network.fit).parameters.items()
    if name in FitArguments._fields
}

# As many as the engine counts, which is more than any memory holds of samples.
_MOST_ROWS = 2**32 - 1


def is_one_each(value: object) -> bool:
    """Return whether a value is a sequence, with one item a member."""
    if isinstance(value, str | bytes):
        return False
    return isinstance(value, Sequence) or getattr(value, "ndim", hasattr(value, "to_numpy")) > 0


def in_order(value: Any) -> Any:
    """Return what has a value for each member by position; columns of tables go by their labels."""
    return value.to_numpy() if hasattr(value, "to_numpy") else value


def each_of(value: Any, name: str, members: int) -> list[Any]:
    """Return the value for each member."""
    if not is_one_each(value):
        return [value] * members
    value = in_order(value)
    if len(value) != members:
        raise ValueError(
            f"{name} must be one value, or one for each of the {members} members, got {len(value)}"
        )
    return [value[i] for i in range(members)]


def arguments_of_members(given: FitArguments, members: int) -> list[FitArguments]:
    """Return the arguments of each member alone; what concerns all of them is left out.

    That is the samples' weights, the callbacks, the bar, the checkpoint and the time limit.
    """
    alone = given._replace(
        sample_weight=None, callbacks=(), progress=False, time_limit=None, checkpoint=None
    )
    each = {name: each_of(getattr(given, name), name, members) for name in EACH}
    return [
        alone._replace(**{name: values[i] for name, values in each.items()}) for i in range(members)
    ]


def located(error: ValueError | TypeError, given: FitArguments, member: int) -> Exception:
    """Return an error about an argument of a member, with the member's place in it."""
    message = str(error)
    name = next((name for name in EACH if message.startswith(name)), None)
    if name is None or not is_one_each(getattr(given, name)):
        return error
    return type(error)(f"{name}[{member}]{message.removeprefix(name)}")


def rows_of_members(rows: Any, members: int, samples: int) -> list[NDArray[np.uint32] | None]:
    """Return which samples each member sees, in the order given; None: all of them.

    `rows` is one array of indices or truth values for all members, or one a member.
    """
    if rows is None:
        return [None] * members
    if isinstance(rows, str | bytes) or not is_one_each(rows):
        raise TypeError(
            "rows must be an array of indices, or one for each of the members, got "
            f"{checks.shown(rows)}"
        )
    rows = in_order(rows)
    is_of_numbers = getattr(rows, "ndim", 0) == 1 and rows.dtype != object
    if is_of_numbers or (len(rows) > 0 and not is_one_each(rows[0]) and rows[0] is not None):
        return [indices_of(rows, "rows", samples)] * members
    found: list[NDArray[np.uint32] | None] = []
    for i, one in enumerate(each_of(rows, "rows", members)):
        found.append(None if one is None else indices_of(one, f"rows[{i}]", samples))
    return found


def indices_of(rows: Any, name: str, samples: int) -> NDArray[np.uint32]:
    """Return indices of samples, from indices or truth values."""
    if not is_one_each(rows):
        raise TypeError(f"{name} must be an array of indices, got {checks.shown(rows)}")
    truths = _truth_values(rows)
    array = checks.as_array(rows, name) if truths is None else truths
    if array.ndim != 1 or not 0 < array.size <= _MOST_ROWS:
        raise ValueError(f"{name} must be an array of at least one index, got shape {array.shape}")
    if array.dtype == np.bool_:
        if len(array) != samples:
            raise ValueError(
                f"{name} must have one truth value for each of the {samples} samples, got "
                f"{len(array)}"
            )
        if not array.any():
            raise ValueError(f"{name} must have at least one sample, got none")
        return np.flatnonzero(array).astype(np.uint32)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, got {checks.shown(rows)}")
    if (wrong := array[(array < 0) | (array >= samples)]).size:
        raise ValueError(
            f"{name} must be from 0 to {samples - 1}, the last of the samples, got {wrong[0]}"
        )
    return np.ascontiguousarray(array, np.uint32)


def _truth_values(rows: Any) -> NDArray[np.bool_] | None:
    """Return an array, list or column of truth values, which `as_array` would turn into numbers."""
    if isinstance(rows, np.ma.MaskedArray):
        return None
    try:
        array = np.asarray(rows)
        if array.dtype == object and {type(one) for one in array.flat} <= {bool, np.bool_}:
            array = array.astype(bool)
    except (ValueError, TypeError):
        return None
    return array if array.dtype == np.bool_ else None


def weights_of_members(
    given: Any, members: int, samples: int, positions: tuple[int, ...]
) -> Array | None:
    """Return weights with a row of samples for each member; None if they are for all members."""
    if given is None:
        return None
    array = checks.as_array(given, "sample_weight")
    is_for_all = array.shape == (samples, *positions)
    if is_for_all or array.shape[:2] != (members, samples):
        if array.ndim == 2 and not positions and array.shape[1] == samples:
            raise ValueError(
                f"sample_weight must have shape ({samples},), or ({members}, {samples}), a row for "
                f"each member, got {array.shape}"
            )
        return None
    return array
