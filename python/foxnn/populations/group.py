"""Networks that are trained side by side in a contest: settings with the same layers, by folds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import _core
from foxnn.checks import Array
from foxnn.checks.labels import LabelReader
from foxnn.network import neural_network
from foxnn.populations.fitting import begun
from foxnn.populations.folds import Pair
from foxnn.populations.loop import PopulationLoop
from foxnn.populations.per_member import EACH
from foxnn.populations.population import population
from foxnn.training.options import FitArguments
from foxnn.training.samples import WeightedSamples, samples_of

if TYPE_CHECKING:
    from foxnn.populations.checkpoint import PopulationStart
    from foxnn.populations.together import Pulse

#: What makes a network; a seed may differ within a population.
MAKING = ("sizes", "activation", "output_activation", "loss", "init", "dtype")


class Material:
    """What the networks of a contest are made of and trained on, checked.

    Attributes
    ----------
    grid : sequence of mapping
        What each setting was given beside what all have.
    lengths : array-like or None
        How many steps of each padded sequence there are.
    """

    def __init__(
        self, x: Any, y: Any, lengths: Any, threads: Any, grid: Sequence[Mapping[str, Any]]
    ) -> None:
        self.x, self.y, self.lengths, self.threads, self.grid = x, y, lengths, threads, grid

    def samples(self, network: neural_network, sample_weight: Any) -> WeightedSamples:
        """Return the samples, checked for a network."""
        labels = LabelReader(network._classes, learns=True)
        return samples_of(
            network, self.x, self.y, sample_weight, labels=labels, lengths=self.lengths
        )


def network_of(setting: Mapping[str, Any]) -> neural_network:
    """Return the network of a setting."""
    return neural_network(**{name: setting[name] for name in (*MAKING, "seed")})


class Group:
    """Settings whose networks have the same layers: one population, setting by setting.

    `members` are the networks, as settings and folds; by default, all of them.
    """

    def __init__(
        self,
        settings: Sequence[Mapping[str, Any]],
        places: Sequence[int],
        pairs: Sequence[Pair],
        given: Material,
        members: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        #: The places of the settings that are still trained.
        self.alive = list(places)
        self.places = list(places)
        self.settings = settings
        self.members = (
            [(i, fold) for i in range(len(settings)) for fold in range(len(pairs))]
            if members is None
            else list(members)
        )
        self._pairs = pairs
        self._given = given
        self.epochs = int(settings[0]["epochs"])
        #: Scores of all settings that others have measured.
        self.known: dict[str, Array] = {}
        self._loop: PopulationLoop | None = None

    def prepare(
        self,
        networks: list[neural_network] | None = None,
        start: PopulationStart | None = None,
        pulse: Pulse | None = None,
    ) -> PopulationLoop:
        """Make the population, and check everything.

        `networks` are the members where they have been trained up to `start`; `pulse` is that of
        ranks that train others.
        """
        if networks is None:
            made = {i: network_of(self.settings[i]) for i, _ in self.members}
            self._pop = pop = population([made[i] for i, _ in self.members])
        else:
            self._pop = pop = population.__new__(population)
            pop._adopt(networks)
        pop.settings.n_threads = self._given.threads
        told = {name: self.settings[0][name] for name in FitArguments._fields}
        told |= {name: [self.settings[i][name] for i, _ in self.members] for name in EACH}
        if start is not None:
            told["scale"] = None  # the networks have been given their scalers
        given = FitArguments(**told)
        rows = [self._pairs[fold][0] for _, fold in self.members]
        try:
            self._loop = begun(pop, self._given.x, self._given.y, given, rows, start, pulse=pulse)
        except (ValueError, TypeError) as error:
            raise self._named(error) from None
        self._weights = (
            None
            if given.sample_weight is None
            else self._given.samples(pop._members[0], given.sample_weight).weights
        )
        return self._loop

    @property
    def networks(self) -> list[neural_network]:
        """The members, which training changes."""
        return self._pop._members

    def release(self) -> None:
        """Let the population go: it was made to be checked, and others train it."""
        del self._pop
        self._loop = None

    def begin(self, stack: ExitStack) -> None:
        """Begin to train what has been prepared, as long as the stack is open."""
        assert self._loop is not None
        self._done = self._loop.history.epochs
        self._epochs = stack.enter_context(self._loop).each_epoch()

    def _named(self, error: ValueError | TypeError) -> Exception:
        """Return an error about an argument of a member as one about that of its setting."""
        found = re.match(r"(\w+)(?:\[(\d+)\])?", str(error))
        if found is None or not {found[1]} & {*EACH, *self.settings[0]}:
            return error
        member = int(found[2] or 0) if found[1] in EACH else 0
        end = found.end() if found[1] in EACH else found.end(1)
        setting = self._given.grid[self.places[self.members[member][0]]]
        name = f"{found[1]} in grid" if found[1] in setting else found[1]
        return type(error)(name + str(error)[end:])

    def train(self, epochs: int | None) -> None:
        """Train up to a number of epochs, or to the end."""
        while epochs is None or self._done < epochs:
            try:
                next(self._epochs)
            except StopIteration:
                return
            self._done += 1

    def scores(self) -> dict[str, Array]:
        """Return the scores of the settings that are still trained, (settings, folds)."""
        if self.known:
            rows = [self.places.index(place) for place in self.alive]
            return {name: numbers[rows] for name, numbers in self.known.items()}
        alive = {*self.alive}
        which = [i for i, (k, _) in enumerate(self.members) if self.places[k] in alive]
        found = self.scores_of(which)
        return {name: numbers.reshape(-1, len(self._pairs)) for name, numbers in found.items()}

    def take(self, members: Sequence[tuple[int, int]], scores: Mapping[str, Array]) -> None:
        """Note the scores of members that others may have measured."""
        shape = len(self.settings), len(self._pairs)
        for name, numbers in scores.items():
            table = self.known.setdefault(name, np.full(shape, np.nan))
            for place, number in zip(members, numbers, strict=True):
                table[place] = number

    def scores_of(self, which: list[int]) -> dict[str, Array]:
        """Return the scores of some members, of which the best epoch counts if it is kept."""
        assert self._loop is not None
        loop = self._loop
        found = self._evaluated(self._pop._engine, which, which)
        bests = [(i, watch.best) for i in which if (watch := loop.watches[i]) is not None]
        kept = [(which.index(i), i, best) for i, best in bests if best is not None]
        if kept:
            places, members, networks = (list(some) for some in zip(*kept, strict=True))
            engine = _core.Population(networks)
            for name, numbers in self._evaluated(engine, [*range(len(kept))], members).items():
                found[name][places] = numbers
        has_diverged = np.array([i in loop.diverged for i in which], bool)
        for numbers in found.values():
            numbers[has_diverged] = np.nan
        return found

    def _evaluated(
        self, engine: _core.Population, networks: list[int], members: list[int]
    ) -> dict[str, Array]:
        """Return the scores of networks of a population, which stand for these members."""
        assert self._loop is not None
        samples = self._loop.data.samples
        weights: list[Any] | None = None
        if self._weights is not None:
            weights = [self._weights] * len(members)
        tests: list[Any] = [self._pairs[self.members[i][1]][1] for i in members]
        loss, correct, positions = engine.evaluate(
            samples.x, samples.y, networks, tests, weights, self._pop.settings.n_threads
        )
        found = {"loss": loss}
        if self._pop._members[0]._classifies():
            found["accuracy"] = correct / positions
        return found

    def end(self, worse: set[int]) -> None:
        """Let settings make no further steps."""
        ending = worse & {*self.alive}
        self.alive = [place for place in self.alive if place not in ending]
        if self._loop is not None:
            for i, (k, _) in enumerate(self.members):
                if self.places[k] in ending:
                    self._loop.end(i)


@contextmanager
def training(groups: Sequence[Group]) -> Iterator[Callable[[int | None], None]]:
    """Return what trains groups, which are prepared, up to a number of epochs, or to the end."""
    with ExitStack() as stack:
        for group in groups:
            group.begin(stack)

        def train(epochs: int | None) -> None:
            for group in groups:
                group.train(epochs)

        yield train
