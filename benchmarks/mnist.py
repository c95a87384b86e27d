"""The main job: train a network on MNIST and report its accuracy on unseen digits.

``python benchmarks/mnist.py`` trains [784, 512, 512, 10] with Adam for five epochs.
``python benchmarks/mnist.py --article`` runs the program of the article that presented FoxNN.
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
# FoxNN's article: its learning rate and batch size, and as many iterations as eight epochs need.
ARTICLE_SPEED = 0.001
ARTICLE_BATCH = 98
ARTICLE_EPOCHS = 8
# The last quarter runs at a tenth of the speed: at 0.001 the accuracy still fluctuates by half a
# per cent from epoch to epoch, and its final value is a matter of chance.
ARTICLE_LAST_SPEED = 0.0001
ARTICLE_SHARE_AT_LAST_SPEED = 0.25


@dataclass
class Run:
    """The results so far."""

    threads: int
    epochs: int = 0
    seconds: float = 0.0
    samples: int = 0
    accuracy: float = 0.0
    records: list[dict[str, float]] = field(default_factory=list)

    def add(self, loss: float | None, accuracy: float, seconds: float, samples: int) -> None:
        """Record an epoch and print its line."""
        self.epochs += 1
        self.seconds += seconds
        self.samples += samples
        self.accuracy = accuracy
        record = {"accuracy": accuracy, "seconds": seconds, "samples_per_second": samples / seconds}
        if loss is not None:
            record["loss"] = loss
        self.records.append(record)
        shown = "" if loss is None else f"loss {loss:.4f}  "
        print(
            f"epoch {self.epochs:2d}  {shown}test accuracy {100 * accuracy:.2f}%  "
            f"{seconds:.2f} s  {samples / seconds:,.0f} samples/s",
            flush=True,
        )

    def summary(self) -> str:
        """Return the last line of the output."""
        return (
            f"test accuracy {100 * self.accuracy:.2f}% after {self.epochs} "
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
        "--epochs", type=positive, help="passes over the 60,000 images [5; --article: 8]"
    )
    parser.add_argument("--batch-size", type=positive, default=98)
    parser.add_argument("--layers", type=layer_sizes, default=[784, 512, 512, 10])
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
    parser.add_argument("--article", action="store_true", help="run the program of FoxNN's article")
    parser.add_argument(
        "--init", choices=foxnn.initializers(), default="auto", help="initial weights"
    )
    return parser.parse_args()


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
    nn.settings.set_mode("Adam")
    run.threads = nn.threads_for(ARTICLE_BATCH)
    iterations = -(-data_for_train.size() // ARTICLE_BATCH)
    epochs = options.epochs or ARTICLE_EPOCHS
    slow = int(epochs * ARTICLE_SHARE_AT_LAST_SPEED)
    for epoch in range(epochs):
        start = time.perf_counter()
        nn.train(
            data_for_train=data_for_train,
            speed=ARTICLE_SPEED if epoch < epochs - slow else ARTICLE_LAST_SPEED,
            max_iteration=iterations,
            size_train_batch=ARTICLE_BATCH,
        )
        seconds = time.perf_counter() - start
        accuracy = float((nn.get_out(x_test).argmax(axis=1) == y_test).mean())
        run.add(None, accuracy, seconds, data_for_train.size())


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
        "layers": options.layers,
        "batch_size": ARTICLE_BATCH if options.article else options.batch_size,
        "dtype": options.dtype,
        "seed": options.seed,
        "per_epoch": run.records,
        "foxnn": foxnn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


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
