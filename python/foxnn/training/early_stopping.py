"""Ending a training run early: when a quantity has not improved for some epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from foxnn import _core, checks
from foxnn.checks.keywords import answering
from foxnn.checks.unpickling import Constants

_MONITORS = ("loss", "accuracy", "val_loss", "val_accuracy")


@answering("Keras has them in another order")
@dataclass(frozen=True)
class EarlyStopping(Constants):
    """End training when a quantity has not improved for some epochs.

    Parameters
    ----------
    monitor : str, optional
        "loss", "accuracy", "val_loss" or "val_accuracy"; by default val_loss if there are
        validation samples, else loss. A lower loss is better, and a higher accuracy.
    patience : int, default=10
        Number of epochs without improvement after which training ends.
    min_delta : float, default=0.0
        Smallest change that counts as an improvement.
    restore_best : bool, default=True
        Whether the network is set back to its best epoch at the end, including the moments of the
        optimizer. This applies however training ends, except by an exception.

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
    _: KW_ONLY
    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        monitor = self.monitor
        if isinstance(monitor, int | float):  # a patience comes first in some libraries
            raise TypeError(
                f"monitor must be one of {', '.join(_MONITORS)} or None, got "
                f"{checks.shown(monitor)}; a number of epochs is patience={checks.shown(monitor)}"
            )
        self._keep(
            monitor=None if monitor is None else checks.choice(monitor, "monitor", _MONITORS),
            patience=checks.integer(self.patience, "patience", 1),
            min_delta=checks.real(self.min_delta, "min_delta", 0.0),
            restore_best=checks.flag(self.restore_best, "restore_best"),
        )


def early_stopping_of(value: object) -> EarlyStopping | None:
    """Return the rule for the user's `early_stopping`: None, a patience or a complete rule."""
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
    """Follows one training run for an EarlyStopping rule.

    A least gain, a share of the first value, is what the patience waits for beside `min_delta`; the
    best epoch may be better by less. `refreshes`: the network of the best epoch is one object that
    changes with each better epoch. That takes a tenth of the time of a new one, but nobody can read
    it meanwhile.
    """

    def __init__(
        self,
        rule: EarlyStopping,
        monitor: str,
        least_gain: float = 0.0,
        refreshes: bool = False,
    ) -> None:
        self._rule = rule
        self._refreshes = refreshes
        self._least_gain = least_gain
        self._first: float | None = None
        self._monitor = monitor
        self._sign = -1.0 if monitor.endswith("accuracy") else 1.0
        self._least = math.inf
        self._waited = 0
        self._lowest = math.inf  # the value of the best epoch
        #: The number of epochs since the best one.
        self.since_best = 0
        self._best: _core.Network | None = None

    @property
    def monitor(self) -> str:
        """The name of the quantity that is watched."""
        return self._monitor

    @property
    def best(self) -> _core.Network | None:
        """The network after its best epoch, if it is to be restored."""
        return self._best

    def progress(self) -> dict[str, float | None]:
        """Return the progress as plain values."""
        least = None if self._least == math.inf else self._least  # no epoch has ended yet
        progress: dict[str, float | None] = {"least": least, "waited": self._waited}
        if self._least_gain:
            lowest = None if self._lowest == math.inf else self._lowest
            progress |= {"first": self._first, "lowest": lowest, "since_best": self.since_best}
        return progress

    def go_on(self, progress: Mapping[str, Any], best: _core.Network | None) -> None:
        """Continue from the progress of an earlier watch."""
        least = progress.get("least")
        self._least = math.inf if least is None else checks.real(least, "least")
        self._waited = checks.integer(progress.get("waited"), "waited", 0)
        first = progress.get("first")
        self._first = None if first is None else checks.real(first, "first")
        lowest = progress.get("lowest")
        self._lowest = self._least if lowest is None else checks.real(lowest, "lowest")
        self.since_best = checks.integer(progress.get("since_best", self._waited), "since_best", 0)
        self._best = best

    def is_over(self, record: Mapping[str, float], network: _core.Network) -> bool:
        """Process the record of an epoch; return whether to stop."""
        value = self._sign * record[self._monitor]
        if self._first is None:
            self._first = value
        gain = max(self._rule.min_delta, self._least_gain * abs(self._first))
        is_gain = value < self._least - gain
        if is_gain or (self._least_gain and value < self._lowest):
            self._lowest, self.since_best = value, 0
            if self._rule.restore_best and self._refreshes and self._best is not None:
                self._best._restore(network)
            elif self._rule.restore_best:
                self._best = network._copy()
        else:
            self.since_best += 1
        if is_gain:
            self._least, self._waited = value, 0
            return False
        self._waited += 1
        return self.is_exhausted

    @property
    def is_exhausted(self) -> bool:
        """Whether the patience is used up."""
        return self._waited >= self._rule.patience

    def restore(self, network: _core.Network) -> None:
        """Set the network back to its best epoch, if asked for and not the last one."""
        if self._best is not None and self.since_best > 0:
            network._restore(self._best)


def watch_of(
    rule: EarlyStopping | None,
    quantities: set[str],
    least_gain: float = 0.0,
    refreshes: bool = False,
) -> Watch | None:
    """Return a watch on one of the quantities that the run will report."""
    if rule is None:
        return None
    monitor = rule.monitor or ("val_loss" if "val_loss" in quantities else "loss")
    if monitor not in quantities:
        raise ValueError(
            f"early_stopping monitors {monitor!r}, but this training reports "
            f"{', '.join(sorted(quantities))}"
        )
    return Watch(rule, monitor, least_gain, refreshes)
