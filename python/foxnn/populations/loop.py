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
from foxnn.network import neural_network
from foxnn.populations.data import PopulationData, Seen
from foxnn.populations.history import PopulationHistory
from foxnn.populations.running import DONE, NOTHING_DONE, RunningEpoch
from foxnn.populations.together import PAUSE, Pulse, share_members
from foxnn.training.agreement import refuse_different
from foxnn.training.callbacks import Callbacks
from foxnn.training.checkpoint import Checkpoints
from foxnn.training.early_stopping import Watch
from foxnn.training.epochs import Course
from foxnn.training.progress import Progress
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.rates import Rates

Numbers = NDArray[np.float64]

# Seconds between two questions whether to stop, of a worker of another machine for instance: each
# ends the team of workers, and may take a millisecond on the way.
_ASKING = 0.5


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
    ranks: Ranks = ALONE
    pulse: Pulse | None = None  # of ranks that have runs of their own


class PopulationLoop(Course):
    """One training run of a population: its plan and its progress.

    Of a run on several ranks, a rank trains its share of the members, which `data` and the plan's
    lists are about, too; the history has all members.

    Attributes
    ----------
    ended : ndarray of bool
        Which members of this process make no further steps.
    diverged : dict of int to tuple of int and float
        The epochs in which members (of all) have diverged, and their last finite losses (perhaps
        NaN).
    """

    trainer: _core.PopulationTrainer | None = None
    _bar: Progress

    def __init__(
        self,
        members: Sequence[neural_network],
        engine: _core.Population | None,
        whole: object,
        data: PopulationData,
        plan: PopulationPlan,
        history: PopulationHistory,
    ) -> None:
        super().__init__(plan.epochs, plan.callbacks, plan.checkpoints, plan.time_limit)
        self._ranks = plan.ranks
        self._every = members
        self._own = plan.ranks.share(len(members))
        self._members = [members[i] for i in self._own]
        self._engine = engine  # of these members; None if there are none
        #: Tells, now and then, whether nobody waits for the result any more.
        self.asks_to_stop: Callable[[], bool] | None = None
        self._whole = whole  # what callbacks are given
        self.data = data
        self._plan = plan
        self.history = history
        self.watches = plan.watches
        self.ended = plan.ended.copy()
        self.diverged: dict[int, tuple[int, float]] = {}
        self._classifies = members[0]._classifies()
        self._changes_rates = any(rates.schedule is not None for rates in plan.rates)

    def run(self) -> PopulationHistory:
        """Train for the planned epochs, or until something ends the run; return all records."""
        with self:
            self._all_epochs()
        return self.history

    def __enter__(self) -> PopulationLoop:
        samples, plan, seen = self.data.samples, self._plan, self.data.training
        self._steps = np.zeros(0, np.int64)
        if self._engine is not None:
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
        if self.trainer is not None:
            self.trainer.__exit__(*error)

    def each_epoch(self) -> Any:
        """Train; yield the number of each epoch when it is over."""
        return self._each_epoch()

    def end(self, member: int) -> None:
        """Let a member of this process make no further steps."""
        assert self.trainer is not None
        self.trainer.end(member)
        self.ended[member] = True
        if self._ranks is ALONE:
            self._stops = self._stops or bool(self.ended.all())

    def _begin(self) -> None:
        stops = self._callbacks.call("on_train_begin", self._whole)
        told = self._ranks.gathered(
            (stops, bool(self.ended.all()), self._callbacks.wants("on_epoch_end"))
        )
        self._stops = any(stop for stop, _, _ in told) or all(ended for _, ended, _ in told)
        # Then callbacks are to see all members as they are.
        self._shares_members = any(wanted for _, _, wanted in told)

    def _finish(self) -> None:
        for member, watch in zip(self._members, self.watches, strict=True):
            if watch is not None:
                watch.restore(member)
        share_members(self._every, self._ranks)
        self._callbacks.call("on_train_end", self.history)

    def _end_with(self, error: BaseException) -> None:
        if self._ranks is ALONE:
            super()._end_with(error)
        elif self._checkpoints is not None:
            # Not all ranks can give their members any more: the last checkpoint stays.
            self._checkpoints.end(error)

    def _train_epoch(self, epoch: int) -> bool:
        rates, trains = self._rates_of(epoch), ~self.ended
        running = self._plan.running if epoch == self._plan.epochs.start else None
        if self.trainer is not None and trains.any():
            if self._changes_rates:
                self.trainer.set_learning_rates(rates.tolist())
            if running is None:
                self.trainer.begin_epoch()
            else:
                running.begin(self.trainer, trains.tolist())
        self._start = time.perf_counter() - (0.0 if running is None else running.seconds)
        self._is_open = True
        done, is_whole = self._make_steps(trains)
        seconds = time.perf_counter() - self._start
        if not is_whole and self._checkpoints is not None:
            self._keep_within_epoch()
        for i in np.flatnonzero(trains & done["diverged"]).tolist():
            self.diverged[self._own.start + i] = epoch, float(done["last_loss"][i])
            self.end(i)
        counted = trains & ~self.ended & (done["steps"] > 0)
        record = self._record(done, counted)
        self._ask_watches(record, counted)
        record["learning_rate"] = np.where(counted, rates, np.nan)
        samples = float(done["samples"][trains].sum())
        every = self._ranks.gathered(
            (record, seconds, samples, self.diverged, bool(self.ended.all()))
        )
        records, times, counts, diverged, all_ended = zip(*every, strict=True)
        record = {name: np.concatenate([one[name] for one in records]) for name in record}
        for found in diverged:
            self.diverged |= found
        self._show(record, sum(counts) / max(times[0], 1e-9))
        self._is_open = False
        self.history.add(**record, seconds=times[0])
        self._is_new = is_whole
        if self._shares_members:
            share_members(self._every, self._ranks)
        logs = {name: numbers.copy() for name, numbers in record.items()}
        if self._callbacks.call("on_epoch_end", epoch, logs | {"seconds": times[0]}):
            self._stops = True
        self._stop_if_over()
        self._stops = self._ranks.any(self._stops) or all(all_ended)
        return is_whole

    def _rates_of(self, epoch: int) -> Numbers:
        """Return the learning rates of the members of this process."""
        each = self._plan.rates
        known = {id(one): one.of(epoch) for one in {id(one): one for one in each}.values()}
        rates = np.array([known[id(one)] for one in each])
        if self._changes_rates and self._ranks is not ALONE:
            told = rates.tolist() if len(known) > 1 else rates[0]
            refuse_different(self._ranks, {f"the learning rate of epoch {epoch}": told})
        return rates[self._own.start : self._own.stop]

    def _show(self, record: dict[str, Numbers], pace: float) -> None:
        """Show the means over the members that have trained."""
        numbers = {name: values for name, values in record.items() if name != "learning_rate"}
        there = not np.isnan(record["learning_rate"]).all()
        self._bar.update({n: float(np.nanmean(v)) for n, v in numbers.items() if there}, pace)

    def _ask_watches(self, record: dict[str, Numbers], counted: NDArray[np.bool_]) -> None:
        """End the members whose patience is used up."""
        plain = {name: numbers.tolist() for name, numbers in record.items()}
        for i, (watch, member) in enumerate(zip(self.watches, self._members, strict=True)):
            if watch is None or not counted[i]:
                continue
            if watch.is_over({watch.monitor: plain[watch.monitor][i]}, member):
                self.end(i)

    def _make_steps(self, trains: NDArray[np.bool_]) -> tuple[dict[str, NDArray[Any]], bool]:
        """Make the remaining steps of the epoch, or those until something ends the run.

        Return what is done, and whether all members (of all) have completed the epoch.
        """
        while True:
            done = NOTHING_DONE
            if self.trainer is not None:
                if trains.any():
                    self.trainer.run_epoch(self._seconds_until_pause())
                done = self.trainer.epoch()
            if self._plan.pulse is not None:
                self._plan.pulse.beat()
            left = bool((trains & (done["steps"] < self._steps) & ~done["diverged"]).any())
            is_over = self._stop_if_over()
            is_time = self._checkpoints is not None and self._checkpoints.is_time()
            told = self._ranks.gathered((left, is_over, is_time))
            left, is_over, is_time = (any(flags) for flags in zip(*told, strict=True))
            self._stops = self._stops or is_over
            if not left or is_over:
                return done, not left
            if is_time:
                self._keep_within_epoch()

    def _seconds_until_pause(self) -> float | None:
        ends = [super()._seconds_until_pause()]
        if self._plan.pulse is not None:
            ends.append(self._plan.pulse.seconds_left())
        elif self._ranks is not ALONE:
            ends.append(PAUSE)
        elif self.asks_to_stop is not None:
            ends.append(_ASKING)
        return min((end for end in ends if end is not None), default=None)

    def _stop_if_over(self) -> bool:
        if self.asks_to_stop is not None and self.asks_to_stop():
            self._stops = True
            return True
        return super()._stop_if_over()

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
        record |= {f"val_{name}": np.full(len(self._members), np.nan) for name in record}
        if self._engine is None or not which:
            return record
        loss, correct, positions = self._engine.evaluate(
            held.x, held.y, which, *_own(seen), self._plan.threads
        )
        record["val_loss"][which] = loss
        if self._classifies:
            record["val_accuracy"][which] = correct / positions
        return record

    def running(self) -> RunningEpoch:
        """Return the progress within the epoch that is under way, of members of this process."""
        seconds = time.perf_counter() - self._start
        if self.trainer is None:
            return RunningEpoch(seconds, [], {name: [] for name in DONE})
        done = self.trainer.epoch()
        draws = [
            self.trainer.draw_of_epoch(i) if done["steps"][i] > 0 else member._draw()
            for i, member in enumerate(self._members)
        ]
        return RunningEpoch(seconds, draws, {name: done[name].tolist() for name in DONE})

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
