"""The loop over the epochs of a population: all members at once, each to its own end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import _core
from foxnn.model.answers import AnsweringNetwork
from foxnn.populations.data import PopulationData, Seen
from foxnn.populations.history import PopulationHistory
from foxnn.training.callbacks import Callbacks
from foxnn.training.checkpoint import Checkpoints
from foxnn.training.early_stopping import Watch
from foxnn.training.epochs import Course
from foxnn.training.progress import Progress
from foxnn.training.rates import Rates

Numbers = NDArray[np.float64]

# Seconds between two questions whether to stop, of a worker of another machine for instance: each
# ends the team of workers, and may take a millisecond on the way.
_ASKING = 0.5


@dataclass
class RunningEpoch:
    """The progress within an epoch: how many seconds, and what each member has done of it."""

    seconds: float
    draws: list[int]
    done: dict[str, list[Any]]  # steps, samples, loss, weight, correct

    def begin(self, trainer: _core.PopulationTrainer, trains: Sequence[bool]) -> None:
        """Bring a trainer, whose members are those of the checkpoint, to this point."""
        trainer.begin_epoch()
        for i, draw in enumerate(self.draws):
            own = {name: numbers[i] for name, numbers in self.done.items()}
            if trains[i] and own["steps"] > 0:
                trainer.go_on_within_epoch(i, draw, **own)


@dataclass
class PopulationPlan:
    """What the loop over the epochs needs to know."""

    engine: list[_core.Plan]
    epochs: range
    running: RunningEpoch | None  # the progress in the first epoch, if it has begun
    rates: list[Rates]
    callbacks: Callbacks
    watches: list[Watch | None]
    checkpoints: Checkpoints | None
    #: Writes a checkpoint of the loop; the epoch is under way, or between two.
    write: Callable[[PopulationLoop, Checkpoints, bool], None] | None
    time_limit: float | None
    shows_progress: bool
    threads: int
    ended: NDArray[np.bool_]  # members that a resumed run does not train any more


class PopulationLoop(Course):
    """One training run of a population: its plan and its progress.

    Attributes
    ----------
    ended : ndarray of bool
        Which members make no further steps.
    diverged : dict of int to tuple of int and float
        The epochs in which members have diverged, and their last finite losses (perhaps NaN).
    """

    trainer: _core.PopulationTrainer
    _bar: Progress

    def __init__(
        self,
        members: Sequence[AnsweringNetwork],
        engine: _core.Population,
        whole: object,
        data: PopulationData,
        plan: PopulationPlan,
        history: PopulationHistory,
    ) -> None:
        super().__init__(plan.epochs, plan.callbacks, plan.checkpoints, plan.time_limit)
        self._members = members
        #: Tells, now and then, whether nobody waits for the result any more.
        self.asks_to_stop: Callable[[], bool] | None = None
        self._engine = engine
        self._whole = whole  # what callbacks are given
        self.data = data
        self._plan = plan
        self.history = history
        self.watches = plan.watches
        self.ended = plan.ended.copy()
        self.diverged: dict[int, tuple[int, float]] = {}
        self._classifies = members[0]._classifies()
        self._changes_rates = any(rates.schedule is not None for rates in plan.rates)

    def _seconds_until_pause(self) -> float | None:
        seconds = super()._seconds_until_pause()
        return seconds if self.asks_to_stop is None else min(seconds or _ASKING, _ASKING)

    def _stop_if_over(self) -> bool:
        if self.asks_to_stop is not None and self.asks_to_stop():
            self._stops = True
            return True
        return super()._stop_if_over()

    def run(self) -> PopulationHistory:
        """Train for the planned epochs, or until something ends the run; return all records."""
        with self as course:
            for _ in course.each_epoch():
                pass
        return self.history

    def __enter__(self) -> PopulationLoop:
        samples, plan, seen = self.data.samples, self._plan, self.data.training
        self.trainer = _core.PopulationTrainer(
            self._engine, samples.x, samples.y, plan.engine, *_own(seen), plan.threads
        )
        self.trainer.__enter__()
        for i in np.flatnonzero(self.ended):
            self.trainer.end(int(i))
        self._steps = self.trainer.steps_per_epoch()
        self._bar = Progress(plan.epochs.stop, plan.shows_progress).__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)
        self.trainer.__exit__(*error)

    def each_epoch(self) -> Any:
        """Train; yield the number of each epoch when it is over."""
        return self._each_epoch()

    def end(self, member: int) -> None:
        """Let a member make no further steps."""
        self.trainer.end(member)
        self.ended[member] = True
        self._stops = self._stops or bool(self.ended.all())

    def _begin(self) -> None:
        self._stops = self._callbacks.call("on_train_begin", self._whole)
        self._stops = self._stops or bool(self.ended.all())

    def _finish(self) -> None:
        for member, watch in zip(self._members, self.watches, strict=True):
            if watch is not None:
                watch.restore(member)
        self._callbacks.call("on_train_end", self.history)

    def _train_epoch(self, epoch: int) -> bool:
        each = self._plan.rates
        known = {id(one): one.of(epoch) for one in {id(one): one for one in each}.values()}
        rates = np.array([known[id(one)] for one in each])
        if self._changes_rates:
            self.trainer.set_learning_rates(rates.tolist())
        trains = ~self.ended
        running = self._plan.running if epoch == self._plan.epochs.start else None
        if running is None:
            self.trainer.begin_epoch()
        else:
            running.begin(self.trainer, trains.tolist())
        self._start = time.perf_counter() - (0.0 if running is None else running.seconds)
        self._is_open = True
        done = self._make_steps(trains)
        seconds = time.perf_counter() - self._start
        is_whole = not (trains & (done["steps"] < self._steps) & ~done["diverged"]).any()
        if not is_whole and self._checkpoints is not None:
            self._keep_within_epoch()
        for i in np.flatnonzero(trains & done["diverged"]).tolist():
            self.diverged[i] = epoch, float(done["last_loss"][i])
            self.end(i)
        counted = trains & ~self.ended & (done["steps"] > 0)
        record = self._record(done, counted)
        means = {name: float(np.nanmean(n)) for name, n in record.items() if counted.any()}
        self._bar.update(means, float(done["samples"][trains].sum()) / max(seconds, 1e-9))
        self._is_open = False
        record["learning_rate"] = np.where(counted, rates, np.nan)
        self.history.add(**record, seconds=seconds)
        self._ask_watches(record, counted)
        self._is_new = is_whole
        logs = {name: numbers.copy() for name, numbers in record.items()}
        if self._callbacks.call("on_epoch_end", epoch, logs | {"seconds": seconds}):
            self._stops = True
        self._stop_if_over()
        return is_whole

    def _ask_watches(self, record: dict[str, Numbers], counted: NDArray[np.bool_]) -> None:
        """End the members whose patience is used up."""
        plain = {name: numbers.tolist() for name, numbers in record.items()}
        for i, (watch, member) in enumerate(zip(self.watches, self._members, strict=True)):
            if watch is None or not counted[i]:
                continue
            if watch.is_over({watch.monitor: plain[watch.monitor][i]}, member):
                self.end(i)

    def _make_steps(self, trains: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """Make the remaining steps of the epoch, or those until something ends the run."""
        while True:
            self.trainer.run_epoch(self._seconds_until_pause())
            done = self.trainer.epoch()
            left = trains & (done["steps"] < self._steps) & ~done["diverged"]
            is_over = self._stop_if_over()
            if not left.any() or is_over:
                return done
            if self._checkpoints is not None and self._checkpoints.is_time():
                self._keep_within_epoch()

    def _record(
        self, done: dict[str, NDArray[Any]], counted: NDArray[np.bool_]
    ) -> dict[str, Numbers]:
        """Return the means of the epoch, NaN for members that do not count."""
        record = {"loss": _ratio(done["loss"], done["weight"], counted)}
        if self._classifies:
            record["accuracy"] = _ratio(done["correct"], done["positions"], counted)
        held = self.data.held_out
        if held is None:
            return record
        which = np.flatnonzero(counted).tolist()
        seen = [self.data.validating[i] for i in which]
        loss, correct, positions = self._engine.evaluate(
            held.x, held.y, which, *_own(seen), self._plan.threads
        )
        found = {"val_loss": loss}
        if self._classifies:
            found["val_accuracy"] = correct / positions
        for name, numbers in found.items():
            record[name] = np.full(len(self._members), np.nan)
            record[name][which] = numbers
        return record

    def running(self) -> RunningEpoch:
        """Return the progress within the epoch that is under way."""
        done = self.trainer.epoch()
        names = ("steps", "samples", "loss", "weight", "correct")
        draws = [
            self.trainer.draw_of_epoch(i) if done["steps"][i] > 0 else member._draw()
            for i, member in enumerate(self._members)
        ]
        return RunningEpoch(
            time.perf_counter() - self._start,
            draws,
            {name: done[name].tolist() for name in names},
        )

    def _write_between_epochs(self, checkpoints: Checkpoints) -> None:
        if self._plan.write is not None:
            self._plan.write(self, checkpoints, False)

    def _write_within_epoch(self, checkpoints: Checkpoints) -> None:
        if self._plan.write is not None:
            self._plan.write(self, checkpoints, True)


def _own(seen: Sequence[Seen]) -> tuple[list[Any] | None, list[Any] | None]:
    """Return the rows and weights of members, as the engine takes them."""
    rows, weights = [one.rows for one in seen], [one.weights for one in seen]
    return (
        None if all(one is None for one in rows) else rows,
        None if all(one is None for one in weights) else weights,
    )


def _ratio(sums: NDArray[Any], weights: NDArray[Any], counted: NDArray[np.bool_]) -> Numbers:
    """Return quotients, NaN where there is nothing to divide by."""
    found = np.full(len(sums), math.nan)
    there = counted & (weights > 0)
    found[there] = sums[there] / weights[there]
    return found
