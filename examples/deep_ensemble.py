"""A deep ensemble: networks that agree where there were samples, and disagree elsewhere.

    python examples/deep_ensemble.py [--pictures FOLDER] [--short]

A curve with a gap in its samples. Each network of a population answers with a mean and a variance
(gaussian_nll) and learns all samples; only their random weights and the order of the samples
differ. Compared: single networks and ensembles, where there were samples, in the gap, and outside.
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

Array = NDArray[np.float64]

REGIONS = {
    "samples": ((-4.0, -1.0), (1.5, 4.0)),  # those to learn from lie here
    "gap": ((-1.0, 1.5),),
    "outside": ((-5.0, -4.0), (4.0, 5.0)),
}
SAMPLES, TEST = 300, 10_000
MEMBERS, COUNTS, HIDDEN, SEED = 32, (1, 2, 4, 8, 16, 32), (64, 64), 1
EPOCHS, BATCH, RATE = 300, 30, 0.01
INTERVAL = 1.96  # standard deviations on each side of the mean hold 95 % of a normal distribution


class Normal(NamedTuple):
    """Normal distributions, one for each sample."""

    mean: Array
    variance: Array

    def covered(self, y: Array) -> float:
        """Return the share of samples within their 95 % interval, in percent."""
        is_in = np.abs(y - self.mean) < INTERVAL * np.sqrt(self.variance)
        return float(100 * is_in.mean())

    def loss(self, y: Array) -> float:
        """Return the mean of the negative logarithm of the density of the samples."""
        squares = (y - self.mean) ** 2 / self.variance
        return float(0.5 * (squares + np.log(2 * np.pi * self.variance)).mean())


def curve(x: Array) -> Array:
    """Return the mean of y."""
    found: Array = np.sin(1.5 * x) + 0.3 * x
    return found


def scatter(x: Array) -> Array:
    """Return the standard deviation of y, which grows from 0.05 on the left to 0.25."""
    found: Array = 0.05 + 0.2 / (1 + np.exp(-2 * x))
    return found


def draw(region: str, count: int, seed: int) -> tuple[Array, Array]:
    """Return samples of a region, x of shape (count, 1) and y of shape (count,)."""
    rng = np.random.default_rng(seed)
    begins, ends = np.array(REGIONS[region]).T
    widths = ends - begins
    part = rng.choice(len(widths), count, p=widths / widths.sum())
    x = rng.uniform(begins[part], ends[part])
    return x[:, None], curve(x) + scatter(x) * rng.normal(size=count)


def train(x: Array, y: Array, activation: str, epochs: int) -> foxnn.population:
    """Return the networks, each of which has learned all samples."""
    sizes = [1, *HIDDEN, 2]
    pop = foxnn.population(MEMBERS, sizes, activation, "identity", loss="gaussian_nll", seed=SEED)
    pop.fit(
        x, y, epochs, BATCH, learning_rate=RATE, schedule=foxnn.schedules.cosine(epochs),
        scale="standard", progress=False,
    )  # fmt: skip
    return pop


def answers(pop: foxnn.population, x: Array) -> list[Normal]:
    """Return what each member expects."""
    return [
        Normal(mean, np.exp(log_variance))
        for mean, log_variance in pop.get_out(x).astype(np.float64).transpose(0, 2, 1)
    ]


def together(members: list[Normal]) -> Normal:
    """Return mean and variance of the mixture: what members expect, and how they differ."""
    means = np.stack([member.mean for member in members])
    variances = np.stack([member.variance for member in members])
    return Normal(means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0))


def ensembles(members: list[Normal], count: int) -> list[Normal]:
    """Return ensembles of so many members, each of which is in one of them."""
    return [together(members[i : i + count]) for i in range(0, len(members), count)]


def picture(x: Array, y: Array, pop: foxnn.population, losses: dict[str, list[float]]) -> Any:
    """Draw a single network, all networks with their mixture, and the losses by their number."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    line = np.linspace(-6, 6, 401)[:, None]
    members = answers(pop, line)
    for ax, shown, title in (
        (panels[0], members[0], "one network"),
        (panels[1], together(members), f"{MEMBERS} networks"),
    ):
        half = INTERVAL * np.sqrt(shown.variance)
        ax.plot(x[:, 0], y, ".", color="0.6", markersize=3)
        ax.fill_between(line[:, 0], shown.mean - half, shown.mean + half, color="C0", alpha=0.25)
        ax.plot(line, shown.mean, color="C0")
        ax.plot(line, curve(line), color="black", linewidth=0.8, linestyle="--")
        ax.set(title=title, xlabel="x", ylim=(-4.5, 4.5))
    for member in members:
        panels[1].plot(line, member.mean, color="C0", alpha=0.3, linewidth=0.6)
    for region, each in losses.items():
        panels[2].plot(COUNTS, each, marker=".", label=region)
    panels[2].set(
        title="loss of new samples", xlabel="networks in the ensemble", xscale="log",
        yscale="symlog", xticks=COUNTS, xticklabels=COUNTS,
    )  # fmt: skip
    panels[2].minorticks_off()
    panels[2].legend()
    panels[2].grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print how well intervals cover, and draw them."""
    options = common.options(__doc__, argv)
    epochs = 60 if options.short else EPOCHS
    x, y = draw("samples", SAMPLES, seed=0)
    tests = {region: draw(region, TEST, seed=1) for region in REGIONS}
    rows: list[tuple[str, str, str]] = []
    losses: dict[str, dict[str, list[float]]] = {}
    pops = {}
    for activation in ("relu", "tanh"):
        started = time.process_time()
        pops[activation] = pop = train(x, y, activation, epochs)
        rows.append(
            (f"{activation}, processor seconds", "", f"{time.process_time() - started:.1f}")
        )
        losses[activation] = {}
        for region, (x_test, y_test) in tests.items():
            members = answers(pop, x_test)
            by_count = [ensembles(members, count) for count in COUNTS]
            covered, loss = (
                [float(np.mean([judged(each, y_test) for each in some])) for some in by_count]
                for judged in (Normal.covered, Normal.loss)
            )
            losses[activation][region] = loss
            spread = np.std([member.mean for member in members], axis=0).mean()
            name = f"{activation}, {region}"
            rows += [
                (f"{name}: covered by 1, 2, 4 ...", "", ", ".join(f"{c:.1f}" for c in covered)),
                (f"{name}: loss", "", ", ".join(f"{found:.2f}" for found in loss)),
                (f"{name}: spread", "", f"{spread:.3f}"),
            ]
    common.report(rows)
    drawn = picture(x, y, pops["relu"], losses["relu"])
    common.save(drawn, options.pictures, "deep-ensemble")
    return 0


if __name__ == "__main__":
    sys.exit(main())
