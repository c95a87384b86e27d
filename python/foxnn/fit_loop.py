"""The epochs of `fit`: steps, records, validation, and all that may end them early."""

from __future__ import annotations

import math
import time
from typing import Any

from foxnn import _core, schedules
from foxnn.base import BaseNetwork
from foxnn.callbacks import Callbacks
from foxnn.checkpoint import Checkpoints
from foxnn.early_stopping import Watch
from foxnn.errors import diverged
from foxnn.fit_data import Samples
from foxnn.history import History
from foxnn.progress import Progress


class FitLoop:
    """One training: what it was told, and how far it is."""

    def __init__(
        self,
        network: BaseNetwork,
        samples: int,
        held_out: Samples | None,
        callbacks: Callbacks,
        watch: Watch | None,
        schedule: Any,
        rate: float,
        first: tuple[int, float],
        time_limit: float | None,
        checkpoints: Checkpoints | None,
    ) -> None:
        self._network = network
        self._samples = samples
        self._held_out = held_out
        self._callbacks = callbacks
        self._watch = watch
        self._schedule = schedule
        self._rate = rate
        self._first = first
        self._end = None if time_limit is None else time.perf_counter() + time_limit
        self._checkpoints = checkpoints
        self._last_loss: float | None = None
        self._stops = False
        self._is_whole = False

    def run(
        self, trainer: _core.Trainer, epochs: range, bar: Progress, history: History
    ) -> History:
        """Train for those epochs, or until something ends them; return all records."""
        self._stops = self._callbacks.call("on_train_begin", self._network)
        if self._watch is not None and self._watch.is_exhausted:
            self._stops = True  # the checkpoint of a run that had ended
        try:
            for epoch in epochs:
                if self._stops:
                    break
                self._train_epoch(trainer, epoch, history, bar)
                self._keep(epoch, epochs, history)
        except BaseException as error:
            if self._checkpoints is not None:
                self._checkpoints.end(error)
            raise
        if self._checkpoints is not None:
            self._checkpoints.wait()
        if self._watch is not None:
            self._watch.restore(self._network)
        self._callbacks.call("on_train_end", history)
        return history

    def _keep(self, epoch: int, epochs: range, history: History) -> None:
        if self._checkpoints is None:
            return
        # An epoch that was cut short is not one that a run can go on from.
        whole = self._is_whole
        if whole and self._checkpoints.is_due(epoch + 1, epoch == epochs[-1] or self._stops):
            self._checkpoints.write(self._network, history, self._watch)

    def _train_epoch(
        self, trainer: _core.Trainer, epoch: int, history: History, bar: Progress
    ) -> None:
        rate = self._rate
        if self._schedule is not None:
            # The first epoch's has been asked for: a function is asked once an epoch.
            is_first = epoch == self._first[0]
            rate = (
                self._first[1] if is_first else schedules.rate_of(self._schedule, epoch, self._rate)
            )
            trainer.set_learning_rate(rate)
        start = time.perf_counter()
        total = _Sum()
        if self._callbacks.wants("on_batch_end"):
            self._run_batches(trainer, epoch, total)
        else:
            self._add(trainer.run_epoch(self._seconds_left()), total, epoch)
        seconds = time.perf_counter() - start
        self._is_whole = total.samples == self._samples
        record = total.record(self._network._classifies())
        if self._held_out is not None:
            held = self._held_out
            found = self._network._evaluation(held.x, held.y, held.weights)
            record |= {f"val_{name}": value for name, value in found.items()}
        bar.update(record, total.samples / max(seconds, 1e-9))
        record |= {"learning_rate": rate, "seconds": seconds}
        history.add(**record)
        if self._callbacks.call("on_epoch_end", epoch, dict(record)):
            self._stops = True
        if self._watch is not None and self._watch.is_over(record, self._network):
            self._stops = True
        if (left := self._seconds_left()) is not None and left <= 0.0:
            self._stops = True

    def _run_batches(self, trainer: _core.Trainer, epoch: int, total: _Sum) -> None:
        for batch in range(trainer.steps_per_epoch()):
            part = _Sum()
            self._add(trainer.run_batch(), part, epoch)
            total.add(part)
            logs = part.record(self._network._classifies())
            if self._callbacks.call("on_batch_end", batch, logs):
                self._stops = True
            if (left := self._seconds_left()) is not None and left <= 0.0:
                self._stops = True
            if self._stops:
                break

    def _add(self, report: _core.Report, total: _Sum, epoch: int) -> None:
        if math.isfinite(report.last_loss):
            self._last_loss = report.last_loss
        if report.diverged:
            where = f"in epoch {epoch} (the first is 0)"
            raise diverged(where, epoch, self._last_loss)
        total.add(report)

    def _seconds_left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.perf_counter())


class _Sum:
    """What some steps did, added up."""

    def __init__(self) -> None:
        self.samples = 0
        self.loss = 0.0
        self.weight = 0.0
        self.correct = 0

    def add(self, other: _core.Report | _Sum) -> None:
        self.samples += other.samples
        self.loss += other.loss
        self.weight += other.weight
        self.correct += other.correct

    def record(self, classifies: bool) -> dict[str, float]:
        """Return the means over the samples."""
        # Samples that count nothing have no loss.
        record = {"loss": self.loss / self.weight if self.weight else math.nan}
        if classifies:
            record["accuracy"] = self.correct / self.samples
        return record
