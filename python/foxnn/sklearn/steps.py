"""The steps of an epoch as scikit-learn makes them: its order, its penalty, its loss.

Its penalty is alpha / 2 * w^2 over the samples (or the weight) of the batch, so that the engine's
l2 is alpha / (weight of the batch), another one for a short last batch; and it is part of the loss.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

import foxnn
from foxnn import _core
from foxnn.checks import Array
from foxnn.sklearn.model import Task
from foxnn.sklearn.samples import Buffers, EstimatorSamples, first_rows, poisson_constants
from foxnn.sklearn.solver import Solver
from foxnn.support.errors import diverged

# Batches go to the engine in groups, so that the overhead of Python is small. Between
# them the weights are read for the penalty, which is interpolated inside of a group.
_LEAST_GROUPS = 8
# A group of this size is still in the third level of the cache when the engine reads it. Smaller
# ones would be quicker to read, but each wakes the engine's threads, which a busy machine delays:
# beside two other programs on two cores, an epoch in groups of 1 MB took half as long again.
_GROUP_BYTES = 8 << 20


@dataclass
class Epoch:
    """What an epoch did: its mean loss, and its samples; fewer than all if time was up."""

    loss: float
    samples: int


class Steps:
    """Makes the epochs of one training; the engine is busy with it until it is closed."""

    def __init__(
        self,
        network: foxnn.neural_network,
        task: Task,
        samples: EstimatorSamples,
        rows: Array | None,
        *,
        solver: Solver,
        batch: int,
        alpha: float,
        dropout: list[float],
    ) -> None:
        self._network, self._task, self._samples = network, task, samples
        self._rows = rows
        self._solver, self._batch, self._alpha = solver, batch, alpha
        self._dropout = dropout
        self._count = len(samples) if rows is None else len(rows)
        self._weighted = samples.weights is not None
        self._together = self._most_together()
        longest = min(self._count, self._together * batch)
        # In a single batch the order does not matter, so the samples are used in place.
        self._stays = self._count <= batch and rows is None
        self._buffers: Any = samples
        if not self._stays:
            self._buffers = Buffers(samples, longest, self._weighted)
            self._buffers.load(slice(0, longest), longest)
        self._constants = poisson_constants(samples.y) if task.loss == "poisson" else None
        self._trainer: _core.Trainer | None = None
        self._made_for: tuple[float, ...] = ()
        self._squares = self._sum_squares()

    def _most_together(self) -> int:
        """Return how many batches make a group."""
        if self._weighted:
            return 1  # Their penalties differ.
        fit = _GROUP_BYTES // max(1.0, self._samples.row_bytes * self._batch)
        return int(max(1, min(fit, self._count // self._batch // _LEAST_GROUPS)))

    def _groups(self) -> Iterator[tuple[int, int]]:
        """Yield where groups of batches start and stop; a short last batch is one alone."""
        full = self._count - self._count % self._batch
        start = 0
        while start < full:
            together = min(self._together, self._solver.most_steps(self._network._steps() + 1))
            stop = min(start + together * self._batch, full)
            yield start, stop
            start = stop
        if full < self._count:
            yield full, self._count

    def __enter__(self) -> Steps:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Set the network free."""
        if self._trainer is not None:
            self._trainer.__exit__()
            self._trainer = None

    def run_epoch(self, order: Array | None, rate: float, end: float | None = None) -> Epoch:
        """Make the steps of an epoch.

        Parameters
        ----------
        order : ndarray of shape (samples,) or None
            Positions among the samples to train on, or None for the order they have.
        rate : float
            The learning rate.
        end : float, optional
            When to stop, by time.perf_counter.

        Raises
        ------
        foxnn.DivergedError
        """
        if self._stays:
            order = None
        elif self._rows is not None:
            order = self._rows if order is None else self._rows[order]
        loss, samples = 0.0, 0
        for start, stop in self._groups():
            rows = slice(start, stop) if order is None else order[start:stop]
            if not self._stays:
                self._buffers.load(rows, stop - start)
            part, made = self._run_group(rows, stop - start, rate, end)
            loss += part
            samples += made
            if made < stop - start:
                break
        return Epoch(loss / max(samples, 1), samples)

    def _run_group(
        self, rows: Any, count: int, rate: float, end: float | None
    ) -> tuple[float, int]:
        """Return loss times samples, and how many there were."""
        batch = min(self._batch, count)
        weight = float(self._buffers.weights[:count].sum()) if self._weighted else float(batch)
        if not weight > 0.0:
            return 0.0, count  # Samples that count nothing pull nowhere.
        is_another = self._solver.turn_to(self._network._steps() + 1)
        trainer = self._trainer_for(count, batch, rate, weight)
        if is_another:
            trainer.set_optimizer(self._solver.optimizer())
        report = trainer.run_epoch(None if end is None else max(0.0, end - time.perf_counter()))
        if report.diverged:
            raise diverged("in the last epoch")
        if not report.samples:
            return 0.0, 0
        loss = report.loss / report.weight * self._task.loss_share
        if self._constants is not None:
            constants = self._constants[rows][: report.samples]
            used = self._buffers.weights[: report.samples] if self._weighted else None
            loss += float(np.average(constants, weights=used))
        loss *= report.samples
        if self._alpha:
            before, self._squares = self._squares, self._sum_squares()
            # The penalties of the steps lie on a line from that before to that after them.
            rise = (self._squares - before) * (report.steps - 1) / 2
            squares = report.steps * before + rise
            loss += self._alpha / 2 * squares * batch / weight
        return loss, report.samples

    def _trainer_for(self, count: int, batch: int, rate: float, weight: float) -> _core.Trainer:
        made_for = (count, rate, weight)
        found = self._buffers
        weights = found.weights[:count] if self._weighted else None
        x, y = first_rows(found.x, count), found.y[:count]
        if self._trainer is None or made_for != self._made_for:
            self.close()
            plan = _core.Plan(
                self._solver.optimizer(),
                rate,
                batch_size=batch,
                shuffle=False,
                threads=self._network.settings.n_threads,
                l2=self._alpha / weight,
                dropout=self._dropout,
            )
            self._trainer = _core.Trainer(self._network, x, y, plan, weights)
            self._made_for = made_for
        elif not isinstance(x, np.ndarray):
            self._trainer.set_samples(x, y, weights)
        return self._trainer

    def _sum_squares(self) -> float:
        if not self._alpha:
            return 0.0
        weights = (self._network._array(i, "weights").ravel() for i in range(len(self._network)))
        # Not by BLAS, whose idle threads would be in the way of the engine's.
        return sum(float(np.einsum("i,i->", w, w, dtype=np.float64)) for w in weights)

    def carry_moments(self, velocities: float) -> None:
        """Continue with the existing moments, times a factor, after a change of the rate.

        scikit-learn's velocities are steps and contain earlier learning rates; the engine's are
        gradients, which must be rescaled.
        """
        self.close()
        found = _core.optimizer_state(self._network)
        if found is not None:
            _, step, moments = found
            if (first := moments[0]) is not None:
                moments[0] = [{k: v * velocities for k, v in arrays.items()} for arrays in first]
            _core.set_optimizer_state(self._network, self._solver.optimizer(), step, moments)
