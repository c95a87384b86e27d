"""Backpropagation in nine lines of NumPy, and the same network in foxnn.

    python examples/nine_lines.py [--pictures FOLDER] [--short]

y = x1 xor x2 on four samples, whose third input is always 1; 3-4-1 sigmoid, squared error, 1500
steps of full-batch gradient descent.
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

X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
STEPS = 1500
ARTICLE = [0.023, 0.979, 0.975, 0.025]


def start(seed: int) -> tuple[Array, Array]:
    """Return the initial weights, uniform from 0 to 1 as in the article."""
    rng = np.random.default_rng(seed)
    return rng.random((3, 4)), rng.random((4, 1))


def nine_lines(w1: Array, w2: Array, steps: int) -> tuple[Array, Array, Array]:
    """Return the outputs of each step, and the weights at the end."""
    outputs = np.empty((steps, 4))
    for i in range(steps):
        hidden = 1 / (1 + np.exp(-X @ w1))
        output = 1 / (1 + np.exp(-hidden @ w2))
        delta2 = 2 * (output - Y) * output * (1 - output)
        delta1 = delta2 @ w2.T * hidden * (1 - hidden)
        w2 = w2 - hidden.T @ delta2
        w1 = w1 - X.T @ delta1
        outputs[i] = output.ravel()
    return outputs, w1, w2


def network(w1: Array, w2: Array) -> foxnn.neural_network:
    """Return foxnn's network with these weights; its biases start at 0."""
    nn = foxnn.neural_network([3, 4, 1], dtype="float64")
    nn[0].weights, nn[1].weights = w1, w2
    return nn


def run(nn: foxnn.neural_network, steps: int, *, biases: bool) -> Array:
    """Train step by step, with biases trained or held at 0; return the outputs."""
    data = foxnn.train_data(X, Y)
    outputs = np.empty((steps, 4))
    for i in range(steps):
        outputs[i] = nn.get_out(X).ravel()
        # The article's squared error is twice foxnn's half of it, so its rate of 1 is 2 here.
        nn.train(data, speed=2, max_iteration=1, size_train_batch=0)
        if not biases:
            nn[0].bias, nn[1].bias = np.zeros(4), np.zeros(1)
    return outputs


def difference(nn: foxnn.neural_network, w1: Array, w2: Array) -> float:
    """Return the largest difference between foxnn's weights and NumPy's."""
    pairs = zip((part.weights for part in nn), (w1, w2), strict=True)
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


def picture(theirs: Array, held: Array, free: Array) -> Any:
    """Draw the loss of the three runs, and foxnn's outputs as they separate."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for outputs, label, style in (
        (theirs, "nine lines of NumPy", {"color": "#9ecae1", "linewidth": 6}),
        (held, "foxnn, biases held at 0", {"color": "#08519c", "linestyle": "--"}),
        (free, "foxnn", {"color": "#e6550d"}),
    ):
        left.plot(((outputs - Y.ravel()) ** 2).sum(axis=1), label=label, **style)
    left.set(xlabel="step", ylabel="squared error, summed", yscale="log", title="The loss falls")
    left.legend()
    for i, color in enumerate(("#08519c", "#e6550d", "#31a354", "#756bb1")):
        name = f"{X[i, 0]:.0f} xor {X[i, 1]:.0f} = {Y[i, 0]:.0f}"
        right.plot(free[:, i], color=color, label=name)
    right.set(xlabel="step", ylabel="output", ylim=(0, 1), title="The four outputs separate")
    right.legend(loc="center right")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train both from the same weights, print the comparison, and draw it."""
    arguments = common.options(__doc__, argv)
    w1, w2 = start(seed=1)

    one = network(w1, w2)
    run(one, 1, biases=True)
    after_one = difference(one, *nine_lines(w1, w2, 1)[1:])
    theirs, end1, end2 = nine_lines(w1, w2, STEPS)
    same = network(w1, w2)
    held = run(same, STEPS, biases=False)
    free = run(network(w1, w2), STEPS, biases=True)

    seeds = range(3 if arguments.short else 20)
    ends = np.array([run(network(*start(seed)), STEPS, biases=True)[-1] for seed in seeds])
    print("outputs of the nine lines:", ", ".join(f"{output:.3f}" for output in theirs[-1]))
    after_all = difference(same, end1, end2)
    print(f"foxnn's weights differ from theirs by {after_one:.1e} after one step,")
    print(f"and by {after_all:.1e} after {STEPS}, with biases held at 0", end="\n\n")
    rows = [
        (f"{a:.0f} xor {b:.0f}", f"{ARTICLE[i]:.3f}", f"{free[-1, i]:.3f}")
        for i, (a, b) in enumerate(X[:, :2])
    ]
    worst = np.abs(ends - ARTICLE).max()
    common.report([*rows, (f"largest difference, over {len(seeds)} starts", "", f"{worst:.3f}")])
    common.save(picture(theirs, held, free), arguments.pictures, "nine-lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
