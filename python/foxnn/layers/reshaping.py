"""Layers that give the same numbers in another shape: `Flatten` and `Reshape`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from foxnn.checks.keywords import answering
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_name,
    no_arrays,
    no_options,
    only,
)
from foxnn.layers.shapes import checked_shape


def _numbers(shape: Shape) -> int:
    """Return how many numbers a sample has."""
    if None in shape:
        raise ValueError(
            f"needs a fixed number of steps, but its input has shape {shape}: GlobalMaxPool or "
            "GlobalAveragePool makes one of all steps"
        )
    return math.prod(shape)


FLATTEN = Kind(
    "flatten",
    "Flatten",
    no_options,
    lambda shape, options: (_numbers(shape),),
    no_arrays,
    lambda options: ([], {}),
    keeps_numbers=True,
    keeps_range=True,
)


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class Flatten(Description):
    """The same numbers as a flat sample, position by position.

    Parameters
    ----------
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> foxnn.neural_network([(4, 3), foxnn.Flatten()]).get_out([[1, 2, 3]] * 4).shape
    (12,)
    """

    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = FLATTEN

    def __post_init__(self) -> None:
        self._keep(name=checked_name(self.name))


def _checked(given: Mapping[str, Any]) -> Options:
    shape = only(given, "shape")["shape"]
    # The engine has it as floats.
    whole = [int(n) if isinstance(n, float) and n.is_integer() else n for n in list(shape)]
    return {"shape": [float(n) for n in checked_shape(whole, "shape")]}


def _reshaped(shape: Shape, options: Options) -> Shape:
    new = tuple(int(length) for length in options["shape"])
    if math.prod(new) != (count := _numbers(shape)):
        raise ValueError(
            f"has {math.prod(new)} numbers in shape {new}, but its input of shape {shape} has "
            f"{count}"
        )
    return new


RESHAPE = Kind(
    "reshape",
    "Reshape",
    _checked,
    _reshaped,
    no_arrays,
    lambda options: ([tuple(int(length) for length in options["shape"])], {}),
    keeps_numbers=True,
    keeps_range=True,
)


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class Reshape(Description):
    """The same numbers in another shape, in the order of NumPy's reshape.

    Parameters
    ----------
    shape : int or tuple of int
        Without the samples, channels last.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> foxnn.neural_network([6, foxnn.Reshape((2, 3))]).get_out(range(6)).tolist()
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """

    shape: int | Sequence[int]
    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = RESHAPE

    def __post_init__(self) -> None:
        self._keep(shape=checked_shape(self.shape, "shape"), name=checked_name(self.name))

    def _options(self) -> Options:
        return {"shape": [float(n) for n in checked_shape(self.shape, "shape")]}
