"""Sequences of any length on their way through layers: how many steps they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foxnn.layers.composition import COMPOSITES
from foxnn.layers.kind import Shape
from foxnn.layers.kinds import checked_specs

# The most steps that a layer may need.
_MOST = 2**31 - 1
# A length that is not too short for any usual layer.
_USUAL = 1024
# Lengths with which branches are tried: more than any usual stride, or product of strides.
_TRIED = 48


def varies(shape: Sequence[int | None]) -> bool:
    """Return whether samples of a shape are sequences of any length."""
    return bool(shape) and shape[0] is None


def with_steps(shape: Shape, steps: int) -> Shape:
    """Return the shape of sequences of so many steps."""
    return (steps, *shape[1:])


def least_steps(specs: Sequence[Mapping[str, Any]], shape: Shape, place: str = "layers") -> int:
    """Return the fewest steps that the layers can read.

    Parameters
    ----------
    specs : sequence of dict
        Checked for sequences of any length.
    shape : tuple
        Of a sample; the first length is None.
    place : str
        What the list is called in messages.

    Raises
    ------
    ValueError
        If branches give different numbers of steps for some length.
    """
    most = 1
    while (error := refusal(specs, shape, most, place)) is not None:
        if most > _MOST // 2:
            # Not too short: branches that never give the same, or more numbers than a sample has.
            raise refused(refusal(specs, shape, _USUAL, place) or error, _USUAL)
        most *= 2
    least = most // 2 + 1 if most > 1 else 1
    while least < most:
        middle = (least + most) // 2
        if refusal(specs, shape, middle, place) is None:
            most = middle
        else:
            least = middle + 1
    if any(spec["kind"] in COMPOSITES for spec in specs):
        for steps in range(least, least + _TRIED):
            if (error := refusal(specs, shape, steps, place)) is not None:
                raise refused(error, steps)
    return least


def refused(error: ValueError, steps: int) -> ValueError:
    """Return an error with the number of steps for which it was found."""
    return ValueError(f"{error} (of {steps} steps)")


def refusal(
    specs: Sequence[Mapping[str, Any]], shape: Shape, steps: int, place: str = "layers"
) -> ValueError | None:
    """Return why the layers cannot read so many steps; None if they can."""
    try:
        checked_specs(specs, with_steps(shape, steps), place, first=1 if place == "sizes" else 0)
    except ValueError as error:
        return error
    return None
