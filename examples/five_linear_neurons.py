"""Five linear neurons stay a line: layers without an activation are one matrix.

    python examples/five_linear_neurons.py [--pictures FOLDER] [--short]

1000 points of 2 sin x + 5 for x in [-3, 3]; 1-5-1 and 1-5-5-5-1 with the identity, 1-5-1 with tanh;
squared error, SGD with Nesterov's momentum in batches of 50, a rate that falls to zero.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float32]

EPOCHS, BATCH, RATE, SEED = 300, 50, 0.01, 1
X = np.linspace(-3.0, 3.0, 1000, dtype=np.float32)[:, None]
Y = (2 * np.sin(X) + 5).astype(np.float32)
NETWORKS = {
    "1-1 linear": ([1, 1], "identity"),
    "1-5-1 linear": ([1, 5, 1], "identity"),
    "1-5-5-5-1 linear": ([1, 5, 5, 5, 1], "identity"),
    "1-5-1 tanh": ([1, 5, 1], "tanh"),
}


def train(name: str, epochs: int) -> tuple[foxnn.neural_network, list[float]]:
    """Return a trained network, and its mean squared error in each epoch."""
    sizes, activation = NETWORKS[name]
    nn = foxnn.neural_network(sizes, activation, "identity", seed=SEED)
    momentum = foxnn.SGD(momentum=0.9, nesterov=True)
    history = nn.fit(
        X, Y, epochs, BATCH, momentum, RATE,
        schedule=foxnn.schedules.cosine(epochs), progress=False,
    )  # fmt: skip
    return nn, [2 * loss for loss in history["loss"]]  # the loss is half the squared error


def as_one_line(nn: foxnn.neural_network) -> tuple[float, float]:
    """Return slope and intercept of the line that the layers are, if each is linear."""
    slope, intercept = np.eye(1, dtype=np.float32), np.zeros(1, dtype=np.float32)
    for part in nn:
        slope, intercept = slope @ part.weights, intercept @ part.weights + part.bias
    return slope.item(), intercept.item()


def bend(nn: foxnn.neural_network) -> float:
    """Return how far the outputs are from a straight line through their two ends."""
    out = nn.predict(X)
    return float(np.abs(out - np.interp(X, X[[0, -1], 0], out[[0, -1], 0])).max())


def picture(found: dict[str, tuple[foxnn.neural_network, list[float]]]) -> Any:
    """Draw the terms of 1-5-1, linear and tanh, their sums, and the errors of all networks."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    colours = dict(zip(NETWORKS, ("#444444", "#d95f02", "#e7ab2f", "#1f77b4"), strict=True))
    for ax, name in zip(panels, ("1-5-1 linear", "1-5-1 tanh"), strict=False):
        nn = found[name][0]
        terms = nn.layer_outputs(X)[nn[0].name] * nn[1].weights[:, 0]
        ax.plot(X, Y, color="black", linewidth=5, alpha=0.2, label="2 sin x + 5")
        ax.plot(X, terms, color="#888888", linewidth=0.8)
        ax.plot(X, nn.predict(X), color=colours[name], label="the sum of five terms and the bias")
        ax.set(xlabel="x", title=name, ylim=(-6, 10))
        ax.legend(fontsize=8, loc="upper left")
    for name, (_, errors) in found.items():
        style = {"linewidth": 4, "alpha": 0.4} if name == "1-1 linear" else {}
        panels[2].loglog(
            np.arange(1, len(errors) + 1), errors, color=colours[name], label=name, **style
        )
    panels[2].set(xlabel="epoch", title="mean squared error")
    panels[2].legend(fontsize=8)
    for ax in panels:
        ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the lines and errors, and draw them."""
    options = common.options(__doc__, argv)
    found = {name: train(name, 60 if options.short else EPOCHS) for name in NETWORKS}
    best = np.polyfit(X[:, 0], Y[:, 0], 1)
    rest = float(((np.polyval(best, X) - Y) ** 2).mean())
    rows = [("least squares", "", f"{best[0]:.4f} x + {best[1]:.4f}, error {rest:.4f}")]
    for name, (nn, _) in found.items():
        error = float(((nn.predict(X) - Y) ** 2).mean())
        line = "no line"
        if "linear" in name:
            slope, intercept = as_one_line(nn)
            line = f"{slope:.4f} x + {intercept:.4f}"
        said = "a line" if name == "1-5-1 linear" else ""
        rows.append((name, said, f"{line}, error {error:.4f}, bent by {bend(nn):.6f}"))
    common.report(rows)
    common.save(picture(found), options.pictures, "five-linear-neurons")
    return 0


if __name__ == "__main__":
    sys.exit(main())
