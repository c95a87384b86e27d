"""Verification by an embedding: whether two images show one digit that was never trained on.

    python examples/verification.py [--pictures FOLDER] [--data FOLDER] [--short]

[784, 256, 32, 7] learns the digits 0 to 6; without its last layer it turns an image into 32
numbers. Pairs of the digits 7 to 9 are compared by the angle between their numbers, and one image
is looked up among a million.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]

WIDTH, EPOCHS, BATCH, RATE, SEEDS = 32, 5, 100, 0.001, (1, 2, 3)
NEW_DIGITS = (7, 8, 9)
SHIFTS = [(down, across) for down in (-2, -1, 0, 1, 2) for across in (-2, -1, 0, 1, 2)]
VECTORS, CHUNK, QUERIES = 1_000_000, 50_000, 200


class Curve(NamedTuple):
    """The trade between two errors: for each threshold, shares of pairs, in per cent."""

    false_accepts: NDArray[np.float64]
    false_rejects: NDArray[np.float64]

    @property
    def equal_error(self) -> float:
        """The error rate at the threshold at which both are equal."""
        at = np.abs(self.false_accepts - self.false_rejects).argmin()
        return float((self.false_accepts[at] + self.false_rejects[at]) / 2)


def train(x: Array, y: Labels, epochs: int, seed: int) -> foxnn.neural_network:
    """Return a network trained to tell seven digits apart, without its last layer."""
    nn = foxnn.neural_network([784, 256, WIDTH, 7], "relu", "softmax", seed=seed)
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(x, y, epochs, BATCH, "adam", RATE, schedule=schedule, progress=False)
    return foxnn.neural_network([784, *nn[:-1]])


def unit(vectors: Array) -> Array:
    """Return vectors of length 1; their products are the cosines of the angles between them."""
    directions: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return directions


def verify(vectors: Array, y: Labels) -> Curve:
    """Return the errors over all pairs of images, for every threshold of the cosine."""
    first, second = np.triu_indices(len(vectors), 1)
    directions = unit(vectors)
    cosines = (directions @ directions.T)[first, second]
    same = (y[first] == y[second])[np.argsort(-cosines, kind="stable")]
    accepted, wrong = np.cumsum(same), np.cumsum(~same)
    return Curve(100 * wrong / wrong[-1], 100 * (1 - accepted / accepted[-1]))


def verify_two(vectors: Array, y: Labels, first: int, second: int) -> Curve:
    """Return the errors over the pairs of two digits alone."""
    chosen = (y == first) | (y == second)
    return verify(vectors[chosen], y[chosen])


def nearest_agree(vectors: Array, y: Labels) -> float:
    """Return how often the nearest other image is the same digit, in per cent."""
    cosines = unit(vectors) @ unit(vectors).T
    np.fill_diagonal(cosines, -2)
    return float(100 * (y[cosines.argmax(axis=1)] == y).mean())


def many_vectors(embed: foxnn.neural_network, images: Labels, count: int) -> Array:
    """Return the unit vectors of so many images, made by shifts of those that there are."""
    square, made = images.reshape(-1, 28, 28), np.empty((count, WIDTH), np.float32)
    parts = [(shift, start) for shift in SHIFTS for start in range(0, len(images), CHUNK)]
    done = 0
    for shift, start in parts:
        chunk = np.roll(square[start : start + CHUNK], shift, (1, 2)).reshape(-1, 784)
        found = unit(embed.predict(common.scaled(chunk)))[: count - done]
        made[done : done + len(found)] = found
        done += len(found)
    return made[:done]


def median_ms(call: Callable[[Any], Any], queries: Array) -> float:
    """Return the median time of a call with one query, in milliseconds."""
    seconds = []
    for query in queries:
        start = time.perf_counter()
        call(query)
        seconds.append(time.perf_counter() - start)
    return float(1000 * np.median(seconds))


def search(vectors: Array, queries: Array) -> tuple[NDArray[np.int64], float, float]:
    """Return where the nearest vectors are, and the time of one search by foxnn and by NumPy.

    A linear layer with one neuron for each vector computes all products at once.
    """
    layer = foxnn.neural_network([WIDTH, len(vectors)], "identity", init="zeros")
    layer[0].weights = vectors.T
    found = np.array([int(layer.get_out(query).argmax()) for query in queries])
    ours = median_ms(lambda query: layer.get_out(query).argmax(), queries[:20])
    return found, ours, median_ms(lambda query: (vectors @ query).argmax(), queries[:20])


def picture(curves: dict[str, Curve]) -> Any:
    """Draw for each way which share of equal pairs is accepted beside which share of others."""
    figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    colours = ("#888888", "#d95f02", "#1f77b4")
    for (name, curve), colour in zip(curves.items(), colours, strict=True):
        some = slice(None, None, max(1, len(curve.false_accepts) // 2000))
        label = f"{name}: {curve.equal_error:.1f} %"
        ax.plot(
            curve.false_accepts[some], 100 - curve.false_rejects[some], color=colour, label=label
        )
    ax.plot([0, 100], [100, 0], ":", color="black", linewidth=0.8)
    ax.set(
        xlabel="different digits accepted (%)", ylabel="same digits accepted (%)",
        title="ROC; in the legend the equal error rates",
    )  # fmt: skip
    ax.legend(fontsize=8, loc="lower right")
    ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train on seven digits, verify the three others, search, print the figures, draw the ROC."""
    options = common.options(__doc__, argv, mnist=True)
    images, y, images_test, y_test = common.digits(options.data)
    short, known, new = options.short, y <= 6, y_test >= 7
    x, pairs, digits = common.scaled(images[known]), common.scaled(images_test[new]), y_test[new]
    embeds = [
        train(x, y[known], 2 if short else EPOCHS, seed) for seed in SEEDS[: 1 if short else 3]
    ]
    made = [embed.predict(pairs) for embed in embeds]
    some = np.flatnonzero(~new)[: len(pairs)]
    curves = {
        "pixels": verify(pairs, digits),
        "embedding": verify(made[0], digits),
        "embedding, digits 0 to 6": verify(
            embeds[0].predict(common.scaled(images_test[some])), y_test[some]
        ),
    }
    each = [verify(vectors, digits).equal_error for vectors in made]
    rows = [
        ("pixels: equal error rate", "", f"{curves['pixels'].equal_error:.1f} %"),
        ("embedding: equal error rate", "", common.mean_and_each(each, "%", 1)),
    ]
    for first, second in itertools.combinations(NEW_DIGITS, 2):
        raw, learnt = (verify_two(v, digits, first, second).equal_error for v in (pairs, made[0]))
        rows.append((f"  {first} and {second} alone", "", f"{learnt:.1f} % (pixels {raw:.1f} %)"))
    rows += [
        ("embedding, digits 0 to 6", "", f"{curves['embedding, digits 0 to 6'].equal_error:.1f} %"),
        ("nearest is the same digit, pixels", "", f"{nearest_agree(pairs, digits):.1f} %"),
        ("nearest is the same digit, embedding", "", f"{nearest_agree(made[0], digits):.1f} %"),
    ]
    start = time.perf_counter()
    vectors = many_vectors(embeds[0], images, 20_000 if short else VECTORS)
    seconds = time.perf_counter() - start
    rng = np.random.default_rng(0)
    asked = rng.choice(len(images_test), min(QUERIES, len(images_test)), replace=False)
    found, ours, numpys = search(
        vectors, unit(embeds[0].predict(common.scaled(images_test[asked])))
    )
    right = float((y[found % len(images)] == y_test[asked]).mean())
    rows += [
        (f"{len(vectors):,} vectors made in", "", f"{seconds:.1f} s"),
        ("one search among them", "", f"{ours:.3g} ms (NumPy {numpys:.3g} ms)"),
        ("it finds the same digit", "", f"{100 * right:.1f} %"),
    ]
    common.report(rows)
    common.save(picture(curves), options.pictures, "verification")
    return 0


if __name__ == "__main__":
    sys.exit(main())
