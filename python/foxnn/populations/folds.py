"""Cross-validation by folds: which samples are trained on, and which are evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.network import neural_network
from foxnn.populations.per_member import indices_of
from foxnn.support.streams import HOLDOUT
from foxnn.training.classes import classes_of

Pair = tuple[NDArray[np.uint32], NDArray[np.uint32]]


def pairs_of(network: neural_network, y: Array, folds: Any, seed: int) -> list[Pair]:
    """Return which samples to train on and to evaluate on, for each fold."""
    samples = len(y)
    if not isinstance(folds, int | float | str | bytes | np.number) and folds is not None:
        return _given_pairs(folds, samples)
    count = checks.integer(folds, "folds", 2)
    if count > samples:
        raise ValueError(f"folds must be at most {samples}, the number of samples, got {count}")
    order: Array = _core.shuffled(seed, HOLDOUT, samples, 0)
    classes = classes_of(y, network)
    if classes is not None and classes.ndim == 1:
        order = order[np.argsort(classes[order], kind="stable")]
    tests = [np.sort(order[i::count]).astype(np.uint32) for i in range(count)]
    every = np.arange(samples, dtype=np.uint32)
    return [(np.setdiff1d(every, test, assume_unique=True), test) for test in tests]


def _given_pairs(folds: Any, samples: int) -> list[Pair]:
    given = checks.items(folds, "folds must be a number, or pairs of indices")
    if not given:
        raise ValueError("folds must be at least one pair of indices, got none")
    pairs = []
    for i, pair in enumerate(given):
        both = checks.items(pair, f"folds[{i}] must be a pair of indices")
        if len(both) != 2:
            raise ValueError(f"folds[{i}] must be a pair of indices, got {len(both)} items")
        train, test = (indices_of(one, f"folds[{i}][{k}]", samples) for k, one in enumerate(both))
        pairs.append((train, test))
    return pairs
