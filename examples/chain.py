"""A chain of neurons: the derivative of the cost by each weight of 1-1-1-1, computed four ways.

    python examples/chain.py [--pictures FOLDER] [--short]

The chain rule written out, backpropagation (`trace`), and differences of the cost, in float32 and
in float64. The cost is the textbooks' (a - y)^2, twice foxnn's.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

WEIGHTS, BIASES = [1.5, -2.0, 2.5], [0.5, 1.0, -0.5]
INPUT, TARGET = [0.8], [1.0]
STEPS = 10.0 ** -np.arange(1, 13)


def network(dtype: str) -> foxnn.neural_network:
    """Return the chain, with its weights and biases set by hand."""
    nn = foxnn.neural_network([1, 1, 1, 1], "sigmoid", dtype=dtype)
    for part, weight, bias in zip(nn, WEIGHTS, BIASES, strict=True):
        part.weights, part.bias = [[weight]], [bias]
    return nn


def cost(nn: foxnn.neural_network) -> float:
    """Return (a - y)^2, from the output as the network computed it."""
    error = nn.get_out(INPUT).astype(nn.dtype) - np.array(TARGET, nn.dtype)
    return float((error * error)[0])


def by_hand(nn: foxnn.neural_network) -> list[float]:
    """Return the three derivatives by the chain rule: 2 (a - y) times one link after another."""
    trace = nn.trace(INPUT)
    out = [trace[f"a^{i}"].item() for i in range(4)]
    slope = [a * (1 - a) for a in out]  # of the sigmoid; that of the input is not used
    w2, w3 = nn[1].weights.item(), nn[2].weights.item()
    link3 = 2 * (out[3] - TARGET[0]) * slope[3]
    link2 = link3 * w3 * slope[2]
    link1 = link2 * w2 * slope[1]
    return [link1 * out[0], link2 * out[1], link3 * out[2]]


def by_trace(nn: foxnn.neural_network) -> list[float]:
    """Return the three derivatives by backpropagation; foxnn's cost is half of this one."""
    trace = nn.trace(INPUT, TARGET)
    return [2 * trace[f"dC/dw^{i}"].item() for i in (1, 2, 3)]


def by_difference(nn: foxnn.neural_network, layer: int, step: float) -> float:
    """Return (C(w + h) - C(w - h)) / 2h for the weight of a layer, counted from 0."""
    weight, ends = nn[layer].weights, []
    for end in (weight + step, weight - step):
        nn[layer].weights = end
        ends.append((cost(nn), nn[layer].weights.item()))
    nn[layer].weights = weight
    (above, right), (below, left) = ends
    # In float32, w + h and w - h are rounded: the step that was made counts.
    return (above - below) / (right - left) if right != left else np.nan


def errors(nn: foxnn.neural_network, layer: int) -> NDArray[np.float64]:
    """Return the relative error of the difference for each step, against float64's chain rule."""
    true = by_hand(network("float64"))[layer]
    found = np.array([by_difference(nn, layer, step) for step in STEPS])
    return np.abs(found / true - 1)


def picture(nn: foxnn.neural_network) -> Any:
    """Draw the cost over each weight with its tangent, and the errors of the differences."""
    figure, panels = plt.subplots(1, 4, figsize=(14, 3.4), layout="constrained")
    for layer, ax in enumerate(panels[:3]):
        weight, costs = nn[layer].weights.item(), []
        around = weight + np.linspace(-3, 3, 121)
        for value in around:
            nn[layer].weights = [[value]]
            costs.append(cost(nn))
        nn[layer].weights = [[weight]]
        slope = by_trace(nn)[layer]
        ax.plot(around, costs, color="#1f77b4")
        near = np.array([-1.5, 1.5])
        ax.plot(weight + near, cost(nn) + slope * near, color="#d95f02", linewidth=1.5)
        ax.plot(weight, cost(nn), "o", color="black")
        ax.set(xlabel=f"$w^{layer + 1}$", title=f"$∂C/∂w^{layer + 1}$ = {slope:.4f}", ylim=(0, 0.5))
    panels[0].set_ylabel("C")
    for dtype, colour in (("float32", "#d95f02"), ("float64", "#1f77b4")):
        panels[3].loglog(STEPS, errors(network(dtype), 0), ".-", color=colour, label=dtype)
    panels[3].set(xlabel="h", title="$(C(w + h) - C(w - h))\\,/\\,2h$:\nrelative error for $w^1$")
    panels[3].invert_xaxis()
    panels[3].legend()
    for ax in panels:
        ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Compute the derivatives, print them side by side, and draw them."""
    options = common.options(__doc__, argv)
    single, double = network("float32"), network("float64")
    print(single.trace(INPUT, TARGET), end="\n\n")
    rows = []
    for i, ways in enumerate(
        zip(by_hand(double), by_trace(single), by_trace(double), strict=True), start=1
    ):
        rows += [
            (f"dC/dw{i}, chain rule", "", f"{ways[0]:.8f}"),
            ("  trace, float32", "", f"{ways[1]:.8f}"),
            ("  difference, float32, h = 0.01", "", f"{by_difference(single, i - 1, 1e-2):.8f}"),
            ("  trace, float64, off by", "", f"{abs(ways[2] - ways[0]):.1e}"),
            ("  difference, float64, h = 0.00001, off by", "",
             f"{abs(by_difference(double, i - 1, 1e-5) - ways[0]):.1e}"),
        ]  # fmt: skip
    best = {dtype: errors(network(dtype), 0) for dtype in ("float32", "float64")}
    for dtype, found in best.items():
        at = int(np.nanargmin(found))
        rows.append((f"best h, {dtype}", "", f"{STEPS[at]:.0e}, off by {found[at]:.0e} of it"))
    common.report(rows)
    common.save(picture(single), options.pictures, "chain")
    return 0


if __name__ == "__main__":
    sys.exit(main())
