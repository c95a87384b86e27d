"""A made-up motor: its currents and its temperature, and what can go wrong with its sensors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Levels = NDArray[np.float64]

CHANNELS = ("current 1", "current 2", "current 3", "temperature")
STEPS, NOISE = 400, 0.02
FIRST, LAST, LASTING = 150, 300, 80  # when an anomaly begins, and how long it stays


class Events(NamedTuple):
    """Runs with an anomaly in each: its samples, its kind, and when it begins and ends."""

    runs: Floats
    kinds: list[str]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


def wandering(rng: np.random.Generator, count: int, low: float, high: float) -> Levels:
    """Return levels over time that go from one random value to another, and to a third."""
    levels = rng.uniform(low, high, (3, count, 1))
    found, times = np.broadcast_to(levels[0], (count, STEPS)).copy(), np.arange(STEPS)
    for before, after in itertools.pairwise(levels):
        begin, width = rng.uniform(0, STEPS, (count, 1)), rng.uniform(20, 80, (count, 1))
        found += (after - before) * np.clip((times - begin) / width, 0, 1)
    clipped: Levels = np.clip(found, low, high)
    return clipped


def undisturbed(count: int, seed: int) -> Floats:
    """Return runs of the motor: (runs, steps, channels)."""
    rng = np.random.default_rng(seed)
    speed, load = wandering(rng, count, 1 / 50, 1 / 6), wandering(rng, count, 0.4, 1)
    turns = rng.random((count, 1)) + speed.cumsum(axis=1)
    phases = turns[..., None] + np.arange(3) / 3
    # Iron saturates: the waves are flat, the more so the higher the load.
    currents = load[..., None] * np.tanh(2 * load[..., None] * np.sin(2 * np.pi * phases))
    heat = np.empty((count, STEPS, 1))
    heat[:, 0, 0] = load[:, 0] ** 2
    for i in range(1, STEPS):
        heat[:, i, 0] = heat[:, i - 1, 0] + 0.02 * (load[:, i] ** 2 - heat[:, i - 1, 0])
    found = np.concatenate([currents, heat], axis=2)
    return (found + NOISE * rng.standard_normal(found.shape)).astype(np.float32)


def spike(run: Floats, channel: int, rng: np.random.Generator) -> int:
    """Move a single value by 0.4, which is no more than the currents move anyway."""
    run[0, channel] += rng.choice([-0.4, 0.4])
    return 1


def drift(run: Floats, channel: int, rng: np.random.Generator) -> int:
    """Let a sensor's zero go astray, in the end by 0.4."""
    run[:LASTING, channel] += rng.choice([-0.4, 0.4]) * np.linspace(0, 1, LASTING)
    return LASTING


def lost_phase(run: Floats, channel: int, rng: np.random.Generator) -> int:
    """Take one of the currents away; its noise stays."""
    run[:LASTING, channel % 3] = NOISE * rng.standard_normal(LASTING)
    return LASTING


def stuck(run: Floats, channel: int, rng: np.random.Generator) -> int:
    """Let a sensor repeat its last value."""
    run[:LASTING, channel] = run[0, channel]
    return LASTING


def weak_phase(run: Floats, channel: int, rng: np.random.Generator) -> int:
    """Halve one of the currents."""
    run[:LASTING, channel % 3] *= 0.5
    return LASTING


KINDS: dict[str, Callable[[Floats, int, np.random.Generator], int]] = {
    "spike": spike,
    "drift": drift,
    "lost phase": lost_phase,
    "weak phase": weak_phase,
    "stuck sensor": stuck,
}


def disturbed(each: int, seed: int) -> Events:
    """Return runs with one anomaly in each, so many of each kind."""
    rng = np.random.default_rng(seed)
    kinds = [kind for kind in KINDS for _ in range(each)]
    runs = undisturbed(len(kinds), seed + 1000)
    begins = rng.integers(FIRST, LAST, len(kinds))
    lasting = [
        KINDS[kind](run[begin:], int(rng.integers(4)), rng)
        for kind, run, begin in zip(kinds, runs, begins, strict=True)
    ]
    return Events(runs, kinds, begins, begins + np.array(lasting))
