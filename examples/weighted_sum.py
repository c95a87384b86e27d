"""A weighted sum: what a neuron computes before anything else.

    python examples/weighted_sum.py [--pictures FOLDER] [--short]

Three inputs, three weights, and 0.35 · 0.1 + 0.12 · 0.3 + 0.6 · 0.2 = 0.191.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt

import common
import foxnn

INPUTS = [0.35, 0.12, 0.6]
WEIGHTS = [0.1, 0.3, 0.2]


def neuron() -> foxnn.neural_network:
    """Return a network of one neuron, whose output is the weighted sum itself."""
    nn = foxnn.neural_network([3, 1], activation="identity", dtype="float64")
    nn[0].weights, nn[0].bias = [[weight] for weight in WEIGHTS], [0]
    return nn


def picture(trace: foxnn.Trace) -> Any:
    """Draw the neuron: inputs on the left, a line for each weight, the sum on the right."""
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for i, (value, weight) in enumerate(zip(trace["a^0"], trace["w^1"][:, 0], strict=True)):
        height = 1.0 - i
        axes.plot([0, 2], [height, 0], color="0.6", linewidth=20 * weight, zorder=1)
        axes.text(0, height, f"{value:g}", ha="center", va="center", zorder=3, fontsize=12)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        label = f"· {weight:g} = {value * weight:.3f}"
        axes.text(0.85, 0.575 * height, label, ha="center", va="center", bbox=box, fontsize=11)
    axes.scatter([0] * 3, [1, 0, -1], s=1500, color="#cfe3f5", edgecolor="0.3", zorder=2)
    axes.scatter([2], [0], s=3600, color="#fbdcb8", edgecolor="0.3", zorder=2)
    axes.text(2, 0, f"Σ\n{trace['z^1'][0]:.3f}", ha="center", va="center", zorder=3, fontsize=13)
    axes.set(xlim=(-0.4, 2.5), ylim=(-1.5, 1.5))
    axes.axis("off")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Trace the neuron, print its sum next to the article's, and draw it."""
    arguments = common.options(__doc__, argv)
    trace = neuron().trace(INPUTS)
    print(trace, end="\n\n")
    common.report([("weighted sum z^1", "0.191", f"{trace['z^1'][0]:.3f}")])
    common.save(picture(trace), arguments.pictures, "weighted-sum")
    return 0


if __name__ == "__main__":
    sys.exit(main())
