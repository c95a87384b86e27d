"""What a neural network is: 13,002 numbers that read digits, and their limits.

    python examples/what_a_network_is.py [--pictures FOLDER] [--data FOLDER] [--html FILE] [--short]

[784, 16, 16, 10] sigmoid, squared error, SGD in batches of 100. The weights of the first layer show
no strokes, the network is confident about noise, and it learns even shuffled labels.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

SIZES, BATCH, SEED = [784, 16, 16, 10], 100, 1
EPOCHS, RATE = 30, 5.0
# Few enough images for 13,002 numbers to memorize their labels, and the epochs that this takes.
BY_HEART, EPOCHS_BY_HEART = 1000, 1500


def reader(x: NDArray[Any], y: NDArray[Any], epochs: int) -> foxnn.neural_network:
    """Return a network trained to read digits."""
    nn = foxnn.neural_network(SIZES, "sigmoid", seed=SEED)
    nn.fit(x, common.one_hot(y), epochs, BATCH, "sgd", RATE, progress=False)
    return nn


def learn_by_heart(x: NDArray[Any], y: NDArray[Any], epochs: int) -> common.Watch:
    """Return the accuracy of a network on its own training images, epoch by epoch."""
    nn = foxnn.neural_network(SIZES, "sigmoid", seed=SEED)
    watch = common.Watch(x, y)
    nn.fit(x, common.one_hot(y), epochs, BATCH, "sgd", RATE, callbacks=watch, progress=False)
    return watch


def noise(count: int) -> NDArray[np.float32]:
    """Return images of white noise: every pixel uniform from 0 to 1."""
    return np.random.default_rng(0).random((count, 784), dtype=np.float32)


def picture_of_weights(nn: foxnn.neural_network) -> Any:
    """Draw the weights of the first layer, one image per neuron."""
    figure, ax = plt.subplots(figsize=(7, 6.2), layout="constrained")
    foxnn.plot.weights(nn, layer=0, ax=ax)
    return figure


def picture_of_noise(nn: foxnn.neural_network, images: NDArray[np.float32]) -> Any:
    """Draw noise, and the outputs of the network for it."""
    figure, panels = plt.subplots(2, len(images), figsize=(11, 4.2), layout="constrained")
    for (above, below), image, answer in zip(panels.T, images, nn.predict(images), strict=True):
        above.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        above.set(xticks=[], yticks=[], title=f"{answer.argmax()} ({answer.max():.2f})")
        below.bar(range(10), answer, color="#1f77b4")
        below.set(xticks=range(0, 10, 3), ylim=(0, 1), xlabel="digit")
    panels[1, 0].set_ylabel("output")
    return figure


def picture_of_learning(true: common.Watch, shuffled: common.Watch) -> Any:
    """Draw how fast true and shuffled labels are learnt."""
    figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
    for watch, label, colour in (
        (true, "true labels", "#1f77b4"),
        (shuffled, "shuffled labels", "#d95f02"),
    ):
        percent = 100 * np.array(watch.accuracy)
        ax.plot(np.arange(1, len(percent) + 1), percent, color=colour, label=label)
    ax.set(
        xlabel="epoch", ylabel="training images (%)", xscale="log", ylim=(0, 102),
        title=f"{len(true.x)} images, memorized",
    )  # fmt: skip
    ax.legend(loc="center right")
    ax.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, print the figures and draw the plots."""
    options = common.options(__doc__, argv, mnist=True, html=True)
    x, y, x_test, y_test = common.digits(options.data)
    epochs, long = (2, 20) if options.short else (EPOCHS, EPOCHS_BY_HEART)
    nn = reader(common.scaled(x), y, epochs)
    right = common.accuracy(nn, common.scaled(x_test), y_test)
    answers = nn.predict(noise(1000))
    sure = float((answers.max(axis=1) > 0.5).mean())
    some, labels = common.scaled(x[:BY_HEART]), y[:BY_HEART]
    shuffled = np.random.default_rng(0).permutation(labels)
    by_truth, by_heart = (learn_by_heart(some, target, long) for target in (labels, shuffled))

    def epochs_to(watch: common.Watch, share: float) -> str:
        reached = np.array(watch.accuracy) >= share
        return f"{int(reached.argmax()) + 1} epochs" if reached.any() else "not reached"

    count = sum(part.weights.size + part.bias.size for part in nn)
    most = np.bincount(answers.argmax(axis=1), minlength=10).argmax()
    common.report(
        [
            ("parameters", "13,002", f"{count:,}"),
            ("accuracy on the test images", "", f"{100 * right:.2f} %"),
            ("noise answered with an output above 0.5", "confident", f"{100 * sure:.0f} %"),
            ("most frequent answer", "", f"{most}"),
            ("true labels: half learnt in", "soon", epochs_to(by_truth, 0.5)),
            ("shuffled labels: half learnt in", "slowly", epochs_to(by_heart, 0.5)),
            ("true labels at the end", "", f"{100 * by_truth.accuracy[-1]:.1f} %"),
            ("shuffled labels at the end", "learnt", f"{100 * by_heart.accuracy[-1]:.1f} %"),
        ]
    )
    nn.classes = list(range(10))
    common.page(nn, options.html, common.scaled(x_test), common.one_hot(y_test))
    common.save(picture_of_weights(nn), options.pictures, "network-weights")
    common.save(picture_of_noise(nn, noise(6)), options.pictures, "network-noise")
    common.save(picture_of_learning(by_truth, by_heart), options.pictures, "network-by-heart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
