"""The scores that early stopping uses: those of scikit-learn's metrics, without their checks.

Their checks take longer than an epoch on a few hundred samples.
"""

from __future__ import annotations

import math

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
