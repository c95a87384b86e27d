"""Checks of single arguments of `fit` that need no samples."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.layers.view import is_flat_dense, shown_part
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import shown_loss


def checked_epochs(epochs: Any) -> int:
    """Return a number of epochs."""
    try:
        return checks.integer(epochs, "epochs", 1)
    except TypeError:
        is_vector = not isinstance(epochs, str) and getattr(epochs, "ndim", 0) == 1
        hint = "; weights of samples are sample_weight=..." if is_vector else ""
        raise TypeError(
            f"epochs must be an integer at least 1, or 'auto', got {checks.shown(epochs)}{hint}"
        ) from None


def dropout_rates(dropout: Any, hidden: int) -> list[float]:
    """Return a rate for each hidden layer, or an empty list if all of them are 0."""
    if type(dropout) is float and dropout == 0.0:  # fast path
        return []
    is_list = isinstance(dropout, Sequence) and not isinstance(dropout, str | bytes | bytearray)
    if is_list or (isinstance(dropout, np.ndarray) and dropout.ndim > 0):
        wanted = f"dropout must be a number or one for each of the {hidden} hidden layers"
        given = checks.items(dropout, wanted, hidden + 1000)
        if len(given) != hidden:
            raise ValueError(f"{wanted}, got {len(given)}")
        rates = [
            checks.real(p, f"dropout[{i}]", 0.0, 1.0, open_high=True) for i, p in enumerate(given)
        ]
    else:
        rates = [checks.real(dropout, "dropout", 0.0, 1.0, open_high=True)] * hidden
    return rates if any(rates) else []


def dropout_of(network: AnsweringNetwork, dropout: Any) -> list[float]:
    """Return the rates of a network's hidden layers; only flat dense layers may have one."""
    rates = dropout_rates(dropout, len(network) - 1)
    for i, part in enumerate(network._layers() if rates else ()):
        if not is_flat_dense(part):
            raise ValueError(
                f"dropout must be 0, got {checks.shown(dropout)}: layer {i} is {shown_part(part)}, "
                "not a flat dense layer; put foxnn.Dropout in the list of layers instead"
            )
    return rates


def checked_clipping(clip_norm: Any, clip_value: Any) -> tuple[float | None, float | None]:
    """Return norm and value to clip at; at most one of them may be given."""
    if clip_norm is not None and clip_value is not None:
        raise ValueError(
            "clip_norm and clip_value must not both be given, got "
            f"{checks.shown(clip_norm)} and {checks.shown(clip_value)}"
        )
    return _above_zero(clip_norm, "clip_norm"), _above_zero(clip_value, "clip_value")


def checked_time_limit(limit: Any) -> float | None:
    """Return seconds above 0, or None."""
    return _above_zero(limit, "time_limit")


def _above_zero(value: Any, name: str) -> float | None:
    return None if value is None else checks.real(value, name, 0.0, open_low=True)


def checked_smoothing(network: AnsweringNetwork, smoothing: Any) -> float:
    """Return the share of a target that goes to all classes alike; only classifiers have one."""
    share = checks.real(smoothing, "label_smoothing", 0.0, 1.0, open_high=True)
    if share > 0.0 and not network._classifies():
        raise ValueError(
            f"label_smoothing must be 0 for loss={shown_loss(network.loss)}, which is not one for "
            f"classes, got {checks.shown(smoothing)}"
        )
    return share


def checked_validation(validation: Any) -> float | tuple[Any, Any, Any, Any] | None:
    """Return the share to hold out, or the samples as x, y, weights or None, lengths or None."""
    if validation is None:
        return None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3, 4):
            raise ValueError(
                "validation must be a share, (x, y), (x, y, sample_weight) or (x, y, "
                f"sample_weight, lengths), got {checks.shown(validation)}"
            )
        x, y, weights, lengths = (*validation, None, None)[:4]
        return x, y, weights, lengths
    return checks.real(validation, "validation", 0.0, 1.0, open_low=True, open_high=True)


def checked_class_weight(class_weight: Any) -> Any:
    """Return a mapping (whose items are checked later, with the samples), "balanced" or None."""
    if isinstance(class_weight, str):
        return checks.choice(class_weight, "class_weight", ("balanced",))
    if class_weight is not None and not isinstance(class_weight, Mapping):
        raise TypeError(
            "class_weight must be a dict of weights by class, 'balanced' or None, "
            f"got {checks.shown(class_weight)}"
        )
    return class_weight


def checked_every(every: object) -> int | datetime.timedelta:
    """Return how often to write a checkpoint: every so many epochs, or after some time."""
    if isinstance(every, datetime.timedelta):
        if every <= datetime.timedelta():
            raise ValueError(f"checkpoint_every must be longer than zero, got {every!r}")
        return every
    try:
        return checks.integer(every, "checkpoint_every", 1)
    except TypeError:
        raise TypeError(
            "checkpoint_every must be a number of epochs or a datetime.timedelta, got "
            f"{checks.shown(every)}"
        ) from None
