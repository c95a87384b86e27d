"""The learning rate of each epoch of a training run."""

from __future__ import annotations

from typing import Any

from foxnn import schedules


class Rates:
    """The rates of a schedule from some epoch on; the first one is computed immediately.

    A user's function is called once per epoch. For one of foxnn.schedules the last rate is checked,
    too: if any rate is out of range, so is that one.
    """

    def __init__(self, schedule: Any, base: float, epochs: range, ends_early: bool) -> None:
        last = epochs.stop - 1
        self.schedule = schedule
        self.base = base
        self._epoch = min(epochs.start, last)
        self.first = schedules.rate_of(schedule, self._epoch, base)
        if isinstance(schedule, schedules.Schedule) and not ends_early:
            schedules.rate_of(schedule, last, base)

    def of(self, epoch: int) -> float:
        """Return the rate of an epoch."""
        if self.schedule is None:
            return self.base
        if epoch == self._epoch:
            return self.first
        return schedules.rate_of(self.schedule, epoch, self.base)
