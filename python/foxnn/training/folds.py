"""The number of epochs for few samples, found by cross-validation on copies of the network.

A tenth of few samples is too little to tell when the network predicts best, and is missing in the
training. So each copy is trained without another fifth of them. The number of epochs after which
the copies together predicted best is the network's, which trains on all samples.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import time

import numpy as np

from foxnn import _core
from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork
from foxnn.support.streams import HOLDOUT
from foxnn.training import auto
from foxnn.training.data import FitData
from foxnn.training.early_stopping import Watch
from foxnn.training.options import FitOptions
from foxnn.training.plan import FitPlan, engine_plan
from foxnn.training.rates import Rates
from foxnn.training.samples import WeightedSamples
from foxnn.training.scaling import measured

# Five or ten are usual: Kohavi, "A study of cross-validation and bootstrap for accuracy estimation
# and model selection", 1995. Five take half the time.
_FOLDS = 5
# The share of a time limit for it. The training of the network itself is a fifth of the work, but
# it is what counts.
_SHARE_OF_TIME = 0.5
# What is left of the time limit must be above 0.
_LEAST_SECONDS = 1e-9


def planned_by_folds(
    network: AnsweringNetwork, data: FitData, options: FitOptions, plan: FitPlan
) -> FitPlan:
    """Return the plan with the number of epochs that cross-validation finds.

    The network is not changed, and a checkpoint holds the number.
    """
    start = time.perf_counter()
    epochs, is_found = _found(network, data, options, plan.rates, start)
    if plan.checkpoints is not None:
        plan.checkpoints.arguments = plan.checkpoints.arguments | {"epochs": epochs}
    left = plan.time_limit
    if left is not None:
        left = max(_LEAST_SECONDS, left - (time.perf_counter() - start))
    return plan._replace(epochs=range(epochs), watch=None, time_limit=left, is_auto=not is_found)


def _found(
    network: AnsweringNetwork, data: FitData, options: FitOptions, rates: Rates, start: float
) -> tuple[int, bool]:
    """Return the best number of epochs, and whether what follows was seen to be no better."""
    parts = _parts(network, data)
    rule = auto.rule_of(min(len(training) for training, _ in parts), options.batch_size)
    rule = dataclasses.replace(rule, restore_best=False)
    watch = Watch(rule, "val_loss", auto.LEAST_GAIN)
    limit = math.inf if options.time_limit is None else _SHARE_OF_TIME * options.time_limit
    with contextlib.ExitStack() as stack:
        folds = [stack.enter_context(_Fold(network, *pair, options)) for pair in parts]
        total = sum(fold.weight for fold in folds)
        for epoch in range(auto.MOST_EPOCHS):
            rate = rates.of(epoch)
            losses = [fold.loss_after_epoch(rate) for fold in folds]
            # Where a copy diverges, what it would find later is left to the network itself.
            loss = sum(fold.weight * loss for fold, loss in zip(folds, losses, strict=True)) / total
            is_over = watch.is_over({"val_loss": loss}, network) or not math.isfinite(loss)
            if is_over or time.perf_counter() - start > limit:
                return max(1, epoch + 1 - watch.since_best), True
    return auto.MOST_EPOCHS, False


def _parts(
    network: AnsweringNetwork, data: FitData
) -> list[tuple[WeightedSamples, WeightedSamples]]:
    """Return the samples to train on and to validate on of each fold."""
    samples = data.training
    order: Array = _core.shuffled(network.seed, HOLDOUT, len(samples), data.draw)
    if samples.weights is not None:  # those of weight 0 tell nothing
        order = order[samples.weights[order] > 0.0]
    folds = [order[i::_FOLDS] for i in range(_FOLDS)]
    rest = [np.concatenate([*folds[:i], *folds[i + 1 :]]) for i in range(_FOLDS)]
    return [
        (samples.part(kept), samples.part(held)) for kept, held in zip(rest, folds, strict=True)
    ]


class _Fold:
    """A copy of the network that is trained without some of the samples.

    Attributes
    ----------
    weight : float
        How much its validation samples count.
    """

    def __init__(
        self,
        network: AnsweringNetwork,
        training: WeightedSamples,
        held_out: WeightedSamples,
        options: FitOptions,
    ) -> None:
        self._network = copy.deepcopy(network)
        if options.scalers is not None:
            scalers = measured(options.scalers, training.x, training.y)
            self._network._set_scalers(*scalers)
        self._held_out = held_out
        self.weight = float(len(held_out) if held_out.weights is None else held_out.weights.sum())
        self._trainer = self._network._trainer(
            training.x,
            training.y,
            engine_plan(network, options),
            training.weights,
            self._network._own(training.y, checks_gradient=options.check_loss),
        )

    def __enter__(self) -> _Fold:
        self._trainer.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._trainer.__exit__(*args)

    def loss_after_epoch(self, rate: float) -> float:
        """Train for an epoch and return the validation loss, NaN if the training has diverged."""
        self._trainer.set_learning_rate(rate)
        self._trainer.begin_epoch()
        while self._trainer.epoch().steps < self._trainer.steps_per_epoch():
            if self._trainer.run_epoch().diverged:
                return math.nan
        held = self._held_out
        return self._network._evaluation(held.x, held.y, held.weights)["loss"]
