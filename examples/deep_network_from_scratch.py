"""The network that many articles write from scratch: [784, 100, 10], sigmoid, gradient descent.

    python examples/deep_network_from_scratch.py [--pictures FOLDER] [--data FOLDER] [--short]

All 70,000 images of MNIST, 56,000 for training and 14,000 for testing; 30 epochs in batches of 10:
with the squared error at rate 3.0, and with cross-entropy and L2 at rate 0.5, constant or falling.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

SEEDS = (1, 2, 3)
EPOCHS, BATCH = 30, 10
TRAINED_ON = 0.8
# Nielsen's lambda of 5 for all n samples: his penalty lambda / 2n w^2 is foxnn's l2 / 2 w^2.
LAMBDA = 5.0

Setting = dict[str, Any]


def split(data: tuple[NDArray[Any], ...], seed: int) -> tuple[NDArray[Any], ...]:
    """Return a random four fifths of all images for training, and the rest for testing."""
    x = np.concatenate([common.scaled(data[0]), common.scaled(data[2])])
    y = np.concatenate([data[1], data[3]])
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = np.split(order, [int(TRAINED_ON * len(x))])
    return x[train], y[train], x[test], y[test]


def train(data: tuple[NDArray[Any], ...], setting: Setting, epochs: int, seed: int) -> common.Watch:
    """Train a network; return its accuracy on the test images after each epoch."""
    x, y, x_test, y_test = split(data, seed)
    nn = foxnn.neural_network([784, 100, 10], "sigmoid", loss=setting["loss"], seed=seed)
    watch = common.Watch(x_test, y_test)
    schedule = foxnn.schedules.cosine(epochs) if setting["falls"] else None
    nn.fit(
        x, common.one_hot(y), epochs, BATCH, "sgd", setting["rate"],
        schedule=schedule, l2=setting["lambda"] / len(x), callbacks=watch, progress=False,
    )  # fmt: skip
    return watch


SETTINGS: dict[str, Setting] = {
    "squared error, rate 3.0": {"loss": "mse", "rate": 3.0, "lambda": 0.0, "falls": False},
    "cross-entropy and L2, rate 0.5": {
        "loss": "binary_cross_entropy", "rate": 0.5, "lambda": LAMBDA, "falls": False,
    },
    "the same, rate falling to 0": {
        "loss": "binary_cross_entropy", "rate": 0.5, "lambda": LAMBDA, "falls": True,
    },
}  # fmt: skip


def picture(runs: dict[str, list[common.Watch]]) -> Any:
    """Draw the accuracy over the epochs."""
    figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    for (name, watches), colour in zip(
        runs.items(), ("#d95f02", "#9ecae1", "#08519c"), strict=True
    ):
        for watch in watches:
            label = name if watch is watches[0] else None
            percent = 100 * np.array(watch.accuracy)
            ax.plot(np.arange(1, len(percent) + 1), percent, color=colour, label=label)
    ax.axhline(96.59, color="#888888", linestyle=":", label="article, 96.59 %")
    ax.set(xlabel="epoch", ylabel="accuracy on the test images (%)", ylim=(93, 98.5))
    ax.legend(loc="lower right")
    ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train each setting from three seeds, print the figures and draw the plot."""
    options = common.options(__doc__, argv, mnist=True)
    data = common.digits(options.data)
    epochs, seeds = (2, SEEDS[:1]) if options.short else (EPOCHS, SEEDS)
    runs = {
        name: [train(data, setting, epochs, seed) for seed in seeds]
        for name, setting in SETTINGS.items()
    }
    rows = []
    for (name, watches), article in zip(runs.items(), ("96.59 %", "", "more"), strict=True):
        ends = [100 * watch.accuracy[-1] for watch in watches]
        seconds = float(np.mean([watch.seconds[-1] for watch in watches]))
        rows.append((name, article, common.mean_and_each(ends, "%", 2)))
        rows.append((f"  seconds for {epochs} epochs", "", f"{seconds:.1f}"))
    common.report(rows)
    common.save(picture(runs), options.pictures, "deep-network-from-scratch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
