"""A GAN on MNIST: a network that paints digits learns from one that finds its faults.

    python examples/gan.py [--pictures FOLDER] [--data FOLDER] [--short]

A generator makes images from 64 random numbers, a discriminator tells them from images of the
training set (Goodfellow et al., 2014). They are chained by `backward`: what the second returns as
the gradient by its inputs is the first's by its outputs. A classifier of digits judges the samples.
"""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[Any]

SHAPE, LATENT, BATCH, EPOCHS, SEED = (28, 28, 1), 64, 64, 3, 1
# A generator's moments of the first order would still point to where the discriminator was.
ADAM = foxnn.Adam(beta_1=0.5)
RATE = 0.0005
# Real images are called real with 0.9 (Salimans et al., 2016), so that the discriminator never
# grows so sure that its gradient vanishes.
REAL = 0.9
LEAKY = ("leaky_relu", [0.2])
TINY = 1e-30  # above 0, and so is its inverse in float32 below infinity
JUDGED, SURE = 10_000, 0.9


class Opinion(NamedTuple):
    """What the classifier says of images."""

    score: float  # from 1 to 10: every image a clear digit, and all digits equally often
    sure: float  # percent of images with a digit more probable than SURE
    counts: Array  # images of each digit


def noise(count: int, rng: np.random.Generator) -> Array:
    """Return random numbers to paint images from."""
    return rng.standard_normal((count, LATENT), np.float32)


def networks() -> tuple[foxnn.neural_network, foxnn.neural_network]:
    """Return generator and discriminator."""

    def normalized(layer: foxnn.Dense | foxnn.Conv2D) -> list[Any]:
        # Samples look like digits sooner with it. BatchNorm would keep its first statistics:
        # `backward` takes them as they are.
        return [layer, foxnn.LayerNorm(), foxnn.Activation(LEAKY)]

    generator = foxnn.neural_network(
        [
            LATENT,
            *normalized(foxnn.Dense(7 * 7 * 32, activation="identity")),
            foxnn.Reshape((7, 7, 32)),
            foxnn.UpSample(2),
            *normalized(foxnn.Conv2D(16, 3, padding="same", activation="identity")),
            foxnn.UpSample(2),
            foxnn.Conv2D(1, 5, padding="same", activation="sigmoid"),
        ],
        seed=SEED,
    )
    discriminator = foxnn.neural_network(
        [
            SHAPE,
            foxnn.Conv2D(16, 5, stride=2, padding="same"),
            foxnn.Conv2D(32, 5, stride=2, padding="same"),
            1,
        ],
        LEAKY,
        "sigmoid",
        loss="binary_cross_entropy",
        seed=SEED + 1,
    )
    return generator, discriminator


def slopes(discriminator: foxnn.neural_network, samples: Array) -> Array:
    """Return the gradient of the mean of -log p by the samples; p is how real each looks."""
    p = np.maximum(discriminator.predict(samples), TINY)
    found: Array = discriminator.backward(samples, -1 / (p * len(p)), learning_rate=0.0)
    return found


def step(
    generator: foxnn.neural_network,
    discriminator: foxnn.neural_network,
    images: Array,
    rng: np.random.Generator,
) -> None:
    """Let the discriminator learn from images and samples, and the generator from it."""
    z = noise(len(images), rng)
    samples = generator.predict(z)
    labels = np.repeat(np.array([[REAL], [0]], np.float32), len(images), axis=0)
    discriminator.train_on_batch(np.concatenate([images, samples]), labels, ADAM, RATE)
    generator.backward(z, slopes(discriminator, samples), ADAM, RATE)


def classifier(images: Array, labels: Array, epochs: int) -> foxnn.neural_network:
    """Return the network that judges, which knows nothing of the two others."""
    nn = foxnn.neural_network([784, 256, 128, 10], "relu", "softmax", seed=SEED + 2)
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(
        images, labels, epochs, 100, "adam", 0.002, schedule=schedule, dropout=0.2, progress=False
    )
    return nn


def opinion(judge: foxnn.neural_network, images: Array) -> Opinion:
    """Return what the classifier says: exp of the mean of KL(p of an image, mean p), and counts."""
    p = judge.predict(images.reshape(len(images), -1)).astype(np.float64)
    p = np.maximum(p, 1e-300)  # 0 log 0 is 0
    logs = np.log(p) - np.log(p.mean(axis=0))
    score = float(np.exp((p * logs).sum(axis=1).mean()))
    counts = np.bincount(p.argmax(axis=1), minlength=10)
    return Opinion(score, float(100 * (p.max(axis=1) > SURE).mean()), counts)


def nearest(images: Array, others: Array) -> Array:
    """Return the root of the mean squared difference of the pixels to the nearest other image."""
    squares = (images**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * images @ others.T
    found: Array = np.sqrt(np.maximum(squares.min(axis=1), 0) / images.shape[1])
    return found


def between(first: Array, last: Array, count: int) -> Array:
    """Return points on the arcs between two sets of points, of shape (points, count, numbers)."""
    share = np.linspace(0, np.pi / 2, count)[:, None]
    # All as far from 0 as random points are.
    points: Array = first[:, None] * np.cos(share) + last[:, None] * np.sin(share)
    return points


def picture(panels: dict[str, Array]) -> Any:
    """Draw sixty-four images in each panel."""
    figure, axes = plt.subplots(1, len(panels), figsize=(12, 3.3), layout="constrained")
    for ax, (title, images) in zip(axes, panels.items(), strict=True):
        common.show_images(ax, images[:64], 8)
        ax.set_title(title)
    return figure


def picture_of_ways(images: Array, columns: int) -> Any:
    """Draw images from one point to another, a row for each pair."""
    figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    common.show_images(ax, images, columns)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, let the classifier judge, and draw samples."""
    options = common.options(__doc__, argv, mnist=True)
    epochs, judged = (2, 1000) if options.short else (EPOCHS, JUDGED)
    images, labels, images_test, labels_test = common.digits(options.data)
    x, x_test = common.scaled(images), common.scaled(images_test)
    judge = classifier(x, labels, 2 if options.short else 5)
    generator, discriminator = networks()
    flat, x = x, x.reshape(-1, *SHAPE)
    rng, shown = np.random.default_rng(SEED), noise(judged, np.random.default_rng(SEED + 1))
    stages, panels, seconds = {"before": generator.predict(shown)}, {}, 0.0
    for epoch in range(1, epochs + 1):
        started = time.process_time()
        order = rng.permutation(len(x))
        for first in range(0, len(x) - BATCH + 1, BATCH):
            step(generator, discriminator, x[order[first : first + BATCH]], rng)
        seconds += time.process_time() - started
        if epoch in (1, 2, epochs):
            title = f"after {epoch} epoch" + "s" * (epoch > 1)
            stages[title] = panels[title] = generator.predict(shown)
    stages["test images"] = panels["test images"] = x_test.reshape(-1, *SHAPE)
    rows = [
        ("classifier, accuracy", "", f"{100 * common.accuracy(judge, x_test, labels_test):.2f} %"),
        ("processor seconds", "", f"{seconds:.1f}"),
    ]
    for title, made in stages.items():
        found = opinion(judge, made)
        rows += [
            (f"{title}: score", "", f"{found.score:.2f}"),
            (f"{title}: sure", "", f"{found.sure:.1f} %"),
            (f"{title}: of each digit", "", ", ".join(map(str, found.counts))),
            (
                f"{title}: distance to the training set",
                "",
                f"{nearest(made[:1000].reshape(-1, 784), flat).mean():.3f}",
            ),
        ]
    made = generator.predict(shown)
    rows += [
        (
            "discriminator: test images look real",
            "",
            f"{discriminator.predict(stages['test images']).mean():.2f}",
        ),
        ("discriminator: samples look real", "", f"{discriminator.predict(made).mean():.2f}"),
    ]
    common.report(rows)
    common.save(picture(panels), options.pictures, "gan")
    ways = between(noise(6, rng), noise(6, rng), 14).reshape(-1, LATENT).astype(np.float32)
    common.save(picture_of_ways(generator.predict(ways), 14), options.pictures, "gan-ways")
    return 0


if __name__ == "__main__":
    sys.exit(main())
