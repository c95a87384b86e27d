"""The perceptron: a decision by weights, and Rosenblatt's rule on and, or and xor.

    python examples/perceptron.py [--pictures FOLDER] [--short]

A neuron says yes if its weighted sum is above 0. The rule w <- w + (y - yes) x finds a line for
"and" and "or"; for "xor" there is none, and a hidden layer, set by hand, draws two.
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

DECISION_INPUTS, DECISION_WEIGHTS = [1.0, 1.0, 0.0], [10.0, -15.0, 20.0]
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "xor": [0, 1, 1, 0]}


def decision(activation: str) -> foxnn.neural_network:
    """Return the neuron that weighs three answers of yes or no."""
    nn = foxnn.neural_network([3, 1], activation)
    nn[0].weights, nn[0].bias = [[weight] for weight in DECISION_WEIGHTS], [0]
    return nn


def learn(wanted: list[int], rounds: int) -> list[tuple[float, float, float]]:
    """Return the weights and the bias at the start and after each mistake, by Rosenblatt's rule.

    It ends after a round without a mistake. The rule is a step of gradient descent on the squared
    error of a linear neuron, at rate 1, towards the sum that the mistake is away from.
    """
    nn = foxnn.neural_network([2, 1], "identity", init="zeros")
    lines = [(0.0, 0.0, 0.0)]
    for _ in range(rounds):
        mistakes = 0
        for x, y in zip(X, wanted, strict=True):
            total = nn.get_out(x)
            mistake = y - int(total[0] > 0)
            if mistake:
                nn.train_on_batch([x], [total + mistake], optimizer="sgd", learning_rate=1.0)
                lines.append((*nn[0].weights[:, 0].tolist(), nn[0].bias.item()))
            mistakes += abs(mistake)
        if not mistakes:
            break
    return lines


def correct(line: tuple[float, float, float], wanted: list[int]) -> int:
    """Return how many of the four points are on their side of a line."""
    yes = X @ np.array(line[:2], np.float32) + line[2] > 0
    return int((yes == np.array(wanted)).sum())


def by_hand() -> foxnn.neural_network:
    """Return xor as 2-2-1: "or" and "not both" feed an "and"."""
    nn = foxnn.neural_network([2, 2, 1], "sigmoid")
    nn[0].weights, nn[0].bias = [[20, -20], [20, -20]], [-10, 30]
    nn[1].weights, nn[1].bias = [[20], [20]], [-30]
    return nn


def draw_points(ax: Any, wanted: list[int]) -> None:
    """Draw the four points: full for yes, empty for no."""
    for (x1, x2), yes in zip(X, wanted, strict=True):
        ax.plot(x1, x2, "o", color="black", markersize=9, fillstyle="full" if yes else "none")
    ax.set(xlim=(-0.6, 1.6), ylim=(-0.6, 1.6), xlabel="$x_1$", aspect="equal")


def draw_lines(ax: Any, lines: list[tuple[float, float, float]], wanted: list[int]) -> None:
    """Draw the line after each mistake, the last one thick, and its side of yes."""
    side = np.linspace(-0.6, 1.6, 200)
    x1, x2 = np.meshgrid(side, side)
    colours = plt.colormaps["viridis_r"](np.linspace(0.1, 0.9, len(lines)))
    for (w1, w2, b), colour in zip(lines, colours, strict=True):
        if w1 or w2:
            last = (w1, w2, b) == lines[-1]
            ax.contour(
                x1, x2, w1 * x1 + w2 * x2 + b, [0], colors=[colour], linewidths=2.5 if last else 1
            )
    w1, w2, b = lines[-1]
    ax.contourf(x1, x2, w1 * x1 + w2 * x2 + b, [0, 1e9], colors=["#fbdcb8"], alpha=0.6)
    draw_points(ax, wanted)


def picture(found: dict[str, list[tuple[float, float, float]]]) -> Any:
    """Draw the lines of the three gates, and the two lines of the hidden layer."""
    figure, panels = plt.subplots(1, 4, figsize=(13, 3.5), layout="constrained")
    for ax, (name, lines) in zip(panels, found.items(), strict=False):
        # The lines of xor come again and again, so that some of them are all.
        draw_lines(ax, lines[:20], GATES[name])
        done = correct(lines[-1], GATES[name]) == 4
        how = f"{len(lines) - 1} corrections" if done else "corrections without end"
        ax.set_title(f"{name}: {how}")
    panels[0].set_ylabel("$x_2$")
    side = np.linspace(-0.6, 1.6, 200, dtype=np.float32)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    out = by_hand().predict(plane.reshape(-1, 2)).reshape(plane.shape[:2])
    panels[3].contourf(side, side, out, [0.5, 2], colors=["#fbdcb8"], alpha=0.6)
    panels[3].contour(side, side, out, [0.5], colors=["#440154"], linewidths=2.5)
    draw_points(panels[3], GATES["xor"])
    panels[3].set_title("xor: two hidden neurons")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Decide, learn the gates, print what comes out, and draw it."""
    options = common.options(__doc__, argv)
    rounds = 20 if options.short else 1000
    total = decision("identity").get_out(DECISION_INPUTS)[0]
    share = decision("sigmoid").get_out(DECISION_INPUTS)[0]
    print(decision("identity").trace(DECISION_INPUTS), end="\n\n")
    rows = [
        ("10 · 1 - 15 · 1 + 20 · 0", "", f"{total:g}"),
        ("decision", "", "yes" if total > 0 else "no"),
        ("sigmoid of it", "", f"{share:.4f}"),
    ]
    found = {name: learn(wanted, rounds) for name, wanted in GATES.items()}
    for name, lines in found.items():
        best = max(correct(line, GATES[name]) for line in lines)
        w1, w2, b = lines[-1]
        what = f"{w1:g} x1 {w2:+g} x2 {b:+g} after {len(lines) - 1} corrections"
        if name == "xor":
            what = f"{len(lines) - 1} corrections in {rounds} rounds, {len(set(lines[2:]))} lines"
        rows += [(name, "", what), ("  best of its lines", "", f"{best} of 4 correct")]
    outputs = by_hand().predict(X)[:, 0]
    rows.append(("xor, by hand", "", ", ".join(f"{output:.4f}" for output in outputs)))
    common.report(rows)
    common.save(picture(found), options.pictures, "perceptron")
    return 0


if __name__ == "__main__":
    sys.exit(main())
