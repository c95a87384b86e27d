"""Runs in shards, each with other arguments: on any number of ranks they end with the same bytes.

As a program, under mpiexec, it prints what rank 0 ends with, run by run.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from typing import Any, NamedTuple

import numpy as np

import foxnn

SAMPLES = 101


class Run(NamedTuple):
    """A run: its network, samples by name, and the arguments of `fit`."""

    sizes: list[Any]
    data: str = "numbers"
    dtype: str = "float32"
    output: str = "identity"
    loss: Any = None
    told: dict[str, Any] = {}  # noqa: RUF012 (a tuple's default is not changed)


def two_thirds(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a third of the squares, as a loss of the user's."""
    error = outputs - targets
    return (error**2).sum(axis=1) / 3, 2 * error / 3


DENSE = [5, 7, 2]
RUNS = {
    "adam": Run(DENSE),
    "float64": Run(DENSE, dtype="float64"),
    "sgd, clipped by norm": Run(
        DENSE, told={"optimizer": foxnn.SGD(momentum=0.9), "clip_norm": 0.1, "l1": 0.01}
    ),
    "rmsprop, clipped by value": Run(
        DENSE, told={"optimizer": "rmsprop", "clip_value": 0.01, "l2": 0.02}
    ),
    "adamw, dropout": Run(DENSE, told={"optimizer": "adamw", "dropout": 0.3}),
    "weights of samples": Run(DENSE, told={"sample_weight": "given"}),
    "classes by name": Run(
        [5, 7, 3],
        "names",
        output="softmax",
        told={"class_weight": "balanced", "validation": 0.2, "label_smoothing": 0.1},
    ),
    "scalers, a share, early stopping": Run(
        DENSE, told={"scale": "standard", "validation": 0.25, "early_stopping": 1, "epochs": 6}
    ),
    "minmax, given validation": Run(DENSE, told={"scale": "minmax", "validation": "given"}),
    "small batches, in order": Run(DENSE, told={"batch_size": 3, "shuffle": False, "epochs": 1}),
    "one batch": Run(DENSE, told={"batch_size": 1000}),
    "a loss of one's own": Run(DENSE, loss=two_thirds),
    "pictures": Run(
        [(6, 6, 1), foxnn.Conv2D(4, 3), foxnn.MaxPool2D(2), foxnn.Dropout(0.2), 3], "pictures"
    ),
    "sparse": Run(DENSE, "sparse"),
    "sequences": Run(
        [(None, 3), foxnn.GRU(4, return_sequences=True), foxnn.LayerNorm(), foxnn.Dense(2)],
        "sequences",
    ),
    "sequences, one answer": Run([(None, 3), foxnn.LSTM(4), 2], "lengths"),
}


def data_of(name: str) -> dict[str, Any]:
    """Return the arguments of `fit` with the samples of all ranks."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(SAMPLES, 5)).astype("f4") * 2 + 1
    y = np.stack([x[:, 0] * x[:, 1], x[:, 2]], axis=1).astype("f4")
    if name == "names":
        return {"x": x, "y": np.array(["cow", "ant", "bee"])[np.digitize(x[:, 0], [0.0, 2.0])]}
    if name == "pictures":
        return {"x": rng.normal(size=(SAMPLES, 6, 6, 1)), "y": rng.normal(size=(SAMPLES, 3))}
    if name == "sparse":
        sparse = importlib.import_module("scipy.sparse")  # late: each rank would wait for it
        return {"x": sparse.csr_matrix(np.where(x > 1.5, x, 0)), "y": y}
    if name in ("sequences", "lengths"):
        lengths = rng.integers(2, 7, SAMPLES)
        steps = [rng.normal(size=(n, 3)).astype("f4") for n in lengths]
        if name == "sequences":
            return {"x": steps, "y": [one[:, :2] + 1 for one in steps]}
        padded = np.zeros((SAMPLES, 8, 3), "f4")
        for row, one in zip(padded, steps, strict=True):
            row[: len(one)] = one
        return {"x": padded, "lengths": lengths, "y": y}
    return {"x": x, "y": y}


def made(run: Run) -> foxnn.neural_network:
    """Return the network of a run."""
    more = {} if run.loss is None else {"loss": run.loss}
    return foxnn.neural_network(run.sizes, "tanh", run.output, seed=5, dtype=run.dtype, **more)


def told_of(run: Run, rows: slice = slice(None)) -> dict[str, Any]:
    """Return the arguments of `fit` with some of the samples."""
    weights = np.random.default_rng(4).uniform(0, 3, SAMPLES)
    given = {name: value[rows] for name, value in data_of(run.data).items()}
    told: dict[str, Any] = {"epochs": 3, "batch_size": 20, "learning_rate": 0.01} | run.told
    if told.get("sample_weight") == "given":
        told["sample_weight"] = weights[rows]
    if told.get("validation") == "given":
        first = (rows.start or 0) % 2  # of all samples every other one
        told["validation"] = (given["x"][first::2], given["y"][first::2])
    return given | told


def ended(nn: foxnn.neural_network, history: foxnn.History) -> str:
    """Return a hash of a network with what its optimizer remembers, and of its history."""
    from foxnn.model import state
    from foxnn.training.agreement import hash_of

    numbers = {name: list(values) for name, values in history.items() if name != "seconds"}
    scalers = [None if s is None else [s.shift, s.scale] for s in nn._scalers]
    classes = None if nn.classes is None else list(nn.classes)
    parts = [state.memory_of(nn), numbers, scalers, classes, nn._draw()]
    return hashlib.sha256(hash_of(parts).encode()).hexdigest()[:16]


def borders_of(ranks: int, rank: int) -> slice:
    """Return the rows of a rank, which are not as many on each of them; the second has none."""
    shares = [rank % 3 * 2 + 1 if rank != 1 or ranks == 2 else 0 for rank in range(ranks)]
    ends = [SAMPLES * sum(shares[:i]) // sum(shares) for i in range(ranks + 1)]
    return slice(ends[rank], ends[rank + 1])


def main() -> None:
    """Make the runs that are named, or all, on the ranks of this program."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    found = {}
    for name in json.loads(sys.argv[1]):
        nn = made(RUNS[name])
        told = told_of(RUNS[name], borders_of(world.size, world.rank))
        history = nn.fit(**told, shards=5, communicator=world)
        every = world.allgather(ended(nn, history))
        assert len(set(every)) == 1, f"{name}: ranks differ"
        found[name] = every[0]
    if world.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
