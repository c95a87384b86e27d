"""A convolutional network on MNIST: what batch normalization and augmentation each give.

    python examples/convolutional_network.py [--pictures FOLDER] [--data FOLDER] [--html FILE]
        [--short]

Convolutions of 12, 32 and 64 filters, from three seeds: plain, with batch normalization, with
images that are shifted and rotated while they are learnt, and with both. Then the filters of the
first layer, what they see in a digit, and the digits that are hardest to read.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[Any]

EPOCHS, BATCH, RATE, SEEDS = 8, 64, 0.003, (1, 2, 3)
WAYS = {
    "plain": (False, False),
    "batch normalization": (True, False),
    "augmentation": (False, True),
    "both": (True, True),
}
COLOURS = ("#888888", "#d95f02", "#6baed6", "#08519c")
DIGIT = 0  # the test image whose feature maps are drawn: a seven
HARDEST = 30  # as many of the test images are drawn


class Run(NamedTuple):
    """A trained network, its accuracy after each epoch, and the seconds of training."""

    network: foxnn.neural_network
    accuracy: list[float]
    seconds: float


def layers(batch_norm: bool = True) -> list[Any]:
    """Return the layers: three convolutions, of which two are followed by a pool."""
    made: list[Any] = [(28, 28, 1)]
    for filters, kernel, pool in ((12, 5, True), (32, 5, True), (64, 3, False)):
        # The normalization has a bias of its own. It follows the pool, which leaves it a quarter of
        # the numbers.
        made.append(foxnn.Conv2D(filters, kernel, activation="identity", bias=not batch_norm))
        made += [foxnn.MaxPool2D(2)] * pool
        made += [foxnn.BatchNorm()] * batch_norm
        made.append(foxnn.Activation("relu"))
    return [*made, 10]


def train(data: Any, epochs: int, seed: int, batch_norm: bool, augment: Any = None) -> Run:
    """Train on the first half of the data, and evaluate on the second after each epoch."""
    x, y, x_test, y_test = data
    nn = foxnn.neural_network(layers(batch_norm), output_activation="softmax", seed=seed)
    watch = common.Watch(x_test, y_test)
    nn.fit(
        x, y, epochs, BATCH, "adam", RATE, schedule=foxnn.schedules.cosine(epochs),
        augment=augment, callbacks=watch, progress=False,
    )  # fmt: skip
    return Run(nn, watch.accuracy, watch.seconds[-1])


def moved() -> list[Any]:
    """Return the augmentation: shifts by up to a pixel, rotations by up to 12 degrees."""
    return [foxnn.augment.shift(1), foxnn.augment.rotate(12)]


def picture_of_errors(runs: dict[str, list[Run]]) -> Any:
    """Draw the mean share of misread test images after each epoch."""
    figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for (name, found), colour in zip(runs.items(), COLOURS, strict=True):
        errors = 100 - 100 * np.array([run.accuracy for run in found])
        epochs = np.arange(1, errors.shape[1] + 1)
        ax.plot(epochs, errors.mean(axis=0), "o-", color=colour, label=name, markersize=4)
        ax.fill_between(epochs, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.15)
    ax.set(xlabel="epoch", ylabel="test images misread (%)", yscale="log", xticks=epochs)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.grid(alpha=0.3, which="both")
    ax.legend()
    return figure


def picture_of_maps(nn: foxnn.neural_network, image: Array) -> Any:
    """Draw an image, the filters of the first layer, and what the first two layers make of it."""
    figure, panels = plt.subplots(1, 4, figsize=(11, 2.6), layout="constrained")
    common.show_images(panels[0], image, 1)
    first, second, _ = (i for i, layer in enumerate(nn) if layer.kind == "Activation")
    foxnn.plot.filters(nn, 0, panels[1], colorbar=False)
    foxnn.plot.feature_maps(nn, image, first, panels[2], colorbar=False)
    foxnn.plot.feature_maps(nn, image, second, panels[3], channels=range(12), colorbar=False)
    titles = ("image", "filters, 5 x 5", "first layer, 12 x 12", "second, 4 x 4, 12 of 32")
    for ax, title in zip(panels, titles, strict=True):
        ax.set_title(title)
    return figure


def picture_of_hardest(nn: foxnn.neural_network, x: Array, y: NDArray[np.uint8]) -> Any:
    """Draw the test images to whose label the network gives the least, with its answers."""
    outputs = nn.predict(x)
    hardest = np.argsort(outputs[np.arange(len(y)), y], kind="stable")[:HARDEST]
    figure, panels = plt.subplots(3, HARDEST // 3, figsize=(8.5, 3.1), layout="constrained")
    for ax, which in zip(panels.flat, hardest, strict=True):
        common.show_images(ax, x[which], 1)
        ax.set_title(f"{y[which]} as {outputs[which].argmax()}", fontsize=8, pad=2)
        ax.set_axis_off()
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train in four ways, print their accuracy and their times, and draw the pictures."""
    options = common.options(__doc__, argv, mnist=True, html=True)
    x, y, x_test, y_test = common.digits(options.data)
    data = common.scaled(x), y, common.scaled(x_test), y_test
    epochs, seeds = (2, SEEDS[:1]) if options.short else (EPOCHS, SEEDS)
    runs = {
        name: [train(data, epochs, seed, norm, moved() if changed else None) for seed in seeds]
        for name, (norm, changed) in WAYS.items()
    }
    rows = []
    for name, found in runs.items():
        ends = [100 * run.accuracy[-1] for run in found]
        rows += [
            (f"{name}: accuracy", "", common.mean_and_each(ends, "%", 2)),
            ("  seconds", "", common.mean_and_each([run.seconds for run in found], "s", 1)),
            ("  on the training images", "",
             f"{100 * common.accuracy(found[0].network, *data[:2]):.2f} %"),
        ]  # fmt: skip
    best = runs["both"][0].network
    parameters = sum(array.size for layer in best for array in layer.arrays.values())
    rows.append(("numbers in the network", "", f"{parameters:,}"))
    common.report(rows)
    common.page(best, options.html, data[2].reshape(-1, 28, 28), y_test)
    common.save(picture_of_errors(runs), options.pictures, "convolutional-network")
    common.save(picture_of_maps(best, data[2][DIGIT]), options.pictures, "convolutional-maps")
    common.save(picture_of_hardest(best, *data[2:]), options.pictures, "convolutional-hardest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
