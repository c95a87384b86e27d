"""One linear neuron: it finds a line, and for a sine, the line closest to it.

    python examples/one_neuron.py [--pictures FOLDER] [--short]

The network is one weight and one bias: y = w x + b. The cost is a bowl over the plane of w and b,
and gradient descent rolls down into it.
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

RATE = 0.1
BATCH = 32
BATCH_RATE = 0.01
ARTICLE = 0.6907, 4.9989  # its slope and intercept on the sine


def gradient_descent(x: Array, y: Array, steps: int) -> Array:
    """Train a neuron on all samples at once; return the initial (w, b) and those of each step."""
    nn = foxnn.neural_network([1, 1], activation="linear", seed=1)
    path = [parameters(nn)]
    for _ in range(steps):
        nn.train_on_batch(x, y, optimizer="sgd", learning_rate=RATE)
        path.append(parameters(nn))
    return np.array(path)


def stochastic_descent(x: Array, y: Array, epochs: int) -> Array:
    """Train a neuron on shuffled batches; return the initial (w, b) and those of each epoch."""
    nn = foxnn.neural_network([1, 1], activation="linear", seed=1)
    path = [parameters(nn)]
    for _ in range(epochs):
        nn.fit(
            x,
            y,
            epochs=1,
            batch_size=BATCH,
            optimizer="sgd",
            learning_rate=BATCH_RATE,
            progress=False,
        )
        path.append(parameters(nn))
    return np.array(path)


def parameters(nn: foxnn.neural_network) -> tuple[float, float]:
    """Return the weight and the bias of the only neuron."""
    return nn[0].weights.item(), nn[0].bias.item()


def least_squares(x: Array, y: Array) -> Array:
    """Return (w, b) of the line with the smallest squared error, computed without training."""
    columns = np.hstack([x, np.ones_like(x)])
    return np.asarray(np.linalg.lstsq(columns, y, rcond=None)[0].ravel())


def main(argv: list[str] | None = None) -> int:
    """Train the neuron on the line and on the sine, and draw both."""
    chosen = common.options(__doc__, argv)
    x = np.linspace(-3.0, 3.0, 1000)[:, None]
    line, sine = 2 * x + 5, 2 * np.sin(x) + 5

    on_line = gradient_descent(x, line, 200)
    on_sine = gradient_descent(x, sine, 200)
    swaying = stochastic_descent(x, sine, 20 if chosen.short else 200)
    best = least_squares(x, sine)
    late = swaying[len(swaying) // 2 :]

    common.report(
        [
            ("2x + 5: slope", "2", f"{on_line[-1, 0]:.4f}"),
            ("2x + 5: intercept", "5", f"{on_line[-1, 1]:.4f}"),
            ("2 sin x + 5: slope", f"{ARTICLE[0]}", f"{on_sine[-1, 0]:.4f}"),
            ("2 sin x + 5: intercept", f"{ARTICLE[1]}", f"{on_sine[-1, 1]:.4f}"),
            ("  least squares: slope", "", f"{best[0]:.4f}"),
            ("  least squares: intercept", "", f"{best[1]:.4f}"),
            ("  in batches: slope", "", f"{late[:, 0].mean():.4f} ± {late[:, 0].std():.4f}"),
            ("  in batches: intercept", "", f"{late[:, 1].mean():.4f} ± {late[:, 1].std():.4f}"),
        ]
    )

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    draw_fit(axes[0], x, line, on_line, "2x + 5")
    draw_fit(axes[1], x, sine, on_sine, "2 sin x + 5")
    common.save(figure, chosen.pictures, "one-neuron")

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    draw_bowl(axes[0], x, sine, on_sine, swaying)
    draw_bottom(axes[1], late, best)
    common.save(figure, chosen.pictures, "one-neuron-bowl")
    return 0


def draw_fit(axis: Any, x: Array, y: Array, path: Array, name: str) -> None:
    """Draw the samples and the neuron's line after some of the steps."""
    axis.plot(x, y, color="black", linewidth=5, alpha=0.2, label=f"samples: {name}")
    shown = (0, 2, 5, 15, len(path) - 1)
    colours = plt.colormaps["viridis_r"](np.linspace(0.1, 1, len(shown)))
    for step, colour in zip(shown, colours, strict=True):
        w, b = path[step]
        axis.plot(x, w * x + b, color=colour, label=f"step {step}: {w:.2f} x + {b:.2f}")
    axis.set_xlabel("x")
    axis.set_ylabel("y")
    axis.legend(fontsize=8)
    axis.set_title(f"One neuron on {name}")


def draw_bowl(axis: Any, x: Array, y: Array, smooth: Array, swaying: Array) -> None:
    """Draw the cost over (w, b), and two paths down."""
    w, b = np.meshgrid(np.linspace(-2, 3, 80), np.linspace(-1, 8, 80))
    cost = np.mean((w[..., None] * x[:, 0] + b[..., None] - y[:, 0]) ** 2 / 2, axis=-1)
    contours = axis.contour(w, b, cost, levels=[0.5, 1, 2, 4, 8, 16], colors="grey", linewidths=0.8)
    axis.clabel(contours, fontsize=8)
    axis.plot(*swaying.T, ".-", color="tab:orange", label=f"batches of {BATCH}, one dot per epoch")
    axis.plot(*smooth.T, ".-", color="tab:blue", label="all samples, one dot per step")
    axis.set_xlabel("slope w")
    axis.set_ylabel("intercept b")
    axis.set_title("The cost of one neuron on 2 sin x + 5")
    axis.legend(loc="upper right", fontsize=8)


def draw_bottom(axis: Any, late: Array, best: Array) -> None:
    """Draw the bottom of the bowl, where the path of the batches fluctuates, epoch by epoch."""
    axis.plot(*late.T, ".", color="tab:orange", label=f"batches of {BATCH}, after each late epoch")
    axis.plot(*best, "*", color="black", markersize=13, label="least squares")
    axis.plot(*ARTICLE, "X", color="tab:red", markersize=9, label="the article")
    axis.set_xlabel("slope w")
    axis.set_ylabel("intercept b")
    axis.set_title("The bottom of the bowl")
    axis.ticklabel_format(useOffset=False)
    axis.legend(loc="upper right", fontsize=8)


if __name__ == "__main__":
    sys.exit(main())


if __name__ == "__main__":
    sys.exit(main())
