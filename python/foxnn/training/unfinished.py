"""A warning about a run that ended while its loss was still falling steeply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import shift_and_scale
from foxnn.support.errors import ConvergenceWarning
from foxnn.support.warn import warn
from foxnn.training.data import FitData
from foxnn.training.scaling import Scalers

# Shorter runs are not checked: whoever asks for fewer epochs than the default knows that they are
# few, and the loss of the first ones always falls.
_FEWEST_EPOCHS = 10
# What is steep: by so much the loss has fallen in the last quarter. On the tables of scikit-learn,
# runs three times as long have 0.05 to 0.3 more accuracy where both lines are crossed, and mostly
# less than 0.03 where one is not.
_STEEP = 0.1
_FAR = 1 / 3  # of the way from the best constant answer to no loss, still before it
# Twice as far as a constant answer, any fall is too short.
_HOPELESS = 1.25
# Samples from which the loss of constant outputs is computed.
_SAMPLES = 4096


def warn_if_unfinished(
    network: AnsweringNetwork,
    history: Mapping[str, Sequence[float]],
    data: FitData,
    is_auto: bool,
) -> None:
    """Warn if the epochs are over and the loss was still falling steeply, far from its end."""
    losses = history["loss"]
    if is_auto:
        warn(
            f"training ended after {len(losses)} epochs, the most that epochs='auto' takes, and "
            "the loss was still falling",
            ConvergenceWarning,
        )
        return
    if len(losses) < _FEWEST_EPOCHS:
        return
    quarter = math.ceil(len(losses) / 4)
    before, last = losses[-1 - quarter], losses[-1]
    fall = (before - last) / before if before > 0 else 0.0
    held_out = history.get("val_loss")
    if not fall > 0 or (held_out is not None and not held_out[-1] < held_out[-1 - quarter]):
        return
    scalers = network._scalers
    constant = constant_loss(network.loss, data.training.y, data.training.weights, scalers)
    if constant is None or not constant[1] > constant[0]:
        return
    least, guessing = constant
    left = (last - least) / (guessing - least)
    is_steep = left > _FAR and fall > _STEEP
    never_rose = all(b < a for a, b in zip(losses[-1 - quarter :], losses[-quarter:], strict=False))
    if not is_steep and not (left > _HOPELESS and never_rose):
        return
    warn(
        f"training ended after {len(losses)} epochs while the loss was still falling: it is "
        f"{last:.3g}, {fall:.1%} below its value {quarter} epochs earlier, and the best constant "
        f"output has a loss of {guessing:.3g}; train for more epochs, or with epochs='auto'",
        ConvergenceWarning,
    )


def constant_loss(
    loss: str, y: Array, weights: Array | None, scalers: Scalers
) -> tuple[float, float] | None:
    """Return the mean loss of perfect outputs and of the best constant one; None if unknown."""
    which = slice(None, None, -(-len(y) // _SAMPLES))
    some = np.asarray(y[which], np.float64)
    share = np.ones(len(some)) if weights is None else np.asarray(weights[which], np.float64)
    if not share.any():
        return None
    share = (share / share.sum())[:, None]
    if some.ndim == 1:  # labels
        counts = np.bincount(some.astype(np.int64), share[:, 0])
        return 0.0, _entropy(counts)
    if (scaler := scalers[1]) is not None:
        shift, scale = shift_and_scale(scaler, "output_scaler")
        some = (some - shift) / scale
    mean = (some * share).sum(axis=0)
    if loss == "mse":
        return 0.0, float((share * (some - mean) ** 2).sum() / 2)
    if loss in ("mae", "huber"):
        away = np.abs(some - np.median(some, axis=0))
        if loss == "huber":
            away = np.where(away < 1, away * away / 2, away - 0.5)
        return 0.0, float((share * away).sum())
    if loss == "cross_entropy":
        return float((share[:, 0] * [_entropy(row) for row in some]).sum()), _entropy(mean)
    if loss == "binary_cross_entropy":
        sure = sum(_entropy(part) for part in (mean, 1 - mean))
        each = [_entropy(row) + _entropy(1 - row) for row in some]
        return float((share[:, 0] * each).sum()), sure
    if loss == "poisson":
        perfect = (share * some).sum() + (share[:, 0] * [_entropy(row) for row in some]).sum()
        return float(perfect), float(mean.sum() + _entropy(mean))
    return None


def _entropy(p: Array) -> float:
    """Return the sum of -p log p."""
    there = p[p > 0]
    return float(-(there * np.log(there)).sum())
