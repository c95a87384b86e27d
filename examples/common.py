"""Shared parts of the examples: options, the digits, the table of figures, the plots."""

from __future__ import annotations

import argparse
import copy
import io
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import foxnn

matplotlib.use("Agg")  # plots are written, not shown

HERE = Path(__file__).resolve().parent


def options(
    description: str | None,
    argv: list[str] | None = None,
    *,
    mnist: bool = False,
    html: bool = False,
) -> argparse.Namespace:
    """Return the options of an example: --short, --pictures, and some that not all have.

    These are --data, for the digits, and --html, for a network that is written as a page.
    """
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a tenth of the work, for a quick try")
    parser.add_argument(
        "--pictures",
        type=Path,
        default=Path(),
        help="folder for the plots (default: current folder)",
    )
    if mnist:
        parser.add_argument("--data", type=Path, help="folder with the four MNIST files")
    if html:
        parser.add_argument("--html", type=Path, help="write the network as a page, name.html")
    return parser.parse_args(argv)


def page(nn: foxnn.neural_network, place: Path | None, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Write a network as a page with some of these samples, if there is a place for it."""
    if place is not None:
        nn.export_html(place, (x, y))
        print(f"wrote {place}")


def digits(data: Path | None) -> tuple[NDArray[np.uint8], ...]:
    """Return MNIST as images of 784 bytes and labels: the training set, then the test set."""
    sys.path.insert(0, str(HERE.parent / "benchmarks"))  # where the MNIST loader is
    try:
        import mnist_data
    finally:
        sys.path.pop(0)
    return mnist_data.load(data)


def nested_digits(data: Path | None) -> tuple[list[list[int]], Sequence[int]]:
    """Return the training images and labels as python-mnist loads them: lists of 784 integers."""
    sys.path.insert(0, str(HERE.parent / "benchmarks"))
    try:
        import mnist_data
    finally:
        sys.path.pop(0)
    folder = mnist_data.from_folder(data) if data is not None else mnist_data.from_cache()
    images, labels = mnist_data.python_mnist().MNIST(str(folder)).load_training()
    return images, labels


def scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the pixels scaled to the range from 0 to 1."""
    pixels: NDArray[np.float32] = images / np.float32(255)
    return pixels


def one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the targets: 1 for the digit, 0 for the nine others."""
    return np.eye(10, dtype=np.float32)[labels]


def accuracy(nn: foxnn.neural_network, x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the fraction of images whose largest output is that of the label."""
    return float((nn.predict(x).argmax(axis=1) == y).mean())


def before_softmax(nn: foxnn.neural_network) -> foxnn.neural_network:
    """Return a copy whose outputs are the sums of the last layer, before its activation."""
    sums = copy.deepcopy(nn)
    sums[-1].set_activation_function("identity")
    return sums


def show_images(ax: Any, images: NDArray[Any], columns: int) -> None:
    """Draw images of 784 pixels side by side, row by row."""
    rows = images.reshape(-1, columns, 28, 28).swapaxes(1, 2).reshape(-1, columns * 28)
    ax.imshow(rows, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])


class Watch:
    """A callback that evaluates the network on images after each epoch.

    `accuracy` has one value per evaluation, and `seconds` the training time until then, without
    the evaluations.
    """

    def __init__(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        self.x, self.y = x, y
        self.accuracy: list[float] = []
        self.seconds: list[float] = []
        self._spent = 0.0

    def on_train_begin(self, network: foxnn.neural_network) -> None:
        """Store the network, and start the clock."""
        self.network = network
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Evaluate the network."""
        self.look()

    def look(self) -> None:
        """Stop the clock, evaluate the network, and start the clock again."""
        self._spent += time.perf_counter() - self._started
        self.seconds.append(self._spent)
        self.accuracy.append(accuracy(self.network, self.x, self.y))
        self._started = time.perf_counter()


def report(rows: Iterable[tuple[str, str, str]]) -> None:
    """Print a table with the quantity, the article's figure and foxnn's figure."""
    table = [("", "article", "foxnn"), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def mean_and_each(values: Sequence[float], unit: str, digits: int) -> str:
    """Return the mean of several runs and, in brackets, each value."""
    each = ", ".join(f"{value:.{digits}f}" for value in values)
    return f"{np.mean(values):.{digits}f} {unit} ({each})"


def save(figure: Any, folder: Path, name: str) -> None:
    """Write a figure as name.png, in 256 colours to keep it small, and close it."""
    import matplotlib.pyplot as plt
    from PIL import Image  # a dependency of matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    figure.savefig(content, dpi=80, bbox_inches="tight")
    plt.close(figure)
    picture = Image.open(content).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(folder / f"{name}.png", optimize=True)
    print(f"wrote {folder / name}.png")
