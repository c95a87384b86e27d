"""Dreamt digits: images that gradient ascent makes until a network is certain.

    python examples/dreams.py [--pictures FOLDER] [--data FOLDER] [--short]

[784, 256, 10] trained on MNIST, once on the images and once on images with noise. From an empty
image, each step follows the gradient of one digit's sum by the pixels.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float32]

EPOCHS, BATCH, RATE, NOISE = 4, 100, 0.001, 0.5
STEPS = 100


class Dream(NamedTuple):
    """How images are dreamt: step length, share of ink lost in a step, and how much it blurs."""

    step: float
    decay: float = 0.0
    blur: float = 0.0


PLAIN, SMOOTH = Dream(0.02), Dream(0.1, 0.05, 0.15)


def train(
    x: Array, y: NDArray[np.uint8], seed: int, epochs: int, noise: float
) -> foxnn.neural_network:
    """Return a network that reads digits, trained with this much noise, new in each epoch."""
    nn = foxnn.neural_network([784, 256, 10], "relu", "softmax", seed=seed)
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        images = x
        if noise:
            images = x + noise * rng.standard_normal(x.shape, np.float32)
            np.clip(images, 0, 1, out=images)
        nn.fit(images, y, 1, BATCH, "adam", RATE * 0.6**epoch, progress=False)
    return nn


def blurred(images: Array, share: float) -> Array:
    """Return images whose pixels give this share to each neighbour, down and across."""
    square = np.pad(images.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    for axis in (1, 2):
        around = np.roll(square, 1, axis) + np.roll(square, -1, axis)
        square = (1 - 2 * share) * square + share * around
    inner: Array = square[:, 1:-1, 1:-1].reshape(-1, 784)
    return inner


def dream(nn: foxnn.neural_network, how: Dream, steps: int) -> Array:
    """Return an image for each digit, made by gradient ascent from an empty one."""
    sums, images = common.before_softmax(nn), np.zeros((10, 784), np.float32)
    for _ in range(steps):
        for digit in range(10):
            slope = sums.gradient(images[digit], output=digit)
            images[digit] *= 1 - how.decay
            images[digit] += how.step * slope / np.sqrt((slope**2).mean() + 1e-12)
        if how.blur:
            images = blurred(images, how.blur)
        np.clip(images, 0, 1, out=images)
    return images


def certainty(nn: foxnn.neural_network, images: Array) -> float:
    """Return the mean output for the digit that each image was made for."""
    return float(np.diag(nn.predict(images)).mean())


def distance(images: Array, x: Array) -> float:
    """Return the mean squared difference of a pixel between the images and the nearest of x."""
    squares = (images**2).sum(axis=1)[:, None] + (x**2).sum(axis=1) - 2 * images @ x.T
    return float(squares.min(axis=1).mean() / 784)


def main(argv: list[str] | None = None) -> int:
    """Train, dream, print how certain the networks are, and draw the images."""
    options = common.options(__doc__, argv, mnist=True)
    images, y, images_test, y_test = common.digits(options.data)
    x, x_test = common.scaled(images), common.scaled(images_test)
    epochs, steps = (1, 30) if options.short else (EPOCHS, STEPS)
    plain, noisy = (train(x, y, 1, epochs, noise) for noise in (0.0, NOISE))
    other = train(x, y, 2, epochs, 0.0)
    dreams = {
        "plain": dream(plain, PLAIN, steps),
        "plain, smoothed": dream(plain, SMOOTH, steps),
        "with noise, smoothed": dream(noisy, SMOOTH, steps),
    }
    makers = {"plain": plain, "plain, smoothed": plain, "with noise, smoothed": noisy}
    rows = [
        (f"accuracy on the test images, {name}", "", f"{right:.2f} %")
        for name, right in (
            ("plain", 100 * common.accuracy(plain, x_test, y_test)),
            ("trained with noise", 100 * common.accuracy(noisy, x_test, y_test)),
        )
    ]
    for name, made in dreams.items():
        answers = other.predict(made).argmax(axis=1)
        rows += [
            (f"{name}: certainty", "", f"{certainty(makers[name], made):.4f}"),
            ("  a third network agrees", "", f"{(answers == range(10)).sum()} of 10"),
            ("  distance to the nearest image", "", f"{distance(made, x):.3f}"),
        ]
    rows.append(("test images: distance", "", f"{distance(x_test[:500], x):.3f}"))
    common.report(rows)
    figure, panels = plt.subplots(4, 1, figsize=(7, 3.6), layout="constrained")
    means = np.stack([x[y == digit].mean(axis=0) for digit in range(10)])
    shown = dreams | {"mean of the images": means}
    for ax, (name, made) in zip(panels, shown.items(), strict=True):
        common.show_images(ax, made, 10)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    common.save(figure, options.pictures, "dreams")
    return 0


if __name__ == "__main__":
    sys.exit(main())
