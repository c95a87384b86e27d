"""The shape of a sample, as users give it."""

from __future__ import annotations

import math

import numpy as np

from foxnn import checks
from foxnn.layers.kind import Shape

_LARGEST = 2**31 - 1
# More axes than any data has, fewer than would take long to look at.
_MOST_AXES = 16


def checked_sample_shape(shape: object, name: str) -> Shape:
    """Return the same of a network's inputs, which may be sequences of any length."""
    if isinstance(shape, tuple | list) and 1 <= len(shape) <= _MOST_AXES and shape[0] is None:
        if len(shape) > 2:
            raise ValueError(
                f"{name} must be (None, channels) for sequences of any length, or (None,) for "
                f"sequences of whole numbers, got {checks.shown(tuple(shape))}"
            )
        return (None, *(checked_shape(shape[1:], name) if len(shape) > 1 else ()))
    return checked_shape(shape, name)


def checked_shape(shape: object, name: str) -> Shape:
    """Return the lengths of a sample's axes, the channels last, from a number or several."""
    if isinstance(shape, int | np.integer) and not isinstance(shape, bool):
        shape = (shape,)
    wanted = f"{name} must be a whole number or a tuple of 1 to {_MOST_AXES} lengths"
    lengths = checks.items(shape, wanted, _MOST_AXES + 1)
    if not 1 <= len(lengths) <= _MOST_AXES:
        raise ValueError(f"{wanted}, got {len(lengths)} lengths")
    if any(length is None for length in lengths):
        raise ValueError(
            f"{name} must not hold None here: only the steps of a network's inputs may vary, "
            "the first length of their shape"
        )
    found = tuple(
        checks.integer(length, f"{name}[{i}]", 1, _LARGEST) for i, length in enumerate(lengths)
    )
    if math.prod(found) > _LARGEST:
        raise ValueError(f"{name} must hold at most {_LARGEST} numbers, got {math.prod(found)}")
    return found
