"""Networks of dense layers only, for formats that support nothing else; the first layers of any."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from foxnn import _core
from foxnn.checks import Array
from foxnn.layers.kinds import KINDS, placed, public_name, with_article

_HOLDS = "save it as .safetensors or a pickle"


@dataclass(repr=False, eq=False)
class PlainLayer:
    """A dense layer as plain values: f(x W + b)."""

    weights: Array  # (inputs, neurons)
    bias: Array
    activation: str = "identity_x"
    parameters: list[float] = field(default_factory=list)

    def with_arrays(self, weights: Array, bias: Array) -> PlainLayer:
        """Return a layer of the same activation."""
        return replace(self, weights=weights, bias=bias)


def check_plain(
    network: _core.Network, what: str, instead: str = _HOLDS, needs_bias: bool = False
) -> None:
    """Raise ValueError unless all layers are dense layers of flat samples.

    Parameters
    ----------
    network : _core.Network
    what : str
        What supports no others, for the message: "FoxNN's text format".
    instead : str
        What to use instead, for the message.
    needs_bias : bool
        Whether each must have a bias.
    """
    for i, part in enumerate(network._layers()):
        if needs_bias and part["kind"] == "dense" and "bias" not in part["arrays"]:
            raise ValueError(f"{what} has dense layers with a bias only, and layer {i} has none")
        if part["kind"] != "dense":
            name = f"layer {i} is {with_article(public_name(part['kind']))}"
            raise ValueError(f"{what} supports dense layers only, but {name}; {instead}")
    if len(shape := network._input_shape()) > 1:
        raise ValueError(
            f"{what} supports flat samples only, but the network's have shape {shape}; {instead}"
        )


def reader_of_indices(network: _core.Network, limit: int) -> str:
    """Return which layer reads the inputs as whole numbers below a limit: "layer 0 (Embedding)"."""
    for where, part in placed(network._layers(), "layer {}".format):
        is_leaf = part["kind"] in KINDS
        if is_leaf and KINDS[part["kind"]].reads_indices and part["options"]["count"] == limit:
            return where
    raise AssertionError("no layer reads indices")


def plain_layers(network: _core.Network, what: str, instead: str = _HOLDS) -> list[PlainLayer]:
    """Return the layers, all of which must be dense; see `check_plain`."""
    check_plain(network, what, instead)
    return [_plain(network, part) for part in network._layers()]


def _plain(network: _core.Network, part: dict[str, Any]) -> PlainLayer:
    weights = network._array(part["index"], "weights")
    if "bias" in part["arrays"]:
        bias = network._array(part["index"], "bias")
    else:
        bias = np.zeros(weights.shape[1], weights.dtype)
    options = part["options"]
    return PlainLayer(weights, bias, options["activation"], list(options["parameters"]))
