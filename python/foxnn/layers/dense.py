"""Dense layers: a number in the list of layers, and `Dense`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.activations import ActivationLike
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_activation,
    checked_name,
)
from foxnn.layers.names import INIT_NAMES

LARGEST = 2**31 - 1


def _checked(given: Mapping[str, Any]) -> Options:
    if "units" not in given:
        raise ValueError("lacks the option units")
    if others := sorted(set(given) - {"units", "bias", "each_position"}):
        raise ValueError(f"has no option {checks.shown(others[0])}")
    options: Options = {"units": checks.integer(given["units"], "units", 1, LARGEST)}
    for name in ("bias", "each_position"):
        if name in given:
            options[name] = checks.flag(given[name], name)
    return options


def _output_shape(shape: Shape, options: Options) -> Shape:
    return (*(shape[:-1] if options.get("each_position") else ()), options["units"])


def _arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    units = options["units"]
    if None in shape and not options.get("each_position"):
        raise ValueError(
            f"reads all steps at once, so that it needs a fixed number of them, but its input has "
            f"shape {shape}: Dense({units}) reads each step, and GlobalMaxPool or "
            "GlobalAveragePool before it makes one of all steps"
        )
    inputs = shape[-1] if options.get("each_position") else math.prod(shape)
    if inputs > LARGEST:
        raise ValueError(f"must have at most {LARGEST} inputs, got {inputs}")
    biases = {"bias": (units,)} if options.get("bias", True) else {}
    return {"weights": (inputs, units), **biases}


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    return [options["units"]], {} if options.get("bias", True) else {"bias": False}


DENSE = Kind(
    "dense", "Dense", _checked, _output_shape, _arrays, _shown, has_activation=True, has_init=True
)


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class Dense(Description):
    """A dense layer at each position: f(x W + b) of shape (..., units) from (..., channels).

    On a flat input it equals a number in the list of layers. A number reads all positions at once.

    Parameters
    ----------
    units : int
        Outputs at each position.
    activation : str or (str, parameters), optional
        By default that of the network.
    init : str, optional
        How the weights are initialized; by default as for the network.
    bias : bool, default=True
        Whether a bias is added to the products.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (channels, units) and "bias" (units,).

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(5, 3), foxnn.Dense(4), 2])
    >>> nn[0].output_shape
    (5, 4)
    """

    units: int
    activation: ActivationLike | None = None
    init: str | None = None
    bias: bool = True
    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = DENSE

    def __post_init__(self) -> None:
        if isinstance(self.activation, int) and not isinstance(self.activation, bool):
            raise TypeError(
                "activation must be a name or a (name, parameters) pair, got "
                f"{checks.shown(self.activation)}; Dense takes only the number of its outputs, and "
                "its inputs follow from the layer before it"
            )
        if isinstance(self.init, bool):
            raise TypeError(f"init must be a name, got {self.init}; a bias is bias={self.init}")
        self._keep(
            units=checks.integer(self.units, "units", 1, LARGEST),
            activation=checked_activation(self.activation),
            init=None if self.init is None else INIT_NAMES.known(self.init, "init"),
            bias=checks.flag(self.bias, "bias"),
            name=checked_name(self.name),
        )

    def _options(self) -> Options:
        options: Options = {"units": self.units, "each_position": True}
        return options if self.bias else options | {"bias": False}
