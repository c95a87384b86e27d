"""Training by L-BFGS: SciPy's search, with loss and gradient from the engine."""

from __future__ import annotations

import functools
import itertools
import math
import time
from types import TracebackType
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.utils.optimize import _check_optimize_result
from threadpoolctl import ThreadpoolController

import foxnn
from foxnn import _core
from foxnn.checks import Array
from foxnn.sklearn.model import Task, make_network, mean_loss, read_parameters, write_parameters
from foxnn.sklearn.samples import Buffers, EstimatorSamples, HeldOut, poisson_constants

Vector = NDArray[np.float64]

# What the engine keeps of a block of samples: larger blocks gain nothing, and would need as much
# memory as scikit-learn.
_BLOCK_BYTES = 64 << 20
# scipy.optimize.minimize: a callback has stopped it.
_STOPPED = 99


def train(estimator: Any, samples: EstimatorSamples, held_out: HeldOut | None) -> None:
    """Train an estimator; its network has the found parameters at the end.

    The search is in float64 even for float32 networks: rounding to float32 would hide the
    small changes of the loss that it relies on.
    """
    network, task = estimator.network_, estimator._task
    exact = make_network(
        network.sizes,
        [network._activation(i) for i in range(len(network) - 1)],
        task,
        np.dtype(np.float64),
        network.seed,
    )
    exact.settings.n_threads = network.settings.n_threads
    write_parameters(exact, *read_parameters(network))
    limit = estimator.time_limit
    end = None if limit is None else time.perf_counter() + limit
    with (
        _blas().limit(limits=1, user_api="blas"),
        Objective(exact, task, samples, float(estimator.alpha)) as objective,
    ):

        def after_iteration(parameters: Vector) -> None:
            if held_out is not None:
                objective.set_parameters(parameters)
                loss = mean_loss(exact, task, held_out.samples)
                estimator.validation_loss_curve_.append(loss)
            if end is not None and time.perf_counter() >= end:
                raise StopIteration

        found = scipy.optimize.minimize(
            objective,
            objective.parameters(),
            method="L-BFGS-B",
            jac=True,
            callback=after_iteration if held_out is not None or end is not None else None,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
            },
        )
        estimator.loss_ = objective.loss_at(found.x)
        estimator.n_iter_ = min(found.nit, estimator.max_iter)
        if found.status != _STOPPED:
            _check_optimize_result("lbfgs", found, estimator.max_iter)
        objective.set_parameters(found.x)
    write_parameters(network, *read_parameters(exact))


@functools.cache
def _blas() -> ThreadpoolController:
    """Return what sets the threads of the BLAS that the search adds its vectors with.

    They gain nothing from a second thread, which takes a core from the engine while it waits: on
    two cores an iteration on a few hundred samples took three times as long.
    """
    return ThreadpoolController()


class Objective:
    """Loss with penalty, and its gradient, as a function of all parameters in one vector.

    The engine goes through the samples block by block. The loss is summed over the outputs, as the
    gradient is; scikit-learn's, which its search uses, is a mean for the squared error. Of the
    Poisson deviance no part is left out: the search ends by a loss's relative change.
    """

    def __init__(
        self, network: foxnn.neural_network, task: Task, samples: EstimatorSamples, alpha: float
    ) -> None:
        self._network, self._task, self._alpha = network, task, alpha
        self._shapes = list(itertools.pairwise(network.sizes))
        self._penalized = sum(math.prod(shape) for shape in self._shapes)
        count = len(samples)
        self._weight = float(count if samples.weights is None else samples.weights.sum())
        constants = poisson_constants(samples.y) if task.loss == "poisson" else None
        self._constant = 0.0 if constants is None else samples.mean(constants)
        # Inputs in float64, once for each direction at most.
        inputs = 2 * samples.row_bytes * 8 / samples.x.dtype.itemsize
        row_bytes = inputs + 8 * 3 * sum(network.sizes[1:])
        blocks = math.ceil(count * row_bytes / _BLOCK_BYTES)
        self._block = -(-count // blocks)
        self._starts = range(0, count, self._block)
        self._count = count
        # Blocks are all as long as the first: of the last, the rest weighs nothing.
        self._buffers: Any = samples
        if blocks > 1:
            self._buffers = Buffers(samples, self._block, True)
            self._buffers.load(slice(0, self._block), self._block)
        plan = _core.Plan(
            _core.Optimizer("sgd"),
            1.0,
            batch_size=self._block,
            shuffle=False,
            threads=network.settings.n_threads,
        )
        found = self._buffers
        self._trainer = _core.Trainer(network, found.x, found.y, plan, found.weights)

    def __enter__(self) -> Objective:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._trainer.__exit__()

    def parameters(self) -> Vector:
        """Return all weights and then all biases as one vector."""
        weights, biases = read_parameters(self._network)
        return np.concatenate([part.ravel() for part in weights + biases])

    def set_parameters(self, vector: Vector) -> None:
        """Give the network the parameters of a vector."""
        start = 0
        for i, shape in enumerate(self._shapes):
            stop = start + math.prod(shape)
            self._network._set_array(i, "weights", vector[start:stop].reshape(shape))
            start = stop
        for i, (_, neurons) in enumerate(self._shapes):
            self._network._set_array(i, "bias", vector[start : start + neurons])
            start += neurons

    def __call__(self, vector: Vector) -> tuple[float, Vector]:
        """Return the value and the gradient."""
        self.set_parameters(vector)
        loss, gradient = self._data_loss()
        weights = vector[: self._penalized]
        gradient[: self._penalized] += self._alpha / self._weight * weights
        return loss + self._constant + self._penalty(weights), gradient

    def loss_at(self, vector: Vector) -> float:
        """Return the loss as scikit-learn reports it."""
        self.set_parameters(vector)
        loss = self._data_loss()[0] * self._task.loss_share + self._constant
        return loss + self._penalty(vector[: self._penalized])

    def _penalty(self, weights: Vector) -> float:
        return self._alpha / 2 * float(weights @ weights) / self._weight

    def _data_loss(self) -> tuple[float, Vector]:
        if len(self._starts) == 1:
            return self._block_loss()
        loss, gradient = 0.0, np.zeros(0)
        for start in self._starts:
            stop = min(start + self._block, self._count)
            self._buffers.load(slice(start, stop), stop - start)
            found = self._buffers
            if not isinstance(found.x, np.ndarray):
                self._trainer.set_samples(found.x, found.y, found.weights)
            share = float(self._buffers.weights.sum()) / self._weight
            if share > 0.0:
                part, slope = self._block_loss()
                loss += share * part
                gradient = share * slope + (gradient if len(gradient) else 0.0)
        return loss, gradient

    def _block_loss(self) -> tuple[float, Vector]:
        loss, layers = self._trainer.gradient()
        arrays: list[Array] = [of[name] for name in ("weights", "bias") for of in layers]
        return loss, np.concatenate([array.ravel() for array in arrays], dtype=np.float64)
