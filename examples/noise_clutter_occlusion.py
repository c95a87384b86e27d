"""Noise, clutter and occlusion: how dense and convolutional networks bear damaged digits.

    python examples/noise_clutter_occlusion.py [--pictures FOLDER] [--data FOLDER] [--short]

[784, 512, 512, 10]; the network of convolutional_network.py in its four ways, plain, with batch
normalization, with augmentation and with both; and with both, trained on damaged images, too.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import convolutional_network as cnn
import foxnn

Array = NDArray[Any]
Generator = np.random.Generator

SEED = 1
DENSE_RATE = 0.001
PIECE = 8  # pixels: as large as a part of a digit
LEVELS: dict[str, tuple[float, ...]] = {
    "noise": (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
    "clutter": (0, 1, 2, 3, 4, 6, 8, 12),
    "occlusion": (0, 4, 6, 8, 10, 12, 14, 16),
}
NORMALIZED = 0.3  # the noise by which a network is normalized anew
# Training goes half as far as the tests.
LEARNT = {name: levels[-1] / 2 for name, levels in LEVELS.items()}
MEANING = {
    "noise": "standard deviation of the noise",
    "clutter": f"pieces of other digits, {PIECE} x {PIECE}",
    "occlusion": "side of the empty square, pixels",
}
COLOURS = ("black", *cnn.COLOURS, "#31a354")


def noise(images: Array, deviation: float, rng: Generator) -> Array:
    """Return images of shape (samples, 28, 28) with noise on every pixel, from 0 to 1 as before."""
    drawn = rng.standard_normal(images.shape, np.float32)
    noisy: Array = np.clip(images + np.float32(deviation) * drawn, 0, 1)
    return noisy


def clutter(images: Array, pieces: float, rng: Generator) -> Array:
    """Return images over which pieces of other images of the batch are laid."""
    found: Array = images.copy()
    into, out_of = squares(found, PIECE), squares(images, PIECE)
    for _ in range(round(pieces)):
        place = places(len(images), PIECE, 0, rng)
        others = rng.permutation(len(images))
        _, row, column = places(len(images), PIECE, 4, rng)
        into[place] = np.maximum(into[place], out_of[others, row, column])
    return found


def occlusion(images: Array, side: float, rng: Generator) -> Array:
    """Return images with a square without ink, within the 20 x 20 pixels of the digit."""
    found: Array = images.copy()
    squares(found, round(side))[places(len(images), round(side), 4, rng)] = 0
    return found


DAMAGE: dict[str, Callable[[Array, float, Generator], Array]] = {
    "noise": noise, "clutter": clutter, "occlusion": occlusion,
}  # fmt: skip


def squares(images: Array, side: int) -> Array:
    """Return a view of all squares of the images, by sample, row and column."""
    view = np.lib.stride_tricks.sliding_window_view
    return view(images, (side, side), (1, 2), writeable=True)


def places(count: int, side: int, margin: int, rng: Generator) -> tuple[Array, ...]:
    """Return the numbers of the images, and for each a row and a column within the margin."""
    row, column = rng.integers(margin, 28 - margin - side, (2, count), endpoint=True)
    return np.arange(count), row, column


def damaged(x: Array, rng: Generator) -> Array:
    """Return a batch of which a quarter each is left as it is, noisy, cluttered and occluded."""
    first, *others = np.array_split(x[..., 0], 4)
    changed = [
        DAMAGE[name](part, rng.uniform(0, most), rng)
        for part, (name, most) in zip(others, LEARNT.items(), strict=True)
    ]
    return np.concatenate([first, *changed])[..., None]


def train_dense(data: Any, epochs: int) -> foxnn.neural_network:
    """Return the dense network of benchmarks/mnist.py, trained for as many epochs as the others."""
    nn = foxnn.neural_network([784, 512, 512, 10], "relu", "softmax", seed=SEED)
    schedule = foxnn.schedules.cosine(epochs)
    x, y = data[:2]
    nn.fit(x, y, epochs, cnn.BATCH, "adam", DENSE_RATE, schedule=schedule, progress=False)
    return nn


def networks(data: Any, epochs: int) -> dict[str, foxnn.neural_network]:
    """Return the six networks, trained."""
    trained = {"dense": train_dense(data, epochs)}
    for name, (norm, moved) in cnn.WAYS.items():
        augment = cnn.moved() if moved else None
        trained[name] = cnn.train(data, epochs, SEED, norm, augment).network
    augment = [*cnn.moved(), damaged]
    trained["both, and damage"] = cnn.train(data, epochs, SEED, True, augment).network
    return trained


def accuracies(trained: dict[str, Any], x: Array, y: Array) -> dict[str, dict[str, list[float]]]:
    """Return the accuracy on damaged images in per cent: by damage, by network, for each level."""
    found = {}
    for kind, levels in LEVELS.items():
        rng = np.random.default_rng(0)
        tests = [DAMAGE[kind](x, level, rng).reshape(len(x), -1) for level in levels]
        found[kind] = {
            name: [100 * common.accuracy(nn, test, y) for test in tests]
            for name, nn in trained.items()
        }
    return found


def renormalized(nn: foxnn.neural_network, x: Array) -> foxnn.neural_network:
    """Return a copy that normalizes by the means and variances of these images."""
    fresh = copy.deepcopy(nn)
    for i, layer in enumerate(fresh):
        if layer.kind == "BatchNorm":
            inputs = fresh.layer_outputs(x)[fresh[i - 1].name]
            of_channels = inputs.reshape(-1, inputs.shape[-1])
            layer.arrays["running_mean"] = of_channels.mean(axis=0)
            layer.arrays["running_variance"] = of_channels.var(axis=0)
    return fresh


def picture(found: dict[str, dict[str, list[float]]], images: Array) -> Any:
    """Draw the accuracy over the strength of each damage, below the first image damaged so."""
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 4.5))
    for ax, (kind, levels) in zip(above.subplots(1, 3), LEVELS.items(), strict=True):
        shown = [DAMAGE[kind](images, level, np.random.default_rng(5))[0] for level in levels]
        common.show_images(ax, np.stack(shown), len(levels))
    panels = below.subplots(1, 3, sharey=True)
    for ax, (kind, levels) in zip(panels, LEVELS.items(), strict=True):
        for (name, values), colour in zip(found[kind].items(), COLOURS, strict=True):
            line = "o--" if name == "dense" else "o-"
            ax.plot(levels, values, line, color=colour, markersize=4, label=name)
        ax.axvspan(0, LEARNT[kind], color=COLOURS[-1], alpha=0.07, linewidth=0)
        ax.set(xlabel=MEANING[kind], ylim=(0, 102), xticks=levels[::2])
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("test accuracy (%)")
    panels[2].legend(fontsize=7.5, loc="lower left")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train the networks, damage the test images, print the accuracies, and draw them."""
    options = common.options(__doc__, argv, mnist=True)
    x, y, x_test, y_test = common.digits(options.data)
    data = common.scaled(x), y, common.scaled(x_test), y_test
    trained = networks(data, 2 if options.short else cnn.EPOCHS)
    found = accuracies(trained, data[2].reshape(-1, 28, 28), y_test)
    rows = []
    for kind, levels in LEVELS.items():
        rows.append((f"{kind}: {MEANING[kind]}", "", ", ".join(f"{level:g}" for level in levels)))
        rows += [
            (f"  {kind}, {name}", "", ", ".join(f"{value:.1f}" for value in values) + " %")
            for name, values in found[kind].items()
        ]
    noisy = noise(data[2], NORMALIZED, np.random.default_rng(0))
    nn = renormalized(trained["both"], noisy[:1000])
    rows.append((f"noise of {NORMALIZED}, both, normalized by it", "",
                 f"{100 * common.accuracy(nn, noisy, y_test):.1f} %"))  # fmt: skip
    common.report(rows)
    few = data[2][:20].reshape(-1, 28, 28)
    common.save(picture(found, few), options.pictures, "noise-clutter-occlusion")
    return 0


if __name__ == "__main__":
    sys.exit(main())
