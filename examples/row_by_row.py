"""Row by row: a recurrent network reads the digits from top to bottom and says what it expects.

    python examples/row_by_row.py [--pictures FOLDER] [--data FOLDER] [--html FILE] [--short]

28 steps of 28 pixels through a GRU of 128 units: one network learns to answer after the last row,
another after every row. Beside them, a dense network that sees the whole image at once.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

UNITS, BATCH, RATE, SEED, ROWS = 128, 64, 0.003, 1, 28
# The dense network has more epochs, so that all three trainings take about the same time.
NETWORKS: dict[str, tuple[list[Any], int]] = {
    "after the last row": ([(None, 28), foxnn.GRU(UNITS), 10], 6),
    "after every row": (
        [(None, 28), foxnn.GRU(UNITS, return_sequences=True), foxnn.Dense(10)],
        6,
    ),
    "dense, whole image": ([784, 512, 512, 10], 16),
}
LAST, EVERY, DENSE = NETWORKS
COLOURS = {LAST: "#d95f02", EVERY: "#1f77b4", DENSE: "#444444"}
SURE = 0.9  # from which probability on an answer counts as sure


class Run(NamedTuple):
    """A trained network, and the seconds of its training."""

    network: foxnn.neural_network
    seconds: float


def train(name: str, x: Floats, y: Bytes, epochs: int) -> Run:
    """Train a network on images of 28 rows, with the label at each answer that it gives."""
    layers, _ = NETWORKS[name]
    nn = foxnn.neural_network(layers, "relu", "softmax", seed=SEED)
    if name == DENSE:
        x = x.reshape(len(x), -1)
    labels = np.repeat(y[:, None], ROWS, axis=1) if name == EVERY else y
    schedule = foxnn.schedules.cosine(epochs)
    history = nn.fit(x, labels, epochs, BATCH, "adam", RATE, schedule=schedule, progress=False)
    return Run(nn, sum(history["seconds"]))


def answers(nn: foxnn.neural_network, x: Floats) -> Floats:
    """Return the probabilities of the digits after each row: (images, rows, 10)."""
    if len(nn[-1].output_shape) == 2:
        found: Floats = nn.predict(x)
        return found
    # A network that answers once reads the first row, the first two, and so on.
    return np.stack([nn.predict(x[:, :rows]) for rows in range(1, ROWS + 1)], axis=1)


def right(found: Floats, y: Bytes) -> NDArray[np.float64]:
    """Return the accuracy after each row, in per cent."""
    share: NDArray[np.float64] = (found.argmax(axis=2) == y[:, None]).mean(axis=0)
    return 100 * share


def rows_until_sure(found: Floats, y: Bytes) -> NDArray[np.int64]:
    """Return after which row each image's answer is right, sure, and stays so; 29 if never."""
    sure = found[np.arange(len(y)), :, y] >= SURE
    kept = np.logical_and.accumulate(sure[:, ::-1], axis=1).sum(axis=1)
    rows: NDArray[np.int64] = ROWS + 1 - kept
    return rows


def some_of_interest(found: Floats, y: Bytes) -> list[int]:
    """Return four images: of 1, 3, 7 and 9, those whose number of rows is their digit's median."""
    until, chosen = rows_until_sure(found, y), []
    for digit in (1, 3, 7, 9):
        which = np.flatnonzero(y == digit)
        chosen.append(int(which[np.argsort(until[which], kind="stable")[len(which) // 2]]))
    return chosen


def picture(x: Floats, y: Bytes, found: dict[str, Floats], dense: float) -> Any:
    """Draw the accuracy after each row, and the probabilities of the digits for four images."""
    figure = plt.figure(figsize=(13, 4.2), layout="constrained")
    left, right_side = figure.subfigures(1, 2, width_ratios=(4, 9))
    ax, rows = left.subplots(), np.arange(1, ROWS + 1)
    for name, probabilities in found.items():
        ax.plot(rows, right(probabilities, y), "o-", markersize=3, color=COLOURS[name], label=name)
    ax.axhline(dense, color=COLOURS[DENSE], linestyle=":", label=DENSE)
    ax.set(xlabel="rows read", ylabel="accuracy (%)", ylim=(0, 101))
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8)
    chosen = some_of_interest(found[EVERY], y)
    panels = right_side.subplots(1, 2 * len(chosen), width_ratios=(1, 1.25) * len(chosen))
    for image, chances, which in zip(panels[::2], panels[1::2], chosen, strict=True):
        image.imshow(x[which], cmap="gray_r", vmin=0, vmax=1, aspect="auto")
        image.set(xticks=[], yticks=[])
        drawn = chances.imshow(
            found[EVERY][which], cmap="magma_r", vmin=0, vmax=1, aspect="auto",
            extent=(-0.5, 9.5, ROWS, 0),
        )  # fmt: skip
        chances.set(yticks=[], xticks=range(10))
        chances.tick_params(axis="x", labelsize=7)
    panels[0].set(ylabel="row", yticks=range(4, ROWS, 5), yticklabels=range(5, ROWS + 1, 5))
    right_side.colorbar(drawn, ax=panels, label="probability of the digit", aspect=40)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train the three networks; print their accuracy by rows and draw it."""
    options = common.options(__doc__, argv, mnist=True, html=True)
    images, y, images_test, y_test = common.digits(options.data)
    x, x_test = (common.scaled(part).reshape(-1, ROWS, 28) for part in (images, images_test))
    runs = {
        name: train(name, x, y, 2 if options.short else epochs)
        for name, (_, epochs) in NETWORKS.items()
    }
    dense = 100 * common.accuracy(runs[DENSE].network, x_test.reshape(len(x_test), -1), y_test)
    found = {name: answers(runs[name].network, x_test) for name in (LAST, EVERY)}
    rows = [(f"{name}: seconds", "", f"{run.seconds:.1f} s") for name, run in runs.items()]
    rows.append((f"{DENSE}: accuracy", "", f"{dense:.2f} %"))
    for name, probabilities in found.items():
        after = right(probabilities, y_test)
        rows += [
            (f"{name}: accuracy", "", f"{after[-1]:.2f} %"),
            (f"{name}: after {', '.join(map(str, range(8, ROWS, 4)))} rows", "",
             ", ".join(f"{after[row - 1]:.1f}" for row in range(8, ROWS, 4)) + " %"),
        ]  # fmt: skip
    until = rows_until_sure(found[EVERY], y_test)
    medians = [int(np.median(until[y_test == digit])) for digit in range(10)]
    rows += [
        ("rows until sure, median", "", f"{int(np.median(until))}"),
        ("rows until sure, digits 0 to 9", "", ", ".join(map(str, medians))),
        ("never sure, or of another digit", "", f"{100 * (until > ROWS).mean():.1f} %"),
    ]
    common.report(rows)
    common.page(runs[LAST].network, options.html, x_test, y_test)
    common.save(picture(x_test, y_test, found, dense), options.pictures, "row-by-row")
    return 0


if __name__ == "__main__":
    sys.exit(main())
