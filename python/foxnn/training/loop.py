"""The loop over the epochs of `fit`: steps, records, validation, and what may end it early."""

from __future__ import annotations

import math
import time

from foxnn import _core
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.own_loss import OwnLoss
from foxnn.support.errors import DivergedError
from foxnn.training.advice import diverged_network
from foxnn.training.checkpoint import Running
from foxnn.training.data import FitData
from foxnn.training.history import History
from foxnn.training.plan import FitPlan
from foxnn.training.progress import Progress


class FitLoop:
    """One training run: its plan and its progress."""

    def __init__(
        self, network: AnsweringNetwork, data: FitData, plan: FitPlan, history: History
    ) -> None:
        self._network = network
        self._data = data
        self._plan = plan
        self._history = history
        self._callbacks = plan.callbacks
        self._watch = plan.watch
        self._checkpoints = plan.checkpoints
        limit = plan.time_limit
        self._end = None if limit is None else time.perf_counter() + limit
        self._own: OwnLoss | None = None
        self._last_loss: float | None = None
        self._stops = False
        self._is_open = False  # an epoch has begun and has no record yet
        self._is_new = False  # an epoch has ended, and no checkpoint includes it
        self._start = 0.0  # when the epoch began, minus the time it took in an earlier run

    @property
    def ran_out(self) -> bool:
        """Whether the run ended because its epochs were over."""
        return not self._stops and len(self._plan.epochs) > 0

    def run(self) -> History:
        """Train for the planned epochs, or until something ends the run; return all records."""
        training, plan, network = self._data.training, self._plan, self._network
        self._own = network._own(training.y, checks_gradient=plan.checks_loss)
        with (
            network._trainer(
                training.x, training.y, plan.engine, training.weights, self._own
            ) as trainer,
            Progress(None if plan.is_auto else plan.epochs.stop, plan.shows_progress) as bar,
        ):
            return self._run(trainer, bar)

    def _run(self, trainer: _core.Trainer, bar: Progress) -> History:
        self._stops = self._callbacks.call("on_train_begin", self._network)
        if self._watch is not None and self._watch.is_exhausted:
            self._stops = True  # resumed from a run that had ended
        try:
            for epoch in self._plan.epochs:
                if self._stops:
                    break
                is_whole = self._train_epoch(trainer, epoch, bar)
                if self._checkpoints is not None and is_whole:
                    is_last = self._stops or epoch == self._plan.epochs[-1]
                    if self._checkpoints.is_due(epoch + 1, is_last):
                        self._keep_between_epochs()
        except BaseException as error:
            self._end_with(trainer, error)
            raise
        if self._checkpoints is not None:
            self._checkpoints.wait()
        if self._watch is not None:
            self._watch.restore(self._network)
        if self._own is not None and self._own.is_checked:
            self._network._is_loss_checked = True
        self._callbacks.call("on_train_end", self._history)
        return self._history

    def _train_epoch(self, trainer: _core.Trainer, epoch: int, bar: Progress) -> bool:
        """Train for one epoch; return whether it was completed."""
        rate = self._plan.rates.of(epoch)
        if self._plan.rates.schedule is not None:
            trainer.set_learning_rate(rate)
        running = self._plan.running if epoch == self._plan.epochs.start else None
        if running is None:
            trainer.begin_epoch()
        else:
            running.begin(trainer)
        self._start = time.perf_counter() - (0.0 if running is None else running.seconds)
        self._is_open = True
        if self._own is not None:
            self._own.epoch = epoch
        self._make_steps(trainer, epoch)
        done = trainer.epoch()
        seconds = time.perf_counter() - self._start
        is_whole = done.samples == len(self._data.training)
        if not is_whole and self._checkpoints is not None:
            self._keep_within_epoch(trainer)
        record = self._means(done)
        if (held := self._data.held_out) is not None:
            found = self._network._evaluation(held.x, held.y, held.weights)
            record |= {f"val_{name}": value for name, value in found.items()}
        bar.update(record, done.samples / max(seconds, 1e-9))
        self._is_open = False
        record |= {"learning_rate": rate, "seconds": seconds}
        self._history.add(**record)
        if self._watch is not None and self._watch.is_over(record, self._network):
            self._stops = True
        self._is_new = is_whole
        if self._callbacks.call("on_epoch_end", epoch, dict(record)):
            self._stops = True
        if (left := self._seconds_left()) is not None and left <= 0.0:
            self._stops = True
        return is_whole

    def _make_steps(self, trainer: _core.Trainer, epoch: int) -> None:
        """Make the remaining steps of the epoch, or those until something ends the run."""
        hears, all_steps = self._callbacks.wants("on_batch_end"), trainer.steps_per_epoch()
        augmenting = self._plan.augmenting
        while (done := trainer.epoch().steps) < all_steps and not self._stops:
            if hears or augmenting is not None:
                x = None
                if augmenting is not None:
                    draw = trainer.draw_of_epoch()
                    x = augmenting.batch(trainer.next_batch(), draw, epoch, done)
                report = self._checked(trainer.run_batch(x), epoch)
                logs = self._means(report)
                if hears and self._callbacks.call("on_batch_end", done, logs):
                    self._stops = True
            else:
                self._checked(trainer.run_epoch(self._seconds_until_pause()), epoch)
            if (left := self._seconds_left()) is not None and left <= 0.0:
                self._stops = True
            elif self._checkpoints is not None and self._checkpoints.is_time():
                self._keep_within_epoch(trainer)

    def _keep_between_epochs(self) -> None:
        assert self._checkpoints is not None
        self._checkpoints.write(self._network, self._history, self._watch)
        self._is_new = False

    def _keep_within_epoch(self, trainer: _core.Trainer) -> None:
        assert self._checkpoints is not None
        running = Running.of(trainer, time.perf_counter() - self._start)
        self._checkpoints.write(self._network, self._history, self._watch, running)

    def _end_with(self, trainer: _core.Trainer, error: BaseException) -> None:
        """Write a checkpoint when an exception (or Ctrl-C) ends the run, if it can be resumed."""
        if self._checkpoints is None:
            return
        try:
            # Ctrl-C does not wait for a checkpoint being written, which is nearly as recent.
            if isinstance(error, Exception) or not self._checkpoints.is_writing():
                if self._is_open and not isinstance(error, DivergedError):
                    self._keep_within_epoch(trainer)
                elif self._is_new:
                    self._keep_between_epochs()
            self._checkpoints.end(error)
        except Exception as failure:  # the user must see what ended the run
            raise error from failure

    def _checked(self, report: _core.Report, epoch: int) -> _core.Report:
        if math.isfinite(report.last_loss):
            self._last_loss = report.last_loss
        if report.diverged:
            where = f"in epoch {epoch} (the first is 0)"
            raise diverged_network(self._network, where, epoch, self._last_loss)
        return report

    def _seconds_left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.perf_counter())

    def _seconds_until_pause(self) -> float | None:
        ends = [self._seconds_left()]
        if self._checkpoints is not None:
            ends.append(self._checkpoints.seconds_left())
        return min((end for end in ends if end is not None), default=None)

    def _means(self, done: _core.Report) -> dict[str, float]:
        """Return means over the samples of some steps, and over their positions."""
        # Samples of weight 0 have no loss.
        means = {"loss": done.loss / done.weight if done.weight else math.nan}
        if self._network._classifies():
            means["accuracy"] = done.correct / done.positions
        return means
