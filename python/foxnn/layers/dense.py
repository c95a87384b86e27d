"""`Dense`, the description of a dense layer at each position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.activations import ActivationLike
from foxnn.layers.dense_kind import DENSE, LARGEST
from foxnn.layers.kind import Description, Kind, Options, checked_activation, checked_name
from foxnn.layers.names import INIT_NAMES


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
