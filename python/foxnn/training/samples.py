"""Samples that fit a network, with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.checks import Array, Rows
from foxnn.checks.labels import LabelReader
from foxnn.model.answers import AnsweringNetwork
from foxnn.support import pieces

Weights = NDArray[np.float64] | None


@dataclass
class WeightedSamples:
    """Inputs, targets (or labels), and how much each sample counts (None: all the same).

    Weights are a vector, or a row a sample, with one for each position of the outputs.
    """

    x: Rows
    y: Array
    weights: Weights

    def __len__(self) -> int:
        return len(self.x)

    def part(self, which: Array) -> WeightedSamples:
        """Return copies of some samples."""
        weights = None if self.weights is None else pieces.taken(self.weights, which)
        return WeightedSamples(checks.taken(self.x, which), pieces.taken(self.y, which), weights)


def samples_of(
    network: AnsweringNetwork, x: Any, y: Any, sample_weight: Any,
    x_name: str = "x", y_name: str = "y",
    weight_name: str = "sample_weight",
    labels: LabelReader | None = None,
    lengths: Any = None, lengths_name: str = "lengths",
) -> WeightedSamples:  # fmt: skip
    """Return samples that fit the network, checked; labels are by default of its classes."""
    return WeightedSamples(
        *network._weighted(
            x, y, sample_weight, x_name, y_name, weight_name, labels, lengths, lengths_name
        )
    )
