"""XOR of two normal numbers: how many neurons it takes, and why large steps fail late.

    python examples/xor.py [--pictures FOLDER] [--short]

300 points from N(0, 1) in the plane; the label says whether the signs differ. 2-3-2 and 2-50-2
sigmoid, squared error with a ridge penalty (L2), gradient descent in batches of 100.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float64]

EPOCHS, BATCH, RATE, RIDGE = 2000, 100, 10.0, 3e-5
# The loss has blown up if it is this far above its minimum so far. The first epochs are not
# counted, because the loss fluctuates in them anyway.
RISE, SETTLED = 0.05, 500
SEED = 1


def points(count: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Return points, and whether the signs of their coordinates differ."""
    x = np.random.default_rng(seed).normal(size=(count, 2))
    return x, (x[:, 0] * x[:, 1] < 0).astype(np.int64)


def accuracy(nn: foxnn.neural_network, x: Array, labels: NDArray[np.int64]) -> float:
    """Return the accuracy, in per cent."""
    return float(100 * (nn.predict(x).argmax(axis=1) == labels).mean())


def train(
    neurons: int, epochs: int, rate: float, ridge: float, schedule: Any = None
) -> tuple[foxnn.neural_network, Array, Array]:
    """Return a trained network, its loss in each epoch, and its accuracy after every tenth."""
    x, labels = points(300, 0)
    nn = foxnn.neural_network([2, neurons, 2], "sigmoid", loss="mse", seed=SEED)
    shares: list[float] = []

    def watch(epoch: int, logs: dict[str, float]) -> None:
        if epoch % 10 == 0:
            shares.append(accuracy(nn, x, labels))

    history = nn.fit(
        x, np.eye(2)[labels], epochs, BATCH, "sgd", rate, l2=ridge, schedule=schedule,
        callbacks=watch, progress=False,
    )  # fmt: skip
    return nn, np.array(history["loss"]), np.array(shares)


def blown_up(loss: Array) -> int:
    """Return the number of late epochs in which the loss was far above its minimum so far."""
    return int((loss - np.minimum.accumulate(loss) > RISE)[SETTLED:].sum())


Run = tuple[foxnn.neural_network, Array, Array]


def picture_of_sizes(runs: dict[int, Run]) -> Any:
    """Draw the boundary, loss and accuracy of both networks."""
    x, labels = points(300, 0)
    figure, panels = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    for ax, (neurons, (nn, _, _)) in zip(panels, runs.items(), strict=False):
        foxnn.plot.decision_boundary(nn, x, labels, ax=ax)
        ax.set_title(f"{neurons} neurons: {accuracy(nn, x, labels):.1f} %")
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
    for (neurons, (_, loss, share)), colour in zip(
        runs.items(), ("#d95f02", "#1f77b4"), strict=True
    ):
        panels[2].semilogy(loss, color=colour, label=f"{neurons} neurons")
        panels[3].plot(np.arange(len(share)) * 10, share, color=colour)
    panels[2].set(xlabel="epoch", title="loss")
    panels[2].legend()
    panels[3].set(xlabel="epoch", title="accuracy (%)", ylim=(45, 101))
    for ax in panels[2:]:
        ax.grid(alpha=0.3)
    return figure


def picture_of_steps(runs: dict[str, Run]) -> Any:
    """Draw the loss with steps that are too large, and with each of the cures."""
    x, labels = points(300, 0)
    figure, panels = plt.subplots(
        1, len(runs), figsize=(15, 3.2), sharex=True, sharey=True, layout="constrained"
    )
    for ax, (name, (nn, loss, _)) in zip(panels, runs.items(), strict=True):
        is_cure = ":" in name
        ax.semilogy(loss, color="#1f77b4" if is_cure else "#b2182b", linewidth=0.9)
        ax.set_title(f"{name}\n{accuracy(nn, x, labels):.1f} %", fontsize=10)
        ax.set_xlabel("epoch")
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("loss")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    epochs = 300 if options.short else EPOCHS
    fresh, (x, labels) = points(3000, 1), points(300, 0)
    sizes = {neurons: train(neurons, epochs, RATE, RIDGE) for neurons in (3, 50)}
    decaying = foxnn.schedules.inverse(0.003)
    steps = {
        "rate 50": train(50, epochs, 50.0, RIDGE),
        "smaller: rate 10": sizes[50],
        "decaying: 50 / (1 + 0.003 epoch)": train(50, epochs, 50.0, RIDGE, decaying),
        "rate 40, no ridge": train(50, epochs, 40.0, 0.0),
        "rate 40, ridge: 0.00003": train(50, epochs, 40.0, RIDGE),
    }
    rows = []
    for neurons, said in ((3, "too few"), (50, "bends the boundary")):
        nn = sizes[neurons][0]
        right = f"{accuracy(nn, x, labels):.1f} %, new points {accuracy(nn, *fresh):.1f} %"
        rows.append((f"{neurons} neurons", said, right))
    verdicts = ("blows up late", "cured", "cured", "blows up", "cured")
    for (name, (nn, loss, _)), was in zip(steps.items(), verdicts, strict=True):
        what = f"{accuracy(nn, x, labels):.1f} %, {blown_up(loss)} late epochs with a blow-up"
        rows.append((f"50 neurons, {name}", was, what))
    common.report(rows)
    common.save(picture_of_sizes(sizes), options.pictures, "xor")
    common.save(picture_of_steps(steps), options.pictures, "xor-steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
