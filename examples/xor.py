"""XOR of two normal numbers: how many neurons it takes, and steps that are too large.

    python examples/xor.py [--pictures FOLDER] [--html FILE] [--short]

300 points from N(0, 1) in the plane; the label says whether the signs differ. 2-3-2 and 2-50-2
sigmoid, squared error with a ridge penalty (L2), gradient descent: all points in every step.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float64]

POINTS, STEPS, RATE, RIDGE, SEED = 300, 2000, 10.0, 3e-5, 1
SEEDS = range(1, 21)  # of the networks with three neurons
# The loss has jumped if it is this far above its minimum so far. Until the network has begun to
# learn, that is, until the loss has been below 0.2, it fluctuates; this is not counted.
RISE, LEARNT = 0.03, 0.2
FIRST = 600  # steps that are drawn of the networks that jump, so that the jumps can be seen


class Run(NamedTuple):
    """A trained network, its loss in each step, and its accuracy (%) after every tenth."""

    nn: foxnn.neural_network
    loss: Array
    accuracy: Array


def points(count: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Return points, and whether the signs of their coordinates differ."""
    x = np.random.default_rng(seed).normal(size=(count, 2))
    return x, (x[:, 0] * x[:, 1] < 0).astype(np.int64)


def accuracy(nn: foxnn.neural_network, x: Array, labels: NDArray[np.int64]) -> float:
    """Return the accuracy, in per cent."""
    return float(100 * (nn.predict(x).argmax(axis=1) == labels).mean())


def network(neurons: int, seed: int = SEED, dtype: str = "float32") -> foxnn.neural_network:
    """Return an untrained network."""
    return foxnn.neural_network([2, neurons, 2], "sigmoid", loss="mse", dtype=dtype, seed=seed)


def train(
    neurons: int,
    steps: int,
    rate: float,
    ridge: float = RIDGE,
    schedule: Any = None,
    seed: int = SEED,
) -> Run:
    """Train on all points in every step, so that an epoch is a step."""
    x, labels = points(POINTS, 0)
    nn, shares = network(neurons, seed), []

    def watch(epoch: int, logs: dict[str, float]) -> None:
        if epoch % 10 == 0:
            shares.append(accuracy(nn, x, labels))

    with warnings.catch_warnings():
        # Runs that end too early are shown here.
        warnings.simplefilter("ignore", foxnn.ConvergenceWarning)
        history = nn.fit(
            x, np.eye(2)[labels], steps, POINTS, "sgd", rate, l2=ridge, schedule=schedule,
            callbacks=watch, progress=False,
        )  # fmt: skip
    return Run(nn, np.array(history["loss"]), np.array(shares))


def jumps(loss: Array) -> int:
    """Return the number of steps in which the loss, once low, was far above its minimum so far."""
    lowest = np.minimum.accumulate(loss)
    return int(((loss - lowest > RISE) & (lowest < LEARNT)).sum())


def picture_of_sizes(runs: dict[int, Run]) -> Any:
    """Draw the boundary, loss and accuracy of both networks."""
    x, labels = points(POINTS, 0)
    figure, panels = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    for ax, (neurons, run) in zip(panels, runs.items(), strict=False):
        foxnn.plot.decision_boundary(run.nn, x, labels, ax=ax)
        ax.set_title(f"{neurons} neurons: {accuracy(run.nn, x, labels):.1f} %")
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
    for (neurons, run), colour in zip(runs.items(), ("#d95f02", "#1f77b4"), strict=True):
        panels[2].semilogy(run.loss, color=colour, label=f"{neurons} neurons")
        panels[3].plot(np.arange(len(run.accuracy)) * 10, run.accuracy, color=colour)
    panels[2].set(xlabel="step", title="loss")
    panels[2].legend()
    panels[3].set(xlabel="step", title="accuracy (%)", ylim=(45, 101))
    for ax in panels[2:]:
        ax.grid(alpha=0.3)
    return figure


def picture_of_steps(runs: dict[str, Run]) -> Any:
    """Draw the loss with steps that are too large, and with each of the cures."""
    x, labels = points(POINTS, 0)
    figure, panels = plt.subplots(
        1, len(runs), figsize=(16, 3.2), sharey=True, layout="constrained"
    )
    for ax, (name, run) in zip(panels, runs.items(), strict=True):
        loss = run.loss if "30" in name else run.loss[:FIRST]
        ax.semilogy(loss, color="#1f77b4" if ":" in name else "#b2182b", linewidth=0.9)
        ax.set_title(f"{name}\n{accuracy(run.nn, x, labels):.1f} %", fontsize=9)
        ax.set_xlabel("step")
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("loss")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the figures and draw the plots."""
    options = common.options(__doc__, argv, html=True)
    n, seeds = (1000, SEEDS[:3]) if options.short else (STEPS, SEEDS)
    fresh, (x, labels) = points(3000, 1), points(POINTS, 0)
    threes = [train(3, n, RATE, seed=seed) for seed in seeds]
    three = [accuracy(run.nn, x, labels) for run in threes]
    sizes = {3: threes[int(np.argmax(three))], 50: train(50, n, RATE)}
    decaying = foxnn.schedules.inverse(0.003)
    steps = {
        "rate 18": train(50, n, 18.0),
        "smaller rate: 9": train(50, n, 9.0),
        "decaying: 18 / (1 + 0.003 step)": train(50, n, 18.0, RIDGE, decaying),
        "rate 18, more ridge: 0.0003": train(50, n, 18.0, 10 * RIDGE),
        "rate 30, no ridge": train(50, n, 30.0, 0.0),
        "rate 30, ridge: 0.00003": train(50, n, 30.0),
    }
    rows = []
    for neurons, said in ((3, "too few"), (50, "bends the boundary")):
        nn = sizes[neurons].nn
        right = f"{accuracy(nn, x, labels):.1f} %, new points {accuracy(nn, *fresh):.1f} %"
        best = f", the best of {len(three)} seeds" if neurons == 3 else ""
        rows.append((f"{neurons} neurons{best}", said, right))
    spread = f"{np.mean(three):.1f} % ({min(three):.1f} to {max(three):.1f} %)"
    rows.insert(1, ("  all of them", "", spread))
    verdicts = ("blows up late", "", "", "", "", "")
    for (name, run), was in zip(steps.items(), verdicts, strict=True):
        what = f"{accuracy(run.nn, x, labels):.1f} %, {jumps(run.loss)} steps in a jump"
        rows.append((f"50 neurons, {name}", was, what))
    common.report(rows)
    common.save(picture_of_sizes(sizes), options.pictures, "xor")
    common.save(picture_of_steps(steps), options.pictures, "xor-steps")
    sizes[50].nn.classes = ["same signs", "different signs"]
    common.page(sizes[50].nn, options.html, x, np.eye(2)[labels])
    return 0


if __name__ == "__main__":
    sys.exit(main())
