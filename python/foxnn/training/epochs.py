"""The course of a training run over its epochs: callbacks, checkpoints, and what ends it early.

What an epoch consists of, and what a checkpoint holds, is up to the kind of run.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator

from foxnn.support.errors import DivergedError
from foxnn.training.callbacks import Callbacks
from foxnn.training.checkpoint import Checkpoints


class Course(abc.ABC):
    """A training run: its epochs, and its progress within them."""

    def __init__(
        self,
        epochs: range,
        callbacks: Callbacks,
        checkpoints: Checkpoints | None,
        time_limit: float | None,
    ) -> None:
        self._epochs = epochs
        self._callbacks = callbacks
        self._checkpoints = checkpoints
        self._end = None if time_limit is None else time.perf_counter() + time_limit
        self._stops = False
        self._is_open = False  # an epoch has begun and has no record yet
        self._is_new = False  # an epoch has ended, and no checkpoint includes it
        self._start = 0.0  # when the epoch began, minus the time it took in an earlier run

    @property
    def ran_out(self) -> bool:
        """Whether the run ended because its epochs were over."""
        return not self._stops and len(self._epochs) > 0

    @abc.abstractmethod
    def _begin(self) -> None:
        """Call those who wait for the beginning; set `_stops` if there is nothing to do."""

    @abc.abstractmethod
    def _train_epoch(self, epoch: int) -> bool:
        """Train for one epoch; return whether it was completed."""

    @abc.abstractmethod
    def _finish(self) -> None:
        """Do what follows the last epoch, unless an exception has ended the run."""

    @abc.abstractmethod
    def _write_between_epochs(self, checkpoints: Checkpoints) -> None: ...

    @abc.abstractmethod
    def _write_within_epoch(self, checkpoints: Checkpoints) -> None: ...

    def _all_epochs(self) -> None:
        """Train for all epochs, or until something ends the run."""
        try:
            for _ in self._each_epoch():
                pass
        except RuntimeError as error:
            # This is what becomes of a function's StopIteration on its way through a generator.
            if isinstance(error.__cause__, StopIteration):
                raise error.__cause__ from None
            raise

    def _each_epoch(self) -> Iterator[int]:
        """Train; yield the number of each epoch when it is over."""
        self._begin()
        try:
            for epoch in self._epochs:
                if self._stops:
                    break
                is_whole = self._train_epoch(epoch)
                if self._checkpoints is not None and is_whole:
                    is_last = self._stops or epoch == self._epochs[-1]
                    if self._checkpoints.is_due(epoch + 1, is_last):
                        self._keep_between_epochs()
                yield epoch
        except BaseException as error:
            self._end_with(error)
            raise
        if self._checkpoints is not None:
            self._checkpoints.wait()
        self._finish()

    def _keep_between_epochs(self) -> None:
        assert self._checkpoints is not None
        self._write_between_epochs(self._checkpoints)
        self._is_new = False

    def _keep_within_epoch(self) -> None:
        assert self._checkpoints is not None
        self._write_within_epoch(self._checkpoints)

    def _end_with(self, error: BaseException) -> None:
        """Write a checkpoint when an exception (or Ctrl-C) ends the run, if it can be resumed."""
        if self._checkpoints is None:
            return
        try:
            # Ctrl-C does not wait for a checkpoint being written, which is nearly as recent.
            if isinstance(error, Exception) or not self._checkpoints.is_writing():
                if self._is_open and not isinstance(error, DivergedError):
                    self._keep_within_epoch()
                elif self._is_new:
                    self._keep_between_epochs()
            self._checkpoints.end(error)
        except Exception as failure:  # the user must see what ended the run
            raise error from failure

    def _stop_if_over(self) -> bool:
        """End the run if its time is over; return whether it is."""
        is_over = (left := self._seconds_left()) is not None and left <= 0.0
        if is_over:
            self._stops = True
        return is_over

    def _seconds_left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.perf_counter())

    def _seconds_until_pause(self) -> float | None:
        if self._end is None and self._checkpoints is None:
            return None
        ends = [self._seconds_left()]
        if self._checkpoints is not None:
            ends.append(self._checkpoints.seconds_left())
        return min((end for end in ends if end is not None), default=None)
