"""What an output can say: linear, sigmoid and tanh outputs, and targets beyond their range.

    python examples/output_ranges.py [--pictures FOLDER] [--short]

1-20-1 with each output, on a sine moved to three ranges; and the sigmoid once more, with targets
that are brought into its range by hand.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float32]

EPOCHS, BATCH, RATE, SEED = 1000, 50, 0.02, 1
X = np.linspace(-3.0, 3.0, 500, dtype=np.float32)[:, None]
SINE = np.sin(X).astype(np.float32)
OUTPUTS = {"linear": "identity", "sigmoid": "sigmoid", "tanh": "tanh"}
TARGETS = {"0.05 to 0.95": 0.5 + 0.45 * SINE, "-0.9 to 0.9": 0.9 * SINE, "3 to 7": 5 + 2 * SINE}


def train(output: str, y: Array, epochs: int) -> foxnn.neural_network:
    """Return a network with this output activation, trained on the targets."""
    nn = foxnn.neural_network([1, 20, 1], "tanh", output, loss="mse", seed=SEED)
    with warnings.catch_warnings():
        # Targets out of reach are the subject here.
        warnings.simplefilter("ignore")
        nn.fit(
            X, y, epochs, BATCH, "adam", RATE,
            schedule=foxnn.schedules.cosine(epochs), progress=False,
        )  # fmt: skip
    return nn


def error(nn: foxnn.neural_network, y: Array) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(((nn.predict(X) - y) ** 2).mean()))


def reach(activation: str) -> tuple[float, float]:
    """Return the outputs of a neuron for a sum far below zero, and for one far above."""
    neuron = foxnn.neural_network([1, 1], activation)
    neuron[0].weights, neuron[0].bias = [[1]], [0]
    low, high = neuron.predict([[-1e6], [1e6]])[:, 0]
    return float(low), float(high)


def scaled_by_hand(y: Array, epochs: int) -> float:
    """Return a sigmoid's error with targets brought to 0.05 to 0.95, and outputs brought back."""
    low, high = y.min(), y.max()
    nn = train("sigmoid", (0.05 + 0.9 * (y - low) / (high - low)).astype(np.float32), epochs)
    back = low + (nn.predict(X) - 0.05) / 0.9 * (high - low)
    return float(np.sqrt(((back - y) ** 2).mean()))


def picture(found: dict[tuple[str, str], foxnn.neural_network]) -> Any:
    """Draw the output of each network over its targets."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for ax, (name, y) in zip(panels, TARGETS.items(), strict=True):
        ax.plot(X, y, color="black", linewidth=5, alpha=0.2, label="targets")
        for output, colour in zip(OUTPUTS, ("#1b9e77", "#d95f02", "#7570b3"), strict=True):
            nn = found[name, output]
            label = f"{output}, error {error(nn, y):.2g}"
            ax.plot(X, nn.predict(X), color=colour, linewidth=1.2, label=label)
        ax.set(xlabel="x", title=f"targets from {name}")
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print ranges and errors, and draw the outputs."""
    options = common.options(__doc__, argv)
    epochs = 100 if options.short else EPOCHS
    found = {
        (name, output): train(activation, y, epochs)
        for name, y in TARGETS.items()
        for output, activation in OUTPUTS.items()
    }
    rows = []
    said_of = {"linear": "any number", "sigmoid": "0 to 1", "tanh": "-1 to 1"}
    for output, activation in OUTPUTS.items():
        low, high = reach(activation)
        rows.append((f"{output}: range", said_of[output], f"{low:g} to {high:g}"))
        for name, y in TARGETS.items():
            nn = found[name, output]
            out = nn.predict(X)
            rows.append(
                (f"  targets from {name}", "",
                 f"outputs {out.min():.2f} to {out.max():.2f}, error {error(nn, y):.4f}")
            )  # fmt: skip
    by_hand = scaled_by_hand(TARGETS["3 to 7"], epochs)
    rows.append(("sigmoid, 3 to 7 scaled by hand", "", f"error {by_hand:.4f}"))
    common.report(rows)
    common.save(picture(found), options.pictures, "output-ranges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
