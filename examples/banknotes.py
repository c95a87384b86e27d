"""Genuine and forged banknotes: the article's recipe from many seeds, and what works instead.

    python examples/banknotes.py [--pictures FOLDER] [--html FILE] [--short]

4-4-4-4-4-2, three layers of relu, one of sigmoid, softmax; gradient descent at rate 0.3 for 100
epochs; 275 of the 1,372 notes are held out. The seed determines split, weights and order.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float64]

SIZES = [4, 4, 4, 4, 4, 2]
ACTIVATIONS = ["relu", "relu", "relu", "sigmoid", "softmax"]
FEATURES, CLASSES = ["variance", "skewness", "curtosis", "entropy"], ["genuine", "forged"]
RATE, HELD_OUT, ALL = 0.3, 275, 1372 - 275
SEEDS = range(1, 21)
MANY = range(1, 301)  # for the distribution that is drawn
# The article: 274 of the 275 notes, and the squared error of the outputs before the softmax.
ARTICLE, ARTICLE_ERROR = 100 * 274 / 275, 2.2198


class Recipe(NamedTuple):
    """How a network is started and trained."""

    start: str  # "article": a truncated normal for weights and biases; "foxnn": He's and Glorot's
    scale: str | None
    batch: int
    epochs: int


class End(NamedTuple):
    """The held-out notes at the end: accuracy (%), and the squared error before the softmax."""

    accuracy: float
    error: float
    nn: foxnn.neural_network


THE_ARTICLES = Recipe("article", None, ALL, 100)
OURS = Recipe("foxnn", "standard", 10, 100)


def banknotes() -> tuple[Array, NDArray[np.int64]]:
    """Return variance, skewness, curtosis and entropy of each note, and whether it is forged."""
    table = np.loadtxt(common.HERE / "data" / "banknote.csv", delimiter=",")
    return table[:, :4], table[:, 4].astype(np.int64)


def truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers from N(0, 1), drawn again if they are beyond 2, as TensorFlow does it."""
    numbers = rng.normal(size=shape)
    while (beyond := np.abs(numbers) > 2).any():
        numbers[beyond] = rng.normal(size=int(beyond.sum()))
    return numbers


def started(start: str, seed: int, rng: np.random.Generator) -> foxnn.neural_network:
    """Return an untrained network."""
    nn = foxnn.neural_network(SIZES, ACTIVATIONS, seed=seed)
    if start == "article":
        for layer in nn:
            layer.weights = truncated_normal(rng, layer.weights.shape)
            layer.bias = truncated_normal(rng, layer.bias.shape)
    return nn


def squared_error(nn: foxnn.neural_network, x: Array, forged: NDArray[np.int64]) -> float:
    """Return the mean squared difference of the outputs before the softmax and 0 or 1."""
    bare = foxnn.neural_network(SIZES, [*ACTIVATIONS[:-1], "identity"])
    for layer, trained in zip(bare, nn, strict=True):
        layer.weights, layer.bias = trained.weights, trained.bias
    if nn.input_scaler is not None:
        x = nn.input_scaler.transform(x)
    return float(((bare.predict(x) - np.eye(2)[forged]) ** 2).mean())


def train(recipe: Recipe, seed: int, epochs: int) -> tuple[End, Array]:
    """Train a network; return its end, and its accuracy on the held-out notes in each epoch."""
    x, forged = banknotes()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]
    nn = started(recipe.start, seed, rng)
    with warnings.catch_warnings():
        # Runs that end too early are shown here.
        warnings.simplefilter("ignore", foxnn.ConvergenceWarning)
        history = nn.fit(
            x[rest], forged[rest], epochs, recipe.batch, "sgd", RATE, scale=recipe.scale,
            validation=(x[held_out], forged[held_out]), progress=False,
        )  # fmt: skip
    course = 100 * np.array(history["val_accuracy"])
    return End(float(course[-1]), squared_error(nn, x[held_out], forged[held_out]), nn), course


def ends(recipe: Recipe, seeds: range, share: float = 1.0) -> tuple[Array, Array]:
    """Return accuracies and squared errors from each seed, after a share of the epochs."""
    found = [train(recipe, seed, round(share * recipe.epochs))[0] for seed in seeds]
    return np.array([end.accuracy for end in found]), np.array([end.error for end in found])


def picture(many: Array, seeds: range, share: float) -> Any:
    """Draw where the article's recipe ends, and some courses of it and of ours."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    panels[0].hist(many, np.arange(44, 101.01, 2), color="#1f77b4")
    panels[0].axvline(ARTICLE, color="#b2182b", linestyle=":", label="article, 99.64 %")
    panels[0].axvline(many.mean(), color="black", linewidth=1, label=f"mean, {many.mean():.1f} %")
    panels[0].set(
        xlabel="accuracy on held-out notes (%)", ylabel="seeds",
        title=f"the article's recipe from {len(many)} seeds",
    )  # fmt: skip
    panels[0].legend(loc="upper left")
    titles = {"the article's recipe": THE_ARTICLES, "batches of 10, foxnn's start, scaled": OURS}
    for ax, (title, recipe) in zip(panels[1:], titles.items(), strict=True):
        for seed in seeds:
            course = train(recipe, seed, round(share * recipe.epochs))[1]
            ax.plot(
                np.arange(1, len(course) + 1), course, color="#1f77b4", linewidth=0.8, alpha=0.7
            )
        ax.axhline(ARTICLE, color="#b2182b", linestyle=":")
        ax.set(xlabel="epoch", title=f"{title}, {len(seeds)} seeds", ylim=(40, 101))
        ax.grid(alpha=0.3)
    panels[1].set_ylabel("accuracy on held-out notes (%)")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the figures and draw the plots."""
    options = common.options(__doc__, argv, html=True)
    seeds, many, share = (SEEDS[:5], MANY[:20], 0.2) if options.short else (SEEDS, MANY, 1.0)
    accuracy, errors = ends(THE_ARTICLES, seeds, share)
    all_ends, _ = ends(THE_ARTICLES, many, share)
    reached = 100 * (all_ends >= ARTICLE - 0.01).mean()
    ours, _ = ends(OURS, seeds, share)
    common.report(
        [
            ("the article's recipe, one seed", "99.64 %", ""),
            (f"  mean of {len(seeds)} seeds", "", f"{accuracy.mean():.2f} %"),
            ("  lowest, highest", "", f"{accuracy.min():.2f} %, {accuracy.max():.2f} %"),
            (f"  {len(many)} seeds: mean", "", f"{all_ends.mean():.2f} %"),
            ("  of them as good as the article's", "", f"{reached:.0f} %"),
            ("squared error before the softmax", f"{ARTICLE_ERROR}", f"{errors.mean():.2f}"),
            ("  lowest, highest", "", f"{errors.min():.2f}, {errors.max():.2f}"),
            ("batches of 10, foxnn's start, scaled", "", f"{ours.mean():.2f} %"),
            ("  lowest", "", f"{ours.min():.2f} %"),
        ]
    )
    print("\nstart    inputs    notes a step  epochs    mean    lowest   99.6 % or more")
    recipes = [THE_ARTICLES, THE_ARTICLES._replace(epochs=1000), THE_ARTICLES._replace(batch=10)]
    recipes += [Recipe("foxnn", None, ALL, 100), Recipe("foxnn", "standard", ALL, 1000)]
    recipes += [Recipe("foxnn", "standard", batch, 100) for batch in (ALL, 100, 32, 10, 4, 1)]
    for recipe in recipes:
        found, _ = ends(recipe, seeds, share)
        good = int((found >= 99.6).sum())
        print(
            f"{recipe.start:8s} {recipe.scale or 'raw':8s}  {recipe.batch:12,d}  "
            f"{recipe.epochs:6d}  {found.mean():6.2f}  {found.min():8.2f}   {good} of {len(found)}"
        )
    if options.html is not None:
        nn = train(OURS, seeds[0], round(share * OURS.epochs))[0].nn
        nn.input_names, nn.classes = FEATURES, CLASSES
        x, forged = banknotes()
        common.page(nn, options.html, x, np.array(CLASSES)[forged])
    common.save(picture(all_ends, seeds, share), options.pictures, "banknotes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
