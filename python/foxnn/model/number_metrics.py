"""Metrics of numbers: how far outputs are from targets. Means over samples, then over outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _means(values: Floats, weights: Floats) -> Floats:
    """Return the weighted means of columns."""
    found: Floats = np.average(values, axis=0, weights=weights)
    return found


def squared_error(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return the mean of (a - y)^2."""
    return float(_means((outputs - targets) ** 2, weights).mean())


def root_squared_error(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return the root of the mean of (a - y)^2 of each output, and their mean."""
    return float(np.sqrt(_means((outputs - targets) ** 2, weights)).mean())


def absolute_error(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return the mean of |a - y|."""
    return float(_means(np.abs(outputs - targets), weights).mean())


def percentage_error(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return the mean of |a - y| / |y|, as a share; a target of 0 counts as very small."""
    shares = np.abs(outputs - targets) / np.maximum(np.abs(targets), np.finfo(float).eps)
    return float(_means(shares, weights).mean())


def largest_error(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return the largest |a - y|."""
    return float(np.abs(outputs - targets).max())


def determination(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return R^2, 1 - Σ(a - y)^2 / Σ(y - mean y)^2: NaN for a single sample."""
    if len(targets) < 2:
        return float("nan")
    around = targets - _means(targets, weights)
    return _explained(_means((outputs - targets) ** 2, weights), _means(around**2, weights))


def explained_variance(outputs: Floats, targets: Floats, weights: Floats) -> float:
    """Return 1 - variance of (y - a) / variance of y."""
    rest = targets - outputs
    rest = rest - _means(rest, weights)
    around = targets - _means(targets, weights)
    return _explained(_means(rest**2, weights), _means(around**2, weights))


def _explained(left: Floats, there: Floats) -> float:
    """Return the mean of 1 - left / there; where nothing is there, 1 if nothing is left, else 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(there > 0, 1.0 - left / there, np.where(left > 0, 0.0, 1.0))
    return float(shares.mean())
