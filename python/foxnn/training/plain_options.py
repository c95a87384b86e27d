"""The options of `fit` as the plain values in a checkpoint, and back."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from foxnn import augment, checks, schedules
from foxnn.training.augmenting import Functions
from foxnn.training.early_stopping import EarlyStopping
from foxnn.training.options import FitOptions
from foxnn.training.update_rules import RULES

_OPTIMIZERS = {rule.__name__: rule for rule in RULES}
_AUGMENTATIONS = {kind.__name__: kind for kind in augment.ALL}
_SCHEDULES = {
    kind.__name__: kind
    for kind in (
        schedules.constant, schedules.step, schedules.exponential, schedules.cosine,
        schedules.inverse, schedules.warmup,
    )
}  # fmt: skip


def optimizer_as_values(optimizer: object) -> Any:
    """Return an optimizer as plain values: its name, or its class and constants."""
    if isinstance(optimizer, str):
        return optimizer
    return {type(optimizer).__name__: dataclasses.asdict(optimizer)}  # type: ignore[call-overload]


def optimizer_from(values: Any) -> Any:
    """Return the optimizer that plain values name."""
    return values if isinstance(values, str) else _made(values, _OPTIMIZERS, "optimizer")


def schedule_as_values(schedule: object) -> Any:
    """Return a schedule as plain values; "function" for one of the user's."""
    if schedule is None:
        return None
    if not isinstance(schedule, schedules.Schedule):
        return "function"
    fields = {f.name: getattr(schedule, f.name) for f in dataclasses.fields(schedule)}  # type: ignore[arg-type]
    plain = {
        name: schedule_as_values(value) if isinstance(value, schedules.Schedule) else value
        for name, value in fields.items()
    }
    return {type(schedule).__name__: plain}


def schedule_from(values: Any) -> Any:
    """Return the schedule that plain values name."""
    if values is None:
        return None
    return _made(values, _SCHEDULES, "schedule")


def augment_as_values(functions: Functions) -> Any:
    """Return augmentations as plain values; "function" where one is the user's."""
    if not all(isinstance(one, augment.Augmentation) for one in functions):
        return "function"
    return [{type(one).__name__: dataclasses.asdict(one)} for one in functions]  # type: ignore[call-overload]


def augment_from(values: Any) -> Any:
    """Return the augmentations that plain values name."""
    if not isinstance(values, list):
        raise ValueError(f"augment must be a list, got {checks.shown(values)}")
    return [_made(one, _AUGMENTATIONS, "augment") for one in values]


def early_stopping_as_values(rule: EarlyStopping | None) -> Any:
    """Return an early stopping rule as plain values."""
    return None if rule is None else dataclasses.asdict(rule)


def _made(values: Any, kinds: Mapping[str, Any], name: str) -> Any:
    if not isinstance(values, Mapping) or len(values) != 1 or next(iter(values)) not in kinds:
        raise ValueError(f"{name} must be one of {', '.join(kinds)}, got {checks.shown(values)}")
    ((kind, fields),) = values.items()
    if not isinstance(fields, Mapping):
        raise ValueError(f"{name} must have its constants, got {checks.shown(fields)}")
    return kinds[kind](
        **{
            key: schedule_from(value) if isinstance(value, Mapping) else value
            for key, value in fields.items()
        }
    )


def arguments_of(options: FitOptions, draw: int, samples: int) -> dict[str, Any]:
    """Return the options of a run as plain values; `draw` is the draw of its validation share.

    Options that are not plain values (samples, functions) are only noted; the user gives them again
    later.
    """
    share, weight, rates = options.validation, options.class_weight, options.dropout
    return {
        "epochs": "auto" if options.is_auto else options.epochs.stop,
        "batch_size": options.batch_size,
        "optimizer": optimizer_as_values(options.optimizer),
        "learning_rate": options.rates.base,
        "validation": "given" if isinstance(share, tuple) else share,
        "early_stopping": early_stopping_as_values(options.early_stopping),
        "schedule": schedule_as_values(options.rates.schedule),
        "l1": options.l1,
        "l2": options.l2,
        "dropout": rates or [0.0],
        "one_dropout": not rates,
        "sample_weight": None if options.sample_weight is None else "given",
        "class_weight": [[_label(k), float(v)] for k, v in weight.items()]
        if isinstance(weight, Mapping)
        else weight,
        "shuffle": options.shuffle,
        "clip_norm": options.clip_norm,
        "clip_value": options.clip_value,
        "truncate": options.truncate,
        "label_smoothing": options.label_smoothing,
        "check_loss": options.check_loss,
        "augment": augment_as_values(options.augment),
        "shards": options.shards,
        "average_every": options.average_every,
        "ranks": None if options.average_every is None else options.ranks.size,
        "draw_of_split": draw,
        "samples": samples,
    }


def _label(label: Any) -> Any:
    return label if isinstance(label, str | bool) else int(label)


def every_from(values: Any) -> Any:
    """Return `checkpoint_every` from the number of epochs or seconds in a file."""
    return datetime.timedelta(seconds=values) if isinstance(values, float) else values
