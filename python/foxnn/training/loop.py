"""The loop over the epochs of `fit`: steps, records, validation, and what may end it early."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable

from foxnn import _core
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.own_loss import OwnLoss
from foxnn.training.advice import diverged_network
from foxnn.training.checkpoint import Checkpoints, Running
from foxnn.training.data import FitData
from foxnn.training.epochs import Course
from foxnn.training.history import History
from foxnn.training.plan import FitPlan
from foxnn.training.progress import Progress
from foxnn.training.ranks import ALONE
from foxnn.training.shards import ShardedSamples

# Seconds between two moments of a long epoch: a page that is asked to pause does so at once, as
# people see it, and ten more calls of the engine in a second cost nothing that can be measured.
_MOMENT = 0.1
# Epochs below this have none: what pages want is done between them, and those of some microseconds
# are spared the clock.
_LONG = _MOMENT / 4


class FitLoop(Course):
    """One training run of a network: its plan and its progress."""

    _trainer: _core.Trainer
    _bar: Progress

    def __init__(
        self, network: AnsweringNetwork, data: FitData, plan: FitPlan, history: History
    ) -> None:
        super().__init__(plan.epochs, plan.callbacks, plan.checkpoints, plan.time_limit)
        self._network = network
        self._data = data
        self._plan = plan
        self._history = history
        self._watch = plan.watch
        self._own: OwnLoss | None = None
        self._ranks = ALONE if data.cut is None else data.cut.ranks
        self._hears = False  # whether some rank waits for the ends of batches
        self._hears_epochs = plan.callbacks.wants("on_epoch_end")
        self._onlookers = plan.callbacks.onlookers
        self._has_moments = False  # whether somebody waits for moments
        self._moment = 0.0  # when the next one is
        self._is_long = True  # whether epochs are, which decides about moments; the first may be
        self._last_loss: float | None = None
        held, cut = data.held_out, data.cut
        self._sharded: ShardedSamples | None = None
        if held is not None and cut is not None:
            self._sharded = ShardedSamples(cut, held, data.validated)

    def run(self) -> History:
        """Train for the planned epochs, or until something ends the run; return all records."""
        training, plan, network = self._data.training, self._plan, self._network
        self._own = network._own(training.y, checks_gradient=plan.checks_loss)
        cut = self._data.cut
        shards = None if cut is None else cut.engine(self._data.trained)
        with (
            network._trainer(
                training.x, training.y, plan.engine, training.weights, self._own, shards
            ) as self._trainer,
            Progress(None if plan.is_auto else plan.epochs.stop, plan.shows_progress) as self._bar,
        ):
            try:
                self._all_epochs()
            except BaseException:
                for onlooker in self._onlookers:
                    onlooker.give_up()
                raise
        return self._history

    def _begin(self) -> None:
        self._stops = self._ranks.any(self._callbacks.call("on_train_begin", self._network))
        self._hears = self._ranks.any(self._callbacks.wants("on_batch_end"))
        # Ranks would each have moments of their own, but must make the same steps.
        if self._ranks is ALONE:
            self._has_moments = self._callbacks.wants("on_moment") or bool(self._onlookers)
            self._moment = time.perf_counter() + _MOMENT
        for onlooker in self._onlookers:
            onlooker.follow(self._history)
        if self._watch is not None and self._watch.is_exhausted:
            self._stops = True  # resumed from a run that had ended

    def _finish(self) -> None:
        if self._watch is not None:
            self._watch.restore(self._network)
        if self._own is not None and self._own.is_checked:
            self._network._is_loss_checked = True
        self._callbacks.call("on_train_end", self._history)

    def _train_epoch(self, epoch: int) -> bool:
        trainer = self._trainer
        rate = self._plan.rates.of(epoch)
        if self._plan.rates.schedule is not None:
            if self._ranks is not ALONE:
                from foxnn.training.agreement import refuse_different

                refuse_different(self._ranks, {f"the learning rate of epoch {epoch}": rate})
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
        self._make_steps(epoch)
        done = trainer.epoch()
        now = time.perf_counter()
        seconds = self._ranks.gathered(now - self._start)[0]
        self._is_long = seconds > _LONG
        is_whole = done.samples == self._data.trained
        if not is_whole and self._checkpoints is not None:
            self._keep_within_epoch()
        record = self._means(done)
        if self._data.held_out is not None:
            record |= {f"val_{name}": value for name, value in self._validation().items()}
        self._bar.update(record, done.samples / max(seconds, 1e-9))
        self._is_open = False
        record |= {"learning_rate": rate, "seconds": seconds}
        self._history.add(**record)
        if self._watch is not None and self._watch.is_over(record, self._network):
            self._stops = True
        self._is_new = is_whole
        if self._hears_epochs and self._callbacks.call("on_epoch_end", epoch, dict(record)):
            self._stops = True
        for onlooker in self._onlookers:
            if now >= onlooker.due:
                onlooker.look()
        self._stop_if_over()
        self._stops = self._ranks.any(self._stops)
        return is_whole

    def _validation(self) -> dict[str, float]:
        if self._sharded is not None:
            return self._sharded.evaluation(self._network)
        held = self._data.held_out
        assert held is not None
        return self._network._evaluation(held.x, held.y, held.weights)

    def _make_steps(self, epoch: int) -> None:
        """Make the remaining steps of the epoch, or those until something ends the run."""
        trainer = self._trainer
        hears, all_steps = self._hears, trainer.steps_per_epoch()
        augmenting = self._plan.augmenting
        while (done := trainer.epoch().steps) < all_steps and not self._stops:
            if hears or augmenting is not None:
                x = None
                if augmenting is not None:
                    draw = trainer.draw_of_epoch()
                    x = augmenting.batch(trainer.next_batch(), draw, epoch, done)
                report = self._made(functools.partial(trainer.run_batch, x))
                self._checked(report, epoch)
                logs = self._means(report)
                if hears and self._callbacks.call("on_batch_end", done, logs):
                    self._stops = True
            else:
                seconds = self._seconds_until_pause()
                report = self._made(functools.partial(trainer.run_epoch, seconds))
                self._checked(report, epoch)
            if self._has_moments and self._is_long and report.steps < all_steps:
                self._call_at_moment(report.steps)
            is_over = self._stop_if_over()
            self._stops = self._ranks.any(self._stops)
            if not is_over and self._checkpoints is not None and self._checkpoints.is_time():
                self._keep_within_epoch()

    def _made(self, steps: Callable[[], _core.Report]) -> _core.Report:
        """Make some steps, together with the other ranks."""
        with self._ranks.held():
            try:
                return steps()
            except BaseException:
                if self._data.cut is not None and self._data.cut.average_every is not None:
                    # Between two averages the weights are this rank's own: a run could not go on
                    # from there, so no checkpoint holds them.
                    self._is_open = self._is_new = False
                raise

    def _call_at_moment(self, steps: int) -> None:
        """Call those who wait for moments, if it is time."""
        if (now := time.perf_counter()) >= self._moment:
            if self._callbacks.call("on_moment", steps):
                self._stops = True
            for onlooker in self._onlookers:
                if now >= onlooker.due:
                    onlooker.look()
            self._moment = time.perf_counter() + _MOMENT

    def _seconds_until_pause(self) -> float | None:
        seconds = super()._seconds_until_pause()
        if not (self._has_moments and self._is_long):
            return seconds
        left = max(0.0, self._moment - time.perf_counter())
        return left if seconds is None else min(seconds, left)

    def _write_between_epochs(self, checkpoints: Checkpoints) -> None:
        checkpoints.write(self._network, self._history, self._watch)

    def _write_within_epoch(self, checkpoints: Checkpoints) -> None:
        running = Running.of(self._trainer, time.perf_counter() - self._start)
        checkpoints.write(self._network, self._history, self._watch, running)

    def _checked(self, report: _core.Report, epoch: int) -> _core.Report:
        if math.isfinite(report.last_loss):
            self._last_loss = report.last_loss
        if report.diverged:
            where = f"in epoch {epoch} (the first is 0)"
            raise diverged_network(self._network, where, epoch, self._last_loss)
        return report

    def _means(self, done: _core.Report) -> dict[str, float]:
        """Return means over the samples of some steps, and over their positions."""
        # Samples of weight 0 have no loss.
        means = {"loss": done.loss / done.weight if done.weight else math.nan}
        if self._network._classifies():
            means["accuracy"] = done.correct / done.positions
        return means
