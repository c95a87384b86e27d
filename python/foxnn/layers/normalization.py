"""Layers that bring their inputs to a common size: `LayerNorm`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_name,
    only,
    same_shape,
    set_checked,
)

_EPSILON = 1e-5


def _checked(given: Mapping[str, Any]) -> Options:
    return {"epsilon": _checked_epsilon(only(given, "epsilon")["epsilon"])}


def _checked_epsilon(epsilon: object) -> float:
    # In float32, too, it must be above zero.
    return checks.real(epsilon, "epsilon", 1e-37, 1e30)


def _arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    return {"weights": shape[-1:], "bias": shape[-1:]}


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    return [], {} if options["epsilon"] == _EPSILON else {"epsilon": options["epsilon"]}


LAYER_NORM = Kind("layer_norm", "LayerNorm", _checked, same_shape, _arrays, _shown)


@answering("the shape is that of the layer before it")
@dataclass(frozen=True, repr=False, eq=False)
class LayerNorm(Description):
    """Layer normalization over the channels of each position.

    y = (x - mean) / sqrt(variance + epsilon) * weights + bias, where mean and variance are those of
    the channels of a position (Ba, Kiros and Hinton, "Layer normalization", 2016). It does the same
    in training and in prediction.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Added to the variance; from 1e-37 to 1e30.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (channels,), which start at 1, and "bias" (channels,), which start at
    0. Penalties and weight decay do not apply to them.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([2, foxnn.LayerNorm()])
    >>> nn.get_out([1.0, 3.0]).round(3).tolist()
    [-1.0, 1.0]
    """

    _: KW_ONLY
    epsilon: float = _EPSILON
    name: str | None = None

    kind: ClassVar[Kind] = LAYER_NORM

    def __post_init__(self) -> None:
        set_checked(self, epsilon=_checked_epsilon(self.epsilon), name=checked_name(self.name))

    def _options(self) -> Options:
        return {"epsilon": self.epsilon}
