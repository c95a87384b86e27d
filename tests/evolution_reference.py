"""The rules of evolution, written naively in NumPy: against these, foxnn's are checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import philox

Array = NDArray[np.float64]

# Streams of random numbers, as foxnn/random.hpp numbers them.
SELECTION, BREEDING, PERTURBATION = 5, 6, 7


def words(stream: int, generation: int, seed: int, count: int) -> NDArray[np.uint64]:
    """Return the words of the first blocks of a stream, (count, 4)."""
    counter = np.zeros((count, 4), np.uint64)
    counter[:, 0] = np.arange(count) & 0xFFFFFFFF
    counter[:, 1] = np.arange(count) >> 32
    counter[:, 2], counter[:, 3] = stream, generation
    return philox(counter, seed)


def uniform(low: Any, high: Any) -> Any:
    """Return numbers from [0, 1) made of two words."""
    return ((high.astype(np.uint64) << np.uint64(32) | low) >> np.uint64(11)) * 2.0**-53


def bred(
    parents: NDArray[Any],
    mothers: NDArray[Any],
    fathers: NDArray[Any],
    elite: int,
    share: float,
    speed: float,
    smart: bool,
    seed: int,
    generation: int,
) -> NDArray[Any]:
    """Return children: their weights one by one."""
    n = parents.shape[1]
    bits = words(BREEDING, generation, seed, len(mothers) * n)
    out = np.empty((len(mothers), n), parents.dtype)
    for i in range(len(mothers)):
        for j in range(n):
            w = bits[i * n + j]
            rows = fathers if i >= elite and w[0] >= 2**31 else mothers
            old = parents[rows[i], j]
            if i >= elite and w[1] < share * 2**32:
                step = 2 * uniform(w[2], w[3]) - 1
                size = abs(float(old)) if smart else 1.0
                old = float(old) + speed * step * size
            out[i, j] = old
    return out


def perturbations(pairs: int, n: int, seed: int, generation: int) -> Array:
    """Return the normal numbers of each pair (Box and Muller), (pairs, n)."""
    blocks = (n + 1) // 2
    bits = words(PERTURBATION, generation, seed, pairs * blocks)
    found = np.empty((pairs * blocks, 2))
    for i, w in enumerate(bits):
        radius = math.sqrt(-2 * math.log(1 - uniform(w[0], w[1])))
        angle = 2 * math.pi * uniform(w[2], w[3])
        found[i] = radius * math.cos(angle), radius * math.sin(angle)
    return found.reshape(pairs, 2 * blocks)[:, :n]


def selected(
    scores: Array, tournament: int, elite: int, crossover: float, seed: int, generation: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the mother and the father of each child."""
    members = len(scores)
    bits = words(SELECTION, generation, seed, members * (2 * tournament + 1))
    numbers = uniform(bits[:, 0], bits[:, 1]).reshape(members, -1)
    ranking = sorted(range(members), key=lambda i: (-scores[i], i))
    mothers, fathers = [], []
    for i, own in enumerate(numbers):
        winners = []
        for entrants in (own[:tournament], own[tournament:-1]):
            best = -1
            for entrant in (int(u * members) for u in entrants):
                if best < 0 or scores[entrant] > scores[best]:
                    best = entrant
            winners.append(best)
        mothers.append(ranking[i] if i < elite else winners[0])
        fathers.append(winners[1] if own[-1] < crossover else winners[0])
    return np.array(mothers), np.array(fathers)


def ranks(scores: Array) -> Array:
    """Return the ranks of scores from -1/2 to 1/2, the mean rank for equal ones."""
    found = [((scores < s).sum() + (scores <= s).sum() - 1) / 2 for s in scores]
    return np.array(found) / (len(scores) - 1) - 0.5
