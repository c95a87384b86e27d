"""What the estimators train and validate on, and copies of some of it that the engine reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from foxnn import _core, checks
from foxnn.checks import Array

Rows = Any  # a slice, or an array of positions


@dataclass
class EstimatorSamples:
    """Inputs (an array, or sparse rows), wanted outputs or labels, and weights."""

    x: checks.Rows
    y: Array
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def row_bytes(self) -> float:
        """The mean size of a sample's inputs."""
        if isinstance(self.x, _core.SparseRows):
            return (self.x.values.nbytes + self.x.columns.nbytes) / len(self)
        return float(self.x.shape[1] * self.x.dtype.itemsize)

    def part(self, rows: Array) -> EstimatorSamples:
        """Return copies of the samples at some positions."""
        weights = None if self.weights is None else self.weights[rows]
        return EstimatorSamples(checks.taken(self.x, rows), self.y[rows], weights)

    def mean(self, values: Array) -> float:
        """Return the weighted mean of a number for each sample."""
        return float(np.average(values, weights=self.weights))


@dataclass
class HeldOut:
    """Samples to validate on, and how their outputs are scored."""

    samples: EstimatorSamples
    score: Callable[[EstimatorSamples, Array], float]


class Buffers:
    """Copies of so many samples at most, those of arrays always in the same place."""

    def __init__(self, samples: EstimatorSamples, rows: int, weighted: bool) -> None:
        self._samples = samples
        self._rows = rows
        self.x: checks.Rows = samples.x
        if isinstance(samples.x, np.ndarray):
            self.x = np.empty((rows, samples.x.shape[1]), samples.x.dtype)
        self.y = np.empty((rows, *samples.y.shape[1:]), samples.y.dtype)
        self.weights = np.zeros(rows) if weighted else None

    def load(self, rows: Rows, count: int) -> None:
        """Copy `count` samples to the beginning."""
        samples = self._samples
        if isinstance(samples.x, _core.SparseRows):
            which = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
            # The rows after them are empty.
            self.x = _with_length(checks.taken(samples.x, which), self._rows)
        else:
            _copy(samples.x, rows, self.x[:count])  # type: ignore[index,arg-type]
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


def first_rows(x: checks.Rows, count: int) -> checks.Rows:
    """Return the first samples, without a copy."""
    return x[:count] if isinstance(x, np.ndarray) else _with_length(x, count)


def _with_length(x: Any, count: int) -> _core.SparseRows:
    """Return so many sparse rows; those beyond the last are empty."""
    starts = np.full(count + 1, x.starts[-1])
    some = x.starts[: count + 1]
    starts[: len(some)] = some
    return _core.SparseRows(x.values, x.columns, starts, x.shape[1])


def poisson_constants(y: Array) -> NDArray[np.float64]:
    """Return, for each sample, half the Poisson deviance minus the engine's loss.

    The engine leaves out the terms that depend on y alone: y log y - y, summed over the outputs.
    """
    constants: NDArray[np.float64] = (xlogy(y, y) - y).sum(axis=1)
    return constants
