"""The unchanged program of the article that presented FoxNN, and how far it gets.

    python examples/foxnn_program.py [--pictures FOLDER] [--data FOLDER] [--short]

Images as nested lists, one `add_data` each; [784, 512, 512, 10], sigmoid, squared error, speed
0.001, batches of 98, 10,000 iterations; SGD and Adam; FoxNN's initial weights and Glorot's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

SIZES = [784, 512, 512, 10]
SPEED, BATCH, ITERATIONS, SEED = 0.001, 98, 10_000, 1
# The iterations after which a network is evaluated: close together at first, where it learns most.
LOOKS = (25, 50, 100, 200, 400, 700, *range(1000, ITERATIONS + 1, 500))
# The article: 75 % after ten minutes without Adam, 88 % after five minutes with it, 97 % at best.
ARTICLE = {"SGD": (600, 75), "Adam": (300, 88)}
ARTICLE_END = 97
COLOURS = {"SGD": "#d95f02", "Adam": "#1f77b4"}
STARTS = {"uniform": "weights from -1 to 1", "auto": "Glorot's"}
MEGABYTE = 1e6
STAIRS = 2000  # iterations after which a jump of the accuracy is one digit


class Run(NamedTuple):
    """Iterations and seconds of training, the test accuracy (%) then, and the digits unknown.

    A digit is unknown if the network finds it in less than a tenth of its images.
    """

    iterations: list[int]
    seconds: list[float]
    accuracy: list[float]
    unknown: list[list[int]]

    def first(self, accuracy: float) -> tuple[int, float] | None:
        """Return iterations and seconds until this accuracy was first seen, if it ever was."""
        triples = zip(self.iterations, self.seconds, self.accuracy, strict=True)
        return next(((i, s) for i, s, reached in triples if reached >= accuracy), None)


def loaded(images: list[list[int]], labels: Sequence[int]) -> foxnn.train_data:
    """Return the training data, added one image at a time, with pixels from -1 to 1."""
    data = foxnn.train_data()
    for image, label in zip(images, labels, strict=True):
        pixels = [pixel / 127.5 - 1 for pixel in image]
        data.add_data(pixels, [1 if digit == label else 0 for digit in range(10)])
    return data


def megabytes_of_lists(images: list[list[int]]) -> float:
    """Return the size of the lists; the integers in them are shared, 256 of them in all."""
    return sum(sys.getsizeof(part) for part in (images, *images)) / MEGABYTE


def megabytes_held(data: foxnn.train_data) -> float:
    """Return the size of the arrays in which the samples lie, with the room for more of them."""
    return sum(float(np.asarray(array.base).nbytes) for array in data.get(0)) / MEGABYTE


def train(
    data: foxnn.train_data,
    x_test: NDArray[Any],
    y_test: NDArray[Any],
    mode: str,
    init: str,
    last: int,
) -> Run:
    """Train for `last` iterations; return how the accuracy rose."""
    nn = foxnn.neural_network(SIZES, init=init, seed=SEED)
    nn.settings.set_mode(mode)
    run, done, seconds = Run([], [], [], []), 0, 0.0
    for look in (*(i for i in LOOKS if i < last), last):
        start = time.perf_counter()
        nn.train(
            data_for_train=data, speed=SPEED, max_iteration=look - done, size_train_batch=BATCH
        )
        seconds += time.perf_counter() - start
        done = look
        run.iterations.append(done)
        run.seconds.append(seconds)
        found = nn.get_out(x_test).argmax(axis=1) == y_test
        run.accuracy.append(100 * float(found.mean()))
        run.unknown.append([digit for digit in range(10) if found[y_test == digit].mean() < 0.1])
    return run


def picture(runs: dict[tuple[str, str], Run]) -> Any:
    """Draw the accuracy over the seconds, with the article's points, and over the iterations."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12, 4.4), sharey=True, layout="constrained", width_ratios=(1.25, 1)
    )
    for (mode, init), run in runs.items():
        style = {"color": COLOURS[mode], "linestyle": "-" if init == "uniform" else "--"}
        left.plot(run.seconds, run.accuracy, label=f"{mode}, {STARTS[init]}", **style)
        right.plot(run.iterations, run.accuracy, **style)
    for mode, (seconds, accuracy) in ARTICLE.items():
        left.plot(seconds, accuracy, "o", color=COLOURS[mode])
        minutes = f"article, {mode},\n{seconds // 60} min: {accuracy} %"
        left.annotate(
            minutes, (seconds, accuracy), (0, -9), textcoords="offset points", ha="center",
            va="top", fontsize=8,
        )  # fmt: skip
    for axes in (left, right):
        axes.axhline(ARTICLE_END, color="#888888", linestyle=":", linewidth=1)
        axes.grid(alpha=0.3)
        axes.set_ylim(0, 105)
    left.text(
        1000, ARTICLE_END + 0.6, "article, at best: 97 %", fontsize=8, ha="right", va="bottom"
    )
    left.set(
        xscale="log", xlabel="seconds of training", ylabel="accuracy on the test images (%)",
        xlim=(None, 1300),
    )  # fmt: skip
    run = runs["Adam", "uniform"]
    for before, after, i, reached in zip(
        run.unknown, run.unknown[1:], run.iterations[1:], run.accuracy[1:], strict=False
    ):
        # Only where the curve is a staircase: at first it rises by several digits at once.
        if i > STAIRS and (learnt := sorted(set(before) - set(after))):
            what = ", ".join(map(str, learnt))
            right.annotate(
                f"learns the {what}", (i, reached), (4, -5), textcoords="offset points",
                va="top", fontsize=8, color=COLOURS["Adam"],
            )  # fmt: skip
    right.set(xlabel="iterations of 98 images", xlim=(None, 1.18 * run.iterations[-1]))
    left.legend(fontsize=8, loc="lower center")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Load, train four times, print the figures and draw the plot."""
    options = common.options(__doc__, argv, mnist=True)
    last, count = (150, 6000) if options.short else (ITERATIONS, None)
    _, _, x_test, y_test = common.digits(options.data)
    x_test = x_test.astype(np.float32) / np.float32(127.5) - 1
    start = time.perf_counter()
    images, labels = common.nested_digits(options.data)
    reading = time.perf_counter() - start
    images, labels = images[:count], labels[:count]
    lists = megabytes_of_lists(images)
    start = time.perf_counter()
    data = loaded(images, labels)
    adding, roomy = time.perf_counter() - start, megabytes_held(data)
    data.shrink_to_fit()
    samples = f"{data.size():,}"
    rows = [
        (f"{samples} images as nested lists", "", f"{reading:.1f} s, {lists:.0f} MB"),
        (f"{samples} calls of add_data", "", f"{adding:.1f} s, {roomy:.0f} MB"),
        ("  after shrink_to_fit", "", f"{megabytes_held(data):.0f} MB"),
    ]
    del images
    runs = {
        (mode, init): train(data, x_test, y_test, mode, init, last)
        for init in STARTS
        for mode in ("SGD", "Adam")
    }
    said = {"SGD": "75 % in 10 minutes", "Adam": "88 % in 5 minutes, 97 % at best"}
    for (mode, init), run in runs.items():
        what = f"{run.accuracy[-1]:.2f} % after {last:,} iterations, {run.seconds[-1]:.1f} s"
        rows.append((f"{mode}, {STARTS[init]}", said[mode] if init == "uniform" else "", what))
        waits = [
            digits for i, digits in zip(run.iterations, run.unknown, strict=True) if i <= STAIRS
        ]
        rows.append(
            (
                f"  digits unknown after {STAIRS:,} iterations, at the end",
                "",
                f"{waits[-1]}, {run.unknown[-1]}",
            )
        )
        for accuracy in (ARTICLE[mode][1], ARTICLE_END):
            found = run.first(accuracy)
            when = f"{found[0]:,} iterations, {found[1]:.2f} s" if found else "not reached"
            rows.append((f"  to {accuracy} %", "", when))
    common.report(rows)
    common.save(picture(runs), options.pictures, "foxnn-program")
    return 0


if __name__ == "__main__":
    sys.exit(main())
