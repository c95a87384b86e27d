"""The network that many articles write from scratch: [784, 100, 10], sigmoid, gradient descent.

    python examples/deep_network_from_scratch.py [--pictures FOLDER] [--data FOLDER] [--short]

All 70,000 images of MNIST, 56,000 for training and 14,000 for testing; 30 epochs in batches of 10:
with the squared error at rate 3.0, from weights and biases from N(0, 1) and from Glorot's weights;
and with cross-entropy and L2 at rate 0.5, constant or falling. Two networks train at a time.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

SEEDS = (1, 2, 3)
EPOCHS, BATCH = 30, 10
TRAINED_ON = 0.8
# Nielsen's lambda of 5 for all n samples: his penalty lambda / 2n w^2 is foxnn's l2 / 2 w^2.
LAMBDA = 5.0

Setting = dict[str, Any]


def split(data: tuple[NDArray[Any], ...], seed: int) -> tuple[NDArray[Any], ...]:
    """Return a random four fifths of all images for training, and the rest for testing."""
    x = np.concatenate([common.scaled(data[0]), common.scaled(data[2])])
    y = np.concatenate([data[1], data[3]])
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = np.split(order, [int(TRAINED_ON * len(x))])
    return x[train], y[train], x[test], y[test]


def network(setting: Setting, seed: int) -> foxnn.neural_network:
    """Return an untrained network, which computes on one core."""
    nn = foxnn.neural_network([784, 100, 10], "sigmoid", loss=setting["loss"], seed=seed)
    nn.settings.n_threads = 1
    if setting["start"] == "N(0, 1)":
        rng = np.random.default_rng([seed, 1])
        for layer in nn:
            layer.weights = rng.normal(size=layer.weights.shape)
            layer.bias = rng.normal(size=layer.bias.shape)
    return nn


def slope_of_hidden_neurons(nn: foxnn.neural_network, x: NDArray[Any]) -> float:
    """Return the mean of sigmoid'(z) = a (1 - a) over the hidden neurons and some images."""
    hidden = foxnn.neural_network([784, 100], "sigmoid")
    hidden[0].weights, hidden[0].bias = nn[0].weights, nn[0].bias
    a = hidden.predict(x[:1000])
    return float((a * (1 - a)).mean())


def train(data: tuple[NDArray[Any], ...], setting: Setting, epochs: int, seed: int) -> common.Watch:
    """Train a network; return its accuracy on the test images after each epoch."""
    x, y, x_test, y_test = split(data, seed)
    nn = network(setting, seed)
    watch = common.Watch(x_test, y_test)
    schedule = foxnn.schedules.cosine(epochs) if setting["falls"] else None
    nn.fit(
        x, common.one_hot(y), epochs, BATCH, "sgd", setting["rate"],
        schedule=schedule, l2=setting["lambda"] / len(x), callbacks=watch, progress=False,
    )  # fmt: skip
    return watch


SQUARED = {"loss": "mse", "rate": 3.0, "lambda": 0.0, "falls": False}
ENTROPY = {"loss": "binary_cross_entropy", "rate": 0.5, "lambda": LAMBDA, "falls": False}
SETTINGS: dict[str, Setting] = {
    "squared error, rate 3.0, N(0, 1) start": {**SQUARED, "start": "N(0, 1)"},
    "squared error, rate 3.0, Glorot's start": {**SQUARED, "start": "auto"},
    "cross-entropy and L2, rate 0.5, Glorot's start": {**ENTROPY, "start": "auto"},
    "the same, rate falling to 0": {**ENTROPY, "start": "auto", "falls": True},
}


def picture(runs: dict[str, list[common.Watch]]) -> Any:
    """Draw the accuracy over the epochs."""
    figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    for (name, watches), colour in zip(
        runs.items(), ("#b2182b", "#d95f02", "#9ecae1", "#08519c"), strict=True
    ):
        for watch in watches:
            label = name if watch is watches[0] else None
            percent = 100 * np.array(watch.accuracy)
            ax.plot(np.arange(1, len(percent) + 1), percent, color=colour, label=label)
    ax.axhline(96.59, color="#888888", linestyle=":", label="article, 96.59 %")
    ax.set(xlabel="epoch", ylabel="accuracy on the test images (%)", ylim=(84, 98.8))
    ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.5))
    ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train each setting from three seeds, print the figures and draw the plot."""
    options = common.options(__doc__, argv, mnist=True)
    data = common.digits(options.data)
    epochs, seeds = (2, SEEDS[:1]) if options.short else (EPOCHS, SEEDS)
    # A step of so small a network does not fill two cores, but two networks do.
    with ThreadPoolExecutor(2) as pool:
        begun = {
            name: [pool.submit(train, data, setting, epochs, seed) for seed in seeds]
            for name, setting in SETTINGS.items()
        }
        runs = {name: [future.result() for future in futures] for name, futures in begun.items()}
    rows = []
    # The article says how the network is trained, and not from which weights.
    article = ("96.59 %", "", "", "")
    for (name, watches), said in zip(runs.items(), article, strict=True):
        ends = [100 * watch.accuracy[-1] for watch in watches]
        first = [100 * watch.accuracy[0] for watch in watches]
        seconds = float(np.mean([watch.seconds[-1] for watch in watches]))
        rows.append((name, said, common.mean_and_each(ends, "%", 2)))
        rows.append(("  after the first epoch", "", common.mean_and_each(first, "%", 2)))
        rows.append((f"  seconds for {epochs} epochs, one core", "", f"{seconds:.1f}"))
    x = split(data, SEEDS[0])[0]
    for name in list(SETTINGS)[:2]:
        slope = slope_of_hidden_neurons(network(SETTINGS[name], SEEDS[0]), x)
        start = name.split(", ", 2)[2]
        rows.append((f"mean slope of the hidden sigmoids, {start}", "", f"{slope:.3f}"))
    common.report(rows)
    common.save(picture(runs), options.pictures, "deep-network-from-scratch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
