"""Metrics of scores: how well outputs rank the samples, and how probable the targets are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foxnn.model.class_metrics import Wanted

Floats = NDArray[np.float64]


def area(given: Wanted) -> float:
    """Return the area under the ROC curve; for more than two classes, the mean of one against all.

    NaN if all samples are of one class.
    """
    return _mean_of_sides(given, _area)


def average_precision(given: Wanted) -> float:
    """Return Σ (R_n - R_n-1) P_n over the thresholds n, P precision, R recall; means as `area`."""
    return _mean_of_sides(given, _average_precision)


def log_loss(given: Wanted) -> float:
    """Return the mean of -Σ y ln a; outputs are kept off 0 and 1 by a unit of rounding."""
    outputs, targets = _probabilities(given, "log_loss")
    unit = np.finfo(np.float32 if given.single else np.float64).eps
    logs = np.log(np.clip(outputs, unit, 1.0 - unit))
    return float(np.average(-(targets * logs).sum(axis=1), weights=given.weights))


def brier(given: Wanted) -> float:
    """Return the mean of (a - y)^2 for two classes; for more, of its sum over the classes."""
    outputs, targets = _probabilities(given, "brier")
    factor = 0.5 if given.count == 2 else 1.0
    sums = ((outputs - targets) ** 2).sum(axis=1)
    return float(factor * np.average(sums, weights=given.weights))


def in_top(given: Wanted, k: int, asked: str) -> float:
    """Return the share of samples whose class is among the k largest outputs.

    Among equal outputs, those of later classes count as larger.
    """
    if given.is_multilabel or given.outputs.shape[1] == 1:
        raise ValueError(f"metrics must not hold {asked!r} for a single output or multilabel ones")
    order = np.argsort(given.outputs, axis=1, kind="stable")[:, ::-1][:, :k]
    right = (order == given.classes[:, None]).any(axis=1)
    return float(np.average(right, weights=given.weights))


def _probabilities(given: Wanted, asked: str) -> tuple[Floats, Floats]:
    """Return outputs and targets with a column for each class."""
    outputs, targets = given.outputs, given.targets
    if given.is_multilabel:
        raise ValueError(f"metrics must not hold {asked!r} for multilabel outputs")
    if outputs.min() < 0 or outputs.max() > 1:
        raise ValueError(f"metrics must not hold {asked!r} for outputs that are not probabilities")
    if outputs.shape[1] == 1:
        return np.hstack([1.0 - outputs, outputs]), np.hstack([1.0 - targets, targets])
    return outputs, targets


def _mean_of_sides(given: Wanted, metric: Callable[..., float]) -> float:
    """Return the mean over classes of a metric of one class against all others."""
    if given.outputs.shape[1] == 1 or (given.count == 2 and not given.is_multilabel):
        return metric(given.outputs[:, -1], given.classes == 1, given.weights)
    sides = (
        given.classes == 1
        if given.is_multilabel
        else given.classes[:, None] == np.arange(given.count)
    )
    found = [
        metric(given.outputs[:, i], sides[:, i], given.weights)
        for i in range(sides.shape[1])
        if given.is_multilabel or sides[:, i].any()  # a class without samples has no metric
    ]
    return float(np.mean(found))


def _steps(scores: Floats, side: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """Return the weight of both sides above each threshold, from the highest score on."""
    order = np.argsort(-scores, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(scores[order])), len(order) - 1]
    hits = np.cumsum(weights[order] * side[order])[ends]
    others = np.cumsum(weights[order] * ~side[order])[ends]
    return hits, others


def _area(scores: Floats, side: NDArray[np.bool_], weights: Floats) -> float:
    if side.all() or not side.any():
        return float("nan")
    hits, others = (np.r_[0.0, each] for each in _steps(scores, side, weights))
    surface = np.sum(np.diff(others) * (hits[1:] + hits[:-1])) / 2.0
    return float(surface / (hits[-1] * others[-1]))


def _average_precision(scores: Floats, side: NDArray[np.bool_], weights: Floats) -> float:
    if not side.any():
        return 0.0
    hits, others = _steps(scores, side, weights)
    recall = np.r_[0.0, hits / hits[-1]]
    return float(np.sum(np.diff(recall) * hits / (hits + others)))
