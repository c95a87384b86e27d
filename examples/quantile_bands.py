"""Quantile bands: not only what to expect, but how far off it may be.

    python examples/quantile_bands.py [--pictures FOLDER] [--html FILE] [--short]

A curve whose scatter grows and is lopsided, so that its quantiles are known. One network learns
five quantiles at once. Beside it five networks with one each, one of a mean and a variance, and
gradient boosting.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy import stats

import common
import foxnn

Array = NDArray[np.float64]
# Gives the quantiles of each x, one column for each of LEVELS.
Bands = Callable[[Array], Array]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
SHAPE = 2.0  # of the gamma distribution of the scatter
SAMPLES, TEST = 400, 20_000
HIDDEN, EPOCHS, BATCH, RATE, SEEDS = (32, 32), 300, 50, 0.005, (1, 2, 3)


def middle(x: Array) -> Array:
    """Return where the scatter begins."""
    return np.sin(2 * x)


def width(x: Array) -> Array:
    """Return the scale of the scatter."""
    return 0.1 + 0.15 * (x + 2)


def draw(count: int, seed: int) -> tuple[Array, Array]:
    """Return x from -2 to 2, and y above a curve by a gamma distribution that grows with x."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (count, 1))
    return x, middle(x) + width(x) * rng.gamma(SHAPE, size=(count, 1))


def true(x: Array) -> Array:
    """Return the quantiles that y really has."""
    found: Array = middle(x) + width(x) * stats.gamma(SHAPE).ppf(LEVELS)
    return found


def network(loss: Any, outputs: int, seed: int) -> foxnn.neural_network:
    """Return a network that has not been trained."""
    return foxnn.neural_network([1, *HIDDEN, outputs], "tanh", "identity", loss=loss, seed=seed)


def quantile_network(x: Array, y: Array, epochs: int, seed: int) -> foxnn.neural_network:
    """Return a trained network of all quantiles."""
    nn = network(("quantile", LEVELS), len(LEVELS), seed)
    fit(nn, x, y, epochs)
    return nn


def by_quantiles(x: Array, y: Array, epochs: int, seed: int) -> Bands:
    """Return the bands of a network of all quantiles."""
    nn = quantile_network(x, y, epochs, seed)
    return lambda given: nn.predict(given).astype(np.float64)


def by_single_quantiles(x: Array, y: Array, epochs: int, seed: int) -> Bands:
    """Return the bands of a network for each quantile."""
    networks = [network(("quantile", q), 1, seed) for q in LEVELS]
    for nn in networks:
        fit(nn, x, y, epochs)
    return lambda given: np.hstack([nn.predict(given) for nn in networks]).astype(np.float64)


def by_variance(x: Array, y: Array, epochs: int, seed: int) -> Bands:
    """Return the bands of a network of mean and variance, as those of a normal distribution."""
    nn = network("gaussian_nll", 2, seed)
    fit(nn, x, y, epochs)

    def bands(given: Array) -> Array:
        mean, log_variance = np.split(nn.predict(given).astype(np.float64), 2, axis=1)
        found: Array = mean + np.exp(log_variance / 2) * stats.norm.ppf(LEVELS)
        return found

    return bands


def fit(nn: foxnn.neural_network, x: Array, y: Array, epochs: int) -> None:
    """Train at a rate that falls along a cosine."""
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(x, y, epochs, BATCH, learning_rate=RATE, schedule=schedule, progress=False)


def by_boosting(x: Array, y: Array) -> Bands:
    """Return the bands of scikit-learn's gradient boosting, a model for each quantile."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    models = [
        HistGradientBoostingRegressor(loss="quantile", quantile=q, random_state=0).fit(x, y[:, 0])
        for q in LEVELS
    ]
    return lambda given: np.stack([model.predict(given) for model in models], axis=1)


def below(bands: Array, y: Array) -> Array:
    """Return the share of samples below each quantile, in percent."""
    share: Array = 100 * (y < bands).mean(axis=0)
    return share


def pinball(bands: Array, y: Array) -> float:
    """Return the mean pinball loss."""
    levels, error = np.array(LEVELS), y - bands
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def crossings(bands: Array) -> float:
    """Return the share of samples whose quantiles are not in order, in percent."""
    return float(100 * (np.diff(bands, axis=1) < 0).any(axis=1).mean())


def picture(x: Array, y: Array, ways: dict[str, Bands]) -> Any:
    """Draw the samples, the true quantiles and the bands of two ways."""
    figure, axes = plt.subplots(1, len(ways), figsize=(10, 4), sharey=True, layout="constrained")
    line = np.linspace(-2, 2, 401)[:, None]
    for ax, (name, bands) in zip(axes, ways.items(), strict=True):
        found, right = bands(line), true(line)
        ax.plot(x[:600], y[:600], ".", color="0.75", markersize=2)
        for low, high, shade in ((0, 4, 0.2), (1, 3, 0.35)):
            ax.fill_between(line[:, 0], found[:, low], found[:, high], color="C0", alpha=shade)
        ax.plot(line, found[:, 2], color="C0", label="median")
        ax.plot(line, right, color="black", linewidth=0.8, linestyle="--")
        ax.plot([], [], color="black", linewidth=0.8, linestyle="--", label="true quantiles")
        ax.set(title=name, xlabel="x", ylim=(-1.5, 5))
    axes[0].set_ylabel("y")
    axes[0].legend(fontsize=8, loc="upper left")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn the quantiles in four ways, print how good they are, and draw two of them."""
    options = common.options(__doc__, argv, html=True)
    epochs, seeds = (60, SEEDS[:1]) if options.short else (EPOCHS, SEEDS)
    x, y = draw(SAMPLES, 0)
    x_test, y_test = draw(TEST // (2 if options.short else 1), 1)
    ways: dict[str, list[Bands]] = {
        "quantile network": [by_quantiles(x, y, epochs, seed) for seed in seeds],
        "five networks": [by_single_quantiles(x, y, epochs, seed) for seed in seeds],
        "mean and variance": [by_variance(x, y, epochs, seed) for seed in seeds],
        "gradient boosting": [by_boosting(x, y)],
        "the true quantiles": [true],
    }
    rows = [("quantiles", "", ", ".join(f"{100 * q:g} %" for q in LEVELS))]
    for name, each in ways.items():
        found = [bands(x_test) for bands in each]
        shares = np.mean([below(bands, y_test) for bands in found], axis=0)
        losses = [pinball(bands, y_test) for bands in found]
        away = np.mean([np.abs(bands - true(x_test)).mean() for bands in found])
        rows += [
            (f"{name}: samples below", "", ", ".join(f"{share:.1f}" for share in shares)),
            (f"{name}: pinball loss", "", f"{np.mean(losses):.4f}"),
            (f"{name}: distance to the truth", "", f"{away:.3f}"),
            (f"{name}: crossing", "", f"{np.mean([crossings(bands) for bands in found]):.2f}"),
        ]
    common.report(rows)
    if options.html is not None:
        common.page(quantile_network(x, y, epochs, seeds[0]), options.html, x, y)
    drawn = {name: ways[name][0] for name in ("quantile network", "mean and variance")}
    common.save(picture(x, y, drawn), options.pictures, "quantile-bands")
    return 0


if __name__ == "__main__":
    sys.exit(main())
