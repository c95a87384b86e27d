"""A sensor stream: a network that knows what comes next notices what should not have come.

    python examples/sensor_stream.py [--pictures FOLDER] [--short]

Three currents and the temperature of a made-up motor whose speed and load change. A GRU learns to
predict the next sample from undisturbed runs alone. Where its error is larger than it ever was
there, something is wrong: spikes, drifts, a lost phase, all of which it has never seen. Beside it,
the same by a linear prediction and by limits of each value.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn
from motor import CHANNELS, KINDS, STEPS, Events, disturbed, undisturbed

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]
Predictor = Callable[[Floats], Floats]

TRAINING, VALIDATION, EACH = 240, 120, 100  # runs; of each kind of anomaly, so many
EPOCHS, BATCH, RATE, SEED, UNITS = 60, 8, 0.005, 1, 64
LAGS = 12  # samples of all channels, from which the linear prediction is made
WARM = 30  # samples before a score counts
# An alarm goes by the error of the last samples, weighted by powers of this.
MEMORY = 0.9
NETWORK, LINEAR = "GRU", "linear, 12 samples"


def train(runs: Floats, epochs: int) -> foxnn.neural_network:
    """Train a network that gives, after each sample, the next one."""
    nn = foxnn.neural_network(
        [(None, len(CHANNELS)), foxnn.GRU(UNITS, return_sequences=True),
         foxnn.Dense(len(CHANNELS))],
        output_activation="identity", seed=SEED,
    )  # fmt: skip
    nn.fit(
        runs[:, :-1], runs[:, 1:], epochs, BATCH, "adam", RATE,
        schedule=foxnn.schedules.cosine(epochs), clip_norm=1.0, progress=False,
    )  # fmt: skip
    return nn


def lagged(runs: Floats) -> Floats:
    """Return, for each sample from number LAGS on, the samples before it and a one."""
    parts = [runs[:, LAGS - lag : runs.shape[1] - lag] for lag in range(1, LAGS + 1)]
    return np.concatenate([*parts, np.ones_like(parts[0][..., :1])], axis=2)


def linear(runs: Floats) -> Predictor:
    """Return the prediction by least squares of each sample but the first, from those before."""
    x, y = lagged(runs), runs[:, LAGS:]
    weights = np.linalg.lstsq(
        x.reshape(-1, x.shape[2]).astype(np.float64), y.reshape(-1, len(CHANNELS)), rcond=None
    )[0].astype(np.float32)

    def predict(given: Floats) -> Floats:
        first = np.zeros((len(given), LAGS - 1, len(CHANNELS)), np.float32)
        return np.concatenate([first, lagged(given) @ weights], axis=1)

    return predict


class Watch:
    """The score of each sample: how far the errors of late are beyond those of undisturbed runs.

    `predict` gives for runs what is expected of each sample but the first. A score is the largest
    of the channels' weighted means of squared errors, in units of what they are undisturbed.
    """

    def __init__(self, predict: Predictor, runs: Floats) -> None:
        self.predict = predict
        self.usual = self._squares(runs)[:, WARM:].mean(axis=(0, 1))

    def _squares(self, runs: Floats) -> Scores:
        squares = np.zeros(runs.shape)
        squares[:, 1:] = (runs[:, 1:] - self.predict(runs)) ** 2
        return squares

    def scores(self, runs: Floats) -> Scores:
        """Return a score for each sample, 0 while the runs begin: (runs, steps)."""
        squares, found = self._squares(runs) / self.usual, np.zeros(runs.shape[:2])
        of_late = np.ones((len(runs), len(CHANNELS)))
        for i in range(WARM, runs.shape[1]):
            of_late = MEMORY * of_late + (1 - MEMORY) * squares[:, i]
            found[:, i] = of_late.max(axis=1)
        return found


def delays(scores: Scores, events: Events, threshold: float) -> Scores:
    """Return after how many samples each anomaly is noticed; infinite for those that are not.

    An alarm also counts up to ten samples after the end, when a sensor is back.
    """
    found = np.full(len(scores), np.inf)
    for i, (score, begin, end) in enumerate(zip(scores, events.begins, events.ends, strict=True)):
        over = np.flatnonzero(score[begin : end + 10] > threshold)
        if len(over):
            found[i] = over[0]
    return found


def false_alarms(scores: Scores, threshold: float) -> float:
    """Return how often, per 10,000 samples, the score rises above a threshold."""
    over = scores[:, WARM:] > threshold
    return 1e4 * float((over[:, 1:] & ~over[:, :-1]).sum()) / over.size


def follow(nn: foxnn.neural_network, watch: Watch, run: Floats) -> tuple[Scores, float]:
    """Return the scores of a run that comes sample by sample, and the microseconds for each."""
    stream, found, of_late = nn.stream(), np.zeros(len(run)), np.ones(len(CHANNELS))
    started = time.perf_counter()
    expected = stream(run[0])
    for i in range(1, len(run)):
        error = run[i] - expected
        if i >= WARM:
            of_late = MEMORY * of_late + (1 - MEMORY) * error**2 / watch.usual
            found[i] = of_late.max()
        expected = stream(run[i])
    return found, 1e6 * (time.perf_counter() - started) / len(run)


class Limits:
    """The score of each sample without a prediction: its distance from the middle of its range."""

    def __init__(self, runs: Floats) -> None:
        low, high = runs.min(axis=(0, 1)), runs.max(axis=(0, 1))
        self.middle, self.reach = (low + high) / 2, (high - low) / 2

    def scores(self, runs: Floats) -> Scores:
        """Return a score for each sample; from 1 on it is outside of what undisturbed runs had."""
        found: Scores = (np.abs(runs - self.middle) / self.reach).max(axis=2).astype(np.float64)
        found[:, :WARM] = 0
        return found


def picture(events: Events, scores: dict[str, Scores], levels: dict[str, float]) -> Any:
    """Draw a run with an anomaly of each kind, and the scores by two predictions."""
    figure, panels = plt.subplots(
        2, len(KINDS), figsize=(14, 4.6), layout="constrained", sharex="col", sharey="row",
        height_ratios=(3, 2),
    )  # fmt: skip
    for (above, below), kind in zip(panels.T, KINDS, strict=True):
        which = events.kinds.index(kind)
        begin, end = events.begins[which], events.ends[which]
        window = slice(begin - 60, min(end + 40, STEPS))
        steps = np.arange(window.start, window.stop) - begin
        for channel, colour in enumerate(("#1f77b4", "#2ca02c", "#9467bd", "#8c564b")):
            values = events.runs[which, window, channel]
            above.plot(steps, values, color=colour, linewidth=1, label=CHANNELS[channel])
        for name, colour in ((NETWORK, "#d95f02"), (LINEAR, "#888888")):
            below.plot(steps, scores[name][which, window], color=colour, label=name, linewidth=1.2)
            below.axhline(levels[name], color=colour, linestyle=":", linewidth=1)
        for ax in (above, below):
            ax.axvspan(0, end - begin, color="#b2182b", alpha=0.12, linewidth=0)
        above.set_title(kind, fontsize=10)
        below.set(yscale="log", xlabel="samples since it began", ylim=(0.2, 1e4))
        below.grid(alpha=0.3)
    panels[1, 0].set_ylabel("score")
    panels[0, 0].set_ylabel("sensors")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=4,
                  fontsize=8)  # fmt: skip
    figure.legend(*panels[1, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2,
                  fontsize=8)  # fmt: skip
    return figure


def trade(
    events: Events, quiet: dict[str, Scores], scores: dict[str, Scores], levels: dict[str, float]
) -> Any:
    """Draw the share of anomalies that are noticed by the false alarms that this costs."""
    figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    colours = ("#d95f02", "#888888", "#1f77b4")
    for (name, found), colour in zip(scores.items(), colours, strict=True):
        thresholds = np.quantile(quiet[name][:, WARM:], 1 - np.geomspace(1e-5, 0.02, 40))
        alarms = [false_alarms(quiet[name], level) for level in thresholds]
        noticed = [100 * np.isfinite(delays(found, events, level)).mean() for level in thresholds]
        ax.plot(alarms, noticed, color=colour, label=name)
        ax.plot(
            false_alarms(quiet[name], levels[name]),
            100 * np.isfinite(delays(found, events, levels[name])).mean(), "o", color=colour,
        )  # fmt: skip
    ax.set(xlabel="false alarms per 10,000 samples", ylabel="anomalies noticed (%)", ylim=(0, 101))
    ax.set_xscale("symlog", linthresh=1)
    ax.set(xlim=(0, None), xticks=[0, 1, 10, 100], xticklabels=["0", "1", "10", "100"])
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="center right", bbox_to_anchor=(1, 0.38))
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn what is usual; print what is noticed and how soon, and draw it."""
    options = common.options(__doc__, argv)
    short = options.short
    runs = undisturbed(40 if short else TRAINING, 0)
    validation, quiet = (undisturbed(30 if short else VALIDATION, seed) for seed in (1, 2))
    events = disturbed(6 if short else EACH, 3)
    nn = train(runs, 2 if short else EPOCHS)
    by_network = Watch(lambda given: nn.predict(given[:, :-1]), validation)
    ways: dict[str, Watch | Limits] = {
        NETWORK: by_network,
        LINEAR: Watch(linear(runs), validation),
        "limits of each value": Limits(validation),
    }
    rows, scores, undisturbed_scores, levels = [], {}, {}, {}
    kinds = np.array(events.kinds)
    for name, way in ways.items():
        # As high as no sample of the validation, so that there is no alarm in any of its runs.
        levels[name] = float(way.scores(validation).max())
        undisturbed_scores[name], scores[name] = way.scores(quiet), way.scores(events.runs)
        waited = delays(scores[name], events, levels[name])
        if isinstance(way, Watch):
            errors = ", ".join(f"{error:.4f}" for error in np.sqrt(way.usual))
            rows.append((f"{name}: usual errors", "", errors))
        rows.append(
            (f"{name}: false alarms per 10,000", "",
             f"{false_alarms(undisturbed_scores[name], levels[name]):.2f}")
        )  # fmt: skip
        for kind in KINDS:
            of_kind = waited[kinds == kind]
            noticed = of_kind[np.isfinite(of_kind)]
            after = f", after {np.median(noticed):.0f}" if len(noticed) else ""
            rows.append(
                (f"{name}: {kind}", "", f"{100 * len(noticed) / len(of_kind):.0f} %{after}")
            )
    spent = [follow(nn, by_network, run)[1] for run in quiet[:20]]
    rows.append(("a sample of the stream", "", f"{np.median(spent):.1f} us"))
    common.report(rows)
    common.save(picture(events, scores, levels), options.pictures, "sensor-stream")
    common.save(trade(events, undisturbed_scores, scores, levels), options.pictures, "sensor-trade")
    return 0


if __name__ == "__main__":
    sys.exit(main())
