"""When a training ends before its last epoch: a quantity has not become better for some time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foxnn import _core, checks
from foxnn.checks.unpickling import Constants

_MONITORS = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class EarlyStopping(Constants):
    """Ends a training when a quantity has not become better for some epochs.

    Parameters
    ----------
    monitor : str, optional
        "loss", "accuracy", "val_loss" or "val_accuracy"; by default val_loss where there is a
        validation, else loss. Of a loss less is better, of an accuracy more.
    patience : int, default=10
        Epochs without a better value after which the training ends.
    min_delta : float, default=0.0
        By how much a value must be better to count as better.
    restore_best : bool, default=True
        Whether the network ends as it was after its best epoch, moments of the optimizer included,
        for whatever reason the training ends (but for an exception).

    Notes
    -----
    Prechelt, "Early stopping - but when?", 1998.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.EarlyStopping(patience=3)
    EarlyStopping(monitor=None, patience=3, min_delta=0.0, restore_best=True)
    """

    monitor: str | None = None
    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if self.monitor is not None:
            checks.choice(self.monitor, "monitor", _MONITORS)
        checked = {
            "patience": checks.integer(self.patience, "patience", 1),
            "min_delta": checks.real(self.min_delta, "min_delta", 0.0),
            "restore_best": checks.flag(self.restore_best, "restore_best"),
        }
        for name, value in checked.items():  # plain numbers, whatever came
            object.__setattr__(self, name, value)


def early_stopping_of(value: object) -> EarlyStopping | None:
    """Return what the user passed as `early_stopping`: nothing, a patience, or the whole."""
    if value is None or isinstance(value, EarlyStopping):
        return value
    try:
        return EarlyStopping(patience=checks.integer(value, "early_stopping", 1))
    except TypeError:
        raise TypeError(
            "early_stopping must be a number of epochs (the patience) or foxnn.EarlyStopping(...), "
            f"got {checks.shown(value)}"
        ) from None


class Watch:
    """Follows one training on behalf of an EarlyStopping."""

    def __init__(self, rule: EarlyStopping, monitor: str) -> None:
        self._rule = rule
        self._monitor = monitor
        self._sign = -1.0 if monitor.endswith("accuracy") else 1.0
        self._least = math.inf
        self._waited = 0
        self._best: _core.Network | None = None

    @property
    def best(self) -> _core.Network | None:
        """The network after its best epoch, where it is to be restored."""
        return self._best

    def progress(self) -> dict[str, float | None]:
        """Return how far it is, as plain values."""
        least = None if self._least == math.inf else self._least  # no epoch is over yet
        return {"least": least, "waited": self._waited}

    def go_on(self, progress: Mapping[str, Any], best: _core.Network | None) -> None:
        """Go on where another one was."""
        least = progress.get("least")
        self._least = math.inf if least is None else checks.real(least, "least")
        self._waited = checks.integer(progress.get("waited"), "waited", 0)
        self._best = best

    def is_over(self, record: Mapping[str, float], network: _core.Network) -> bool:
        """Take in the record of an epoch; return whether to stop."""
        value = self._sign * record[self._monitor]
        if value < self._least - self._rule.min_delta:
            self._least, self._waited = value, 0
            if self._rule.restore_best:
                self._best = network._copy()
            return False
        self._waited += 1
        return self.is_exhausted

    @property
    def is_exhausted(self) -> bool:
        """Whether there was no better value for too long."""
        return self._waited >= self._rule.patience

    def restore(self, network: _core.Network) -> None:
        """Set the network back to its best epoch, if that is wanted and was not the last."""
        if self._best is not None and self._waited > 0:
            network._restore(self._best)


def watch_of(rule: EarlyStopping | None, quantities: set[str]) -> Watch | None:
    """Return a watch on one of the quantities that a training will report."""
    if rule is None:
        return None
    monitor = rule.monitor or ("val_loss" if "val_loss" in quantities else "loss")
    if monitor not in quantities:
        raise ValueError(
            f"early_stopping monitors {monitor!r}, but this training reports "
            f"{', '.join(sorted(quantities))}"
        )
    return Watch(rule, monitor)
