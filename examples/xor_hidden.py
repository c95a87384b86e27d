"""XOR of two normal numbers with three neurons: the plane in a cube, and a jump of the loss.

    python examples/xor_hidden.py [--pictures FOLDER] [--short]

The points and the network 2-3-2 of xor.py, all points in every step, at a rate that is slightly too
large: the loss falls quietly for ninety steps, and then jumps.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from numpy.typing import NDArray

import common
import foxnn
from xor import POINTS, RATE, RIDGE, STEPS, accuracy, network, points, train

Array = NDArray[np.float64]

# A network that learns quietly for ninety steps: its rate, its seed, how many steps are drawn, and
# the last one before the jump.
JUMP_RATE, JUMP_SEED, JUMP_STEPS, BEFORE = 16.0, 31, 160, 94
CLASSES = ("#1f77b4", "#d95f02")


def parameters(nn: foxnn.neural_network) -> Array:
    """Return all weights and biases in one array."""
    return np.concatenate([part for layer in nn for part in (layer.weights.ravel(), layer.bias)])


def set_parameters(nn: foxnn.neural_network, values: Array) -> None:
    """Set all weights and biases."""
    at = 0
    for layer in nn:
        inputs, neurons = layer.weights.shape
        layer.weights = values[at : at + inputs * neurons].reshape(inputs, neurons)
        layer.bias = values[at + inputs * neurons : at + (inputs + 1) * neurons]
        at += (inputs + 1) * neurons


def curvature(at: Array) -> float:
    """Return the largest eigenvalue of the Hessian of the loss of the network of three neurons.

    Its columns are differences of gradients, and a gradient is what a step of rate 1 subtracts. The
    ridge adds its 3e-5 to each eigenvalue at most, and is left out.
    """
    x, labels = points(POINTS, 0)
    nn, targets, h = network(3, dtype="float64"), np.eye(2)[labels], 1e-4

    def gradient(values: Array) -> Array:
        set_parameters(nn, values)
        nn.train_on_batch(x, targets, optimizer="sgd", learning_rate=1.0)
        return values - parameters(nn)

    columns = [
        (gradient(at + h * unit) - gradient(at - h * unit)) / (2 * h) for unit in np.eye(len(at))
    ]
    hessian = np.array(columns)
    return float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])


class Jump(NamedTuple):
    """The network that jumps, step by step: loss, accuracy (%), rate times curvature, weights."""

    loss: Array
    accuracy: Array
    stability: Array
    weights: list[Array]


def jump() -> Jump:
    """Train the network that jumps after ninety steps; float64, for the differences."""
    x, labels = points(POINTS, 0)
    nn, targets = network(3, JUMP_SEED, "float64"), np.eye(2)[labels]
    found: list[tuple[float, float, float]] = []
    weights: list[Array] = []
    for _ in range(JUMP_STEPS):
        weights.append(parameters(nn))
        share = accuracy(nn, x, labels)
        history = nn.fit(
            x, targets, 1, POINTS, "sgd", JUMP_RATE, l2=RIDGE, progress=False
        )  # its loss is that before the step
        found.append((history["loss"][0], share, JUMP_RATE * curvature(weights[-1])))
    loss, shares, stability = np.array(found).T
    return Jump(loss, shares, stability, weights)


def cut_of_cube(normal: Array, bias: float) -> Array:
    """Return the corners, in order, of the polygon that normal · x + bias = 0 cuts from [0, 1]³."""
    corners = []
    for axis, others in ((0, (1, 2)), (1, (0, 2)), (2, (0, 1))):
        for ends in itertools.product((0.0, 1.0), repeat=2):
            corner = np.zeros(3)
            corner[list(others)] = ends
            corner[axis] = -(bias + normal @ corner) / normal[axis]
            if 0 <= corner[axis] <= 1:
                corners.append(corner)
    found = np.array(corners)
    # Two directions in the plane, and the angle of each corner seen from the middle.
    first = found[0] - found.mean(axis=0)
    second = np.cross(normal, first)
    away = found - found.mean(axis=0)
    angle = np.arctan2(away @ second * np.linalg.norm(first), away @ first * np.linalg.norm(second))
    return found[np.argsort(angle)]


def picture_of_hidden_layer(weights: dict[str, Array]) -> Any:
    """Draw the plane as three neurons see it: a sheet in a cube, and the plane that cuts it."""
    x, labels = points(POINTS, 0)
    figure = plt.figure(figsize=(13, 4.4), layout="constrained")
    x_line = np.linspace(-3, 3, 61)
    for i, (title, values) in enumerate(weights.items()):
        nn = network(3, dtype="float64")
        set_parameters(nn, values)
        first = foxnn.neural_network([2, 3], "sigmoid", dtype="float64")
        first[0].weights, first[0].bias = nn[0].weights, nn[0].bias
        ax = figure.add_subplot(1, len(weights), i + 1, projection="3d")
        for fixed in np.linspace(-3, 3, 13):
            for column in (0, 1):
                grid = np.full((len(x_line), 2), fixed)
                grid[:, column] = x_line
                ax.plot(*first.predict(grid).T, color="#999999", linewidth=0.5)
        for label, colour in enumerate(CLASSES):
            ax.scatter(*first.predict(x[labels == label]).T, s=9, color=colour, depthshade=False)
        # Both outputs are equal where the difference of their sums is 0.
        cut = cut_of_cube(np.diff(nn[1].weights)[:, 0], float(np.diff(nn[1].bias)[0]))
        ax.add_collection3d(Poly3DCollection([cut], facecolor="#55aa55", alpha=0.3))
        share = accuracy(nn, x, labels)
        ax.set(xlim=(0, 1), ylim=(0, 1), zlim=(0, 1), title=f"{title}: {share:.1f} %")
        ax.view_init(elev=24, azim=-118)
        ax.set_box_aspect(None, zoom=0.86)
        ax.set(xlabel="neuron 1", ylabel="neuron 2", zlabel="neuron 3")
        for ticks in (ax.set_xticks, ax.set_yticks, ax.set_zticks):
            ticks([0, 0.5, 1])
    return figure


def picture_of_jump(found: Jump) -> Any:
    """Draw loss, accuracy, and rate times curvature over the steps."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 3.3), sharex=True, layout="constrained")
    values = (found.loss, found.accuracy, found.stability)
    titles = ("loss", "accuracy (%)", r"rate $\times$ largest curvature")
    for ax, series, title in zip(panels, values, titles, strict=True):
        ax.plot(series, color="#1f77b4", linewidth=1.2)
        ax.axvline(BEFORE, color="#b2182b", linestyle=":", label=f"step {BEFORE}")
        ax.set(xlabel="step", title=title)
        ax.grid(alpha=0.3)
    panels[2].axhline(2, color="black", linewidth=1)
    panels[2].annotate("above 2: uphill", (0, 2.06), fontsize=8)
    panels[0].legend()
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    steps = STEPS // 10 if options.short else STEPS
    found = jump()
    after = found.accuracy[BEFORE : BEFORE + 10].min()
    crossed = int(np.flatnonzero(found.stability > 2)[0])
    common.report(
        [
            ("the loss jumps after step", "90", f"{BEFORE}"),
            ("  accuracy before and after", "", f"{found.accuracy[BEFORE]:.0f} %, {after:.0f} %"),
            ("  rate x curvature is above 2 from step", "", f"{crossed}"),
            ("  rate x curvature before", "", f"{found.stability[BEFORE]:.2f}"),
        ]
    )
    weights = {
        "untrained": found.weights[0],
        f"step {BEFORE} at rate {JUMP_RATE:.0f}": found.weights[BEFORE],
        f"step {steps} at rate {RATE:.0f}": parameters(train(3, steps, RATE, seed=JUMP_SEED).nn),
    }
    common.save(picture_of_hidden_layer(weights), options.pictures, "xor-hidden")
    common.save(picture_of_jump(found), options.pictures, "xor-jump")
    return 0


if __name__ == "__main__":
    sys.exit(main())
