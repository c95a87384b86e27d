"""Sorted summation, FoxNN's `correct_summation`: what it gains in accuracy, and what it costs.

    python examples/sorted_sums.py [--pictures FOLDER] [--data FOLDER] [--short]

With it every sum adds its terms from the smallest to the largest in magnitude. The sums of a layer
of 784 inputs against exact ones; a training step of FoxNN's network; and two trainings that differ
in nothing else.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[Any]

WAYS = {False: "plain", True: "sorted"}
COLOURS = {False: "#1f77b4", True: "#d95f02"}
IMAGES = 10  # each gives 512 sums
BIG, SMALL = [784, 512, 512, 10], [784, 16, 10]
BATCH, ITERATIONS, SEED = 98, 300, 1
# The small network must learn in few steps: a larger speed, and pixels from 0 to 1.
SPEED, SMALL_SPEED = 0.001, 0.01


class Training(NamedTuple):
    """A training: its seconds, the accuracy (%) at its end, and the weights."""

    seconds: float
    accuracy: float
    weights: Array


def errors_of_sums(x: Array, dtype: str) -> dict[bool, Array]:
    """Return |sum - exact sum| / the sum of the magnitudes, of all sums of a layer, either way.

    For float64, "exact" is the sum of products that are rounded once.
    """
    nn = foxnn.neural_network([784, 512], "identity", init="uniform", dtype=dtype, seed=SEED)
    weights, bias = (array.astype(np.float64) for array in (nn[0].weights, nn[0].bias))
    x = x[:IMAGES].astype(dtype)
    exact, scale = np.empty((len(x), 512)), np.empty((len(x), 512))
    for i, image in enumerate(x.astype(np.float64)):
        # In float32 the products are exact in float64, and fsum adds without rounding.
        terms = np.vstack([image[:, None] * weights, bias])
        exact[i] = [math.fsum(column) for column in terms.T]
        scale[i] = np.abs(terms).sum(axis=0)
    found = {}
    for is_sorted in WAYS:
        nn.settings.correct_summation = is_sorted
        found[is_sorted] = np.abs(nn.predict(x) - exact) / scale
    return found


def seconds_a_step(data: foxnn.train_data, is_sorted: bool, dtype: str = "float32") -> float:
    """Return the time of a step of FoxNN's network, the smallest of a few."""
    nn = foxnn.neural_network(BIG, init="uniform", dtype=dtype, seed=SEED)
    nn.settings.correct_summation = is_sorted
    steps = 1 if is_sorted else 50
    seconds = []
    for _ in range(2 if is_sorted else 4):
        start = time.perf_counter()
        nn.train(data_for_train=data, speed=SPEED, max_iteration=steps, size_train_batch=BATCH)
        seconds.append((time.perf_counter() - start) / steps)
    return min(seconds)


def train(
    data: foxnn.train_data, x_test: Array, y_test: Array, is_sorted: bool, n: int
) -> Training:
    """Train the small network with Adam, summing one way or the other."""
    nn = foxnn.neural_network(SMALL, seed=SEED)
    nn.settings.set_mode("Adam")
    nn.settings.correct_summation = is_sorted
    start = time.perf_counter()
    nn.train(data_for_train=data, speed=SMALL_SPEED, max_iteration=n, size_train_batch=BATCH)
    seconds = time.perf_counter() - start
    nn.settings.correct_summation = False  # what is compared is the training
    return Training(seconds, 100 * common.accuracy(nn, x_test, y_test), nn[0].weights)


def picture(errors: dict[bool, Array]) -> Any:
    """Draw how often the sums of a layer are wrong by how much."""
    figure, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    unit = np.finfo(np.float32).eps
    bins = np.linspace(0, 1, 41)
    for is_sorted, name in WAYS.items():
        in_units = errors[is_sorted].ravel() / unit
        label = f"{name}, mean {in_units.mean():.2f}"
        ax.hist(
            np.minimum(in_units, bins[-1]), bins, alpha=0.6, color=COLOURS[is_sorted], label=label
        )
    ax.set(
        xlabel=r"error of a sum, in $2^{-23}$ of the sum of the magnitudes of its 785 terms",
        ylabel="sums",
        title=f"{errors[False].size:,} sums of a first layer, float32",
    )
    ax.legend()
    ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Compare both ways, print the figures and draw the plot."""
    options = common.options(__doc__, argv, mnist=True)
    n = 30 if options.short else ITERATIONS
    x, y, x_test, y_test = common.digits(options.data)
    x, x_test = (images.astype(np.float32) / np.float32(127.5) - 1 for images in (x, x_test))
    data = foxnn.train_data(x, common.one_hot(y))
    errors = {dtype: errors_of_sums(x_test, dtype) for dtype in ("float32", "float64")}
    rows = []
    for dtype, found in errors.items():
        for is_sorted, name in WAYS.items():
            what = f"mean {found[is_sorted].mean():.1e}, largest {found[is_sorted].max():.1e}"
            rows.append((f"relative error of a sum, {dtype}, {name}", "", what))
    steps = {is_sorted: seconds_a_step(data, is_sorted) for is_sorted in WAYS}
    rows += [
        (f"a step of {BIG}, {name}", "", f"{1000 * steps[is_sorted]:.2f} ms")
        for is_sorted, name in WAYS.items()
    ]
    double = seconds_a_step(data, False, "float64")
    rows.append(("  the same in float64, plain", "", f"{1000 * double:.2f} ms"))
    rows.append(("  sorted / plain", "only slows", f"{steps[True] / steps[False]:,.0f}"))
    data, x_test = foxnn.train_data((x + 1) / 2, common.one_hot(y)), (x_test + 1) / 2
    ends = {is_sorted: train(data, x_test, y_test, is_sorted, n) for is_sorted in WAYS}
    for is_sorted, name in WAYS.items():
        end = ends[is_sorted]
        what = f"{end.accuracy:.2f} %, {end.seconds:.2f} s"
        rows.append((f"{SMALL}, {n} iterations, {name}", "", what))
    apart = float(np.abs(ends[True].weights - ends[False].weights).max())
    rows.append(("  largest difference of the weights", "", f"{apart:.1e}"))
    common.report(rows)
    common.save(picture(errors["float32"]), options.pictures, "sorted-sums")
    return 0


if __name__ == "__main__":
    sys.exit(main())
