"""The networks of a contest, divided over workers of a back end of joblib.

Members of a population do not know of each other, so each has the bits that it has in one process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foxnn.checks import Array
from foxnn.model import state
from foxnn.network import neural_network
from foxnn.populations.checkpoint import PopulationStart
from foxnn.populations.folds import Pair
from foxnn.populations.group import Group, Material
from foxnn.populations.history import PopulationHistory
from foxnn.populations.loop import PopulationLoop
from foxnn.populations.workers import Workers, share, stop_of
from foxnn.support.warn import silenced
from foxnn.training.progress import Progress, is_wanted

if TYPE_CHECKING:
    from foxnn.populations.contest import Contest

Members = list[tuple[int, int]]  # as settings and folds

# Members that go side by side in the lanes of a vector: fewer in a part would leave lanes empty.
_LANES = 16
# Parts for each worker, where there are as many: those that end early make room for others.
_PARTS_EACH = 2


@dataclass
class Standing:
    """A member between two rungs: where it continues, on whatever worker."""

    network: neural_network
    watch: Mapping[str, Any] | None
    best: Any
    draw: int
    ended: bool
    diverged: tuple[int, float] | None


@dataclass
class Part:
    """Some members of a group, for one call of a worker.

    Attributes
    ----------
    settings, grid : list of dict
        Those of the members.
    members : list of tuple of int
        The networks, as settings and folds.
    standing : list of Standing or None
        Where they continue; None: they begin.
    reported : list of str
        The names of what the run reports; empty if it begins.
    epochs, samples : int
        How many epochs are done, and how many samples there are.
    until : int or None
        Up to which epoch to train; None: to the end.
    run : str
        The name of the call, by which a worker finds whether to stop.
    """

    settings: list[dict[str, Any]]
    grid: list[dict[str, Any]]
    members: Members
    standing: list[Standing] | None
    reported: list[str]
    epochs: int
    samples: int
    until: int | None
    lengths: Any
    threads: int
    run: str


@dataclass
class Outcome:
    """What has become of a part, which is known by its number."""

    number: int
    scores: dict[str, Array]
    standing: list[Standing]
    reported: list[str]


class DividedGroup:
    """A group whose members are trained by workers: what this process knows of them."""

    def __init__(self, group: Group, contest: Contest, threads: int, run: str) -> None:
        self.group = group
        self._contest, self._threads, self._run = contest, threads, run
        self._standing: dict[tuple[int, int], Standing] = {}
        self._reported: list[str] = []
        self._done = 0

    def parts(self, size: int, until: int | None) -> list[tuple[Members, Part]]:
        """Return what there is to do up to an epoch, in parts of at most this size."""
        alive = {*self.group.alive}
        left = [one for one in self.group.members if self.group.places[one[0]] in alive]
        count = math.ceil(len(left) / size)
        cuts = [len(left) * i // count for i in range(count + 1)] if count else []
        each = [left[first:end] for first, end in pairwise(cuts)]
        return [(members, self._part(members, until)) for members in each]

    def _part(self, members: Members, until: int | None) -> Part:
        group, contest = self.group, self._contest
        used = sorted({i for i, _ in members})
        return Part(
            settings=[{**group.settings[i], "progress": False} for i in used],
            grid=[dict(contest.grid[group.places[i]]) for i in used],
            members=[(used.index(i), fold) for i, fold in members],
            standing=[self._standing[one] for one in members] if self._done else None,
            reported=self._reported,
            epochs=self._done,
            samples=contest.count,
            until=until,
            lengths=contest.lengths,
            threads=self._threads,
            run=self._run,
        )

    def take(self, members: Members, outcome: Outcome) -> None:
        """Note what has become of some members."""
        self.group.take(members, outcome.scores)
        if outcome.standing:
            self._standing.update(zip(members, outcome.standing, strict=True))
            self._reported = outcome.reported

    def advance(self, epochs: int | None) -> None:
        """Note that all parts are done."""
        if epochs is not None:
            self._done = min(epochs, self.group.epochs)


@contextmanager
def training_by(
    backend: Any, groups: Sequence[Group], contest: Contest
) -> Iterator[Callable[[int | None], None]]:
    """Return what trains groups, which are checked, on workers, up to a number of epochs."""
    for group in groups:
        group.release()
    with Workers(backend, contest.call) as workers:
        threads = workers.threads(contest.threads)
        divided = [DividedGroup(group, contest, threads, workers.name) for group in groups]
        rows, borders = _flat(contest.pairs)
        shows = is_wanted(groups[0].settings[0]["progress"])

        def train(epochs: int | None) -> None:
            members = sum(len(group.alive) for group in groups) * len(contest.pairs)
            size = size_of_parts(members, workers.count, threads)
            parts = [(one, *part) for one in divided for part in one.parts(size, epochs)]
            calls = (
                (contest.x, contest.y, rows, borders, number, part)
                for number, (_, _, part) in enumerate(parts)
            )
            with Progress(members, shows, "network") as bar:
                for outcome in workers.each(trained, calls):
                    one, own, _ = parts[outcome.number]
                    one.take(own, outcome)
                    bar.count(len(own))
            for one in divided:
                one.advance(epochs)

        yield train


def size_of_parts(members: int, workers: int, threads: int) -> int:
    """Return how many members at most are trained by one call of a worker.

    All workers get as many, or if there are enough, several parts that fill lanes, on each thread.
    """
    whole = _LANES * max(1, threads)
    if members >= whole * workers * _PARTS_EACH:
        return whole
    return max(1, math.ceil(members / workers))


def trained(
    x: Any,
    y: Any,
    rows: NDArray[np.uint32],
    borders: NDArray[np.int64],
    number: int,
    part: Part,
) -> Outcome:
    """Train a part: what a worker calls."""
    given = Material(x, y, part.lengths, share(part.threads), part.grid)
    places = range(len(part.settings))
    group = Group(part.settings, places, _pairs_of(rows, borders), given, part.members)
    networks = None if part.standing is None else [one.network for one in part.standing]
    with silenced():  # the process that asks has warned
        loop = group.prepare(networks, _start(part))
    loop.asks_to_stop = stop_of(part.run)
    every = list(range(len(part.members)))
    standing: list[Standing] = []
    with ExitStack() as stack:
        group.begin(stack)
        group.train(part.until)
        if part.until is not None:
            standing = _standing(loop, group.networks)
    return Outcome(number, group.scores_of(every), standing, [*loop.history])


def _standing(loop: PopulationLoop, members: Sequence[neural_network]) -> list[Standing]:
    """Return where each member of a run stands between two epochs."""
    found = []
    for i, member in enumerate(members):
        watch = loop.watches[i]
        best = None if watch is None or watch.best is None else state.memory_of(watch.best)
        progress = None if watch is None else watch.progress()
        ended, diverged = bool(loop.ended[i]), loop.diverged.get(i)
        found.append(Standing(member._twin(), progress, best, loop.data.draws[i], ended, diverged))
    return found


def _start(part: Part) -> PopulationStart | None:
    """Return where the run of a part continues."""
    if part.standing is None:
        return None
    count, each = len(part.members), part.standing
    # Nobody reads what was reported: only how many epochs there were counts.
    reported = {
        name: [0.0 if name == "seconds" else [np.nan] * count] * part.epochs
        for name in part.reported
    }
    return PopulationStart(
        history=PopulationHistory.from_values(reported, count),
        watches=[one.watch for one in each],
        best=[one.best for one in each],
        draws=[one.draw for one in each],
        running=None,
        ended=np.array([one.ended for one in each]),
        diverged={i: one.diverged for i, one in enumerate(each) if one.diverged is not None},
        samples=part.samples,
    )


def _flat(pairs: Sequence[Pair]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the indices of all folds in one array, which back ends send once, and its borders."""
    each = [one for pair in pairs for one in pair]
    return np.concatenate(each), np.cumsum([0, *map(len, each)])


def _pairs_of(rows: NDArray[np.uint32], borders: NDArray[np.int64]) -> list[Pair]:
    """Return the indices of each fold: the inverse of `_flat`."""
    each = [np.asarray(rows[first:end]) for first, end in pairwise(borders.tolist())]
    return list(zip(each[::2], each[1::2], strict=True))
