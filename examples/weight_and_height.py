"""Guess from weight and height: an introduction's worked example, and training on its four people.

    python examples/weight_and_height.py [--pictures FOLDER] [--short]

Inputs are pounds above 135 and inches above 66; the output is 1 for a woman and 0 for a man.
2-2-1 sigmoid, squared error, gradient descent sample by sample.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import common
import foxnn

PEOPLE = {"Alice": (-2, -1), "Bob": (25, 6), "Charlie": (17, 4), "Diana": (-15, -6)}
NEW = {"Emily": (-7, -3), "Frank": (20, 2)}
X = np.array(list(PEOPLE.values()), dtype=np.float64)
Y = np.array([[1.0], [0.0], [0.0], [1.0]])


def network(*weights: Any) -> foxnn.neural_network:
    """Return a network of sigmoids with these weights, one matrix per layer, and biases of 0."""
    sizes = [len(weights[0]), *(np.shape(matrix)[1] for matrix in weights)]
    nn = foxnn.neural_network(sizes, activation="sigmoid", dtype="float64")
    for part, matrix in zip(nn, weights, strict=True):
        part.weights = matrix
    return nn


def worked_numbers() -> list[tuple[str, str, str]]:
    """Return the numbers that the article works out by hand, and those of the traces."""
    neuron = network([[0], [1]])
    neuron[0].bias = [4]
    one = neuron.trace([2, 3])
    two = network([[0, 0], [1, 1]], [[0], [1]]).trace([2, 3])
    untrained = network(np.ones((2, 2)), np.ones((2, 1))).trace([-2, -1], [1])
    print(untrained, end="\n\n")
    # The article's loss is (y - a)^2, twice foxnn's; so its slopes are, too.
    slope = 2 * untrained["dC/dw^1"][0, 0]
    return [
        ("a neuron", "0.999", f"{one['a^1'][0]:.3f}"),
        ("a network", "0.7216", f"{two['a^2'][0]:.4f}"),
        ("the network before training", "0.524", f"{untrained['a^2'][0]:.3f}"),
        ("dL/dw1", "0.0214", f"{slope:.4f} ({slope:.6f})"),
    ]


def train(seed: int, epochs: int) -> tuple[foxnn.neural_network, list[float]]:
    """Return a network trained on the four people, and the article's loss of each epoch."""
    nn, rng = foxnn.neural_network([2, 2, 1], dtype="float64"), np.random.default_rng(seed)
    for part in nn:
        part.weights = rng.normal(size=part.weights.shape)
        part.bias = rng.normal(size=part.bias.shape)
    with warnings.catch_warnings():
        # The warning says that these inputs are large for a sigmoid, as they are in the article.
        warnings.simplefilter("ignore")
        # The article's rate is 0.1, along slopes that are twice as steep.
        history = nn.fit(
            *(X, Y, epochs),
            batch_size=1,
            optimizer="sgd",
            learning_rate=0.2,
            shuffle=False,
            progress=False,
        )
    return nn, [2 * loss for loss in history["loss"]]


def picture(nn: foxnn.neural_network, losses: list[float]) -> Any:
    """Draw the loss over the epochs, and the network's output for every weight and height."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot(losses, color="#08519c")
    left.set(xlabel="epoch", ylabel="mean squared error", yscale="log", title="The loss falls")

    weights, heights = np.meshgrid(np.linspace(-22, 32, 120), np.linspace(-9, 9, 120))
    out = nn.predict(np.column_stack([weights.ravel(), heights.ravel()])).reshape(weights.shape)
    levels = np.linspace(0, 1, 11)
    filled = right.contourf(weights + 135, heights + 66, out, levels, cmap="RdBu", alpha=0.7)
    right.contour(weights + 135, heights + 66, out, [0.5], colors="black", linestyles="--")
    figure.colorbar(filled, ax=right, label="output (1: a woman)", ticks=[0, 0.5, 1])
    for people, marker in ((PEOPLE, "o"), (NEW, "s")):
        for name, (weight, height) in people.items():
            at = (weight + 135, height + 66)
            right.plot(*at, marker, color="black", markersize=6)
            side = -1 if weight < 0 else 1  # away from the boundary
            right.annotate(
                *(name, at, (8 * side, -4)),
                textcoords="offset points",
                ha="right" if weight < 0 else "left",
            )
    right.set(
        xlabel="weight, pounds",
        ylabel="height, inches",
        title="Trained on the circles, evaluated on the squares",
    )
    return figure


def main(argv: list[str] | None = None) -> int:
    """Print the article's numbers next to foxnn's, and draw the training."""
    arguments = common.options(__doc__, argv)
    rows = worked_numbers()

    newcomers = np.array(list(NEW.values()), dtype=np.float64)
    nn, losses = train(seed=1, epochs=1000)
    emily, frank = nn.predict(newcomers).ravel()
    rows += [
        ("Emily, after training", "0.951", f"{emily:.3f}"),
        ("Frank, after training", "0.039", f"{frank:.3f}"),
    ]
    seeds = range(3 if arguments.short else 20)
    others = np.array([train(seed, 1000)[0].predict(newcomers).ravel() for seed in seeds])
    for i, name in enumerate(NEW):
        low, high = others[:, i].min(), others[:, i].max()
        rows.append((f"{name}, over {len(seeds)} starts", "", f"{low:.3f} to {high:.3f}"))
    common.report(rows)
    common.save(picture(nn, losses), arguments.pictures, "weight-and-height")
    return 0


if __name__ == "__main__":
    sys.exit(main())
