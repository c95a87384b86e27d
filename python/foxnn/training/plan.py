"""The plan of one `fit`: for the engine, and for the loop over the epochs."""

from __future__ import annotations

from typing import NamedTuple

from foxnn import _core
from foxnn.model.answers import AnsweringNetwork
from foxnn.training import auto
from foxnn.training.augmenting import Augmenting
from foxnn.training.callbacks import Callbacks
from foxnn.training.checkpoint import Checkpoints, Running, Start
from foxnn.training.data import FitData
from foxnn.training.early_stopping import Watch, watch_of
from foxnn.training.options import FitOptions
from foxnn.training.plain_options import arguments_of
from foxnn.training.rates import Rates


class FitPlan(NamedTuple):
    """What the loop over the epochs needs to know."""

    engine: _core.Plan
    epochs: range
    running: Running | None  # the progress in the first epoch, if it has begun
    rates: Rates
    callbacks: Callbacks
    watch: Watch | None
    checkpoints: Checkpoints | None
    time_limit: float | None
    shows_progress: bool
    is_auto: bool
    augmenting: Augmenting | None
    checks_loss: bool


def fit_plan(
    network: AnsweringNetwork, data: FitData, options: FitOptions, start: Start | None
) -> FitPlan:
    """Return the plan of a training run, which starts at a checkpoint if there is one."""
    return FitPlan(
        engine=engine_plan(network, options),
        epochs=options.epochs,
        running=None if start is None else start.running,
        rates=options.rates,
        callbacks=options.callbacks,
        watch=_watch(network, data, options, start),
        checkpoints=_checkpoints(network, data, options),
        time_limit=options.time_limit,
        shows_progress=options.shows_progress,
        is_auto=options.is_auto,
        augmenting=_augmenting(network, data, options),
        checks_loss=options.check_loss and not network._is_loss_checked,
    )


def _augmenting(network: AnsweringNetwork, data: FitData, options: FitOptions) -> Augmenting | None:
    return Augmenting(network, data.training.x, options.augment) if options.augment else None


def engine_plan(network: AnsweringNetwork, options: FitOptions) -> _core.Plan:
    """Return the engine's plan of a training run."""
    plan = _core.Plan(
        options.rule,
        options.rates.first,
        batch_size=options.batch_size,
        shuffle=options.shuffle,
        count_matches=network._classifies(),
        threads=options.ranks.threads(network.settings.n_threads),
        l1=options.l1,
        l2=options.l2,
        dropout=options.dropout,
        clip_norm=options.clip_norm or 0.0,
        clip_value=options.clip_value or 0.0,
        truncate=options.truncate or 0,
        label_smoothing=options.label_smoothing,
    )
    _core.check_plan(network, plan)
    return plan


def reported(network: AnsweringNetwork, data: FitData) -> list[str]:
    """Return what the run reports of each epoch, beside its learning rate and its time."""
    names = ["loss", "accuracy"] if network._classifies() else ["loss"]
    return names if data.held_out is None else names + [f"val_{name}" for name in names]


def _watch(
    network: AnsweringNetwork, data: FitData, options: FitOptions, start: Start | None
) -> Watch | None:
    rule, least_gain = options.early_stopping, 0.0
    if rule is None and not options.is_auto:
        return None
    if options.is_auto and rule is None:
        rule = auto.rule_of(data.trained, options.batch_size)
        least_gain = auto.LEAST_GAIN
    watch = watch_of(rule, {*reported(network, data)}, least_gain)
    if watch is not None and start is not None:
        watch.go_on(start.watch or {}, start.best_of(network))
    return watch


def _checkpoints(
    network: AnsweringNetwork, data: FitData, options: FitOptions
) -> Checkpoints | None:
    if options.checkpoint is None or not options.ranks.speaks:
        return None
    checkpoints = Checkpoints(network, options.checkpoint, options.checkpoint_every)
    checkpoints.arguments = arguments_of(options, data.draw, data.count)
    return checkpoints
