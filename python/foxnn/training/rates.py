"""The learning rate of each epoch of a training."""

from __future__ import annotations

from typing import Any

from foxnn import schedules


class Rates:
    """The rates of a schedule from some epoch on, the first of which is asked for at once.

    A function of the user's is asked once an epoch. Of a schedule of foxnn's the last rate is
    checked, too: all of them go up or down to their ends, so what is wrong with one shows there.
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
