"""Saliency: which pixels an answer depends on, by the gradient of the answer by the input.

    python examples/saliency.py [--pictures FOLDER] [--data FOLDER] [--short]

[784, 256, 10] on MNIST. The pixels of the largest gradient are changed, and others at random, to
see whether the gradient told the truth.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[Any]

EPOCHS, BATCH, RATE, SEED = 4, 100, 0.001, 1
COUNTS = (0, 2, 5, 10, 20, 40, 80)
EXAMINED = 2000


def train(x: Array, y: NDArray[np.uint8], epochs: int) -> foxnn.neural_network:
    """Return a network that reads digits."""
    nn = foxnn.neural_network([784, 256, 10], "relu", "softmax", seed=SEED)
    nn.fit(
        x, y, epochs, BATCH, "adam", RATE,
        schedule=foxnn.schedules.exponential(0.6), progress=False,
    )  # fmt: skip
    return nn


def slopes(nn: foxnn.neural_network, images: Array, digits: NDArray[Any]) -> Array:
    """Return how the sum of one digit changes with each pixel, for each image and its digit."""
    sums = common.before_softmax(nn)
    found: Array = np.empty_like(images)
    for digit in np.unique(digits):
        chosen = digits == digit
        found[chosen] = sums.gradient(images[chosen], output=int(digit))
    return found


def erased(images: Array, order: NDArray[Any], count: int) -> Array:
    """Return images whose first so many pixels of an order are empty."""
    changed: Array = images.copy()
    np.put_along_axis(changed, order[:, :count], 0, axis=1)
    return changed


def orders(nn: foxnn.neural_network, images: Array, digits: NDArray[Any]) -> dict[str, Any]:
    """Return orders of the pixels of each image: inked ones at random, by ink, and by gradient."""
    rng = np.random.default_rng(0)
    chance = rng.random(images.shape, np.float32) * (images > 0)
    by_slope = slopes(nn, images, digits) * images
    return {
        name: np.argsort(-values, axis=1, kind="stable")
        for name, values in (
            ("inked pixels at random", chance),
            ("darkest pixels", images),
            ("largest gradient · ink", by_slope),
        )
    }


def picture(nn: foxnn.neural_network, images: Array, curves: dict[str, list[float]]) -> Any:
    """Draw images with their slopes, by pixel and by ink, and the accuracy as pixels are erased."""
    figure = plt.figure(figsize=(12, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(3, 2))
    panels, digits = left.subplots(3, len(images)), nn.predict(images).argmax(axis=1)
    found = slopes(nn, images, digits)
    for row, values in enumerate((images, found, found * images)):
        for ax, image, digit in zip(panels[row], values, digits, strict=True):
            limit = np.abs(image).max()
            kind = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if row else {"cmap": "gray_r"}
            ax.imshow(image.reshape(28, 28), **kind)
            ax.set(xticks=[], yticks=[])
            if not row:
                ax.set_title(f"answer: {digit}", fontsize=9)
    for row, name in enumerate(("image", "gradient", "gradient · ink")):
        panels[row, 0].set_ylabel(name)
    ax = right.subplots()
    for (name, kept), colour in zip(curves.items(), ("#888888", "#1f77b4", "#d95f02"), strict=True):
        ax.plot(COUNTS, kept, "o-", color=colour, label=name)
    ax.set(xlabel="pixels erased", ylabel="accuracy (%)", ylim=(0, 101))
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, erase pixels, print what is left of the accuracy, and draw it."""
    options = common.options(__doc__, argv, mnist=True)
    images, y, images_test, y_test = common.digits(options.data)
    nn = train(common.scaled(images), y, 1 if options.short else EPOCHS)
    x_test = common.scaled(images_test)
    some, labels = x_test[:EXAMINED], y_test[:EXAMINED]
    answers = nn.predict(some).argmax(axis=1)
    curves = {
        name: [100 * common.accuracy(nn, erased(some, order, count), labels) for count in COUNTS]
        for name, order in orders(nn, some, answers).items()
    }
    found = slopes(nn, some, answers)
    inked = (np.abs(found) * (some > 0)).sum() / np.abs(found).sum()
    rows = [
        ("accuracy on the test images", "", f"{100 * common.accuracy(nn, x_test, y_test):.2f} %"),
        ("share of |gradient| on inked pixels", "", f"{100 * inked:.0f} %"),
        ("share of inked pixels", "", f"{100 * (some > 0).mean():.0f} %"),
    ]
    for name, values in curves.items():
        rows.append((f"{name}: accuracy without " + ", ".join(map(str, COUNTS)), "",
                     ", ".join(f"{value:.1f}" for value in values) + " %"))  # fmt: skip
    common.report(rows)
    few = [int(np.flatnonzero(labels == digit)[0]) for digit in (0, 2, 3, 4, 7, 8)]
    common.save(picture(nn, some[few], curves), options.pictures, "saliency")
    return 0


if __name__ == "__main__":
    sys.exit(main())
