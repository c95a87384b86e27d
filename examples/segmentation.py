"""Segmentation: which digit each pixel of a noisy collage belongs to, by a small U-Net.

    python examples/segmentation.py [--pictures FOLDER] [--data FOLDER] [--short]

Collages of 40 x 40 pixels with four to seven MNIST digits at half size under noise; 11 classes for
each pixel, the background and the ten digits. Convolutions at the full size, at half and at a
quarter of it and up again, with skips and without.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

import common
import foxnn

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SIZE, DIGIT, FEWEST, MOST, INK, NOISE = 40, 14, 4, 7, 0.3, 0.2
# Of a digit's ink, at most this share lies on other digits; so many places are tried for that.
OVERLAP, TRIES = 0.1, 30
TRAINING, TESTING = 5000, 500
EPOCHS, BATCH, RATE, SEED = 5, 16, 0.006, 1
CLASSES = 11  # 0 is the background, and digit d has class d + 1


class Collages(NamedTuple):
    """Pictures with noise, the same without, and the class of each pixel."""

    noisy: Floats
    clean: Floats
    classes: Bytes


def collages(images: Bytes, y: Bytes, count: int, seed: int) -> Collages:
    """Return pictures of digits at random places; they may touch, and overlap a little."""
    rng = np.random.default_rng(seed)
    small = common.scaled(images).reshape(-1, DIGIT, 2, DIGIT, 2).mean(axis=(2, 4))
    clean = np.zeros((count, SIZE, SIZE), np.float32)
    classes = np.zeros(clean.shape, np.uint8)
    for picture, labels in zip(clean, classes, strict=True):
        for which in rng.integers(len(images), size=rng.integers(FEWEST, MOST + 1)):
            digit, ink = small[which], small[which] > INK
            for down, along in rng.integers(SIZE - DIGIT + 1, size=(TRIES, 2)):
                place = slice(down, down + DIGIT), slice(along, along + DIGIT)
                if (ink & (picture[place] > INK)).sum() <= OVERLAP * ink.sum():
                    labels[place][ink & (digit > picture[place])] = y[which] + 1
                    np.maximum(picture[place], digit, out=picture[place])
                    break
    noise = rng.standard_normal(clean.shape, np.float32)
    return Collages(clean + np.float32(NOISE) * noise, clean, classes)


def conv(filters: int) -> list[Any]:
    """Return a convolution that keeps the size, normalized."""
    return [
        foxnn.Conv2D(filters, 3, padding="same", activation="identity"),
        foxnn.BatchNorm(),
        foxnn.Activation("relu"),
    ]


def at_half_size(layers: list[Any], *, skip: bool) -> list[Any]:
    """Return layers that work at half the size; with a skip, their input stands beside the result.

    What a pool has left out of the picture, the skip brings back.
    """
    around = [foxnn.MaxPool2D(2), *layers, foxnn.UpSample(2)]
    return [foxnn.Parallel(foxnn.Activation("identity"), around)] if skip else around


def network(*, skip: bool) -> foxnn.neural_network:
    """Return a network from pictures to the probabilities of 11 classes at each pixel."""
    lowest = [*conv(64), foxnn.Residual(*conv(64)), foxnn.Residual(*conv(64))]
    lower = [*conv(24), *at_half_size(lowest, skip=skip), *conv(32)]
    last = foxnn.Conv2D(CLASSES, 3, padding="same")
    return foxnn.neural_network(
        [(SIZE, SIZE, 1), *conv(8), *at_half_size(lower, skip=skip), last],
        output_activation="softmax",
        seed=SEED,
    )


def train(made: Collages, epochs: int, *, skip: bool) -> foxnn.neural_network:
    """Return a network that has learned the classes of the pixels."""
    nn = network(skip=skip)
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(made.noisy, made.classes, epochs, BATCH, "adam", RATE, schedule=schedule, progress=False)
    return nn


def overlaps(found: NDArray[Any], classes: Bytes) -> NDArray[np.float64]:
    """Return the intersection over union of each class, over the pixels of all pictures, in %."""
    pairs = np.bincount(CLASSES * classes.ravel().astype(int) + found.ravel(), minlength=CLASSES**2)
    counts = pairs.reshape(CLASSES, CLASSES)
    both = counts.diagonal()
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    ious: NDArray[np.float64] = 100 * both / np.maximum(1, either)
    return ious


def picture(made: Collages, answers: dict[str, NDArray[Any]]) -> Any:
    """Draw some collages, the classes of their pixels, and those that networks answer."""
    colours = ListedColormap(["white", *plt.get_cmap("tab10").colors])
    rows: dict[str, Any] = {"noisy collage": made.noisy, "truth": made.classes, **answers}
    columns = len(made.noisy)
    figure, panels = plt.subplots(
        len(rows), columns, figsize=(1.35 * columns + 1, 1.35 * len(rows) + 0.3),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for row, (name, images) in zip(panels, rows.items(), strict=True):
        for ax, image in zip(row, images, strict=True):
            if image.dtype.kind == "f":
                ax.imshow(image, cmap="gray_r", vmin=-0.5, vmax=1.5)
            else:
                drawn = ax.imshow(
                    image, cmap=colours, vmin=-0.5, vmax=10.5, interpolation="nearest"
                )
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(name)
    bar = figure.colorbar(drawn, ax=panels, ticks=range(CLASSES), shrink=0.8, aspect=40)
    bar.ax.set_yticklabels(["none", *range(10)])
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train with skips and without, print the overlaps, and draw some answers."""
    options = common.options(__doc__, argv, mnist=True)
    images, y, images_test, y_test = common.digits(options.data)
    short = options.short
    made = collages(images, y, 200 if short else TRAINING, 0)
    test = collages(images_test, y_test, 50 if short else TESTING, 1)
    rows, answers = [("pixels of digits", "", f"{100 * (test.classes > 0).mean():.1f} %")], {}
    for name, skip in (("with skips", True), ("without skips", False)):
        nn = train(made, 1 if short else EPOCHS, skip=skip)
        answers[name] = nn.predict_classes(test.noisy)
        ious = overlaps(answers[name], test.classes)
        inked = test.classes > 0
        taken, right = answers[name][inked] > 0, answers[name][inked] == test.classes[inked]
        each = ", ".join(f"{iou:.1f}" for iou in ious[1:])
        rows += [
            (f"{name}: pixels of digits taken for a digit", "", f"{100 * taken.mean():.1f} %"),
            (f"{name}: for the right one", "", f"{100 * right.mean():.1f} %"),
            (f"{name}: mean IoU", "", f"{ious.mean():.1f} %"),
            (f"{name}: IoU of the background", "", f"{ious[0]:.1f} %"),
            (f"{name}: IoU of the digits 0 to 9", "", f"{each} %"),
        ]
    common.report(rows)
    some = Collages(test.noisy[:6], test.clean[:6], test.classes[:6])
    drawn = picture(some, {name: found[:6] for name, found in answers.items()})
    common.save(drawn, options.pictures, "segmentation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
