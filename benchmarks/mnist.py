"""The main job: train a network on MNIST and report its accuracy on unseen digits.

``python benchmarks/mnist.py`` trains [784, 512, 512, 10] with Adam for five epochs.
``python benchmarks/mnist.py --cnn`` trains a small convolutional network, LeNet-5, in the same way.
``python benchmarks/mnist.py --article`` runs the program of the article that presented FoxNN, with
its settings throughout: 10,000 iterations at one speed, weights drawn from -1 to 1.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
import mnist_data

# Five epochs at a falling rate: at a constant one the test accuracy still jumps by half a per cent
# from epoch to epoch.
EPOCHS = 5
FIRST_LEARNING_RATE = 1e-3
LEARNING_RATE_DECAY = 0.6
DENSE = (784, 512, 512, 10)
# LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) as it is
# made today: maxima in the pools, every filter sees all channels, softmax.
CNN = (
    (28, 28, 1),
    foxnn.Conv2D(6, 5, padding="same"),
    foxnn.MaxPool2D(2),
    foxnn.Conv2D(16, 5),
    foxnn.MaxPool2D(2),
    120,
    84,
    10,
)
# FoxNN's article.
ARTICLE_SPEED = 0.001
ARTICLE_BATCH = 98
ARTICLE_ITERATIONS = 10_000
ARTICLE_INIT = "uniform"
ARTICLE_MODE = "Adam"


@dataclass
class Run:
    """The results so far; ``epochs`` has a fraction if the last one was not whole."""

    threads: int
    epochs: float = 0
    seconds: float = 0.0
    samples: int = 0
    accuracy: float = 0.0
    records: list[dict[str, float]] = field(default_factory=list)

    def add(
        self,
        loss: float | None,
        accuracy: float,
        seconds: float,
        samples: int,
        whole: int | None = None,
    ) -> None:
        """Record an epoch and print its line; if it was cut short, `whole` is its full length."""
        self.epochs += 1 if whole in (None, samples) else round(samples / whole, 1)
        self.seconds += seconds
        self.samples += samples
        self.accuracy = accuracy
        record = {"accuracy": accuracy, "seconds": seconds, "samples_per_second": samples / seconds}
        if loss is not None:
            record["loss"] = loss
        self.records.append(record)
        shown = "" if loss is None else f"loss {loss:.4f}  "
        print(
            f"epoch {len(self.records):2d}  {shown}test accuracy {100 * accuracy:.2f}%  "
            f"{seconds:.2f} s  {samples / seconds:,.0f} samples/s",
            flush=True,
        )

    def summary(self) -> str:
        """Return the last line of the output."""
        return (
            f"test accuracy {100 * self.accuracy:.2f}% after {self.epochs:g} "
            f"epoch{'s' * (self.epochs != 1)}, {self.seconds:.1f} s of training, "
            f"{self.threads} thread{'s' * (self.threads != 1)}"
        )


def positive(text: str) -> int:
    """Parse a positive integer option."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def not_negative(text: str) -> int:
    """Parse an integer option that may be 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, got {value}")
    return value


def layer_sizes(text: str) -> list[int]:
    """Parse ``784,512,512,10``."""
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be like 784,512,512,10, got {text!r}") from None
    if len(sizes) < 2 or min(sizes) < 1 or (sizes[0], sizes[-1]) != (784, 10):
        raise argparse.ArgumentTypeError(f"must begin with 784 and end with 10, got {text!r}")
    return sizes


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the four IDX files")
    parser.add_argument(
        "--epochs",
        type=positive,
        help="passes over the 60,000 images [5; --article: 10,000 iterations]",
    )
    parser.add_argument("--batch-size", type=positive, default=98)
    parser.add_argument("--layers", type=layer_sizes, help="sizes of dense layers [784,512,512,10]")
    hidden = [name for name in foxnn.activations() if name != "softmax"]
    parser.add_argument(
        "--activation", choices=hidden, default="relu", help="activation of the hidden layers"
    )
    parser.add_argument(
        "--threads", type=not_negative, default=0, help="maximum number; 0: as many as pay off"
    )
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--seed", type=not_negative, default=1)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the figures to this file"
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--cnn", action="store_true", help="train LeNet-5 instead of dense layers")
    modes.add_argument("--article", action="store_true", help="run the program of FoxNN's article")
    parser.add_argument(
        "--mode", choices=("SGD", "Nesterov", "Adam"), help="optimizer of --article [Adam]"
    )
    parser.add_argument(
        "--init",
        choices=foxnn.initializers(),
        help="initial weights [auto; --article: uniform from -1 to 1]",
    )
    options = parser.parse_args()
    if options.mode and not options.article:
        parser.error("--mode goes with --article")
    if options.layers and options.cnn:
        parser.error("--layers are dense, they do not go with --cnn")
    options.layers = list(CNN if options.cnn else options.layers or DENSE)
    options.mode = options.mode or ARTICLE_MODE
    options.init = options.init or (ARTICLE_INIT if options.article else "auto")
    return options


def train(options: argparse.Namespace, data: Any, run: Run) -> None:
    """Train with a modern setup: relu, softmax, cross-entropy, Adam."""
    x_train, y_train, x_test, y_test = data
    x_train, x_test = (x.astype(options.dtype) / 255 for x in (x_train, x_test))
    network = foxnn.neural_network(
        options.layers,
        activation=options.activation,
        output_activation="softmax",
        init=options.init,
        dtype=options.dtype,
        seed=options.seed,
    )
    network.settings.n_threads = options.threads
    run.threads = network.threads_for(options.batch_size)
    for epoch in range(options.epochs or EPOCHS):
        history = network.fit(
            x_train,
            y_train,
            epochs=1,
            batch_size=options.batch_size,
            learning_rate=FIRST_LEARNING_RATE * LEARNING_RATE_DECAY**epoch,
        )
        accuracy = network.evaluate(x_test, y_test)["accuracy"]
        run.add(history["loss"][-1], accuracy, history["seconds"][-1], len(x_train))


def train_as_in_the_article(options: argparse.Namespace, data: Any, run: Run) -> None:
    """Train as in FoxNN's article: sigmoid, squared error, pixels from -1 to 1, train_data."""
    x_train, y_train, x_test, y_test = data
    x_train, x_test = (x.astype(options.dtype) / 127.5 - 1 for x in (x_train, x_test))
    data_for_train = foxnn.train_data(x_train, np.eye(10, dtype=options.dtype)[y_train])
    nn = foxnn.neural_network(
        options.layers, init=options.init, dtype=options.dtype, seed=options.seed
    )
    nn.settings.n_threads = options.threads
    nn.settings.set_mode(options.mode)
    run.threads = nn.threads_for(ARTICLE_BATCH)
    images = data_for_train.size()
    an_epoch = -(-images // ARTICLE_BATCH)
    left = an_epoch * options.epochs if options.epochs else ARTICLE_ITERATIONS
    while left:
        iterations = min(an_epoch, left)
        start = time.perf_counter()
        nn.train(
            data_for_train=data_for_train,
            speed=ARTICLE_SPEED,
            max_iteration=iterations,
            size_train_batch=ARTICLE_BATCH,
        )
        seconds = time.perf_counter() - start
        left -= iterations
        accuracy = float((nn.get_out(x_test).argmax(axis=1) == y_test).mean())
        run.add(None, accuracy, seconds, min(iterations * ARTICLE_BATCH, images), images)


def write_json(path: Path, options: argparse.Namespace, run: Run) -> None:
    """Write the figures of a run."""
    figures = {
        "accuracy": run.accuracy,
        "train_seconds": run.seconds,
        "samples_per_second": run.samples / run.seconds if run.seconds else 0.0,
        "epochs": run.epochs,
        "threads": run.threads,
        "isa": foxnn.kernel_set(),
        "article": options.article,
        "cnn": options.cnn,
        "init": options.init,
        "layers": options.layers,
        "batch_size": ARTICLE_BATCH if options.article else options.batch_size,
        "dtype": options.dtype,
        "seed": options.seed,
        "per_epoch": run.records,
        "foxnn": foxnn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    text = json.dumps(figures, indent=2, default=repr)  # the layers that are not numbers
    path.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Run the job and return the exit code."""
    options = arguments()
    run = Run(threads=0)
    try:
        data = mnist_data.load(options.data)
        (train_as_in_the_article if options.article else train)(options, data, run)
    except (mnist_data.DataError, OSError, ValueError) as error:
        print(f"mnist.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted")
        if run.epochs:
            print(run.summary())
        return 130
    if options.json:
        write_json(options.json, options, run)
    print(run.summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
