"""The networks of all settings and folds of a search, in as few populations as possible."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.keywords import unknown
from foxnn.checks.labels import LabelReader
from foxnn.network import neural_network
from foxnn.populations.fitting import begun
from foxnn.populations.loop import PopulationLoop
from foxnn.populations.per_member import EACH, USUAL, indices_of
from foxnn.populations.population import population
from foxnn.populations.together import Pulse, described_argument
from foxnn.support.streams import HOLDOUT
from foxnn.training.agreement import described_engine, hash_of, refuse_different
from foxnn.training.classes import classes_of
from foxnn.training.options import FitArguments
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.samples import WeightedSamples, samples_of
from foxnn.training.update_rules import kind_of

Pair = tuple[NDArray[np.uint32], NDArray[np.uint32]]

# What makes a network; a seed may differ within a population.
_MAKING = ("sizes", "activation", "output_activation", "loss", "init", "dtype")
# What `fit` takes, but not here: these belong to a single run.
_REFUSED = (
    "checkpoint",
    "checkpoint_every",
    "augment",
    "truncate",
    "callbacks",
    "time_limit",
    "shards",
    "communicator",
    "average_every",
)
#: The arguments of `fit` that settings may have.
ALLOWED = [name for name in USUAL if name not in _REFUSED]


class Contest:
    """The networks of all settings and folds, in as few populations as possible.

    Attributes
    ----------
    epochs : int
        How many epochs a setting is trained for that is not ended early.
    classifies : bool
        Whether there is an accuracy.
    scores : dict of str to ndarray of shape (settings, folds)
    reached : ndarray of shape (settings,)
        After how many epochs each was scored.
    """

    def __init__(
        self,
        call: str,
        making: dict[str, Any],
        fit: dict[str, Any],
        settings: Sequence[Mapping[str, Any]],
        x: Any,
        y: Any,
        folds: Any,
        n_threads: Any,
        ranks: Ranks = ALONE,
    ) -> None:
        for names, where in ((fit, ""), *((one, "grid") for one in settings)):
            for name in names:
                checks.text(name, "a name of grid")
                if name in _REFUSED:
                    raise ValueError(f"{name} must be left out: it is for neural_network.fit")
                if name not in ALLOWED and not (where and name in (*_MAKING, "seed")):
                    raise unknown(call, [name])
                if where and name in fit:
                    raise ValueError(f"{name} must be given once, got it in grid and for all")
        self.grid = settings
        self._settings = [making | USUAL | fit | dict(one) for one in settings]
        # Without a seed, all ranks take that which the first has drawn.
        drawn = checks.seed(making["seed"])
        drawn = ranks.gathered(drawn)[0] if making["seed"] is None else drawn
        for one in self._settings:
            one["seed"] = drawn if one["seed"] is None else checks.seed(one["seed"])
            if not ranks.speaks or (one["progress"] is None and len(settings) > 1):
                one["progress"] = False
        self._x, self._y, self._threads = x, y, ranks.threads(n_threads)
        self._ranks, self._pulse = ranks, Pulse(ranks)
        first = self._network(self._settings[0])
        self.classifies = first._classifies()
        self.lengths = self._settings[0]["lengths"]
        samples = self.samples(first, None)
        self._pairs = _pairs(first, samples.y, folds, drawn)
        if ranks is not ALONE:
            self._refuse_different(making | fit, samples)
        self.epochs = max(checks.integer(one["epochs"], "epochs", 1) for one in self._settings)
        self.scores: dict[str, Array] = {}
        self.reached = np.zeros(len(settings), np.int64)

    def _refuse_different(self, told: Mapping[str, Any], samples: WeightedSamples) -> None:
        """Raise ValueError on all ranks alike unless all have the same networks to train alike."""
        from foxnn.training.spread import described  # late: most searches have one process

        own = {
            **described_engine(),
            **{name: described_argument(one) for name, one in told.items() if name != "progress"},
            "grid": described_argument([dict(one) for one in self.grid]),
            **described(samples),
            "folds (by their hash)": hash_of(self._pairs),
        }
        refuse_different(self._ranks, own)

    def samples(self, network: neural_network, sample_weight: Any) -> WeightedSamples:
        """Return the samples, checked for a network."""
        labels = LabelReader(network._classes, learns=True)
        return samples_of(
            network, self._x, self._y, sample_weight, labels=labels, lengths=self.lengths
        )

    @staticmethod
    def _network(setting: Mapping[str, Any]) -> neural_network:
        return neural_network(**{name: setting[name] for name in (*_MAKING, "seed")})

    def run(self, rungs: Sequence[int], monitor: str) -> None:
        """Train all networks; after each rung, the worse half of the settings ends."""
        groups = self._groups()
        with ExitStack() as stack:
            self._begin(groups, stack)
            for rung in rungs:
                for group in groups:
                    group.train(rung)
                self._take(groups, rung)
                self._halve(groups, monitor)
            for group in groups:
                group.train(None)
        self._take(groups, self.epochs)

    def _begin(self, groups: Sequence[Group], stack: ExitStack) -> None:
        """Begin all runs; what one rank refuses, all refuse alike."""
        error: Exception | None = None
        try:
            for group in groups:
                group.begin(stack, self._pulse)
        except (ValueError, TypeError) as found:
            if self._ranks is ALONE:
                raise
            error = found
        for found_there in self._ranks.gathered(error):
            if found_there is not None:
                raise found_there

    def _groups(self) -> list[Group]:
        """Return populations of the settings that can be trained together.

        A rank has its share of the networks: of some groups all, of some a part, of some none.
        """
        found: dict[Any, list[int]] = {}
        for i, one in enumerate(self._settings):
            rest = [_text_of(one[name]) for name in one if name not in (*EACH, "seed")]
            found.setdefault((kind_of(one["optimizer"]), *rest), []).append(i)
        groups, folds, first = [], len(self._pairs), 0
        own = self._ranks.share(len(self._settings) * folds)
        for which in found.values():
            every = [(place, fold) for place in which for fold in range(folds)]
            here = [one for i, one in enumerate(every, first) if i in own]
            groups.append(Group(which, here, self._settings, self._pairs, self))
            first += len(every)
        return groups

    def _take(self, groups: Sequence[Group], epochs: int) -> None:
        """Note the scores of the settings that are still trained."""
        self._pulse.wait()
        for found in self._ranks.gathered([group.scores() for group in groups]):
            for (places, folds), scores in found:
                for name, numbers in scores.items():
                    if name not in self.scores:
                        shape = len(self._settings), len(self._pairs)
                        self.scores[name] = np.full(shape, np.nan)
                    self.scores[name][places, folds] = numbers
        for group in groups:
            self.reached[group.alive] = np.minimum(epochs, group.epochs)

    def _halve(self, groups: Sequence[Group], monitor: str) -> None:
        alive = np.array([i for group in groups for i in group.alive])
        means = self.scores[monitor][alive].mean(axis=1)
        signed = np.where(np.isnan(means), np.inf, means if monitor == "loss" else -means)
        worse = alive[np.argsort(signed, kind="stable")[(len(alive) + 1) // 2 :]]
        for group in groups:
            group.end(set(worse.tolist()))


class Group:
    """Settings whose networks have the same layers: one population of those that are here."""

    def __init__(
        self,
        places: Sequence[int],
        members: Sequence[tuple[int, int]],
        settings: Sequence[Mapping[str, Any]],
        pairs: Sequence[Pair],
        contest: Contest,
    ) -> None:
        #: The places of the settings that are still trained, here or elsewhere.
        self.alive = list(places)
        self._members = members  # the setting and the fold of each
        self._pairs = pairs
        self._contest = contest
        self._settings = settings
        self.epochs = int(settings[places[0]]["epochs"])
        self._loop: PopulationLoop | None = None

    def begin(self, stack: ExitStack, pulse: Pulse) -> None:
        """Make the population, and check everything."""
        if not self._members:
            return
        each = [self._settings[place] for place, _ in self._members]
        made = {place: self._contest._network(self._settings[place]) for place, _ in self._members}
        self._pop = pop = population([made[place] for place, _ in self._members])
        pop.settings.n_threads = self._contest._threads
        told = {name: each[0][name] for name in FitArguments._fields}
        told |= {name: [one[name] for one in each] for name in EACH}
        given = FitArguments(**told)
        rows = [self._pairs[fold][0] for _, fold in self._members]
        try:
            self._loop = begun(pop, self._contest._x, self._contest._y, given, rows, pulse=pulse)
        except (ValueError, TypeError) as error:
            raise self._named(error) from None
        self._weights = (
            None
            if given.sample_weight is None
            else self._contest.samples(pop._members[0], given.sample_weight).weights
        )
        stack.enter_context(self._loop)
        self._epochs = self._loop.each_epoch()
        self._done = 0

    def _named(self, error: ValueError | TypeError) -> Exception:
        """Return an error about an argument of a member as one about that of its setting."""
        found = re.match(r"(\w+)(?:\[(\d+)\])?", str(error))
        if found is None or not {found[1]} & {*EACH, *self._settings[0]}:
            return error
        member = int(found[2] or 0) if found[1] in EACH else 0
        end = found.end() if found[1] in EACH else found.end(1)
        setting = self._contest.grid[self._members[member][0]]
        name = f"{found[1]} in grid" if found[1] in setting else found[1]
        return type(error)(name + str(error)[end:])

    def train(self, epochs: int | None) -> None:
        """Train up to a number of epochs, or to the end."""
        if self._loop is None:
            return
        while epochs is None or self._done < epochs:
            try:
                next(self._epochs)
            except StopIteration:
                return
            self._done += 1

    def scores(self) -> tuple[tuple[list[int], list[int]], dict[str, Array]]:
        """Return settings and folds of the networks that are still trained, and their scores."""
        alive = set(self.alive)
        which = [i for i, (place, _) in enumerate(self._members) if place in alive]
        places, folds = ([self._members[i][k] for i in which] for k in range(2))
        if self._loop is None or not which:
            return (places, folds), {}
        samples = self._loop.data.samples
        weights: list[Any] | None = None if self._weights is None else [self._weights] * len(which)
        loss, correct, positions = self._pop._engine.evaluate(
            samples.x, samples.y, which, [self._pairs[fold][1] for fold in folds], weights,
            self._pop.settings.n_threads,
        )  # fmt: skip
        found = {"loss": loss}
        if self._pop._members[0]._classifies():
            found["accuracy"] = correct / positions
        has_diverged = np.array([i in self._loop.diverged for i in which], bool)
        for numbers in found.values():
            numbers[has_diverged] = np.nan
        return (places, folds), found

    def end(self, worse: set[int]) -> None:
        """Let settings make no further steps."""
        ended = worse & {*self.alive}
        self.alive = [place for place in self.alive if place not in ended]
        for i, (place, _) in enumerate(self._members):
            if place in ended and self._loop is not None:
                self._loop.end(i)


def _text_of(value: object) -> str:
    """Return what is the same for values that are the same."""
    try:
        return repr(value)
    except RecursionError:  # of a list in itself, which is refused later
        return str(id(value))


def _pairs(network: neural_network, y: Array, folds: Any, seed: int) -> list[Pair]:
    """Return which samples to train on and to evaluate on, for each fold."""
    samples = len(y)
    if not isinstance(folds, int | float | str | bytes | np.number) and folds is not None:
        return _given_pairs(folds, samples)
    count = checks.integer(folds, "folds", 2)
    if count > samples:
        raise ValueError(f"folds must be at most {samples}, the number of samples, got {count}")
    order: Array = _core.shuffled(seed, HOLDOUT, samples, 0)
    classes = classes_of(y, network)
    if classes is not None and classes.ndim == 1:
        order = order[np.argsort(classes[order], kind="stable")]
    tests = [np.sort(order[i::count]).astype(np.uint32) for i in range(count)]
    every = np.arange(samples, dtype=np.uint32)
    return [(np.setdiff1d(every, test, assume_unique=True), test) for test in tests]


def _given_pairs(folds: Any, samples: int) -> list[Pair]:
    given = checks.items(folds, "folds must be a number, or pairs of indices")
    if not given:
        raise ValueError("folds must be at least one pair of indices, got none")
    pairs = []
    for i, pair in enumerate(given):
        both = checks.items(pair, f"folds[{i}] must be a pair of indices")
        if len(both) != 2:
            raise ValueError(f"folds[{i}] must be a pair of indices, got {len(both)} items")
        train, test = (indices_of(one, f"folds[{i}][{k}]", samples) for k, one in enumerate(both))
        pairs.append((train, test))
    return pairs
