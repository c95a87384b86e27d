"""Layers as the engine takes them: dicts of kind and options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from foxnn import _core
from foxnn.layers.activations import ActivationPair

Spec = dict[str, Any]


def dense_specs(
    sizes: Sequence[int], activations: Sequence[ActivationPair], init: str
) -> list[Spec]:
    """Return the specs of dense layers from each of the sizes to the next."""
    return [
        dense_spec(units, activation, init)
        for units, activation in zip(sizes[1:], activations, strict=True)
    ]


def dense_spec(units: int, activation: ActivationPair, init: str) -> Spec:
    """Return the spec of a dense layer."""
    name, parameters = activation
    options = {"units": units, "activation": name, "parameters": list(parameters), "init": init}
    return {"kind": "dense", "options": options}


def spec_of(part: Spec) -> Spec:
    """Return the spec of a layer that the engine has."""
    spec: Spec = {"kind": part["kind"], "options": dict(part["options"])}
    if "branches" in part:
        spec["branches"] = [[spec_of(inner) for inner in branch] for branch in part["branches"]]
    return spec


def sizes_of(network: _core.Network) -> list[int]:
    """Return the numbers of a sample, and then the outputs of each layer."""
    shapes = [network._input_shape(), *(part["output_shape"] for part in network._layers())]
    return [math.prod(length for length in shape if length is not None) for shape in shapes]
