"""Layers as the engine takes them: dicts of kind and options."""

from __future__ import annotations

import math
from collections.abc import Sequence

from foxnn import _core
from foxnn.layers.activations import ActivationPair
from foxnn.layers.kind import Shape, Spec
from foxnn.layers.kinds import KINDS, checked_specs, placed


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


def beyond_memory(shape: Shape, specs: Sequence[Spec], single: bool) -> MemoryError:
    """Return the error for layers that there is no memory for, which names the largest of them.

    Parameters
    ----------
    shape : tuple of int
        Of a sample.
    specs : sequence of dict
        Layers that fit.
    single : bool
        Whether their numbers are of four bytes.
    """
    checked = checked_specs(specs, shape, "sizes", first=1)
    found = placed(specs, lambda i: f"sizes[{i + 1}]")
    where = [called for called, spec in found if spec["kind"] in KINDS]
    named = {
        (called, name): size for called, own in zip(where, checked.arrays, strict=True)
        for name, size in own.items()
    }  # fmt: skip
    if not named:
        return MemoryError("there is not enough memory")
    (called, name), size = max(named.items(), key=lambda item: math.prod(item[1]))
    needed = math.prod(size) * (4 if single else 8) / 2**30
    return MemoryError(
        f"there is not enough memory: {called} has {name} of shape {size}, which take {needed:.3g} "
        "GiB"
    )


def sizes_of(network: _core.Network) -> list[int]:
    """Return the numbers of a sample, and then the outputs of each layer."""
    shapes = [network._input_shape(), *(part["output_shape"] for part in network._layers())]
    return [math.prod(length for length in shape if length is not None) for shape in shapes]
