"""Transfer: a network that has learned the digits 0 to 4 learns 5 to 9 from a few images of each.

    python examples/transfer.py [--pictures FOLDER] [--data FOLDER] [--short]

Two convolutions, a hidden layer of 64 neurons and 5 outputs learn 30,596 images of the digits 0 to
4. All layers but the last go into new networks, which learn the digits 5 to 9.
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

Images = NDArray[np.float32]
Labels = NDArray[np.uint8]
Runs = dict[str, NDArray[np.float64]]

SHAPE = (28, 28, 1)
LAYERS = [
    foxnn.Conv2D(16, 5, padding="same"),
    foxnn.MaxPool2D(2),
    foxnn.Conv2D(32, 5),
    foxnn.MaxPool2D(2),
    64,
]
EPOCHS, BATCH, RATE, SEEDS = 2, 100, 0.001, (1, 2, 3)
COUNTS, DRAWS, SHOWN = (1, 3, 10, 30, 100), 2, 10
# As many steps for any number of samples, so that few samples are learned as thoroughly as many.
STEPS, FEW_BATCH = 150, 25


def network(layers: list[Any], seed: int) -> foxnn.neural_network:
    """Return a network for five classes from its layers before the last, new or copied."""
    return foxnn.neural_network([SHAPE, *layers, 5], "relu", "softmax", seed=seed)


def learn_first(x: Images, y: Labels, epochs: int, seed: int) -> foxnn.neural_network:
    """Return a network that has learned to read the digits 0 to 4."""
    nn = network(LAYERS, seed)
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(x, y, epochs, BATCH, "adam", RATE, schedule=schedule, progress=False)
    return nn


def frozen(layers: list[Any], seed: int) -> foxnn.neural_network:
    """Return a network whose convolutions keep their weights."""
    nn = network(layers, seed)
    for layer in nn[:4]:
        layer.trainable = False
    return nn


# Each makes a network out of a trained one.
WAYS: dict[str, Callable[[foxnn.neural_network, int], foxnn.neural_network]] = {
    "convolutions frozen": lambda old, seed: frozen(list(old[:-1]), seed),
    "fine-tuned": lambda old, seed: network(list(old[:-1]), seed),
    "from scratch": lambda old, seed: network(LAYERS, seed),
    "random convolutions, frozen": lambda old, seed: frozen(LAYERS, seed),
}

SCRATCH = "from scratch"
COLOURS = ("#d95f02", "#1f77b4", "#444444", "#aaaaaa")


def some_of_each(y: Labels, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the places of so many random images of each digit."""
    return np.concatenate(
        [rng.choice(np.flatnonzero(y == digit), count, replace=False) for digit in np.unique(y)]
    )


def learn_few(nn: foxnn.neural_network, x: Images, y: Labels, steps: int) -> None:
    """Train a network on few images, in so many steps."""
    batch = min(FEW_BATCH, len(x))
    epochs = -(-steps * batch // len(x))
    nn.fit(x, y, epochs, batch, "adam", RATE, progress=False)


def accuracy(nn: foxnn.neural_network, x: Images, y: Labels) -> float:
    """Return the share of images whose digit is found, in per cent."""
    return 100 * float((nn.predict_classes(x) == y).mean())


def gains(runs: Runs) -> Runs:
    """Return by how many points each way is better than from scratch, in each run."""
    return {name: found - runs[SCRATCH] for name, found in runs.items() if name != SCRATCH}


def picture(images: Images, y: Labels, runs: Runs, counts: tuple[int, ...]) -> Any:
    """Draw the images of one draw, the accuracy of each way, and what it gains over scratch."""
    figure = plt.figure(figsize=(12, 3.7), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(4, 9))
    ax = left.subplots()
    common.show_images(ax, images[np.argsort(y, kind="stable")], len(images) // 5)
    ax.set_title("one draw: all that is learned of 5 to 9", fontsize=10)
    panels, colours = right.subplots(1, 2), dict(zip(WAYS, COLOURS, strict=True))
    for name, found in runs.items():
        panels[0].plot(counts, found.mean(axis=1), "o-", color=colours[name], label=name)
    for name, gain in gains(runs).items():
        panels[1].plot(counts, gain.mean(axis=1), "o-", color=colours[name])
        panels[1].plot(counts, gain, ".", color=colours[name], alpha=0.5, markersize=4)
    panels[1].axhline(0, color=colours[SCRATCH])
    panels[0].set(ylabel="accuracy on 5 to 9 (%)")
    panels[0].legend(fontsize=8, loc="lower right")
    panels[1].set(ylabel="gain over from scratch (points)")
    for ax in panels:
        ax.set(xscale="log", xlabel="images of each digit")
        ax.set_xticks(counts, map(str, counts))
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn 0 to 4, then 5 to 9 in four ways; print the accuracies and draw them."""
    options = common.options(__doc__, argv, mnist=True)
    images, y, images_test, y_test = common.digits(options.data)
    x, x_test = (common.scaled(part).reshape(-1, *SHAPE) for part in (images, images_test))
    first, first_test = y <= 4, y_test <= 4
    x_new, y_new, x_new_test, y_new_test = (
        x[~first],
        y[~first],
        x_test[~first_test],
        y_test[~first_test],
    )
    short = options.short
    seeds, draws, steps = (SEEDS[:1], 1, 40) if short else (SEEDS, DRAWS, STEPS)
    counts = (1, SHOWN) if short else COUNTS
    olds = [learn_first(x[first], y[first], 1 if short else EPOCHS, seed) for seed in seeds]
    known = [accuracy(old, x_test[first_test], y_test[first_test]) for old in olds]
    runs = {name: np.empty((len(counts), len(seeds) * draws)) for name in WAYS}
    for run in range(len(seeds) * draws):
        old, rng = olds[run // draws], np.random.default_rng(run)
        for i, count in enumerate(counts):
            few = some_of_each(y_new, count, rng)
            for name, made_from in WAYS.items():
                nn = made_from(old, run)
                learn_few(nn, x_new[few], y_new[few], steps)
                runs[name][i, run] = accuracy(nn, x_new_test, y_new_test)
    rows = [("digits 0 to 4", "", common.mean_and_each(known, "%", 2))]
    for name, found in runs.items():
        rows += [
            (f"{name}, {count} of each", "",
             f"{each.mean():.1f} % ({each.min():.1f} to {each.max():.1f})")
            for count, each in zip(counts, found, strict=True)
        ]  # fmt: skip
    for name, gain in gains(runs).items():
        each = ", ".join(f"{points:+.1f}" for points in gain.mean(axis=1))
        better = ", ".join(str(int((row > 0).sum())) for row in gain)
        rows += [
            (f"{name}: gain for {', '.join(map(str, counts))}", "", f"{each} points"),
            (f"  better in so many runs of {gain.shape[1]}", "", better),
        ]
    common.report(rows)
    few = some_of_each(y_new, SHOWN, np.random.default_rng(0))
    drawn = picture(x_new[few].reshape(-1, 784), y_new[few], runs, counts)
    common.save(drawn, options.pictures, "transfer")
    return 0


if __name__ == "__main__":
    sys.exit(main())
