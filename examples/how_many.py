"""How many neurons, and how many epochs: the error on new points for each combination.

    python examples/how_many.py [--pictures FOLDER] [--short]

20 points of 2 sin x + 5 with noise; 1-n-1 tanh with n from 1 to 100; Adam in batches of 10, up to
3000 epochs. The mean of several seeds, each with different points.
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

Array = NDArray[np.float32]
Curves = NDArray[np.float64]

NEURONS = (1, 2, 3, 5, 10, 30, 100)
EPOCHS = (10, 30, 100, 300, 1000, 3000)
POINTS, NOISE, SEEDS = 20, 0.5, range(1, 9)
BATCH, RATE = 10, 0.01


def points(count: int, seed: int) -> tuple[Array, Array]:
    """Return points of the sine, with noise on the targets."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, (count, 1))
    y = 2 * np.sin(x) + 5 + rng.normal(0, NOISE, (count, 1))
    return x.astype(np.float32), y.astype(np.float32)


def train(neurons: int, epochs: int, seed: int) -> tuple[foxnn.neural_network, Curves]:
    """Return a network, and its squared errors, epoch by epoch: on its points and on new ones."""
    nn = foxnn.neural_network([1, neurons, 1], "tanh", "identity", seed=seed)
    fresh = points(300, 1000)
    with warnings.catch_warnings():
        # Runs that end too early are shown here.
        warnings.simplefilter("ignore", foxnn.ConvergenceWarning)
        history = nn.fit(
            *points(POINTS, seed), epochs, BATCH, "adam", RATE, validation=fresh, progress=False
        )
    # The losses are half the squared error.
    return nn, 2 * np.array([history["loss"], history["val_loss"]])


def picture(
    counts: list[int], table: Curves, means: dict[int, Curves], nets: dict[int, Any]
) -> Any:
    """Draw the table of errors, the errors over the epochs, and three of the curves."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    panels[0].imshow(table, cmap="viridis_r", norm="log", aspect="auto", origin="lower")
    for (i, j), value in np.ndenumerate(table):
        light = value < np.sqrt(table.min() * table.max())
        panels[0].text(
            j, i, f"{value:.2f}", ha="center", va="center", fontsize=8,
            color="black" if light else "white",
        )  # fmt: skip
    panels[0].set(
        xlabel="epochs", ylabel="neurons", title="squared error on new points",
        xticks=range(len(counts)), xticklabels=counts,
        yticks=range(len(NEURONS)), yticklabels=NEURONS,
    )  # fmt: skip
    x, y = points(POINTS, SEEDS[0])
    wide = np.linspace(-3, 3, 400, dtype=np.float32)[:, None]
    panels[2].plot(x, y, ".", color="#888888")
    for neurons, colour in zip((1, 3, 100), ("#1b9e77", "#d95f02", "#7570b3"), strict=True):
        own, fresh = means[neurons]
        name = "1 neuron" if neurons == 1 else f"{neurons} neurons"
        epochs = np.arange(1, len(own) + 1)
        panels[1].loglog(epochs, fresh, color=colour, label=f"{name}, new points")
        panels[1].loglog(epochs, own, ":", color=colour, label="their own points")
        panels[2].plot(wide, nets[neurons].predict(wide), color=colour, label=name)
    panels[1].axhline(NOISE**2, color="black", linewidth=0.8)
    panels[1].set(xlabel="epoch", title="squared error", ylim=(0.1, 5))
    panels[1].set_yticks([0.1, 0.2, 0.5, 1, 2, 5], [0.1, 0.2, 0.5, 1, 2, 5])
    panels[1].minorticks_off()
    panels[2].plot(wide, 2 * np.sin(wide) + 5, color="black", linewidth=5, alpha=0.2)
    panels[2].set(xlabel="x", title=f"after {counts[-1]} epochs, seed 1")
    for ax in panels[1:]:
        ax.legend(fontsize=8)
        ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the table of errors, and draw it."""
    options = common.options(__doc__, argv)
    counts, seeds = (list(EPOCHS[:4]), SEEDS[:2]) if options.short else (list(EPOCHS), SEEDS)
    means, nets = {}, {}
    for neurons in NEURONS:
        runs = [train(neurons, counts[-1], seed) for seed in seeds]
        nets[neurons] = runs[0][0]
        means[neurons] = np.mean([curves for _, curves in runs], axis=0)
    chosen = np.array(counts) - 1
    table = np.array([means[neurons][1, chosen] for neurons in NEURONS])
    print("squared error on new points; the noise alone is", NOISE**2)
    print("neurons" + "".join(f"{count:>8}" for count in counts) + "  epochs")
    for neurons, row in zip(NEURONS, table, strict=True):
        print(f"{neurons:7}" + "".join(f"{value:8.3f}" for value in row))
    i, j = np.unravel_index(table.argmin(), table.shape)
    last = means[NEURONS[-1]][:, -1]
    common.report(
        [
            ("best", "", f"{table[i, j]:.3f}: {NEURONS[i]} neurons, {counts[j]} epochs"),
            ("1 neuron, at the end", "", f"{table[0, -1]:.3f}"),
            ("100 neurons, at the end", "", f"{last[1]:.3f}, own points {last[0]:.3f}"),
        ]
    )
    common.save(picture(counts, table, means, nets), options.pictures, "how-many")
    return 0


if __name__ == "__main__":
    sys.exit(main())
