"""Genuine and forged banknotes: a narrow, deep network on four numbers per picture of a note.

    python examples/banknotes.py [--pictures FOLDER] [--short]

4-4-4-4-4-2, three layers of relu, one of sigmoid, softmax; gradient descent at rate 0.3 for 100
epochs; a fifth of the notes is held out. The seed determines weights, order and split.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float64]

SIZES = [4, 4, 4, 4, 4, 2]
ACTIVATIONS = ["relu", "relu", "relu", "sigmoid", "softmax"]
RATE, EPOCHS, BATCH = 0.3, 100, 10
HELD_OUT = 0.2
SEEDS = range(1, 21)  # the first three are those of the table


def banknotes() -> tuple[Array, NDArray[np.int64]]:
    """Return variance, skewness, curtosis and entropy of each note, and whether it is forged."""
    table = np.loadtxt(common.HERE / "data" / "banknote.csv", delimiter=",")
    return table[:, :4], table[:, 4].astype(np.int64)


def train(seed: int, epochs: int, batch: int, scale: str | None) -> Any:
    """Train a network; return its history."""
    x, forged = banknotes()
    nn = foxnn.neural_network(SIZES, ACTIVATIONS, seed=seed)
    with warnings.catch_warnings():
        # Runs that end too early are shown here.
        warnings.simplefilter("ignore", foxnn.ConvergenceWarning)
        return nn.fit(
            x, forged, epochs, batch, "sgd", RATE, validation=HELD_OUT, scale=scale, progress=False
        )


def accuracies(seeds: range, epochs: int, batch: int, scale: str | None) -> Array:
    """Return the final accuracy on the held-out notes, in per cent, for each seed."""
    return np.array([100 * train(seed, epochs, batch, scale)["val_accuracy"][-1] for seed in seeds])


def picture(epochs: int) -> Any:
    """Draw the accuracy over the epochs: with batches of 10, and with all notes in one batch."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
    for ax, batch, title in zip(
        panels, (BATCH, 1098), ("batches of 10, scaled", "all notes in one step, raw"), strict=True
    ):
        for seed, colour in zip(SEEDS[:3], ("#1f77b4", "#d95f02", "#444444"), strict=False):
            history = train(seed, epochs, batch, "standard" if batch == BATCH else None)
            ax.plot(100 * np.array(history["val_accuracy"]), color=colour, label=f"seed {seed}")
        ax.axhline(99.64, color="#888888", linestyle=":", label="article, 99.64 %")
        ax.set(xlabel="epoch", title=title, ylim=(40, 102))
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("accuracy on held-out notes (%)")
    panels[1].legend(loc="lower right")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    epochs, seeds = (20, SEEDS[:3]) if options.short else (EPOCHS, SEEDS)
    ours = accuracies(seeds, epochs, BATCH, "standard")
    common.report(
        [
            ("accuracy on held-out notes, mean of 3 seeds", "99.64 %", f"{ours[:3].mean():.2f} %"),
            ("each of them", "", ", ".join(f"{value:.2f} %" for value in ours[:3])),
            (f"mean of {len(ours)} seeds", "", f"{ours.mean():.2f} %"),
            ("worst of them", "", f"{ours.min():.2f} %"),
        ]
    )
    print("\nbatch  inputs    mean    worst   seeds at 99.6 % or more")
    for batch in (1098, 100, 32, 10, 4, 1):
        for scale in ("standard", None):
            found = accuracies(seeds, epochs, batch, scale)
            good = int((found >= 99.6).sum())
            print(
                f"{batch:5d}  {scale or 'raw':8s}  {found.mean():6.2f}  {found.min():6.2f}  "
                f"{good} of {len(found)}"
            )
    common.save(picture(epochs), options.pictures, "banknotes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
