"""What a quantized network consists of: the stages that the engine computes with bytes.

A byte q stands for the number (q - zero) * scale, where scale and zero are those of a value between
two stages. The sums of a product are whole numbers; times a factor by filter they become the next
bytes, so that nothing but this product is rounded, and everything else is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array

KINDS = ("product", "largest", "average", "table", "numbers")

#: The types of the arrays of a stage, by name.
ARRAYS = {"weights": np.int8, "bias": np.int32, "factors": np.float32, "table": np.uint8}

_AXES = ("inputs", "outputs", "kernel", "stride", "dilation", "before")
_ONES = (1, 1, 1)

Axes = tuple[int, int, int]


class Rounding(NamedTuple):
    """How a number becomes a byte: x * factor, rounded within limits, plus an offset."""

    factor: float
    lowest: float
    highest: float
    offset: int


#: Bytes from 0 to 255 as they are.
PLAIN = Rounding(1.0, 0.0, 255.0, 0)


@dataclass(eq=False)
class Stage:
    """A stage: its kind, the windows that it reads, and its arrays, which are flat.

    Windows lie along three axes, of which the first have length 1 where there are fewer. `before`
    are padded positions, which stand for zero in products and are outside of pools.
    """

    kind: str
    channels: int
    inputs: Axes = _ONES
    outputs: Axes = _ONES
    kernel: Axes = _ONES
    stride: Axes = _ONES
    dilation: Axes = _ONES
    before: Axes = (0, 0, 0)
    zero: int = 0
    rounding: Rounding = PLAIN
    gives_numbers: bool = False
    weights: Array = field(default_factory=lambda: np.zeros(0, np.int8))
    bias: Array = field(default_factory=lambda: np.zeros(0, np.int32))
    factors: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    table: Array = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def filters(self) -> int:
        """The numbers that it gives at a position."""
        return len(self.bias) if self.kind == "product" else self.channels

    @property
    def size(self) -> int:
        """All numbers that it gives for a sample."""
        return math.prod(self.outputs) * self.filters

    def for_engine(self) -> dict[str, Any]:
        """Return the stage as the engine takes it."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return given | {"in": given.pop("inputs"), "out": given.pop("outputs")}

    def plain(self) -> dict[str, Any]:
        """Return the stage as plain values and arrays."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}


@dataclass(eq=False)
class ByteNetwork:
    """What is computed with bytes: how samples become bytes, and the stages."""

    inputs: int
    rounding: Rounding
    stages: list[Stage]
    #: Shift and factor of each input, by which it is scaled before; None: it is not.
    scaling: tuple[Array, Array] | None = None

    def engine(self, kernels: str = "") -> _core.Quantized:
        """Return the engine's network; ValueError if the stages do not fit each other."""
        scaling = self.scaling and (self.scaling[0].tolist(), self.scaling[1].tolist())
        stages = [stage.for_engine() for stage in self.stages]
        return _core.Quantized(self.inputs, self.rounding, stages, scaling, kernels)

    def plain(self) -> dict[str, Any]:
        """Return the network as plain values and arrays."""
        return {
            "inputs": self.inputs,
            "rounding": list(self.rounding),
            "scaling": self.scaling and list(self.scaling),
            "stages": [stage.plain() for stage in self.stages],
        }

    @classmethod
    def checked(cls, given: object) -> ByteNetwork:
        """Return the network of what `plain` has returned; ValueError if it is wrong.

        Whether the stages fit each other, the engine finds out.
        """
        if not isinstance(given, Mapping) or given.keys() != {one.name for one in fields(cls)}:
            raise ValueError(f"the bytes must be described by {_names(cls)}")
        stages, scaling = given["stages"], given["scaling"]
        if not isinstance(stages, list):
            raise ValueError(f"stages must be a list, got {checks.shown(stages)}")
        inputs = checks.integer(given["inputs"], "inputs", 1, 2**40)
        return cls(
            inputs,
            _rounding_from(given["rounding"]),
            [_stage_from(stage) for stage in stages],
            None if scaling is None else _scaling_from(scaling, inputs),
        )


def _names(kind: Any) -> str:
    return ", ".join(one.name for one in fields(kind))


def _rounding_from(given: object) -> Rounding:
    if not isinstance(given, list | tuple) or len(given) != len(Rounding._fields):
        raise ValueError(f"rounding must be four numbers, got {checks.shown(given)}")
    *numbers, offset = given
    factor, lowest, highest = (checks.real(one, "rounding") for one in numbers)
    return Rounding(factor, lowest, highest, checks.integer(offset, "rounding", -(2**20), 2**20))


def _scaling_from(given: object, inputs: int) -> tuple[Array, Array]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise ValueError(f"scaling must be a shift and a factor, got {checks.shown(given)}")
    shift, factor = (checks.as_array(one, "scaling").astype(np.float64) for one in given)
    if shift.shape != (inputs,) or factor.shape != (inputs,):
        raise ValueError(f"scaling must have {inputs} numbers, got shape {shift.shape}")
    if not (np.isfinite(shift).all() and np.isfinite(factor).all()):
        raise ValueError("scaling must be finite")
    return shift, factor


def _stage_from(given: object) -> Stage:
    if not isinstance(given, Mapping) or given.keys() != {one.name for one in fields(Stage)}:
        raise ValueError(f"a stage must be described by {_names(Stage)}")
    axes: dict[str, Any] = {}
    for name in _AXES:
        each = given[name]
        if not isinstance(each, list | tuple) or len(each) != len(_ONES):
            raise ValueError(f"{name} must be three lengths, got {checks.shown(each)}")
        axes[name] = tuple(checks.integer(one, name, 0, 2**40) for one in each)
    arrays: dict[str, Any] = {}
    for name, kind in ARRAYS.items():
        array = given[name]
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype != kind:
            raise ValueError(f"{name} must be a vector of {np.dtype(kind)}")
        arrays[name] = array
    return Stage(
        kind=checks.choice(given["kind"], "kind", KINDS),
        channels=checks.integer(given["channels"], "channels", 1, 2**40),
        zero=checks.integer(given["zero"], "zero", 0, 255),
        rounding=_rounding_from(given["rounding"]),
        gives_numbers=checks.flag(given["gives_numbers"], "gives_numbers"),
        **axes,
        **arrays,
    )
