"""A loss of the user's, f(outputs, targets), as a training and an evaluation call it.

What it returns is checked each time, and its gradient by differences once. What is known of a loss
by name is in `losses`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.model.losses import LossFunction
from foxnn.support.errors import DivergedError

# Differences must agree to so much of the gradient's length: that of central ones is off by about
# the square of the step, and the step is the cube root of a rounding.
_TOLERANCES = {"float64": 1e-3, "float32": 5e-3, "float16": 0.1}
_ORDER = "loss must return the losses of the samples and the gradient by the outputs"


class OwnLoss:
    """A loss with the targets of the samples of one call.

    Parameters
    ----------
    function : callable
    y : ndarray
        The targets of all samples.
    checks_gradient : bool
        Whether the gradient of the first batch is checked by differences.
    epoch : int, optional
        The epoch for messages, which may be set; None: there are none.
    counts_batches : bool, default=False
        Whether messages name batches even without an epoch.

    Attributes
    ----------
    is_checked : bool
        Whether the gradient of a batch has been checked.
    """

    def __init__(
        self,
        function: LossFunction,
        y: Array,
        *,
        checks_gradient: bool = False,
        epoch: int | None = None,
        counts_batches: bool = False,
    ) -> None:
        self._function, self._y = function, y
        self._counts_batches = counts_batches
        self._checks_gradient = checks_gradient
        self.is_checked = False
        self.epoch = epoch

    def __call__(self, outputs: Array, which: Array, number: int) -> tuple[Array, Array]:
        """Return losses and gradient of a batch, for the engine."""
        try:
            targets = self._y[which]
            targets.flags.writeable = False
            found = self._found(outputs, targets)
            if self._checks_gradient:
                check_gradient(self._function, outputs, targets)
                self._checks_gradient, self.is_checked = False, True
        except BaseException as error:
            _note(error, self._where(number))
            raise
        return found

    def refuse(self, losses: Array, gradient: Array, number: int) -> None:
        """Raise the error of a batch with a loss or a gradient that is not finite."""
        part, what = (gradient, "gradient") if np.isfinite(losses).all() else (losses, "losses")
        wrong = np.argwhere(~np.isfinite(part))[0]
        where = self._where(number) or "in this step"
        raise DivergedError(
            f"{_named(self._function)} returned {part[tuple(wrong)]} in its {what} for sample "
            f"{wrong[0]} of the batch, {where}, while the outputs are finite; the network is as it "
            "was before this batch",
            self.epoch,
        )

    def mean(self, outputs: Array, weights: Array | None) -> float:
        """Return the mean loss of all samples, for an evaluation."""
        outputs, targets = outputs.view(), self._y.view()
        outputs.flags.writeable = targets.flags.writeable = False
        losses, _ = self._found(outputs, targets)
        return float(np.average(losses, weights=weights))

    def _found(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        try:
            found = self._function(outputs, targets)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ValueError(
                f"{_named(self._function)} must not change the outputs and targets that it gets; "
                "let it change copies"
            ) from error
        return returned(found, outputs, self._function)

    def _where(self, number: int) -> str:
        if self.epoch is None:
            return f"in batch {number} (from 0)" if self._counts_batches else ""
        return f"in batch {number} of epoch {self.epoch} (both from 0)"


def returned(found: Any, outputs: Array, function: LossFunction) -> tuple[Array, Array]:
    """Return what a loss has returned as float64 losses and a gradient of the outputs' type."""
    count = len(outputs)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise TypeError(f"{_ORDER}, two arrays, got {checks.shown(found)}")
    for part in found:
        if isinstance(part, np.ma.MaskedArray) and (hidden := int(np.ma.getmaskarray(part).sum())):
            raise ValueError(
                f"{_ORDER}, none of them masked, got {hidden} masked numbers from "
                f"{_named(function)}; give what does not count a loss and a gradient of 0"
            )
    losses, gradient = (np.asarray(part) for part in found)
    if losses.shape != (count,) or gradient.shape != outputs.shape:
        hint = " (one for each sample, not their mean)" if losses.shape in ((), (1,)) else ""
        raise ValueError(
            f"{_ORDER}, of shapes ({count},) and {outputs.shape}, got {losses.shape}{hint} and "
            f"{gradient.shape} from {_named(function)}"
        )
    for part in (losses, gradient):
        if part.dtype.kind not in "fiub":
            raise TypeError(f"{_ORDER} as real numbers, got {part.dtype}")
    return (
        np.ascontiguousarray(losses, np.float64),
        np.ascontiguousarray(gradient, outputs.dtype),
    )


def own_targets(y: Any, name: str, shape: tuple[int, ...], *, single: bool) -> Array:
    """Return targets for a loss of the user's: as they are, but of the network's type.

    Whole numbers stay whole. Of a single output they are a column, so that they do not broadcast.
    """
    array = checks.as_array(y, name)
    if array.ndim == 0:
        raise ValueError(f"{name} must have a row for each sample, got {checks.shown(y)}")
    if array.dtype.kind == "f":
        array = _of_type(array, name, np.dtype(np.float32 if single else np.float64))
    count = len(array)
    if array.ndim == 1 and shape == (1,):
        return array.reshape(count, 1)
    if len(shape) > 1 and array.ndim == 2 and array.size == count * int(np.prod(shape)):
        return array.reshape(count, *shape)
    return np.ascontiguousarray(array)


def _of_type(given: Array, name: str, dtype: np.dtype[Any]) -> Array:
    """Return numbers in a type that holds them; what is not finite is the function's to judge."""
    with np.errstate(over="ignore"):
        array: Array = np.ascontiguousarray(given, dtype)
    if array.dtype.itemsize < given.dtype.itemsize:
        beyond = np.argwhere(np.isinf(array) & np.isfinite(given))
        if len(beyond):
            raise ValueError(
                f"{name} must hold numbers of {dtype}, got {given[tuple(beyond[0])]} in sample "
                f"{beyond[0][0]}; scale the targets, or let the network be of dtype='float64'"
            )
    return array


def check_gradient(function: LossFunction, outputs: Array, targets: Array) -> None:
    """Raise ValueError if the gradient of a loss is not that of its losses.

    Both are followed along a random direction, in float64 where the loss computes in it. At a kink,
    any slope between those of its two sides will do.
    """
    point = outputs.astype(np.float64)
    direction = np.random.default_rng(0).standard_normal(point.shape)
    losses, gradient = _at(function, point, targets)
    here, name = _total(losses), losses.dtype.name
    if name not in _TOLERANCES or _is_single(function, point + 1e-5 * direction, targets):
        name = "float64" if name not in _TOLERANCES else "float32"
    eps = float(np.finfo(name).eps)
    step = eps ** (1 / 3)

    def sides(step: float) -> tuple[float, float]:
        above, below = (
            _total(_at(function, point + s * direction, targets)[0]) for s in (step, -step)
        )
        return (above - here) / step, (here - below) / step

    slopes = sides(step)
    if not np.isfinite(slopes).all():
        direction *= np.minimum(1.0, np.abs(point))  # outputs may end at zero
        slopes = sides(step)
        if not np.isfinite(slopes).all():
            return
    parts = gradient.astype(np.float64) * direction
    claimed, seen = float(parts.sum()), sum(slopes) / 2
    rounding = 16 * eps * abs(here) / step
    share = _TOLERANCES[name]
    tolerance = share * (float(np.sqrt((parts * parts).sum())) + abs(seen)) + rounding
    if abs(claimed - seen) <= tolerance:
        return
    low, high = sorted(slopes)
    if low - tolerance <= claimed <= high + tolerance:
        # The sides of a kink stay apart, those of a curve come together. In float64 they are near.
        nearer = slopes if name == "float64" else sides(step / 2)
        if abs(nearer[0] - nearer[1]) > 0.75 * (high - low):
            return
    raise ValueError(
        f"the gradient of {_named(function)} does not belong to its losses: along a direction, "
        f"the losses of the batch change by {seen:.6g} for each unit, by the gradient they would "
        f"change by {claimed:.6g}{_hint(claimed, seen, len(outputs))}; check_loss=False leaves "
        "this check out"
    )


def _is_single(function: LossFunction, point: Array, targets: Array) -> bool:
    """Return whether a loss computes in float32, whatever it is given and returns."""
    rounded = point.astype(np.float32).astype(np.float64)
    one, other = (_at(function, where, targets)[0] for where in (point, rounded))
    return np.array_equal(one, other)


def _at(function: LossFunction, point: Array, targets: Array) -> tuple[Array, Array]:
    point.flags.writeable = False
    losses, gradient = function(point, targets)
    return np.asarray(losses), np.asarray(gradient)


def _total(losses: Array) -> float:
    return float(np.sum(losses, dtype=np.float64))


def _hint(claimed: float, seen: float, count: int) -> str:
    if count > 1 and abs(claimed * count - seen) < 0.02 * abs(seen):
        return (
            f", 1/{count} of it: the gradient must be that of each sample's loss, not of their mean"
        )
    return ", the same with the other sign" if abs(claimed + seen) < 0.02 * abs(seen) else ""


def _named(function: LossFunction) -> str:
    name = getattr(function, "__qualname__", None)
    return f"loss {name}" if isinstance(name, str) else "loss"


def _note(error: BaseException, where: str) -> None:
    """Say where an exception of the user's function was raised, from Python 3.11 on."""
    if where and hasattr(error, "add_note"):
        error.add_note(f"in the loss, {where}")
