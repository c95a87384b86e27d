"""What the estimators train and validate on, and the dense rows of it that the engine reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.special import xlogy

from foxnn.checks import Array

# Rows of a sparse matrix become dense so many bytes at a time.
_BLOCK_BYTES = 16 << 20

Rows = Any  # a slice, or an array of positions


@dataclass
class EstimatorSamples:
    """Inputs (an array, or a sparse matrix by rows), wanted outputs or labels, and weights."""

    x: Any
    y: Array
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def part(self, rows: Rows) -> EstimatorSamples:
        """Return copies of some samples."""
        weights = None if self.weights is None else self.weights[rows]
        return EstimatorSamples(self.x[rows], self.y[rows], weights)

    def mean(self, values: Array) -> float:
        """Return the weighted mean of a number for each sample."""
        return float(np.average(values, weights=self.weights))


@dataclass
class HeldOut:
    """Samples to validate on, and how their outputs are scored."""

    samples: EstimatorSamples
    score: Callable[[EstimatorSamples, Array], float]


class Buffers:
    """Dense copies of so many samples at most, always in the same place."""

    def __init__(self, samples: EstimatorSamples, rows: int, weighted: bool) -> None:
        self._samples = samples
        self.x = np.empty((rows, samples.x.shape[1]), samples.x.dtype)
        self.y = np.empty((rows, *samples.y.shape[1:]), samples.y.dtype)
        self.weights = np.zeros(rows) if weighted else None

    def load(self, rows: Rows, count: int) -> None:
        """Copy `count` samples to the beginning."""
        samples = self._samples
        if issparse(samples.x):
            samples.x[rows].toarray(out=self.x[:count])
        else:
            _copy(samples.x, rows, self.x[:count])
        _copy(samples.y, rows, self.y[:count])
        if self.weights is not None:
            self.weights[count:] = 0.0
            if samples.weights is None:
                self.weights[:count] = 1.0
            else:
                _copy(samples.weights, rows, self.weights[:count])


def _copy(source: Array, rows: Rows, out: Array) -> None:
    if isinstance(rows, slice):
        out[...] = source[rows]
    else:
        # "clip" lets it write into `out` at once; no position is out of range.
        np.take(source, rows, axis=0, out=out, mode="clip")


def dense_blocks(x: Any) -> Iterator[Array]:
    """Yield the rows of a matrix as arrays: the whole, or of a sparse one some at a time."""
    if not issparse(x):
        yield x
        return
    rows = max(1, _BLOCK_BYTES // max(1, x.shape[1] * x.dtype.itemsize))
    for start in range(0, x.shape[0], rows):
        yield x[start : start + rows].toarray()


def poisson_constants(y: Array) -> NDArray[np.float64]:
    """Return for each sample what half the Poisson deviance has beyond the engine's loss.

    The engine leaves out what hangs on y alone: y log y - y, summed over the outputs.
    """
    constants: NDArray[np.float64] = (xlogy(y, y) - y).sum(axis=1)
    return constants
