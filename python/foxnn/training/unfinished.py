"""A warning about a run that ended while its loss was still falling steeply."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from foxnn import checks
from foxnn.checks import Array, Rows
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import shift_and_scale
from foxnn.model.sequences import mask_of
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
# Samples from which the loss of constant answers is taken: so many, or of large pictures so few
# that their positions are some millions.
_SAMPLES, _FEWEST_SAMPLES = 4096, 64


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
    if network._own_loss is not None or len(losses) < _FEWEST_EPOCHS:
        return
    scalers, training = network._scalers, data.training

    def constant() -> tuple[float, float] | None:
        return constant_loss_of(network, training.x, training.y, training.weights, scalers)

    found = unfinished(losses, history.get("val_loss"), constant)
    if found is not None:
        warn(
            f"training ended after {len(losses)} epochs while the loss was still falling: it is "
            f"{found.shown()}; train for more epochs, or with epochs='auto'",
            ConvergenceWarning,
        )


@dataclass(frozen=True)
class Unfinished:
    """What is said of a run that has ended too early."""

    last: float
    fall: float  # as a share of the loss before
    quarter: int  # epochs in which it fell
    guessing: float  # the loss of the best constant answer

    def shown(self) -> str:
        """Return how the loss stands, as the end of a sentence."""
        return (
            f"{self.last:.3g}, {self.fall:.1%} below its value {self.quarter} epochs earlier, and "
            f"the best constant output has a loss of {self.guessing:.3g}"
        )


def unfinished(
    losses: Sequence[float],
    held_out: Sequence[float] | None,
    constant: Callable[[], tuple[float, float] | None],
) -> Unfinished | None:
    """Return how a run stands whose loss was still falling steeply; None for others.

    `constant` returns what `constant_loss` does, and is called only if the loss has fallen.
    """
    if len(losses) < _FEWEST_EPOCHS:
        return None
    quarter = math.ceil(len(losses) / 4)
    before, last = losses[-1 - quarter], losses[-1]
    fall = (before - last) / before if before > 0 else 0.0
    if not fall > 0 or (held_out is not None and not held_out[-1] < held_out[-1 - quarter]):
        return None
    never_rose = all(b < a for a, b in zip(losses[-1 - quarter :], losses[-quarter:], strict=False))
    if not fall > _STEEP and not never_rose:
        return None
    ends = constant()
    if ends is None or not ends[1] > ends[0]:
        return None
    least, guessing = ends
    left = (last - least) / (guessing - least)
    if (left > _FAR and fall > _STEEP) or (left > _HOPELESS and never_rose):
        return Unfinished(last, fall, quarter, guessing)
    return None


def constant_loss_of(
    network: AnsweringNetwork, x: Rows, y: Array, weights: Array | None, scalers: Scalers
) -> tuple[float, float] | None:
    """Return `constant_loss` of samples as a network is trained on them."""
    channels = network._channels()
    if weights is None and network._varies_at_end():
        there = mask_of(x, y[0].size // (1 if checks.are_labels(y) else channels))
        weights = None if there is None else there / there.sum(axis=1, keepdims=True)
    numbers = network._loss_parameters()
    return constant_loss(network._loss(), y, weights, scalers, channels, numbers)


def constant_loss(
    loss: str,
    y: Array,
    weights: Array | None,
    scalers: Scalers,
    channels: int | None = None,
    numbers: Sequence[float] = (),
) -> tuple[float, float] | None:
    """Return the mean loss of perfect answers and of the best constant one; None if unknown.

    A constant answer has the same `channels` numbers at every position, by default those of a
    sample. `numbers` are those of the loss.
    """
    are_labels = checks.are_labels(y)
    channels = y[0].size if channels is None else channels
    each = y[0].size // (1 if are_labels else channels)
    which = slice(None, None, -(-len(y) // max(_FEWEST_SAMPLES, _SAMPLES // each)))
    some = y[which]
    if weights is None:
        share = np.ones(len(some) * each)
    else:
        share = np.asarray(weights[which], np.float64)
        share = share.reshape(-1) if share.ndim > 1 else share.repeat(each)
    if not share.any():
        return None
    share = (share / share.sum())[:, None]
    if are_labels:
        counts = np.bincount(some.reshape(-1), share[:, 0])
        return 0.0, _focused(counts, numbers) if loss == "focal" else _entropy(counts)
    some = np.asarray(some, np.float64)
    if (scaler := scalers[1]) is not None:
        shift, scale = shift_and_scale(scaler, "output_scaler")
        some = (some - shift) / scale
    some = some.reshape(-1, channels)
    mean = (some * share).sum(axis=0)
    if loss == "mse":
        return 0.0, float((share * (some - mean) ** 2).sum() / 2)
    if loss in ("mae", "huber"):
        away = np.abs(some - np.median(some, axis=0))
        if loss == "huber":
            away = np.where(away < 1, away * away / 2, away - 0.5)
        return 0.0, float((share * away).sum())
    if loss == "cross_entropy":
        return float((share[:, 0] * _entropies(some)).sum()), _entropy(mean)
    if loss == "binary_cross_entropy":
        sure = sum(_entropy(part) for part in (mean, 1 - mean))
        return float((share[:, 0] * (_entropies(some) + _entropies(1 - some))).sum()), sure
    if loss == "log_cosh":
        low, high = some.min(axis=0), some.max(axis=0)
        for _ in range(60):  # halving, to the last digit
            middle = (low + high) / 2
            rises = (share * np.tanh(middle - some)).sum(axis=0) > 0
            low, high = np.where(rises, low, middle), np.where(rises, middle, high)
        away = np.abs(some - low)
        cosh = away + np.log1p(np.exp(-2 * away)) - math.log(2)
        return 0.0, float((share * cosh).sum())
    if loss == "quantile":
        levels = np.resize(numbers or (0.5,), channels)
        best = [np.quantile(column, q) for column, q in zip(some.T, levels, strict=True)]
        above = some - np.array(best)
        return 0.0, float((share * np.maximum(levels * above, (levels - 1) * above)).sum())
    if loss == "gaussian_nll":  # no loss is the least: variances may go to zero
        means = some[:, : max(1, channels // 2)]
        away = (share * (means - (share * means).sum(axis=0)) ** 2).sum(axis=0)
        there = away[away > 0]
        return -math.inf, float((np.log(there) + 1).sum() / 2)
    if loss == "focal":
        sure = sum(s * _focused(row, numbers) for s, row in zip(share[:, 0], some, strict=True))
        return float(sure), _focused(mean, numbers)
    if loss == "binary_focal":
        both = np.stack([some, 1 - some], axis=-1)
        sure = sum(
            s * sum(_focused(pair, numbers) for pair in row)
            for s, row in zip(share[:, 0], both, strict=True)
        )
        return float(sure), sum(_focused(np.array([p, 1 - p]), numbers) for p in mean)
    if loss == "poisson":
        perfect = (share * some).sum() + (share[:, 0] * _entropies(some)).sum()
        return float(perfect), float(mean.sum() + _entropy(mean))
    return None


def _entropy(p: Array) -> float:
    """Return the sum of -p log p."""
    there = p[p > 0]
    return float(-(there * np.log(there)).sum())


def _focused(p: Array, numbers: Sequence[float]) -> float:
    """Return the sum of -p (1 - p)^gamma log p, the focal loss of shares p that are answered."""
    there = p[p > 0]
    gamma = numbers[0] if len(numbers) else 2.0
    return float(-(there * (1 - there) ** gamma * np.log(there)).sum())


def _entropies(rows: Array) -> Array:
    """Return the same of each row."""
    logs = np.log(rows, out=np.zeros_like(rows), where=rows > 0)
    sums: Array = -(rows * logs).sum(axis=1)
    return sums
