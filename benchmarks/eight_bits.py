"""What quantized networks gain and lose on MNIST: times of predict, and correct test images.

Each network is trained on the training images and quantized on the first thousand of them. Its
`predict` of the test images takes turns with that of the network in float32, and both are counted.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
import mnist_data
from foxnn.cli import doctor
from measure import in_turns, medians, one_call, positive, shown_machine, shown_seconds, table
from peers import RATE
from pictures import LENET

#: By its name: the items of the network.
NETWORKS: dict[str, list[Any]] = {
    "[784, 512, 512, 10]": [784, 512, 512, 10],
    "LeNet-5": [LENET.shape, *LENET.layers],
}
# The images on which a network is quantized, and those of a step.
SAMPLES, BATCH = 1000, 98

Images = tuple[Any, Any, Any, Any]


def random_images(count: int) -> Images:
    """Return as many images and labels as asked for, twice, in the form of MNIST's."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, count, 784), dtype=np.uint8)
    labels = rng.integers(0, 10, (2, count))
    return pixels[0], labels[0], pixels[1], labels[1]


def trained(items: list[Any], pixels: Any, labels: Any, epochs: int, seed: int) -> Any:
    """Return a network trained on pixels from 0 to 1."""
    network = foxnn.neural_network(items, "relu", "softmax", seed=seed)
    x = as_inputs(network, pixels, "float32")
    network.fit(x, labels, epochs, BATCH, "adam", learning_rate=RATE, progress=False)
    return network


def as_inputs(network: foxnn.neural_network, pixels: Any, kind: str) -> Any:
    """Return images as a network takes them: float32 from 0 to 1, or uint8 as they are."""
    x = pixels.reshape(len(pixels), *network._input_shape())
    return x if kind == "uint8" else x.astype(np.float32) / np.float32(255)


def correct(network: Any, x: Any, labels: Any) -> int:
    """Return how many samples a network classifies correctly."""
    return int((network.predict_classes(x) == labels).sum())


def times(
    name: str, network: Any, images: Images, threads: int, rounds: int, seconds: float
) -> list[list[str]]:
    """Return a row for each type of images and number of threads."""
    rows = []
    for kind in ("float32", "uint8"):
        small = network.quantize(as_inputs(network, images[0][:SAMPLES], kind))
        x = as_inputs(network, images[2], kind)
        for used in range(1, threads + 1):
            sides = {}
            for side, answering in (("float32", network), ("bytes", small)):
                answering.settings.n_threads = used
                sides[side] = one_call(partial(answering.predict, x), seconds)
            # Both have their own number of threads, so that they can take turns.
            found = medians(in_turns(sides, rounds))
            shown = [shown_seconds(found[side]) for side in ("float32", "bytes")]
            rows.append([name, kind, str(used), *shown, f"{found['float32'] / found['bytes']:.2f}"])
    return rows


def answers(name: str, network: Any, seed: int, images: Images) -> list[str]:
    """Return the row of a network's correct answers."""
    small = network.quantize(as_inputs(network, images[0][:SAMPLES], "float32"))
    x = as_inputs(network, images[2], "float32")
    whole, rounded = (100 * correct(one, x, images[3]) / len(x) for one in (network, small))
    return [name, str(seed), f"{whole:.2f} %", f"{rounded:.2f} %", f"{whole - rounded:+.2f}"]


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=NETWORKS, action="append", help="one network")
    parser.add_argument("--epochs", type=positive, default=3, help="of each training")
    parser.add_argument("--networks", type=positive, default=3, help="of each kind, by seed")
    parser.add_argument("--rounds", type=positive, default=6, help="in which both take turns")
    parser.add_argument("--threads", type=positive, default=doctor.usable_cores())
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files")
    parser.add_argument("--quick", action="store_true", help="few random images, for a test")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Print both tables."""
    args = parsed(arguments)
    try:
        images = random_images(200) if args.quick else mnist_data.load(args.data)
    except (mnist_data.DataError, OSError) as error:
        print(f"MNIST not found: {error}", file=sys.stderr)
        return 1
    rounds, seconds = (1, 0.001) if args.quick else (args.rounds, 0.05)
    timed, counted = [], []
    for name in args.only or NETWORKS:
        for seed in range(1 if args.quick else args.networks):
            network = trained(NETWORKS[name], images[0], images[1], args.epochs, seed)
            counted.append(answers(name, network, seed, images))
            if seed == 0:
                timed += times(name, network, images, args.threads, rounds, seconds)
    print(shown_machine() + (", QUICK: no figures" if args.quick else ""), end="\n\n")
    print(table(["network", "images", "threads", "float32", "bytes", "times as fast"], timed))
    print()
    print(table(["network", "seed", "float32", "bytes", "points lost"], counted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
