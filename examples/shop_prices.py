"""Four changes of a price: what an untrained network says, a trained one, and a question.

    python examples/shop_prices.py [--pictures FOLDER] [--short]

0.80 % -> 1, 0.35 % -> 0, 1.42 % -> 1, -1.75 % -> 1, asked for 2.32 %; sigmoids, squared error,
gradient descent on all four at once.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Array = NDArray[np.float32]

X = np.array([[0.80], [0.35], [1.42], [-1.75]], np.float32)
Y = np.array([[1], [0], [1], [1]], np.float32)
ASKED = 2.32
RATE, STEPS, SEEDS = 1.0, 5000, range(1, 21)
NETWORKS = {"1-1": [1, 1], "1-2-1": [1, 2, 1], "1-4-1": [1, 4, 1]}
ARTICLE_BEFORE, ARTICLE_AFTER = 0.6, 0.2


def train(sizes: list[int], seed: int, steps: int) -> tuple[foxnn.neural_network, Array]:
    """Return a network, and its four errors, output - target, before each step and at the end."""
    nn = foxnn.neural_network(sizes, "sigmoid", loss="mse", seed=seed)
    errors = [(nn.predict(X) - Y)[:, 0]]
    for _ in range(steps):
        nn.train_on_batch(X, Y, optimizer="sgd", learning_rate=RATE)
        errors.append((nn.predict(X) - Y)[:, 0])
    return nn, np.array(errors)


def largest(errors: Array) -> Array:
    """Return the size of the largest of the four errors, step by step."""
    sizes: Array = np.abs(errors).max(axis=1)
    return sizes


def first_within(errors: Array, bound: float) -> str:
    """Return the number of steps until every error is within a bound."""
    within = largest(errors) <= bound
    return f"after {int(within.argmax())} steps" if within.any() else "never"


def picture(found: dict[str, list[tuple[foxnn.neural_network, Array]]]) -> Any:
    """Draw the errors over the steps, and the outputs over the change of the price."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    for point, colour in enumerate(plt.colormaps["tab10"](range(4))):
        _, errors = found["1-2-1"][0]
        panels[0].plot(errors[:, point], color=colour, label=f"{X[point, 0]:.2f} %")
    for bound in (ARTICLE_BEFORE, ARTICLE_AFTER):
        panels[0].axhspan(-bound, bound, color="black", alpha=0.06)
    panels[0].set(xlabel="step", title="1-2-1, seed 1: output - target", ylim=(-0.8, 0.8))
    wide = np.linspace(-3, 3, 301, dtype=np.float32)[:, None]
    for ax, name in zip(panels[1:], ("1-1", "1-2-1"), strict=True):
        for nn, errors in found[name]:
            fits = largest(errors)[-1] < ARTICLE_AFTER
            colour = "#1f77b4" if fits else "#b2182b"
            ax.plot(wide, nn.predict(wide), color=colour, linewidth=0.8, alpha=0.6)
        ax.plot(X, Y, "o", color="black")
        ax.axvline(ASKED, color="#d95f02", linestyle="--", label=f"asked: {ASKED} %")
        ax.set(xlabel="change of the price (%)", title=f"{name}: output, {len(found[name])} starts")
        ax.legend(fontsize=8, loc="center left")
    panels[0].legend(fontsize=8, loc="lower right")
    for ax in panels:
        ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train from several starts, print the errors and answers, and draw them."""
    options = common.options(__doc__, argv)
    steps, seeds = (3500, SEEDS[:3]) if options.short else (STEPS, SEEDS)
    found = {
        name: [train(sizes, seed, steps) for seed in seeds] for name, sizes in NETWORKS.items()
    }
    errors = found["1-2-1"][0][1]
    rows = [
        ("1-2-1, seed 1: before training", "errors ±0.6", f"±{largest(errors)[0]:.2f}"),
        ("  within ±0.2", "errors ±0.2", first_within(errors, ARTICLE_AFTER)),
        ("  at the end", "", f"±{largest(errors)[-1]:.3f}"),
    ]
    for name, runs in found.items():
        ends = np.array([largest(errors)[-1] for _, errors in runs])
        answers = np.array([nn.get_out([ASKED])[0] for nn, _ in runs])
        between = np.array([nn.get_out([-0.5])[0] for nn, _ in runs])
        fitted = ends < ARTICLE_AFTER
        rows.append((f"{name}: within ±0.2", "", f"{fitted.sum()} of {len(runs)} starts"))
        rows.append(("  largest error", "", f"±{ends.min():.3f} to ±{ends.max():.3f}"))
        rows.append((f"  asked, {ASKED} %", "", f"{answers.min():.3f} to {answers.max():.3f}"))
        rows.append(("  not asked, -0.50 %", "", f"{between.min():.3f} to {between.max():.3f}"))
    common.report(rows)
    common.save(picture(found), options.pictures, "shop-prices")
    return 0


if __name__ == "__main__":
    sys.exit(main())
