"""The cost function: why cross-entropy learns faster than the squared error with sigmoid outputs.

    python examples/cost_function.py [--pictures FOLDER] [--data FOLDER] [--short]

One neuron that starts badly wrong; and [784, 30, 10] on MNIST with both costs, from the same
weights, with and without biases that saturate the outputs, and with an L2 term.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

COSTS = {"squared error": "mse", "cross-entropy": "binary_cross_entropy"}
COLOURS = {"squared error": "#d95f02", "cross-entropy": "#1f77b4"}
SIZES, EPOCHS, BATCH, RATE, SEED = [784, 30, 10], 20, 10, 0.5, 1
# Nielsen's lambda of 5 for 60,000 samples.
L2 = 5.0 / 60_000
# So far below zero that every output starts at e^-8: the network is certain that no digit is there.
SATURATED = -8.0


def one_neuron(cost: str, weight: float, bias: float, steps: int) -> list[float]:
    """Return the outputs of a neuron with input 1 and target 0, step by step."""
    nn = foxnn.neural_network([1, 1], "sigmoid", loss=cost, dtype="float64")
    nn[0].weights, nn[0].bias = [[weight]], [bias]
    outputs = []
    for _ in range(steps):
        outputs.append(float(nn.get_out([1.0])[0]))
        nn.train_on_batch([[1.0]], [[0.0]], optimizer="sgd", learning_rate=0.15)
    return outputs


def train(data: tuple[NDArray[Any], ...], cost: str, epochs: int, bias: float, l2: float) -> Any:
    """Return the accuracy of a network on the test images after each epoch."""
    x, y, x_test, y_test = data
    nn = foxnn.neural_network(SIZES, "sigmoid", loss=cost, seed=SEED)
    nn[-1].bias = np.full(10, bias)
    watch = common.Watch(x_test, y_test)
    nn.fit(x, common.one_hot(y), epochs, BATCH, "sgd", RATE, l2=l2, callbacks=watch, progress=False)
    return watch


def delta_is_a_minus_y() -> tuple[float, float]:
    """Return the largest |delta - (a - y)| with cross-entropy, and with the squared error."""
    found = []
    for cost in ("binary_cross_entropy", "mse"):
        nn = foxnn.neural_network([3, 5, 4], "sigmoid", loss=cost, dtype="float64", seed=2)
        trace = nn.trace([0.5, -1.0, 2.0], y=[1, 0, 0, 1])
        found.append(float(np.abs(trace["delta^2"] - (trace["a^2"] - trace["y"])).max()))
    return found[0], found[1]


def picture_of_neuron() -> Any:
    """Draw how a neuron unlearns a 1, from a fair start and from a badly wrong one."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
    for ax, (weight, bias) in zip(panels, ((0.6, 0.9), (2.0, 2.0)), strict=True):
        for name, cost in COSTS.items():
            ax.plot(one_neuron(cost, weight, bias, 300), color=COLOURS[name], label=name)
        ax.set(xlabel="step", title=f"w = {weight}, b = {bias}", ylim=(0, 1))
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("output (target 0)")
    panels[0].legend()
    return figure


def picture_of_digits(fair: dict[str, Any], bad: dict[str, Any]) -> Any:
    """Draw the accuracy over the epochs for both costs."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    for ax, runs, title in zip(
        panels, (fair, bad), ("usual weights", f"output biases at {SATURATED:.0f}"), strict=True
    ):
        for name, watch in runs.items():
            percent = 100 * np.array(watch.accuracy)
            style = "--" if "L2" in name else "-"
            colour = COLOURS[name.removesuffix(" and L2")]
            ax.plot(np.arange(1, len(percent) + 1), percent, style, color=colour, label=name)
        ax.set(xlabel="epoch", title=title)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
    panels[0].set(ylabel="accuracy on the test images (%)")
    panels[0].legend(loc="lower right")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train with both costs, print the figures and draw the plots."""
    options = common.options(__doc__, argv, mnist=True)
    x, y, x_test, y_test = common.digits(options.data)
    data = common.scaled(x), y, common.scaled(x_test), y_test
    epochs = 2 if options.short else EPOCHS
    fair = {name: train(data, cost, epochs, 0.0, 0.0) for name, cost in COSTS.items()}
    fair["cross-entropy and L2"] = train(data, COSTS["cross-entropy"], epochs, 0.0, L2)
    bad = {name: train(data, cost, epochs, SATURATED, 0.0) for name, cost in COSTS.items()}
    with_entropy, with_square = delta_is_a_minus_y()
    rows = [
        ("|delta - (a - y)|, cross-entropy", "0, derived", f"{with_entropy:.1e}"),
        ("|delta - (a - y)|, squared error", "", f"{with_square:.2f}"),
    ]
    for name, cost in COSTS.items():
        outputs = one_neuron(cost, 2.0, 2.0, 300)
        rows.append((f"the wrong neuron after 300 steps, {name}", "", f"{outputs[-1]:.2f}"))
    for title, runs in (("", fair), ("saturated, ", bad)):
        for name, watch in runs.items():
            first, last = 100 * watch.accuracy[0], 100 * watch.accuracy[-1]
            rows.append((f"{title}{name}: epoch 1, end", "", f"{first:.2f} %, {last:.2f} %"))
    common.report(rows)
    common.save(picture_of_neuron(), options.pictures, "cost-neuron")
    common.save(picture_of_digits(fair, bad), options.pictures, "cost-digits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
