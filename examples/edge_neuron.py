"""A neuron that sees an edge: 784 weights set by hand, and what excites it among the digits.

    python examples/edge_neuron.py [--pictures FOLDER] [--data FOLDER] [--short]

Weights are positive on a stripe and negative above and below it; the bias says how much ink there
must be. No training at all.
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

# A stripe where the upper bar of a 7 is, and as many rows that must be empty.
TOP, THICK, LEFT, RIGHT = 7, 3, 8, 20
# So much ink on the stripe, less that above and below it, makes the neuron fire.
THRESHOLD = 10.0


def stripe(row: int, thick: int = THICK) -> Array:
    """Return an image of a horizontal bar whose first row is given."""
    image = np.zeros((28, 28), np.float32)
    image[max(row, 0) : max(row + thick, 0), LEFT:RIGHT] = 1
    return image


def weights() -> Array:
    """Return the weights: 1 on the stripe, -1 on the rows above and below it."""
    return stripe(TOP) - stripe(TOP - THICK) - stripe(TOP + THICK)


def edge_neuron() -> foxnn.neural_network:
    """Return the neuron: sigmoid(sum of w a - THRESHOLD)."""
    nn = foxnn.neural_network([784, 1], "sigmoid")
    nn[0].weights, nn[0].bias = weights().reshape(784, 1), [-THRESHOLD]
    return nn


def responses() -> Array:
    """Return the outputs for a bar that moves down, row by row."""
    bars = np.stack([stripe(row) for row in range(28)]).reshape(28, 784)
    out: Array = edge_neuron().predict(bars)[:, 0]
    return out


def shares(outputs: Array, labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of each digit's images for which the neuron fires, in per cent."""
    return np.array([100 * (outputs[labels == digit] > 0.5).mean() for digit in range(10)])


def picture(images: Array, outputs: Array, found: NDArray[np.float64]) -> Any:
    """Draw the weights, the answers to a moving bar and to digits, and the most exciting images."""
    figure = plt.figure(figsize=(12, 4.9), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3, 2))
    panels = above.subplots(1, 3)
    shown = panels[0].imshow(weights(), cmap="RdBu_r", vmin=-1.5, vmax=1.5)
    panels[0].set(title="weights", xticks=[], yticks=[])
    figure.colorbar(shown, ax=panels[0], ticks=[-1, 0, 1])
    panels[1].plot(responses(), ".-", color="#1f77b4")
    panels[1].axvline(TOP, color="#888888", linestyle=":")
    panels[1].set(xlabel="first row of a bar", title="output for a bar that moves down")
    panels[2].bar(range(10), found, color="#d95f02")
    panels[2].set(xticks=range(10), xlabel="digit", title="test images for which it fires (%)")
    for ax in panels[1:]:
        ax.grid(alpha=0.3)
    best = np.argsort(-outputs, kind="stable")[:12]
    for ax, i in zip(below.subplots(1, 12), best, strict=True):
        ax.imshow(images[i].reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    below.suptitle("the images that excite it most")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Show bars and digits to the neuron, print its answers, and draw them."""
    options = common.options(__doc__, argv, mnist=True)
    _, _, x_test, y_test = common.digits(options.data)
    images, nn = common.scaled(x_test), edge_neuron()
    outputs = nn.predict(images)[:, 0]
    # Many outputs round to 1: the sums before the sigmoid rank them.
    nn[0].set_activation_function("identity")
    sums = nn.predict(images)[:, 0]
    found, bars = shares(outputs, y_test), responses()
    empty, full = nn.predict(np.stack([np.zeros(784), np.ones(784)]))[:, 0]
    common.report(
        [
            ("sum for the bar in its place", "", f"{nn.predict([stripe(TOP).ravel()])[0, 0]:g}"),
            ("sum for an empty image, a black one", "", f"{empty:g}, {full:g}"),
            ("rows at which it sees a bar", "", f"{np.flatnonzero(bars > 0.5).tolist()}"),
            *((f"digit {digit}", "", f"{found[digit]:.1f} %") for digit in np.argsort(-found)),
            ("all", "", f"{100 * (outputs > 0.5).mean():.1f} %"),
        ]
    )
    common.save(picture(images, sums, found), options.pictures, "edge-neuron")
    return 0


if __name__ == "__main__":
    sys.exit(main())
