"""What ``python -m foxnn doctor --mpi`` measures: how ranks exchange gradients, and make steps."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import foxnn
from foxnn.training.mpi import ranks_of

# The whole takes some five seconds, of which the steps take most.
_ROUNDS = 30
_SECONDS_A_BATCH = 0.4
_FEWEST_STEPS = 4
# A batch whose step is mostly overhead, and larger ones, up to what a rank has of a large batch.
_BATCHES = (32, 128, 512, 1024)
# Numbers that are sent as fast as one.
_FEW = 16
# What a rank may need: numbers of samples in memory (268 MB), and parameters, of which a training
# on ranks holds up to ten copies (5.4 GB).
_MOST_SAMPLED = 1 << 26
_MOST_PARAMETERS = 1 << 27


class Machine(NamedTuple):
    """The ranks, and how fast they exchange and compute.

    Attributes
    ----------
    ranks, hosts, threads : int
    latency : float
        Seconds of the exchange of a step without its gradient.
    bandwidth : float
        Bytes a second that a rank sends and receives at the same time.
    gradient : int
        Bytes of a gradient.
    shards : int
    a_step, a_sample : float
        Seconds of a rank alone for a step, and for each sample in it.
    """

    ranks: int
    hosts: int
    threads: int
    latency: float
    bandwidth: float
    gradient: int
    shards: int
    a_step: float
    a_sample: float


def measured(communicator: Any, host: str, sizes: Sequence[int], shards: int) -> Machine:
    """Return how fast the ranks exchange and compute, the same on all of them."""
    network = network_of(sizes)
    numbers = sum(layer.weights.size + layer.bias.size for layer in network)
    with ranks_of(communicator) as ranks:
        exchange = Exchange(ranks, shards)
        few, many = exchange.seconds(_FEW * ranks.size), exchange.seconds(numbers)
        hosts = len(set(ranks.gathered(host)))
        threads = ranks.threads(0)
        batches = fitting(_BATCHES, sizes)
        times = [ranks.gathered(step_seconds(sizes, batch, threads)) for batch in batches]
    # The slowest rank is the one that all wait for.
    a_step, a_sample = line_of(batches, [max(each) for each in times])
    sent = 4 * numbers * both_ways(ranks.size)
    return Machine(
        ranks.size, hosts, threads, few, sent / max(many - few, 1e-9), 4 * numbers, shards,
        a_step, a_sample,
    )  # fmt: skip


def fitting(batches: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Return the batches of which so few steps as are measured fit into the memory."""
    return [batch for batch in batches if _FEWEST_STEPS * batch * max(sizes) <= _MOST_SAMPLED]


def refusal(sizes: Sequence[int]) -> str | None:
    """Return why a network of these layers is not measured; None if it is."""
    widest = _MOST_SAMPLED // (_FEWEST_STEPS * _BATCHES[1])  # a line needs two batches
    if max(sizes) > widest:
        return f"--layers must be at most {widest:,} each, got {max(sizes):,}"
    parameters = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
    if parameters > _MOST_PARAMETERS:
        return (
            f"--layers must have at most {_MOST_PARAMETERS:,} parameters, got {parameters:,}, of "
            f"which each rank would need some {40 * parameters / 1e9:,.0f} GB"
        )
    return None


def both_ways(ranks: int) -> float:
    """Return how much of a gradient a rank sends in a step: its sums, and then its part of all."""
    return 2 * (ranks - 1) / ranks


def network_of(sizes: Sequence[int]) -> foxnn.neural_network:
    """Return a network with layers of these sizes, the same on all ranks."""
    output = "softmax" if sizes[-1] > 1 else "identity"  # one output of softmax is always 1
    return foxnn.neural_network(list(sizes), "relu", output, seed=1)


def step_seconds(
    sizes: Sequence[int], batch: int, threads: int, communicator: Any = None, shards: int = 16
) -> float:
    """Return the seconds of a step of `fit` with so many samples, of all ranks together."""
    ranks = 1 if communicator is None else communicator.Get_size()
    rank = 0 if communicator is None else communicator.Get_rank()
    network = network_of(sizes)
    network.settings.n_threads = threads
    rng = np.random.default_rng(0)

    def seconds(steps: int) -> float:
        samples = batch * steps
        own = samples * (rank + 1) // ranks - samples * rank // ranks
        x = rng.random((own, sizes[0]), dtype=np.float32)
        y = rng.integers(0, sizes[-1], own) if sizes[-1] > 1 else rng.random((own, 1))
        told = {"shards": shards, "communicator": communicator, "progress": False}
        history = network.fit(x, y, 3, batch, learning_rate=1e-4, **told)
        return statistics.median(history["seconds"]) / steps

    guess = seconds(_FEWEST_STEPS)
    steps = int(_SECONDS_A_BATCH / 3 / guess)
    if communicator is not None:
        steps = communicator.bcast(steps)
    # Not more samples than a large data set has.
    return seconds(max(_FEWEST_STEPS, min(steps, _MOST_SAMPLED // (batch * sizes[0]))))


def line_of(batches: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """Return the seconds of a step and of a sample that fit best, by their relative errors."""
    weights = 1 / np.array(seconds)
    table = np.stack([np.ones(len(batches)), np.array(batches, float)], axis=1)
    (a_step, a_sample), *_ = np.linalg.lstsq(
        table * weights[:, None], np.array(seconds) * weights, rcond=None
    )
    return max(0.0, float(a_step)), float(a_sample)


class Exchange:
    """The calls by which a step of the engine exchanges a gradient."""

    def __init__(self, ranks: Any, shards: int) -> None:
        self._ranks, self._table = ranks, np.zeros((shards, 4))
        self._engine = ranks.exchange()

    def seconds(self, numbers: int) -> float:
        """Return how long the exchange of so many numbers takes, on the slowest rank."""
        size = self._ranks.size
        ends = [numbers * rank // size for rank in range(size + 1)]
        parts = [b - a for a, b in itertools.pairwise(ends)]
        own = parts[self._ranks.rank]
        whole, others = np.zeros(numbers, "f4"), np.zeros(own * size, "f4")
        times = []
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            self._engine.meet(self._table, False)
            self._engine.swap(whole, parts, others, [own] * size)
            self._engine.collect(whole, parts)
            times.append(time.perf_counter() - start)
        slowest: float = max(self._ranks.gathered(statistics.median(times)))
        return slowest
