"""A cost with two valleys: gradient descent ends in the one where it started.

    python examples/local_minimum.py [--pictures FOLDER] [--short]

One sigmoid neuron without a bias on three samples: squared error and cross-entropy over its only
weight. And one neuron of sin(w x) that looks for a frequency.
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

# Two samples with small inputs ask for a large weight, one with a large input for a small one.
X = np.array([[6.0], [0.5], [0.3]], np.float32)
Y = np.array([[0.1], [0.9], [0.7]], np.float32)
TIMES = np.linspace(-3, 3, 200, dtype=np.float32)[:, None]
WAVE = np.sin(4 * TIMES).astype(np.float32)
STARTS = 200


def neuron(activation: str, loss: str, weight: float) -> foxnn.neural_network:
    """Return a neuron with one weight, which is set, and no bias."""
    nn = foxnn.neural_network([1, foxnn.Dense(1, activation=activation, bias=False)], loss=loss)
    nn[0].weights = [[weight]]
    return nn


def costs(activation: str, loss: str, weights: Array, x: Array, y: Array) -> NDArray[np.float64]:
    """Return the cost for each weight."""
    nn, found = neuron(activation, loss, 0.0), []
    for weight in weights:
        nn[0].weights = [[weight]]
        found.append(nn.evaluate(x, y)["loss"])
    return np.array(found)


def descend(
    nn: foxnn.neural_network, x: Array, y: Array, steps: int, rate: float, momentum: float = 0.0
) -> Array:
    """Return the weight before each step of gradient descent, and at the end."""
    path = [nn[0].weights.item()]
    rule = foxnn.SGD(momentum=momentum)
    for _ in range(steps):
        nn.train_on_batch(x, y, optimizer=rule, learning_rate=rate)
        path.append(nn[0].weights.item())
    return np.array(path, np.float32)


def minima(weights: Array, cost: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the (weight, cost) that are lower than both neighbours."""
    inner = (cost[1:-1] < cost[:-2]) & (cost[1:-1] < cost[2:])
    return [(float(weights[i]), float(cost[i])) for i in np.flatnonzero(inner) + 1]


def draw(ax: Any, weights: Array, cost: NDArray[np.float64], paths: dict[str, Array]) -> None:
    """Draw the cost over the weight, and the paths of descents on it."""
    ax.plot(weights, cost, color="#444444")
    for (name, path), colour in zip(paths.items(), ("#1b9e77", "#d95f02", "#1f77b4"), strict=False):
        height = np.interp(path, weights, cost)
        ax.plot(path, height, ".-", color=colour, markersize=4, linewidth=0.8, label=name)
        ax.plot(path[-1], height[-1], "o", color=colour, markersize=9)
    ax.set(xlabel="w", ylabel="C(w)")
    ax.grid(alpha=0.3)
    if paths:
        ax.legend(fontsize=8)


def main(argv: list[str] | None = None) -> int:
    """Descend from both sides, print where the weight ends, and draw it."""
    options = common.options(__doc__, argv)
    weights = np.linspace(-4, 10, 1401, dtype=np.float32)
    square = costs("sigmoid", "mse", weights, X, Y)
    entropy = costs("sigmoid", "binary_cross_entropy", weights, X, Y)
    paths = {
        "from 10, momentum 0.9": descend(neuron("sigmoid", "mse", 10.0), X, Y, 400, 5.0, 0.9),
        "from 8": descend(neuron("sigmoid", "mse", 8.0), X, Y, 400, 20.0),
        "from -3": descend(neuron("sigmoid", "mse", -3.0), X, Y, 400, 1.0),
    }
    convex = {
        "from 8": descend(neuron("sigmoid", "binary_cross_entropy", 8.0), X, Y, 300, 0.3),
        "from -3": descend(neuron("sigmoid", "binary_cross_entropy", -3.0), X, Y, 300, 0.3),
    }
    turns = np.linspace(-1, 9, 1001, dtype=np.float32)
    wave = costs("sinusoid", "mse", turns, TIMES, WAVE)
    starts = np.random.default_rng(0).uniform(0, 8, 20 if options.short else STARTS)
    ends = [
        descend(neuron("sinusoid", "mse", start), TIMES, WAVE, 300, 0.1)[-1] for start in starts
    ]
    found = float((np.abs(np.array(ends) - 4) < 0.01).mean())

    (good, low), (bad, high) = minima(weights, square)
    rows = [
        ("squared error: global minimum", "", f"C({good:.2f}) = {low:.4f}"),
        ("squared error: local minimum", "", f"C({bad:.2f}) = {high:.4f}"),
    ]
    rows += [(f"  {name}", "", f"ends at {path[-1]:.2f}") for name, path in paths.items()]
    rows.append(("cross-entropy: minima", "", f"{len(minima(weights, entropy))}"))
    rows += [(f"  {name}", "", f"ends at {path[-1]:.2f}") for name, path in convex.items()]
    rows.append(("sin(w x): minima from -1 to 9", "", f"{len(minima(turns, wave))}"))
    rows.append((f"  {len(starts)} starts that find w = 4", "", f"{100 * found:.0f} %"))
    common.report(rows)

    figure, panels = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    draw(panels[0], weights, square, paths)
    draw(panels[1], weights, entropy, convex)
    draw(panels[2], turns, wave, {})
    panels[2].plot(ends, np.interp(ends, turns, wave), "o", color="#d95f02", label="ends")
    panels[2].legend(fontsize=8)
    for ax, title in zip(
        panels,
        (
            "sigmoid(w x), squared error",
            "sigmoid(w x), cross-entropy",
            "sin(w x) for sin(4 x), squared error",
        ),
        strict=True,
    ):
        ax.set_title(title)
    common.save(figure, options.pictures, "local-minimum")
    return 0


if __name__ == "__main__":
    sys.exit(main())
