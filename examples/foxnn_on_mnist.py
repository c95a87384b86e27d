"""FoxNN on MNIST: the network of the article that presented FoxNN, and its time to 97 % accuracy.

    python examples/foxnn_on_mnist.py [--pictures FOLDER] [--data FOLDER] [--html FILE] [--short]

[784, 512, 512, 10] with Adam and batches of 98. After each tenth of an epoch the network is
evaluated on the test images; the seconds are those of training alone.
"""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

SEEDS = (1, 2, 3)
EPOCHS = 5
BATCH_SIZE = 98

# The article: 88 % after five minutes, 97 % at the end.
ARTICLE_SECONDS, ARTICLE_EARLY, ARTICLE_END = 300, 0.88, 0.97


class Run(NamedTuple):
    """A training run: seconds of training, the test accuracy at that time, and the network."""

    seconds: list[float]
    accuracy: list[float]
    network: foxnn.neural_network

    def time_to(self, accuracy: float) -> float:
        """Return the seconds until the first evaluation that reached this accuracy."""
        pairs = zip(self.seconds, self.accuracy, strict=True)
        return next((seconds for seconds, reached in pairs if reached >= accuracy), np.inf)


def train(data: tuple[NDArray[Any], ...], epochs: int, seed: int) -> Run:
    """Train a network, a tenth of an epoch at a time; return its progress."""
    x, y, x_test, y_test = data
    nn = foxnn.neural_network(
        [784, 512, 512, 10], activation="relu", output_activation="softmax", seed=seed
    )
    rng, seconds, run = np.random.default_rng(seed), 0.0, Run([], [], nn)
    for epoch in range(epochs):
        for part in np.array_split(rng.permutation(len(x)), 10):
            images, labels = x[part], y[part]
            start = time.perf_counter()
            nn.fit(images, labels, 1, BATCH_SIZE, "adam", 0.001 * 0.6**epoch, progress=False)
            seconds += time.perf_counter() - start
            run.seconds.append(seconds)
            run.accuracy.append(common.accuracy(nn, x_test, y_test))
    return run


def picture(runs: list[Run]) -> Any:
    """Draw the accuracy over the seconds, with the article's figures."""
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for run, seed, color in zip(runs, SEEDS, ("#08519c", "#4292c6", "#9ecae1"), strict=False):
        percent = 100 * np.array(run.accuracy)
        axes.plot(run.seconds, percent, ".-", linewidth=1, color=color, label=f"foxnn, seed {seed}")
    article = {"color": "#e6550d", "zorder": 3}
    axes.plot(
        *(ARTICLE_SECONDS, 100 * ARTICLE_EARLY, "o"), label="article, after 5 minutes", **article
    )
    axes.axhline(
        100 * ARTICLE_END, linestyle="--", linewidth=1, label="article, at the end", **article
    )
    axes.set(
        xscale="log",
        xlabel="seconds of training",
        ylabel="accuracy on the test images, %",
        title="[784, 512, 512, 10] on MNIST, Adam, batches of 98",
    )
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.grid(alpha=0.3)
    axes.legend(loc="center right")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train from three seeds, print the times to each accuracy, and draw the plot."""
    arguments = common.options(__doc__, argv, mnist=True, html=True)
    x, y, x_test, y_test = common.digits(arguments.data)
    data = common.scaled(x), y, common.scaled(x_test), y_test
    epochs, seeds = (1, SEEDS[:1]) if arguments.short else (EPOCHS, SEEDS)
    runs = [train(data, epochs, seed) for seed in seeds]

    def seconds_to(accuracy: float) -> str:
        return common.mean_and_each([run.time_to(accuracy) for run in runs], "s", 2)

    ends = [100 * run.accuracy[-1] for run in runs]
    common.report(
        [
            ("time to 88 %", "5 minutes", seconds_to(ARTICLE_EARLY)),
            ("time to 97 %", "not stated", seconds_to(ARTICLE_END)),
            ("accuracy at the end", "97 %", common.mean_and_each(ends, "%", 2)),
            (
                "time to the end",
                "not stated",
                common.mean_and_each([run.seconds[-1] for run in runs], "s", 2),
            ),
        ]
    )
    common.page(runs[0].network, arguments.html, data[2], y_test)
    common.save(picture(runs), arguments.pictures, "foxnn-on-mnist")
    return 0


if __name__ == "__main__":
    sys.exit(main())
