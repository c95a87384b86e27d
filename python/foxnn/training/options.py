"""The arguments of `fit` other than its samples: as given, and checked."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.model.answers import AnsweringNetwork
from foxnn.training import arguments, auto
from foxnn.training.augmenting import Functions, checked_augment
from foxnn.training.callbacks import Callbacks
from foxnn.training.early_stopping import EarlyStopping, early_stopping_of
from foxnn.training.kinds import (
    ClassWeightLike,
    EarlyStoppingLike,
    OptimizerLike,
    ScaleLike,
    ScheduleLike,
    ValidationLike,
)
from foxnn.training.progress import is_wanted
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.rates import Rates
from foxnn.training.scaling import Scalers, checked_scalers
from foxnn.training.shards import checked_average_every, checked_shards, refuse_with_shards
from foxnn.training.truncation import checked_truncate
from foxnn.training.update_rules import rule_of


class FitArguments(NamedTuple):
    """The arguments of `fit`, by name and not yet checked."""

    epochs: int | Literal["auto"]
    batch_size: int
    optimizer: OptimizerLike
    learning_rate: float
    validation: ValidationLike | None
    early_stopping: EarlyStoppingLike | None
    schedule: ScheduleLike | None
    l1: float
    l2: float
    dropout: float | Sequence[float]
    sample_weight: ArrayLike | None
    class_weight: ClassWeightLike | None
    callbacks: object
    shuffle: bool
    progress: bool | None
    time_limit: float | None
    scale: ScaleLike | None
    clip_norm: float | None
    clip_value: float | None
    checkpoint: Any
    checkpoint_every: int | datetime.timedelta
    augment: object
    lengths: ArrayLike | None
    truncate: int | None
    label_smoothing: float
    check_loss: bool
    shards: int | None
    communicator: Any
    average_every: int | None


class FitOptions(NamedTuple):
    """The same arguments, checked as far as possible without the samples."""

    epochs: range  # to train for; a resumed run starts at that of its checkpoint
    is_auto: bool  # whether the run finds its own end, and `epochs` is only the most
    batch_size: int
    optimizer: OptimizerLike
    rule: _core.Optimizer
    rates: Rates
    validation: float | tuple[Any, Any, Any, Any] | None
    early_stopping: EarlyStopping | None
    l1: float
    l2: float
    dropout: list[float]
    sample_weight: ArrayLike | None
    class_weight: Mapping[Any, float] | Literal["balanced"] | None
    callbacks: Callbacks
    shuffle: bool
    shows_progress: bool
    time_limit: float | None
    scalers: Scalers | None
    clip_norm: float | None
    clip_value: float | None
    checkpoint: Any
    checkpoint_every: int | datetime.timedelta
    augment: Functions
    lengths: ArrayLike | None
    truncate: int | None
    label_smoothing: float
    check_loss: bool
    shards: int | None
    ranks: Ranks
    average_every: int | None


def checked_options(
    network: AnsweringNetwork, given: FitArguments, epochs_done: int, ranks: Ranks = ALONE
) -> FitOptions:
    """Check the arguments; samples, their weights and the checkpoint's file are checked later."""
    is_auto = auto.is_auto(given.epochs)
    epochs = range(
        epochs_done, auto.MOST_EPOCHS if is_auto else arguments.checked_epochs(given.epochs)
    )
    rate = checks.real(given.learning_rate, "learning_rate", 0.0, open_low=True)
    time_limit = arguments.checked_time_limit(given.time_limit)
    ends_early = is_auto or given.early_stopping is not None or time_limit is not None
    rates = Rates(given.schedule, rate, epochs, ends_early)
    shows_progress, callbacks = is_wanted(given.progress), Callbacks(given.callbacks)
    shards = checked_shards(network, given.shards, ranks)
    augment = checked_augment(given.augment)
    truncate = checked_truncate(network, given.truncate)
    if shards is not None:
        refuse_with_shards(ranks, augment=bool(augment), truncate=truncate is not None)
    clip_norm, clip_value = arguments.checked_clipping(given.clip_norm, given.clip_value)
    return FitOptions(
        epochs=epochs,
        is_auto=is_auto,
        rule=rule_of(given.optimizer),
        optimizer=given.optimizer,
        rates=rates,
        batch_size=checks.integer(given.batch_size, "batch_size", 1),
        shuffle=checks.flag(given.shuffle, "shuffle"),
        l1=checks.real(given.l1, "l1", 0.0),
        l2=checks.real(given.l2, "l2", 0.0),
        dropout=arguments.dropout_of(network, given.dropout),
        validation=arguments.checked_validation(given.validation),
        early_stopping=early_stopping_of(given.early_stopping),
        sample_weight=given.sample_weight,
        class_weight=arguments.checked_class_weight(given.class_weight),
        callbacks=callbacks,
        shows_progress=shows_progress and ranks.speaks,
        time_limit=time_limit,
        scalers=checked_scalers(network, given.scale),
        clip_norm=clip_norm,
        clip_value=clip_value,
        checkpoint=given.checkpoint,
        checkpoint_every=arguments.checked_every(given.checkpoint_every),
        augment=augment,
        lengths=given.lengths,
        truncate=truncate,
        label_smoothing=arguments.checked_smoothing(network, given.label_smoothing),
        check_loss=checks.flag(given.check_loss, "check_loss"),
        shards=shards,
        ranks=ranks,
        average_every=checked_average_every(given.average_every, ranks),
    )
