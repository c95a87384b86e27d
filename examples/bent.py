"""Bending a line: networks with one or two hidden layers on a sine and on a harder curve.

    python examples/bent.py [--pictures FOLDER] [--short]

1000 points for x in [-3, 3]; squared error. As in the article: 1-5-1 relu for 100 epochs and 1-20-1
tanh for 400, plain SGD. Then SGD with momentum in batches of 50, 2000 epochs with cosine decay of
the learning rate to zero.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float64]

EPOCHS, BATCH = 2000, 50
# The defaults of Keras, for which the article is written: batches of 32, and a rate of 0.01 for a
# loss that is twice foxnn's.
KERAS_BATCH, KERAS_RATE = 32, 2 * 0.01
SEEDS = range(1, 6)  # of the article's networks
X = np.linspace(-3.0, 3.0, 1000)[:, None]


def sine(x: Array) -> Array:
    """Return 2 sin x + 5."""
    return 2 * np.sin(x) + 5


def curve(x: Array) -> Array:
    """Return x sin 2πx left of zero, -x sin πx + e^(x/2) - 1 right of it."""
    right = -x * np.sin(np.pi * x) + np.exp(x / 2) - 1
    return np.where(x < 0, x * np.sin(2 * np.pi * x), right)


CURVES: dict[str, Callable[[Array], Array]] = {"2 sin x + 5": sine, "f(x)": curve}


class Setting(NamedTuple):
    """A network and how it is trained."""

    name: str
    sizes: list[int]
    activation: str
    init: str
    optimizer: foxnn.SGD
    rate: float
    epochs: int = EPOCHS
    batch: int = BATCH
    falls: bool = True  # the rate, to zero


KERAS = (foxnn.SGD(), KERAS_RATE)
ARTICLE = [
    Setting("1-5-1 relu", [1, 5, 1], "relu", "glorot_uniform", *KERAS, 100, KERAS_BATCH, False),
    Setting(
        "1-20-1 tanh, glorot", [1, 20, 1], "tanh", "glorot_normal", *KERAS, 400, KERAS_BATCH, False
    ),
    Setting("1-20-1 tanh, he", [1, 20, 1], "tanh", "he_normal", *KERAS, 400, KERAS_BATCH, False),
]
MOMENTUM, NESTEROV = foxnn.SGD(momentum=0.9), foxnn.SGD(momentum=0.9, nesterov=True)
SETTINGS = [
    Setting("1-5-1 relu, momentum", [1, 5, 1], "relu", "auto", MOMENTUM, 0.01),
    Setting("1-5-1 relu, Nesterov", [1, 5, 1], "relu", "auto", NESTEROV, 0.01),
    Setting("1-100-1 relu, momentum", [1, 100, 1], "relu", "auto", MOMENTUM, 0.005),
    Setting("1-100-1 relu, Nesterov", [1, 100, 1], "relu", "auto", NESTEROV, 0.005),
    Setting("1-20-1 tanh, glorot_normal", [1, 20, 1], "tanh", "glorot_normal", NESTEROV, 0.03),
    Setting("1-20-1 tanh, he_normal", [1, 20, 1], "tanh", "he_normal", NESTEROV, 0.03),
    Setting("1-50-50-1 tanh", [1, 50, 50, 1], "tanh", "glorot_normal", NESTEROV, 0.03),
]


def train(setting: Setting, y: Array, epochs: int, seed: int = 1) -> foxnn.neural_network:
    """Return a network trained on the points, for so many epochs at most."""
    epochs = min(epochs, setting.epochs)
    nn = foxnn.neural_network(
        setting.sizes, setting.activation, "identity", init=setting.init, seed=seed
    )
    nn.fit(
        X, y, epochs, setting.batch, setting.optimizer, setting.rate,
        schedule=foxnn.schedules.cosine(epochs) if setting.falls else None, progress=False,
    )  # fmt: skip
    return nn


def error(nn: foxnn.neural_network, y: Array) -> float:
    """Return the mean squared error."""
    return float(((nn.predict(X) - y) ** 2).mean())


def picture_of_all(found: dict[tuple[str, str], foxnn.neural_network]) -> Any:
    """Draw every network's curve over the points."""
    columns = [s for s in SETTINGS if "momentum" not in s.name]
    figure, panels = plt.subplots(
        2, len(columns), figsize=(13, 4.4), sharex=True, sharey="row", layout="constrained"
    )
    for row, (name, function) in zip(panels, CURVES.items(), strict=True):
        for ax, setting in zip(row, columns, strict=True):
            nn = found[name, setting.name]
            ax.plot(X, function(X), color="black", linewidth=5, alpha=0.2)
            ax.plot(X, nn.predict(X), color="#d95f02")
            ax.set_title(f"{setting.name}\nerror {error(nn, function(X)):.2g}", fontsize=9)
            ax.grid(alpha=0.3)
        row[0].set_ylabel(name)
    return figure


def picture_of_article(found: dict[tuple[str, str], list[foxnn.neural_network]]) -> Any:
    """Draw the curves of the article's networks, one a seed, over the points."""
    figure, panels = plt.subplots(
        2, len(ARTICLE), figsize=(10, 4.6), sharex=True, sharey="row", layout="constrained"
    )
    for row, (name, function) in zip(panels, CURVES.items(), strict=True):
        for ax, setting in zip(row, ARTICLE, strict=True):
            ax.plot(X, function(X), color="black", linewidth=5, alpha=0.2)
            for nn in found[name, setting.name]:
                ax.plot(X, nn.predict(X), color="#d95f02", linewidth=0.9)
            mean = np.mean([error(nn, function(X)) for nn in found[name, setting.name]])
            ax.set_title(
                f"{setting.name}, {setting.epochs} epochs\nmean error {mean:.2g}", fontsize=9
            )
            ax.grid(alpha=0.3)
        row[0].set_ylabel(name)
    return figure


def picture_of_outside(found: dict[tuple[str, str], foxnn.neural_network]) -> Any:
    """Draw the outputs of networks outside the interval that they were trained on."""
    wide = np.linspace(-8.0, 8.0, 800)[:, None]
    figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    ax.plot(wide, sine(wide), color="black", linewidth=5, alpha=0.2, label="2 sin x + 5")
    for setting, colour in zip(
        (SETTINGS[3], SETTINGS[4], SETTINGS[6]), ("#1b9e77", "#d95f02", "#7570b3"), strict=True
    ):
        nn = found["2 sin x + 5", setting.name]
        ax.plot(wide, nn.predict(wide), color=colour, label=setting.name)
    ax.axvspan(-3, 3, color="#dddddd", alpha=0.5, zorder=0)
    ax.set(xlabel="x", ylim=(-3, 13), title="trained in the grey area, evaluated everywhere")
    ax.legend(fontsize=8, ncols=2, loc="lower center")
    ax.grid(alpha=0.3)
    return figure


def picture_of_terms(nn: foxnn.neural_network) -> Any:
    """Draw the terms v tanh(w x + b) of one hidden layer, and their sum."""
    hidden = np.tanh(X @ nn[0].weights + nn[0].bias)
    terms = hidden * nn[1].weights[:, 0]
    figure, panels = plt.subplots(1, 2, figsize=(11, 3.6), sharex=True, layout="constrained")
    order = np.argsort(np.abs(terms).max(axis=0))
    for i, colour in zip(order, plt.colormaps["viridis_r"](np.linspace(0.1, 1, 20)), strict=True):
        panels[0].plot(X, terms[:, i], color=colour, linewidth=1.2)
    panels[0].set(xlabel="x", title="the terms $v_k$ tanh($w_k$ x + $b_k$) of 1-20-1")
    partial = np.cumsum(terms[:, order[::-1]], axis=1) + nn[1].bias
    for count, colour in zip(
        (1, 3, 6, 20), ("#9ecae1", "#4292c6", "#08519c", "#d95f02"), strict=True
    ):
        label = "all 20" if count == 20 else f"the largest {count}" if count > 1 else "the largest"
        panels[1].plot(X, partial[:, count - 1], color=colour, label=label)
    panels[1].plot(X, sine(X), color="black", linewidth=5, alpha=0.2, label="2 sin x + 5", zorder=0)
    panels[1].set(xlabel="x", title="their sums, with the bias")
    panels[1].legend(fontsize=8)
    for ax in panels:
        ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the errors and draw the plots."""
    options = common.options(__doc__, argv)
    epochs = 60 if options.short else EPOCHS
    found = {
        (name, setting.name): train(setting, function(X), epochs)
        for name, function in CURVES.items()
        for setting in SETTINGS
    }
    article = {
        (name, setting.name): [train(setting, function(X), epochs, seed) for seed in SEEDS]
        for name, function in CURVES.items()
        for setting in ARTICLE
    }
    rows = []
    for setting in ARTICLE:
        for name, function in CURVES.items():
            errors = [error(nn, function(X)) for nn in article[name, setting.name]]
            what = f"error {np.mean(errors):.2g} ({min(errors):.2g} to {max(errors):.2g}) on {name}"
            rows.append((f"{setting.name}, plain SGD, {setting.epochs} epochs", "a plot", what))
    for setting in SETTINGS:
        both = [f"{error(found[c, setting.name], f(X)):.2g}" for c, f in CURVES.items()]
        rows.append((setting.name, "a plot", f"error {both[0]} on 2 sin x + 5, {both[1]} on f"))
    common.report(rows)
    common.save(picture_of_article(article), options.pictures, "bent-article")
    common.save(picture_of_all(found), options.pictures, "bent")
    common.save(picture_of_outside(found), options.pictures, "bent-outside")
    common.save(
        picture_of_terms(found["2 sin x + 5", SETTINGS[4].name]), options.pictures, "bent-terms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
