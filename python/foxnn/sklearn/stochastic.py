"""Training by scikit-learn's stochastic solvers, sgd and adam: epochs, and what ends them."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from foxnn import DivergedError
from foxnn.checks import Array
from foxnn.sklearn.model import mean_loss, read_parameters, write_parameters
from foxnn.sklearn.samples import EstimatorSamples, HeldOut
from foxnn.sklearn.solver import Solver
from foxnn.sklearn.steps import Steps

# The attributes that only these solvers give an estimator.
ATTRIBUTES = (
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
)


def split(estimator: Any, samples: EstimatorSamples, stratify: bool) -> tuple[Array, Array]:
    """Return the positions of the samples to train on, and of those to validate on."""
    kept, held = train_test_split(
        np.arange(len(samples)),
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=samples.y.astype(bool) if stratify else None,
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return kept, held


def batch_size_of(estimator: Any, samples: int) -> int:
    """Return how many samples a batch has."""
    if estimator.batch_size == "auto":
        return min(200, samples)
    if estimator.batch_size > samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return min(int(estimator.batch_size), samples)


class Training:
    """One training of an estimator, whose attributes it keeps as scikit-learn does."""

    def __init__(
        self,
        estimator: Any,
        samples: EstimatorSamples,
        rows: Array | None,
        held_out: HeldOut | None,
        dropout: list[float],
        incremental: bool,
    ) -> None:
        self._estimator, self._held_out = estimator, held_out
        self._network, self._task = estimator.network_, estimator._task
        self._incremental = incremental
        self._early = estimator.early_stopping
        self._count = len(samples) if rows is None else len(rows)
        # A partial_fit continues where the solver was, with its earlier settings.
        if not incremental or not hasattr(estimator, "_optimizer"):
            estimator._optimizer = Solver(estimator)
            self._network.reset_optimizer()
        self._solver: Solver = estimator._optimizer
        self._complete_attributes()
        limit = estimator.time_limit
        self._end = None if limit is None else time.perf_counter() + limit
        self._steps = Steps(
            self._network,
            self._task,
            samples,
            rows,
            solver=self._solver,
            batch=batch_size_of(estimator, self._count),
            alpha=float(estimator.alpha),
            dropout=dropout,
        )

    def _complete_attributes(self) -> None:
        """Set the attributes that an earlier fit, perhaps by another solver, has not set."""
        first: dict[str, Any] = {"loss_curve_": [], "_no_improvement_count": 0}
        if self._early:
            first |= {"validation_scores_": [], "best_validation_score_": -math.inf}
        else:
            first |= {"best_loss_": math.inf}
        for name in ATTRIBUTES:
            if getattr(self._estimator, name, None) is None:
                setattr(self._estimator, name, first.get(name))

    def run(self) -> None:
        """Train until something ends it; the network then has the parameters that count."""
        estimator = self._estimator
        best = read_parameters(self._network) if self._early else None
        estimator.n_iter_ = 0
        order = np.arange(self._count)
        try:
            with self._steps:
                while estimator.n_iter_ < estimator.max_iter:
                    if estimator.shuffle:
                        order = order[self._shuffled()]
                    improved, goes_on = self._run_epoch(order if estimator.shuffle else None)
                    if improved and self._early:
                        best = read_parameters(self._network)
                    if not goes_on:
                        break
                    if estimator.n_iter_ == estimator.max_iter:
                        warnings.warn(
                            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) "
                            "reached and the optimization hasn't converged yet.",
                            ConvergenceWarning,
                            stacklevel=2,
                        )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        except DivergedError:
            if not self._early:
                raise
            self._record_divergence()
        if best is not None:
            write_parameters(self._network, *best)

    def _shuffled(self) -> Array:
        indices = np.arange(self._count)
        self._estimator._random_state.shuffle(indices)
        return indices

    def _run_epoch(self, order: Array | None) -> tuple[bool, bool]:
        """Return whether the epoch was the best, and whether another is to follow."""
        estimator = self._estimator
        epoch = self._steps.run_epoch(order, self._solver.learning_rate, self._end)
        in_time = self._end is None or time.perf_counter() < self._end
        if not epoch.samples:
            return False, False
        estimator.n_iter_ += 1
        estimator.loss_ = epoch.loss
        estimator.t_ += epoch.samples
        estimator.loss_curve_.append(epoch.loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {epoch.loss:.8f}")
        self._validate()
        improved = self._count_improvement()
        rate = self._solver.learning_rate
        self._solver.end_epoch(estimator.t_)
        goes_on = in_time and not self._incremental
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            what = "Validation score" if self._early else "Training loss"
            reason = (
                f"{what} did not improve more than tol={estimator.tol:f} for "
                f"{estimator.n_iter_no_change} consecutive epochs."
            )
            if self._solver.stop(reason, estimator.verbose):
                goes_on = False
            else:
                estimator._no_improvement_count = 0
        if self._solver.has_velocity and self._solver.learning_rate != rate:
            self._steps.carry_moments(velocities=rate / self._solver.learning_rate)
        return improved, goes_on

    def _validate(self) -> None:
        estimator, held = self._estimator, self._held_out
        if held is None:
            return
        estimator.validation_loss_curve_.append(mean_loss(self._network, self._task, held.samples))
        if self._early:
            try:
                score = held.score(held.samples, self._network.predict(held.samples.x))
            except (
                OverflowError
            ):  # The training is about to diverge; it continues like scikit-learn's.
                score = math.nan
            estimator.validation_scores_.append(score)
            if estimator.verbose:
                print(f"Validation score: {score:f}")

    def _count_improvement(self) -> bool:
        """Count the epochs without improvement; return whether this one is the best."""
        estimator = self._estimator
        if self._early:
            score = estimator.validation_scores_[-1]
            too_little = score < estimator.best_validation_score_ + estimator.tol
            improved = score > estimator.best_validation_score_
            if improved:
                estimator.best_validation_score_ = score
        else:
            too_little = estimator.loss_ > estimator.best_loss_ - estimator.tol
            improved = estimator.loss_ < estimator.best_loss_
            if improved:
                estimator.best_loss_ = estimator.loss_
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if too_little else 0
        return bool(improved)

    def _record_divergence(self) -> None:
        """Note an epoch that failed; the best earlier one counts."""
        estimator = self._estimator
        estimator.n_iter_ += 1
        estimator.loss_ = math.nan
        estimator.loss_curve_.append(math.nan)
        estimator.validation_loss_curve_.append(math.nan)
        estimator.validation_scores_.append(math.nan)
        warnings.warn(
            f"The training diverged in epoch {estimator.n_iter_}; the model is that of the best "
            "validation score before it.",
            ConvergenceWarning,
            stacklevel=2,
        )
