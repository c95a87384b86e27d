"""Sunspots: the next month and the next two years, from all months until then.

    python examples/sunspots.py [--pictures FOLDER] [--short]

Monthly numbers since 1749. Five recurrent networks learn those until 1920 and forecast each month
from 1921 to 2008 one to 24 months ahead; beside them least squares over the last months, and the
last values themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Series = NDArray[np.float64]
# Gives the forecasts of AHEAD months from the months before each of some places.
Forecast = Callable[[NDArray[np.int64]], Series]

FIRST_YEAR, AHEAD = 1749, 24
LEARNED = 12 * (1921 - FIRST_YEAR)  # months
UNITS, WINDOW, WARM = 16, 180, 36  # months that are read, and those after which an error counts
EPOCHS, BATCH, RATE, SEEDS, NOISE = 30, 32, 0.003, (1, 2, 3, 4, 5), 0.3
MIDDLE = 0.6  # of the scaled numbers, about
RECENT = 6  # months whose mean is what changes are counted from
LAGS = (36, 132)  # months of the linear forecasts: three years, and a cycle
SHOWN = (1, 3, 6, 12, 18, 24)
DRAWN = range(1942, 2007, 4)  # in January of these years, forecasts begin that are drawn


def sunspots() -> Series:
    """Return the mean number of sunspots of each month from January 1749 to December 2008."""
    table = np.loadtxt(common.HERE / "data" / "sunspots.csv", delimiter=",")
    return table[:, 1:].ravel()


def scaled(numbers: Series) -> Series:
    """Return square roots: their scatter is about the same in quiet years and in busy ones."""
    roots: Series = np.sqrt(numbers) / 10
    return roots


def unscaled(values: Series) -> Series:
    """Return numbers of sunspots, which are not below 0."""
    return 100 * np.clip(values, 0, None) ** 2


def recent(series: Series) -> Series:
    """Return the mean of the last months at each month; of fewer where the series begins."""
    sums = np.concatenate([[0.0], series.cumsum()])
    ends = np.arange(1, len(series) + 1)
    starts = np.maximum(0, ends - RECENT)
    means: Series = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def following(series: Series, places: NDArray[np.int64]) -> Series:
    """Return the AHEAD months that begin at each place."""
    found: Series = series[places[..., None] + np.arange(AHEAD)]
    return found


def train(series: Series, epochs: int, seed: int) -> foxnn.neural_network:
    """Train a network that says after each month how the next differ from the last six."""
    starts = np.arange(0, len(series) - WINDOW - AHEAD + 1, 3)
    places = starts[:, None] + np.arange(WINDOW)
    x = series[places][..., None] - MIDDLE
    y = following(series, places + 1) - recent(series)[places][..., None]
    nn = foxnn.neural_network(
        [(None, 1), foxnn.GRU(UNITS, return_sequences=True), foxnn.Dense(AHEAD)],
        output_activation="identity", seed=seed,
    )  # fmt: skip
    # The first answers of a window know too little.
    weights = np.broadcast_to(np.arange(WINDOW) >= WARM, places.shape).astype(float)
    nn.fit(
        x.astype(np.float32), y.astype(np.float32), epochs, BATCH, "adam", RATE,
        schedule=foxnn.schedules.cosine(epochs), sample_weight=weights, clip_norm=1.0,
        augment=foxnn.augment.noise(NOISE), progress=False,
    )  # fmt: skip
    return nn


def by_networks(networks: list[foxnn.neural_network], series: Series) -> Forecast:
    """Return the mean forecast of networks."""
    lately = recent(series)

    def forecast(places: NDArray[np.int64]) -> Series:
        months = series[places[:, None] + np.arange(-WINDOW, 0)]
        x = (months[..., None] - MIDDLE).astype(np.float32)
        changes: Series = np.mean([nn.predict(x)[:, -1] for nn in networks], axis=0)
        found: Series = lately[places - 1][:, None] + changes
        return found

    return forecast


def by_least_squares(series: Series, lags: int, end: int) -> Forecast:
    """Return a linear forecast for each number of months ahead, from the months before `end`."""

    def before(places: NDArray[np.int64]) -> Series:
        row: Series = np.c_[series[places[:, None] + np.arange(-lags, 0)], np.ones(len(places))]
        return row

    learned = np.arange(lags, end - AHEAD + 1)
    weights = np.linalg.lstsq(before(learned), following(series, learned), rcond=None)[0]
    return lambda places: before(places) @ weights


def errors(forecast: Forecast, numbers: Series, places: NDArray[np.int64]) -> Series:
    """Return the root of the mean squared error by months ahead, in numbers of sunspots."""
    differences = unscaled(forecast(places)) - following(numbers, places)
    found: Series = np.sqrt((differences**2).mean(axis=0))
    return found


def picture(numbers: Series, ways: dict[str, Forecast], found: dict[str, Series]) -> Any:
    """Draw the errors by months ahead, and forecasts from some months."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 3.8), layout="constrained", width_ratios=(4, 9)
    )
    colours = dict(zip(ways, ("#d95f02", "#6baed6", "#1f77b4", "#aaaaaa"), strict=True))
    ahead = np.arange(1, AHEAD + 1)
    for name, error in found.items():
        left.plot(ahead, error, color=colours[name], label=name)
    left.set(
        xlabel="months ahead", ylabel="root mean squared error", xticks=range(0, AHEAD + 1, 6),
        ylim=(0, None),
    )  # fmt: skip
    left.grid(alpha=0.3)
    left.legend(fontsize=8)
    first = 12 * (1940 - FIRST_YEAR)
    years = FIRST_YEAR + np.arange(first, len(numbers)) / 12
    right.plot(years, numbers[first:], color="black", linewidth=0.6, label="observed")
    for name in ("GRU", f"linear, {LAGS[-1]} months"):
        places = 12 * (np.array(DRAWN) - FIRST_YEAR)
        for year, values in zip(DRAWN, unscaled(ways[name](places)), strict=True):
            right.plot(
                year + np.arange(AHEAD) / 12, values, color=colours[name], linewidth=2,
                label=name if year == DRAWN[0] else None,
            )  # fmt: skip
    for year in DRAWN:
        right.axvline(year, color="black", linewidth=0.5, linestyle=":")
    right.set(xlabel="year", ylabel="sunspots", xlim=(1940, 2009), ylim=(0, None))
    right.legend(fontsize=8, ncols=3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn the months until 1920, print the errors of the forecasts after, and draw them."""
    options = common.options(__doc__, argv)
    short = options.short
    numbers = sunspots()
    series = scaled(numbers)
    networks = [
        train(series[:LEARNED], 2 if short else EPOCHS, seed)
        for seed in SEEDS[: 1 if short else len(SEEDS)]
    ]
    ways: dict[str, Forecast] = {"GRU": by_networks(networks, series)}
    for lags in LAGS:
        ways[f"linear, {lags} months"] = by_least_squares(series, lags, LEARNED)
    ways["last month"] = lambda places: np.repeat(series[places - 1][:, None], AHEAD, axis=1)
    places = np.arange(LEARNED, len(series) - AHEAD + 1)
    found = {name: errors(way, numbers, places) for name, way in ways.items()}
    rows = [("months ahead", "", ", ".join(map(str, SHOWN)))]
    for name, error in found.items():
        each = ", ".join(f"{error[ahead - 1]:.1f}" for ahead in SHOWN)
        rows += [(f"{name}: errors", "", each), (f"{name}: mean of all", "", f"{error.mean():.1f}")]
    alone = [errors(by_networks([nn], series), numbers, places).mean() for nn in networks]
    rows.append(("each network alone: mean of all", "", common.mean_and_each(alone, "", 1)))
    common.report(rows)
    common.save(picture(numbers, ways, found), options.pictures, "sunspots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
