"""Layers that work number by number: `Activation` and `Dropout`."""

from __future__ import annotations

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
    checked_activation,
    checked_name,
    no_arrays,
    no_options,
    only,
    same_shape,
)

ACTIVATION = Kind(
    "activation",
    "Activation",
    no_options,
    same_shape,
    no_arrays,
    lambda options: ([], {}),
    has_activation=True,
)


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class Activation(Description):
    """An activation as a layer.

    Parameters
    ----------
    activation : str or (str, parameters)
        `foxnn.activations()` lists the names.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, foxnn.Activation("relu")])
    >>> nn.get_out([-1.0, 0.0, 2.0]).tolist()
    [0.0, 0.0, 2.0]
    """

    activation: ActivationLike
    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = ACTIVATION

    def __post_init__(self) -> None:
        if self.activation is None:
            raise TypeError("activation must be a name or a (name, parameters) pair, got None")
        self._keep(activation=checked_activation(self.activation), name=checked_name(self.name))


def _checked_rate(given: Mapping[str, Any]) -> Options:
    options = only(given, "rate")
    return {"rate": checks.real(options["rate"], "rate", 0.0, 1.0, open_high=True)}


DROPOUT = Kind(
    "dropout",
    "Dropout",
    _checked_rate,
    same_shape,
    no_arrays,
    lambda options: ([options["rate"]], {}),
    keeps_range=True,
)


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class Dropout(Description):
    """Sets numbers to zero at random while the network trains.

    In training, each number becomes zero with probability `rate` and 1 / (1 - rate) times as large
    otherwise; in prediction it does not change. (Srivastava et al., "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.)

    Parameters
    ----------
    rate : float
        At least 0 and below 1.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([4, 16, foxnn.Dropout(0.3), 1], "relu", "identity")
    >>> [layer.kind for layer in nn]
    ['Dense', 'Dropout', 'Dense']
    """

    rate: float
    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = DROPOUT

    def __post_init__(self) -> None:
        self._keep(
            rate=checks.real(self.rate, "rate", 0.0, 1.0, open_high=True),
            name=checked_name(self.name),
        )

    def _options(self) -> Options:
        return {"rate": self.rate}
