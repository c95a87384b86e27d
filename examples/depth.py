"""Sigmoid against relu in depth: how the gradient fades from layer to layer, and what it costs.

    python examples/depth.py [--pictures FOLDER] [--data FOLDER] [--short]

[784, 30, ..., 30, 10] on MNIST with 1 to 8 hidden layers of sigmoid, tanh or relu; softmax and
cross-entropy, SGD with momentum in batches of 100.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float64]

ACTIVATIONS = {"sigmoid": "#d95f02", "tanh": "#7570b3", "relu": "#1f77b4"}
DEPTHS, WIDTH = (1, 2, 3, 4, 6, 8), 30
EPOCHS, BATCH, RATE, SEED = 5, 100, 0.05, 1
# For the gradients at the start: enough images for a steady mean.
LOOKED_AT = 2000


def network(activation: str, depth: int) -> foxnn.neural_network:
    """Return an untrained network with so many hidden layers."""
    return foxnn.neural_network([784, *[WIDTH] * depth, 10], activation, "softmax", seed=SEED)


def gradients(nn: foxnn.neural_network, x: NDArray[Any], y: NDArray[Any]) -> Array:
    """Return the root mean square of each hidden layer's bias gradient, at the present weights.

    A step of gradient descent at rate 1 moves a bias by its gradient; then it is put back.
    """
    before = [(part.weights, part.bias) for part in nn]
    nn.train_on_batch(x, y, optimizer="sgd", learning_rate=1.0)
    found = [
        float(np.sqrt(((part.bias - bias) ** 2).mean()))
        for part, (_, bias) in zip(nn, before, strict=True)
    ]
    for part, (weights, bias) in zip(nn, before, strict=True):
        part.weights, part.bias = weights, bias
    nn.reset_optimizer()
    return np.array(found[:-1])


def train(data: tuple[NDArray[Any], ...], activation: str, depth: int, epochs: int) -> common.Watch:
    """Return the accuracy on the test images after each epoch."""
    x, y, x_test, y_test = data
    nn, watch = network(activation, depth), common.Watch(x_test, y_test)
    nn.fit(x, y, epochs, BATCH, foxnn.SGD(momentum=0.9), RATE, callbacks=watch, progress=False)
    return watch


def picture(
    depths: tuple[int, ...], slopes: dict[str, Array], runs: dict[tuple[str, int], common.Watch]
) -> Any:
    """Draw the gradients over the layers, and the accuracy over depth and over epochs."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    for name, colour in ACTIVATIONS.items():
        layers = np.arange(1, len(slopes[name]) + 1)
        panels[0].semilogy(layers, slopes[name], "o-", color=colour, label=name)
        ends = [100 * runs[name, depth].accuracy[-1] for depth in depths]
        panels[1].plot(depths, ends, "o-", color=colour, label=name)
        accuracy = 100 * np.array(runs[name, depths[-1]].accuracy)
        panels[2].plot(np.arange(1, len(accuracy) + 1), accuracy, "o-", color=colour, label=name)
    panels[0].set(
        xlabel="hidden layer", title=f"gradient at the start, {len(layers)} hidden layers"
    )
    panels[1].set(xlabel="hidden layers", title="accuracy on the test images at the end (%)")
    panels[2].set(xlabel="epoch", title=f"accuracy (%), {depths[-1]} hidden layers")
    for ax in panels:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
    panels[0].legend()
    return figure


def main(argv: list[str] | None = None) -> int:
    """Measure gradients, train, print the figures and draw them."""
    options = common.options(__doc__, argv, mnist=True)
    x, y, x_test, y_test = common.digits(options.data)
    data = common.scaled(x), y, common.scaled(x_test), y_test
    epochs, depths = (1, (1, 8)) if options.short else (EPOCHS, DEPTHS)
    some = data[0][:LOOKED_AT], y[:LOOKED_AT]
    slopes = {name: gradients(network(name, depths[-1]), *some) for name in ACTIVATIONS}
    runs = {
        (name, depth): train(data, name, depth, epochs) for name in ACTIVATIONS for depth in depths
    }
    rows = [
        (
            f"{name}: gradient of layer 1 / layer {depths[-1]}",
            "",
            f"{slope[0] / slope[-1]:.2g}",
        )
        for name, slope in slopes.items()
    ]
    for name in ACTIVATIONS:
        ends = (f"{100 * runs[name, depth].accuracy[-1]:.2f}" for depth in depths)
        rows.append((f"{name}: accuracy at depth " + ", ".join(map(str, depths)), "",
                     ", ".join(ends) + " %"))  # fmt: skip
    common.report(rows)
    common.save(picture(depths, slopes, runs), options.pictures, "depth")
    return 0


if __name__ == "__main__":
    sys.exit(main())
