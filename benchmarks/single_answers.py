"""How far the answer to one sample is from the machine's limit, kind by kind.

A network of few layers answers one sample with `get_out`, on one thread and on all. The bound of a
layer is the longer of two times: that of its products at the measured FMA peak, and that of reading
its weights once (those that a state is multiplied with, once a step) and reading and writing its
numbers once, at the bandwidth that is measured over as many bytes as the network has. To it comes
the time of the call, that of the smallest network.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import foxnn
import machine_limits
from foxnn.cli import doctor
from measure import (
    Timed,
    in_turns,
    medians,
    one_call,
    positive,
    shown_machine,
    shown_seconds,
    table,
)
from pictures import LENET
from products import products_of_layer

# The words of the embedding.
_WORDS = 5000
PICTURE, SEQUENCE = (28, 28, 32), (64, 32)

#: By its name: the items of the network, and its activation.
NETWORKS: dict[str, tuple[list[Any], str]] = {
    "MNIST, [784, 512, 512, 10]": ([784, 512, 512, 10], "relu"),
    "[784, 128, 10]": ([784, 128, 10], "relu"),
    "[64, 64, 64, 8]": ([64, 64, 64, 8], "tanh"),
    "LeNet-5": ([LENET.shape, *LENET.layers], "relu"),
    "Dense(32) at 784 positions": ([PICTURE, foxnn.Dense(32)], "identity"),
    "Conv2D(32, 3)": ([PICTURE, foxnn.Conv2D(32, 3, padding="same")], "relu"),
    "Conv2D(32, 3, groups=32)": (
        [PICTURE, foxnn.Conv2D(32, 3, padding="same", groups=32)],
        "relu",
    ),
    "Conv1D(64, 5)": ([SEQUENCE, foxnn.Conv1D(64, 5)], "relu"),
    "MaxPool2D(2)": ([PICTURE, foxnn.MaxPool2D(2)], "identity"),
    "AveragePool2D(2)": ([PICTURE, foxnn.AveragePool2D(2)], "identity"),
    "GlobalMaxPool()": ([PICTURE, foxnn.GlobalMaxPool()], "identity"),
    "GlobalAveragePool()": ([PICTURE, foxnn.GlobalAveragePool()], "identity"),
    "UpSample(2)": ([PICTURE, foxnn.UpSample(2)], "identity"),
    "BatchNorm()": ([PICTURE, foxnn.BatchNorm()], "identity"),
    "LayerNorm()": ([PICTURE, foxnn.LayerNorm()], "identity"),
    "Activation('relu')": ([PICTURE, foxnn.Activation("relu")], "identity"),
    "Activation('tanh')": ([PICTURE, foxnn.Activation("tanh")], "identity"),
    "Reshape((784, 32))": ([PICTURE, foxnn.Reshape((784, 32))], "identity"),
    "Residual(Activation('relu'))": (
        [PICTURE, foxnn.Residual(foxnn.Activation("relu"))],
        "identity",
    ),
    "Embedding(5000, 32), 40 words": ([(40,), foxnn.Embedding(_WORDS, 32)], "identity"),
    "RNN(64), 64 steps": ([SEQUENCE, foxnn.RNN(64)], "identity"),
    "GRU(64), 64 steps": ([SEQUENCE, foxnn.GRU(64)], "identity"),
    "LSTM(64), 64 steps": ([SEQUENCE, foxnn.LSTM(64)], "identity"),
}
SMALLEST = "[3, 5, 4, 2]: the call"


def sample_of(network: foxnn.neural_network) -> Any:
    """Return one sample."""
    rng = np.random.default_rng(0)
    shape = network._input_shape()
    if network._layers()[0]["kind"] == "embedding":
        return rng.integers(0, _WORDS, shape).astype(np.float32)
    return rng.random(shape, dtype=np.float32)


class Work(NamedTuple):
    """What a layer does for a sample."""

    operations: float
    """Of its products. The activations of dense layers and windows are not counted."""
    size: float
    """Bytes of its weights, of an embedding the rows that are named, and of the numbers that it
    reads and writes."""
    traffic: float
    """Bytes that it must read and write: those, and again what each step of a sequence needs."""


def work_of(network: foxnn.neural_network) -> list[Work]:
    """Return what each layer does."""
    found = []
    for part in network._layers():
        shapes = {name: math.prod(shape) for name, shape in part.get("arrays", {}).items()}
        numbers = math.prod(part["input_shape"]) + math.prod(part["output_shape"])
        weights = 0 if part["kind"] == "embedding" else sum(shapes.values())
        size = traffic = 4.0 * (weights + numbers)
        if recurrent := shapes.get("recurrent_weights"):
            steps = part["input_shape"][0]
            products = steps * (shapes["weights"] + recurrent)
            traffic += 4.0 * (steps - 1) * recurrent
        else:
            products = products_of_layer(part)
        found.append(Work(2.0 * products, size, traffic))
    return found


def bound_of(network: foxnn.neural_network, threads: int, seconds: float) -> float:
    """Return the least seconds of an answer, measured on this machine."""
    layers = work_of(network)
    touched = sum(work.size for work in layers)
    # What a thread reads of it, again and again: so it is where it is between two answers.
    size = max(4096, int(touched / threads))
    bandwidth = machine_limits.read_bandwidth(threads, size, seconds)
    flops = machine_limits.fma_peak(threads, "float32", seconds)
    return sum(max(work.operations / flops, work.traffic / bandwidth) for work in layers)


def rows_of(names: Sequence[str], threads: int, rounds: int, seconds: float) -> list[list[str]]:
    """Return a row for each network: its bound, its answer, and what the call adds."""
    sides = {SMALLEST: _answer(foxnn.neural_network([3, 5, 4, 2], seed=0), threads, seconds)}
    networks = {}
    for name in names:
        items, activation = NETWORKS[name]
        networks[name] = foxnn.neural_network(items, activation, seed=0)
        sides[name] = _answer(networks[name], threads, seconds)
    taken = medians(in_turns(sides, rounds))
    call = taken[SMALLEST]
    rows = [[SMALLEST, "", shown_seconds(call), ""]]
    for name in names:
        bound = bound_of(networks[name], threads, seconds)
        times = f"{taken[name] / (bound + call):.2f}"
        rows.append([name, shown_seconds(bound), shown_seconds(taken[name]), times])
    return rows


def _answer(network: foxnn.neural_network, threads: int, seconds: float) -> Timed:
    network.settings.n_threads = threads
    return one_call(partial(network.get_out, sample_of(network)), seconds)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=positive, default=doctor.usable_cores())
    parser.add_argument("--only", action="append", choices=NETWORKS, help="[all of them]")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--quick", action="store_true", help="few answers: only a check")
    options = parser.parse_args()
    seconds, rounds = (0.001, 1) if options.quick else (0.03, options.rounds)
    print(shown_machine(), "float32", sep="; ")
    for threads in sorted({1, options.threads}):
        rows = rows_of(options.only or list(NETWORKS), threads, rounds, seconds)
        title = f"{threads} thread{'s' * (threads != 1)}"
        print(f"\n{table([title, 'bound', 'get_out', 'of bound and call'], rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
