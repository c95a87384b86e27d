"""Losses as users write them, of a module, so that files can name them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def half_square(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Return the engine's mse."""
    error = outputs - targets
    axes = tuple(range(1, outputs.ndim))
    count = np.prod(outputs.shape[1:-1], dtype=int)  # the mean over positions
    return 0.5 * (error * error).sum(axis=axes) / count, error / count


def asymmetric(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Let too little cost three times as much as too much."""
    error = outputs - targets
    share = np.where(error < 0, 3.0, 1.0)
    return (share * error * error).sum(axis=1), 2.0 * share * error


def absolute(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Return a loss with a kink."""
    return np.abs(outputs - targets).sum(axis=1), np.sign(outputs - targets)


def masked(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Let targets that are missing, NaN, cost nothing."""
    error = np.where(np.isnan(targets), 0.0, outputs - np.nan_to_num(targets))
    return 0.5 * (error * error).sum(axis=1), error


def of_labels(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Take targets that are whole numbers: the hinge of Crammer and Singer, squared."""
    rows = np.arange(len(outputs))
    margin = np.maximum(0.0, 1.0 + outputs - outputs[rows, targets][:, None])
    margin[rows, targets] = 0.0
    slope = 2.0 * margin
    slope[rows, targets] = -slope.sum(axis=1)
    return (margin**2).sum(axis=1), slope
