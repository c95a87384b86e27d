"""The scores that early stopping uses: those of scikit-learn's metrics, without their checks.

Their checks take longer than an epoch on a few hundred samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from foxnn.checks import Array
from foxnn.sklearn.samples import EstimatorSamples


def accuracy(samples: EstimatorSamples, outputs: Array) -> float:
    """Return the share of samples that are classified correctly in all of their labels."""
    if not np.isfinite(outputs).all():
        return math.nan
    if samples.y.ndim == 1:
        return samples.mean(outputs.argmax(axis=1) == samples.y)
    return samples.mean(((outputs > 0.5) == samples.y).all(axis=1))


def r2(samples: EstimatorSamples, outputs: Array) -> float:
    """Return the coefficient of determination, as a mean over the outputs."""
    if not np.isfinite(outputs).all():
        return math.nan
    weights = np.ones(len(samples)) if samples.weights is None else samples.weights
    y = samples.y.astype(np.float64)
    with np.errstate(over="ignore"):  # In a training that diverges.
        residual = weights @ (y - outputs) ** 2
    spread = weights @ (y - np.average(y, axis=0, weights=weights)) ** 2
    varied = spread != 0.0
    # For constant targets, 1 if they are met exactly, else 0.
    found = np.where(residual == 0.0, 1.0, 0.0)
    found[varied] = 1.0 - residual[varied] / spread[varied]
    return float(found.mean())


def d2_pinball(samples: EstimatorSamples, outputs: Array, quantiles: Sequence[float]) -> float:
    """Return the share of the pinball loss that is explained, as a mean over the outputs.

    The loss without inputs is that of the quantiles of the targets, as in scikit-learn's
    d2_pinball_score. Each target has a column for each of the quantiles.
    """
    if not np.isfinite(outputs).all():
        return math.nan
    weights = np.ones(len(samples)) if samples.weights is None else samples.weights
    y, levels = samples.y.astype(np.float64), np.resize(quantiles, outputs.shape[1])
    found = []
    for column, answers, level in zip(y.T, outputs.T, levels, strict=True):
        constant = _weighted_quantile(column, weights, level)
        lost, guessed = (
            float(weights @ np.maximum(level * above, (level - 1.0) * above))
            for above in (column - answers, column - constant)
        )
        found.append(1.0 - lost / guessed if guessed > 0.0 else float(lost == 0.0))
    return float(np.mean(found))


def _weighted_quantile(values: Array, weights: Array, level: float) -> float:
    if (weights == weights[0]).all():
        return float(np.quantile(values, level))
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, level * below[-1])])
