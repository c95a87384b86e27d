"""Activations as arguments: a name, a name with parameters, or a list of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foxnn import checks
from foxnn.layers.names import ACTIVATION_NAMES

#: A name, or a name with its parameters.
ActivationLike = str | tuple[str, float | Sequence[float]]
ActivationPair = tuple[str, list[float]]
# No activation takes more than one; the engine checks how many.
_MOST_PARAMETERS = 100


def parse_activation(
    activation: object, name: str = "activation", *, only_known: bool = True
) -> ActivationPair:
    """Return name and parameters from a name or a (name, parameters) pair."""
    find = ACTIVATION_NAMES.known if only_known else checks.word
    if isinstance(activation, str):
        return find(activation, name), []
    if isinstance(activation, Sequence) and len(activation) == 2 and isinstance(activation[0], str):
        parameters = activation_parameters(activation[1], f"parameters of {name}")
        return find(activation[0], name), parameters
    raise TypeError(
        f"{name} must be a name or a (name, parameters) pair, got {checks.shown(activation)}"
    )


def activation_parameters(parameters: object, name: str) -> list[float]:
    """Return an activation's parameters as a list, from a number or several."""
    if isinstance(parameters, Sequence) and not isinstance(parameters, str | bytes | bytearray):
        if len(parameters) > _MOST_PARAMETERS:
            raise ValueError(f"{name} must be a few numbers, got {checks.shown(parameters)}")
        return [checks.real(p, name) for p in parameters]
    return [checks.real(parameters, name)]


def parse_activations(activation: Any, output: Any, count: int) -> list[ActivationPair]:
    """Return the activations of `count` layers, from one or a list, and one for the last layer."""
    if isinstance(activation, list):
        if len(activation) != count:
            raise ValueError(
                f"activation must be one name or a list of {count}, one per layer, "
                f"got a list of {len(activation)}"
            )
        parsed = [parse_activation(a, f"activation[{i}]") for i, a in enumerate(activation)]
    else:
        parsed = [parse_activation(activation)] * count
    if output is not None:
        parsed[-1] = parse_activation(output, "output_activation")
    return parsed
