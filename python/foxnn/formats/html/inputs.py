"""How the inputs of a network are shown and set in a page: what they are, and their ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import shift_and_scale

# From so many on, inputs without names that could be a square are taken for a picture: 8 times 8,
# the smallest pictures in use.
_SMALLEST_PICTURE = 64
# Sequences of at least so many channels are painted as pictures; of fewer, each is a curve.
_SMALLEST_SIDE = 8
# Whole numbers of at most so many values are a choice.
_MOST_CHOICES = 6
# Without samples, inputs reach this many scales from the shift of a standard scaler, or from 0.
_SCALES = 2.0


def described(
    network: AnsweringNetwork, samples: Sequence[Array] | None, picture: object
) -> dict[str, Any]:
    """Return how to show and set the inputs, for JSON.

    Parameters
    ----------
    network : network
    samples : sequence of arrays, optional
        Those of the user, in the shape of the inputs.
    picture : None, False, or tuple of int
        The argument of `export_html`.
    """
    shape = list(network._input_shape())
    found: dict[str, Any] = {"shape": shape, **_scaling(network)}
    if limit := network._index_limit():
        _refuse_picture(picture, "the inputs are indices")
        return found | {"form": "indices", "limit": limit}
    if (grid := _grid(network, picture)) is not None:
        # Whoever says what a whole picture is may expect it in the middle; a sequence has none.
        is_whole = network._classifies() and len(network._output_shape()) == 1
        if grid[0] is None:  # as many rows as the samples have, or a square
            grid[0], is_whole = len(samples[0]) if samples else grid[1], False
        found |= {"form": "picture", "picture": grid, "centre": is_whole}
        return found | _ink(network, samples)
    if len(shape) == 2:
        return found | {"form": "steps", "columns": _channels(network, samples)}
    return found | {"form": "table", "columns": _columns(network, samples)}


def _scaling(network: AnsweringNetwork) -> dict[str, Any]:
    if network.input_scaler is None:
        return {}
    shift, scale = shift_and_scale(network.input_scaler)
    return {"shift": shift.tolist(), "factor": (1.0 / scale).tolist()}


def _refuse_picture(picture: object, why: str) -> None:
    if picture is not None and picture is not False:
        raise ValueError(f"picture must be None, since {why}, got {checks.shown(picture)}")


def _grid(network: AnsweringNetwork, picture: object) -> list[Any] | None:
    """Return the lengths of a picture, the channels last, or None if the inputs are none."""
    shape = list(network._input_shape())
    if len(shape) > 4:
        raise ValueError(
            f"a page cannot show inputs of shape {tuple(shape)}: it has pictures of at most "
            "(depth, height, width, channels)"
        )
    if len(shape) > 2:
        _refuse_picture(picture, f"the inputs have shape {tuple(shape)}")
        return shape
    if picture is False or (picture is not None and len(shape) == 1):
        return None if picture is False else _given_grid(picture, shape[0])
    if picture is not None:
        raise ValueError(
            f"picture must be None or False, since the inputs have shape {tuple(shape)}, got "
            f"{checks.shown(picture)}"
        )
    if len(shape) == 2:
        is_wide = shape[1] >= _SMALLEST_SIDE and (shape[0] is None or shape[0] >= _SMALLEST_SIDE)
        return [*shape, 1] if is_wide and network.input_names is None else None
    side = math.isqrt(shape[0])
    is_square = side * side == shape[0] >= _SMALLEST_PICTURE
    return [side, side, 1] if is_square and network.input_names is None else None


def _given_grid(picture: object, count: int) -> list[int]:
    wanted = "picture must be (height, width) or (height, width, channels)"
    if isinstance(picture, str) or not isinstance(picture, Sequence | np.ndarray):
        raise TypeError(f"{wanted}, False or None, got {checks.shown(picture)}")
    lengths = [
        checks.integer(n, "a length of picture", 1) for n in checks.items(picture, wanted, 4)
    ]
    if len(lengths) not in (2, 3) or math.prod(lengths) != count:
        raise ValueError(f"{wanted} of {count} numbers, got {checks.shown(picture)}")
    return lengths if len(lengths) == 3 else [*lengths, 1]


def _ink(network: AnsweringNetwork, samples: Sequence[Array] | None) -> dict[str, float]:
    """Return the numbers of an empty place in a picture and of one that is drawn."""
    if samples is not None:
        low = float(min(sample.min() for sample in samples))
        high = float(max(sample.max() for sample in samples))
        if low < high:
            # Paper is what most places are like.
            middle = float(np.median(np.concatenate([sample.reshape(-1) for sample in samples])))
            return {"paper": high, "ink": low} if middle - low > high - middle else {
                "paper": low, "ink": high
            }  # fmt: skip
    if network.input_scaler is not None:
        shift, scale = shift_and_scale(network.input_scaler)
        spread = scale * (1.0 if network.input_scaler.method == "minmax" else _SCALES)
        return {"paper": float(shift.min()), "ink": float((shift + spread).max())}
    return {"paper": 0.0, "ink": 1.0}


def _columns(network: AnsweringNetwork, samples: Sequence[Array] | None) -> list[dict[str, Any]]:
    """Return the inputs of a table; those of a category, named "name=text", are one choice."""
    count = network._inputs()
    names = network.input_names or [f"input {i}" for i in range(count)]
    table = None if samples is None else np.stack(samples)
    found: list[dict[str, Any]] = []
    i = 0
    while i < count:
        width = _width_of_category(names, i, table)
        if width > 1:
            texts = [name.partition("=")[2] for name in names[i : i + width]]
            found.append({"name": names[i].partition("=")[0], "first": i, "texts": texts})
        else:
            column = None if table is None else table[:, i]
            found.append({"name": names[i], "first": i, **_range(network, column, i)})
        i += width
    return found


def _width_of_category(names: Sequence[str], first: int, table: Array | None) -> int:
    """Return how many inputs, from one on, tell a category, of which one is 1 and the others 0."""
    head, sign, _ = names[first].partition("=")
    last = first + 1
    while sign and last < len(names) and names[last].startswith(f"{head}="):
        last += 1
    own = None if table is None else table[:, first:last]
    if own is not None and not (np.isin(own, (0, 1)).all() and (own.sum(axis=1) == 1).all()):
        return 1
    return last - first


def _channels(network: AnsweringNetwork, samples: Sequence[Array] | None) -> list[dict[str, Any]]:
    """Return the channels of steps."""
    count = network._input_shape()[1]
    names = network.input_names or []
    if len(names) != count:  # those of all inputs, step by step
        names = [f"channel {i}" for i in range(count)]
    found = []
    for i, name in enumerate(names):
        column = None
        if samples is not None:
            column = np.concatenate([sample[:, i] for sample in samples])
        found.append({"name": name, "first": i, **_range(network, column, i, count)})
    return found


def _range(
    network: AnsweringNetwork, column: Array | None, place: int, apart: int | None = None
) -> dict[str, Any]:
    """Return the range of a column, where a control begins, and the choice if it is one.

    Inputs of one channel are `apart` from each other.
    """
    if column is not None and len(column):
        low, high = float(column.min()), float(column.max())
        is_whole = bool((column == np.floor(column)).all())
        found: dict[str, Any] = {
            "low": low,
            "high": high,
            "start": float(np.median(column)),
            "whole": is_whole,
        }
        values = np.unique(column)
        if apart is None and is_whole and 1 < len(values) <= _MOST_CHOICES:
            found["choices"] = [float(value) for value in values]
        if low == high:
            found |= {"low": low - 1.0, "high": high + 1.0}
        return found
    if network.input_scaler is None:
        return {"low": -_SCALES, "high": _SCALES, "start": 0.0, "whole": False}
    shift, scale = (all_[place::apart] if apart else all_[place : place + 1]
                    for all_ in shift_and_scale(network.input_scaler))  # fmt: skip
    if network.input_scaler.method == "minmax":
        low, high = float(shift.min()), float((shift + scale).max())
    else:
        low, high = float((shift - _SCALES * scale).min()), float((shift + _SCALES * scale).max())
    return {"low": low, "high": high, "start": float(shift.mean()), "whole": False}
