"""The multiplications of a network's layers, counted from their shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import foxnn


@dataclass(frozen=True)
class Products:
    """Products of a weight and a number, in a training step, for one sample."""

    forward: int = 0
    weight_gradients: int = 0
    input_gradients: int = 0

    @property
    def total(self) -> int:
        """All products of a step."""
        return self.forward + self.weight_gradients + self.input_gradients


def products_of(network: foxnn.neural_network) -> Products:
    """Count the products of a network whose layers are in sequence.

    A layer computes as many for the gradient of its weights as forward, and for that of its inputs
    where a layer before it has weights. Products with padding do not count.

    Raises
    ------
    ValueError
        For branches.
    """
    forward = of_inputs = 0
    has_weights = False
    for part in network._layers():
        if "branches" in part:
            raise ValueError(f"layers in sequence are counted, got a {part['kind']}")
        once = products_of_layer(part)
        forward += once
        of_inputs += once * has_weights
        has_weights |= bool(part["arrays"])
    return Products(forward, forward, of_inputs)


def products_of_layer(part: Mapping[str, Any]) -> int:
    """Return the products of a layer in a pass forward."""
    if part["kind"] == "dense":
        _, units = part["arrays"]["weights"]
        return int(math.prod(part["input_shape"]) * units)
    if not part["kind"].startswith("conv"):
        return 0
    *_, channels, filters = part["arrays"]["weights"]  # channels: those of a group
    rows = (part["options"][name] for name in ("kernel", "stride", "dilation"))
    axes = zip(part["input_shape"], part["output_shape"], *rows, strict=False)
    return math.prod(_pairs(*map(int, axis)) for axis in axes) * int(channels * filters)


def _pairs(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> int:
    """Return the pairs of an output and an input that its window reads, on an axis."""
    # Without padding, nothing is missing at either end.
    before = max(0, (outputs - 1) * stride + (kernel - 1) * dilation + 1 - inputs) // 2
    return sum(
        0 <= o * stride + k * dilation - before < inputs
        for o in range(outputs)
        for k in range(kernel)
    )
