"""An autoencoder: digits through two numbers and back, beside PCA, and noise removed.

    python examples/autoencoder.py [--pictures FOLDER] [--data FOLDER] [--short]

784-128-32-2-32-128-784 and 784-128-32-128-784 on MNIST, whose targets are the images themselves;
and 784-128-784, whose inputs are noisy. Cross-entropy of the pixels, Adam in batches of 100.
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

HIDDEN = {2: [128, 32, 2, 32, 128], 32: [128, 32, 128]}
# The code is linear. A tanh before it keeps the two numbers near zero, where the map is legible.
ACTIVATIONS = {2: ["relu", "tanh", "identity", "relu", "relu"], 32: ["relu", "identity", "relu"]}
EPOCHS, BATCH, RATE, SEED = {2: 20, 32: 10}, 100, 0.002, 1
NOISE, NOISY_EPOCHS = 0.5, 5


def network(hidden: list[int], activations: list[str]) -> foxnn.neural_network:
    """Return a network from images to images, with pixels from 0 to 1 as probabilities."""
    return foxnn.neural_network(
        [784, *hidden, 784], [*activations, "sigmoid"], loss="binary_cross_entropy", seed=SEED
    )


def train(x: Array, code: int, epochs: int) -> foxnn.neural_network:
    """Return an autoencoder with so many numbers in the middle."""
    nn = network(HIDDEN[code], ACTIVATIONS[code])
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(x, x, epochs, BATCH, "adam", RATE, schedule=schedule, progress=False)
    return nn


def halves(nn: foxnn.neural_network) -> tuple[foxnn.neural_network, foxnn.neural_network]:
    """Return encoder and decoder as separate networks: the layers before and after the code."""
    middle = nn.sizes.index(min(nn.sizes))
    encoder = foxnn.neural_network([784, *nn[:middle]])
    return encoder, foxnn.neural_network([nn.sizes[middle], *nn[middle:]])


def noisy(x: Array, seed: int) -> Array:
    """Return images with noise on every pixel, from 0 to 1 as before."""
    noise = np.random.default_rng(seed).standard_normal(x.shape, np.float32)
    noise *= NOISE
    noise += x
    return np.clip(noise, 0, 1, out=noise)


def train_to_denoise(x: Array, epochs: int) -> foxnn.neural_network:
    """Return a network from noisy images to clean ones; the noise is new in each epoch."""
    nn = network([128], ["relu"])
    for epoch in range(epochs):
        nn.fit(noisy(x, epoch), x, 1, BATCH, "adam", RATE * 0.6**epoch, progress=False)
    return nn


class Pca:
    """Principal components: the linear autoencoder with the smallest squared error."""

    def __init__(self, mean: Array, directions: Array) -> None:
        self.mean, self.directions = mean, directions

    @classmethod
    def of(cls, x: Array, count: int) -> Pca:
        """Return so many components of images, those of the largest variance first."""
        mean = x.mean(axis=0)
        centred = x - mean
        _, directions = np.linalg.eigh(centred.T @ centred)  # in order of growing variance
        return cls(mean, directions[:, : -count - 1 : -1])

    def first(self, count: int) -> Pca:
        """Return the first components alone."""
        return Pca(self.mean, self.directions[:, :count])

    def encode(self, x: Array) -> Array:
        """Return the coordinates along the components."""
        coordinates: Array = (x - self.mean) @ self.directions
        return coordinates

    def predict(self, x: Array) -> Array:
        """Return the images made from the coordinates."""
        images: Array = self.encode(x) @ self.directions.T + self.mean
        return images


def error(images: Array, x: Array) -> float:
    """Return the mean squared error of a pixel."""
    return float(((images - x) ** 2).mean())


def neighbours(codes: Array, labels: NDArray[np.uint8]) -> float:
    """Return how often the nearest other code is of the same digit, in per cent."""
    squares = (codes**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * codes @ codes.T
    np.fill_diagonal(distances, np.inf)
    return float(100 * (labels[distances.argmin(axis=1)] == labels).mean())


def picture_of_codes(codes: dict[str, Array], decoder: Any, labels: NDArray[np.uint8]) -> Any:
    """Draw the two numbers of each image, by PCA and by the network, and images of a grid."""
    figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.1), layout="constrained")
    for ax, (name, code) in zip(panels, codes.items(), strict=False):
        dots = ax.scatter(*code[:1200].T, c=labels[:1200], cmap="tab10", vmin=-0.5, vmax=9.5, s=2)
        ax.set(title=name, xticks=[], yticks=[])
    figure.colorbar(dots, ax=panels[1], ticks=range(10))
    low, high = np.quantile(codes["autoencoder"], (0.02, 0.98), axis=0)
    first, second = np.meshgrid(np.linspace(low[0], high[0], 10), np.linspace(high[1], low[1], 10))
    grid = np.stack([first.ravel(), second.ravel()], axis=1)
    common.show_images(panels[2], decoder.predict(grid), 10)
    panels[2].set_title("images of a grid of codes")
    return figure


def picture_of_images(rows: dict[str, Array]) -> Any:
    """Draw the same images in each row, as they are and as they come back."""
    figure, panels = plt.subplots(len(rows), 1, figsize=(5.8, 4.6), layout="constrained")
    for ax, (name, images) in zip(panels, rows.items(), strict=True):
        common.show_images(ax, images, len(images))
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the errors, and draw codes and images."""
    options = common.options(__doc__, argv, mnist=True)
    images, _, images_test, labels = common.digits(options.data)
    x, x_test = common.scaled(images), common.scaled(images_test)
    nets = {code: train(x, code, 2 if options.short else EPOCHS[code]) for code in HIDDEN}
    components = Pca.of(x, max(HIDDEN))
    pcas = {code: components.first(code) for code in HIDDEN}
    cleaner = train_to_denoise(x, 1 if options.short else NOISY_EPOCHS)
    encoder, decoder = halves(nets[2])
    codes = {"PCA": pcas[2].encode(x_test), "autoencoder": encoder.predict(x_test)}
    spoilt = noisy(x_test, seed=1000)
    rows = []
    for code, nn in nets.items():
        rows += [
            (f"PCA, {code} numbers: error of a pixel", "",
             f"{error(pcas[code].predict(x_test), x_test):.4f}"),
            (f"autoencoder, {code} numbers", "", f"{error(nn.predict(x_test), x_test):.4f}"),
        ]  # fmt: skip
    some = labels[:5000]
    rows += [
        (f"{name}, 2 numbers: nearest is the same digit", "",
         f"{neighbours(code[:5000], some):.1f} %")
        for name, code in codes.items()
    ]  # fmt: skip
    rows += [
        ("noise: error of a pixel", "", f"{error(spoilt, x_test):.4f}"),
        ("noise removed", "", f"{error(cleaner.predict(spoilt), x_test):.4f}"),
        ("noise through PCA, 32 numbers", "", f"{error(pcas[32].predict(spoilt), x_test):.4f}"),
    ]
    common.report(rows)
    common.save(picture_of_codes(codes, decoder, labels), options.pictures, "autoencoder-codes")
    few = np.array([int(np.flatnonzero(labels == digit)[0]) for digit in range(10)])
    ways: dict[str, Any] = {f"PCA, {code}": pcas[code] for code in HIDDEN}
    ways |= {f"autoencoder, {code}": nn for code, nn in nets.items()}
    shown = {"image": x_test[few]} | {
        name: ways[name].predict(x_test[few]) for name in sorted(ways)
    }
    shown |= {"with noise": spoilt[few], "noise removed": cleaner.predict(spoilt[few])}
    common.save(picture_of_images(shown), options.pictures, "autoencoder-images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
