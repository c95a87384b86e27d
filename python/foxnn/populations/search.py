"""Scores by cross-validation, of one setting or of many: all networks are trained at once."""

from __future__ import annotations

import inspect
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foxnn import _core, checks
from foxnn.checks import Array, SamplesLike
from foxnn.checks.keywords import ARGUMENTS, unknown
from foxnn.checks.labels import LabelReader
from foxnn.network import neural_network
from foxnn.populations.fitting import begun
from foxnn.populations.loop import PopulationLoop
from foxnn.populations.per_member import EACH, indices_of, is_one_each
from foxnn.populations.population import population
from foxnn.support.extras import library
from foxnn.support.streams import HOLDOUT
from foxnn.training.classes import classes_of
from foxnn.training.options import FitArguments
from foxnn.training.samples import WeightedSamples, samples_of

if TYPE_CHECKING:
    from pandas import DataFrame

Folds = int | Sequence[tuple[ArrayLike, ArrayLike]]
Pair = tuple[NDArray[np.uint32], NDArray[np.uint32]]

# What makes a network; a seed may differ within a population.
_MAKING = ("sizes", "activation", "output_activation", "loss", "init", "dtype")
# What `fit` takes, but not here: these belong to a single run.
_REFUSED = ("checkpoint", "checkpoint_every", "augment", "truncate", "callbacks", "time_limit")
# Of an argument in a grid: more would never be tried.
_MOST_VALUES = 100_000
_MONITORS = ("loss", "accuracy")
_USUAL: dict[str, Any] = {
    "epochs": 10, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3, "validation": None,
    "early_stopping": None, "schedule": None, "l1": 0.0, "l2": 0.0, "dropout": 0.0,
    "sample_weight": None, "class_weight": None, "callbacks": (), "shuffle": True,
    "progress": None, "time_limit": None, "scale": None, "clip_norm": None, "clip_value": None,
    "checkpoint": None, "checkpoint_every": 1, "augment": None, "lengths": None, "truncate": None,
}  # fmt: skip
_ALLOWED = [name for name in _USUAL if name not in _REFUSED]


def cross_validate(
    sizes: Sequence[Any],
    x: SamplesLike,
    y: ArrayLike,
    folds: Folds = 5,
    *,
    activation: Any = "sigmoid",
    output_activation: Any = None,
    loss: str | None = None,
    init: str = "auto",
    dtype: str | None = None,
    seed: int | None = None,
    n_threads: int = 0,
    **fit: Any,
) -> dict[str, Array]:
    """Return the scores of a network on samples that it was not trained on.

    For each fold, a network is trained on the samples of all other folds, and evaluated on those of
    its own. All networks are trained at once, each with the bits that it would have alone.

    Parameters
    ----------
    sizes : sequence
        The layers, as in `neural_network`.
    x, y
        The samples, as in `neural_network.fit`.
    folds : int or sequence of pairs, default=5
        The number of folds, drawn by the seed, and for classes with nearly the same share of each
        class; or pairs of indices (to train on, to evaluate on), as scikit-learn's splitters give
        them.
    activation, output_activation, loss, init, dtype, seed
        As in `neural_network`; the networks of all folds have the same seed.
    n_threads : int, default=0
        The most threads to use; 0: as many as are worthwhile.
    **fit
        Arguments of `neural_network.fit`. `sample_weight` also weighs the evaluations; a
        `validation` share is held out of the samples of the other folds.

    Returns
    -------
    dict of str to ndarray of shape (folds,)
        "loss", and for classifying losses "accuracy"; NaN where a training has diverged.

    Raises
    ------
    ValueError, TypeError
        As `neural_network` and its `fit`.

    Examples
    --------
    >>> import foxnn
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 80).reshape(-1, 1)
    >>> scores = foxnn.cross_validate([1, 8, 1], x, x * x, activation="tanh", seed=0, epochs=2)
    >>> scores["loss"].shape
    (5,)
    """
    making = {
        "sizes": sizes, "activation": activation, "output_activation": output_activation,
        "loss": loss, "init": init, "dtype": dtype, "seed": seed,
    }  # fmt: skip
    contest = _Contest("cross_validate", making, fit, [{}], x, y, folds, n_threads)
    contest.run([], "loss")
    return {name: numbers[0] for name, numbers in contest.scores.items()}


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The scores of all settings.

    Attributes
    ----------
    settings : list of dict
        What was tried.
    scores : dict of str to ndarray of shape (settings, folds)
        "loss", and for classifying losses "accuracy"; NaN where a training has diverged.
    epochs : ndarray of shape (settings,)
        After how many epochs a setting was scored: with `halving`, the worse ones end early.
    ranking : ndarray of shape (settings,)
        The places of the settings, the best first.
    """

    settings: list[dict[str, Any]]
    scores: dict[str, Array]
    epochs: Array
    ranking: Array
    monitor: str = field(repr=False)

    @property
    def best(self) -> dict[str, Any]:
        """The setting with the best mean score."""
        return self.settings[int(self.ranking[0])]

    @property
    def best_score(self) -> float:
        """Its mean score over the folds."""
        return float(self.scores[self.monitor][int(self.ranking[0])].mean())

    def to_pandas(self) -> DataFrame:
        """Return a DataFrame with a row per setting, the best first.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = library("pandas", "pandas", "SearchResult.to_pandas")
        order = self.ranking.tolist()
        columns: dict[str, Any] = {
            name: [self.settings[i].get(name) for i in order]
            for name in dict.fromkeys(itertools.chain(*self.settings))
        }
        for name, numbers in self.scores.items():
            columns[name] = numbers.mean(axis=1)[order]
            columns[f"{name}_deviation"] = numbers.std(axis=1)[order]
        frame: DataFrame = pandas.DataFrame(columns | {"epochs": self.epochs[order]})
        return frame

    def __repr__(self) -> str:
        return (
            f"SearchResult({len(self.settings)} settings; best: {self.best}, "
            f"{self.monitor}={self.best_score:.4g})"
        )


def search(
    sizes: Sequence[Any],
    x: SamplesLike,
    y: ArrayLike,
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
    folds: Folds = 5,
    *,
    halving: bool = False,
    monitor: str = "loss",
    activation: Any = "sigmoid",
    output_activation: Any = None,
    loss: str | None = None,
    init: str = "auto",
    dtype: str | None = None,
    seed: int | None = None,
    n_threads: int = 0,
    **fit: Any,
) -> SearchResult:
    """Score many settings by cross-validation: all networks are trained at once.

    Each score is that of `cross_validate` with the setting's arguments, to the last bit.

    Parameters
    ----------
    sizes, x, y
        As in `cross_validate`.
    grid : dict of str to sequence, or sequence of dict
        Values by argument, of which all combinations are tried; or the settings themselves.
        Arguments of `neural_network.fit`, and those that make a network, such as `sizes`. Settings
        that differ in learning_rate, l1, l2, dropout, clip_norm, clip_value, early_stopping, seed
        or an optimizer's constants are trained together, which is fastest.
    folds : int or sequence of pairs, default=5
        As in `cross_validate`, the same for all settings.
    halving : bool, default=False
        Whether the worse half of the settings ends early, again and again: after half of the
        epochs, a quarter, and so on, so that few settings see all epochs (Jamieson and Talwalkar,
        "Non-stochastic best arm identification and hyperparameter optimization", 2016).
    monitor : {"loss", "accuracy"}, default="loss"
        The score that counts.
    activation, output_activation, loss, init, dtype, seed, n_threads
        As in `cross_validate`; all networks have the same seed.
    **fit
        Arguments of `neural_network.fit` for all settings, as in `cross_validate`.

    Returns
    -------
    SearchResult
        `best` is the setting with the best mean score; `to_pandas` shows all of them.

    Raises
    ------
    ValueError, TypeError
        As `neural_network` and its `fit`, and for a setting that is given twice, in the grid and
        for all.

    Examples
    --------
    >>> import foxnn
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 80).reshape(-1, 1)
    >>> found = foxnn.search([1, 8, 1], x, x * x, {"learning_rate": [0.03, 1e-5]}, folds=4,
    ...                      activation="tanh", output_activation="identity", seed=0, epochs=20)
    >>> found.best, found.scores["loss"].shape
    ({'learning_rate': 0.03}, (2, 4))
    """
    checks.choice(monitor, "monitor", _MONITORS)
    halves = checks.flag(halving, "halving")
    making = {
        "sizes": sizes, "activation": activation, "output_activation": output_activation,
        "loss": loss, "init": init, "dtype": dtype, "seed": seed,
    }  # fmt: skip
    settings = _settings(grid)
    contest = _Contest("search", making, fit, settings, x, y, folds, n_threads)
    if monitor == "accuracy" and not contest.classifies:
        raise ValueError("monitor must be 'loss' for networks that do not classify, got 'accuracy'")
    rungs = _rungs(contest.epochs, len(settings)) if halves else []
    contest.run(rungs, monitor)
    means = contest.scores[monitor].mean(axis=1)
    signed = means if monitor == "loss" else -means
    # Settings that were scored after more epochs have won against the others; NaN comes last.
    ranking = np.lexsort((np.where(np.isnan(signed), np.inf, signed), -contest.reached))
    return SearchResult(settings, contest.scores, contest.reached, ranking, monitor)


# Unknown keywords are answered by these and by what `fit` takes.
for _call in (cross_validate, search):
    _own = [name for name in inspect.signature(_call).parameters if name != "fit"]
    ARGUMENTS[_call.__name__] = [*_own, *_ALLOWED]


def _settings(grid: Any) -> list[dict[str, Any]]:
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            checks.text(name, "a name of grid")
            if not is_one_each(values) or not 0 < len(values) <= _MOST_VALUES:
                raise ValueError(
                    f"grid[{name!r}] must be a list of at least one value, got "
                    f"{checks.shown(values)}"
                )
        names = list(grid)
        each = [[values[i] for i in range(len(values))] for values in grid.values()]
        return [dict(zip(names, one, strict=True)) for one in itertools.product(*each)]
    given = checks.items(grid, "grid must be a dict of lists, or a list of dicts")
    if not given or not all(isinstance(one, Mapping) for one in given):
        raise TypeError(
            f"grid must be a dict of lists, or a list of dicts, got {checks.shown(grid)}"
        )
    return [dict(one) for one in given]


def _shown(value: object) -> str:
    """Return what is the same for values that are the same."""
    try:
        return repr(value)
    except RecursionError:  # of a list in itself, which is refused later
        return str(id(value))


def _rungs(epochs: int, settings: int) -> list[int]:
    """Return the numbers of epochs after which the worse half of the settings ends."""
    rounds = min(math.ceil(math.log2(settings)) if settings > 1 else 0, int(math.log2(epochs)))
    return [epochs >> k for k in range(rounds, 0, -1)]


class _Contest:
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
    ) -> None:
        for names, where in ((fit, ""), *((one, "grid") for one in settings)):
            for name in names:
                checks.text(name, "a name of grid")
                if name in _REFUSED:
                    raise ValueError(f"{name} must be left out: it is for neural_network.fit")
                if name not in _ALLOWED and not (where and name in (*_MAKING, "seed")):
                    raise unknown(call, [name])
                if where and name in fit:
                    raise ValueError(f"{name} must be given once, got it in grid and for all")
        self.grid = settings
        self._settings = [making | _USUAL | fit | dict(one) for one in settings]
        drawn = checks.seed(making["seed"])
        for one in self._settings:
            one["seed"] = drawn if one["seed"] is None else checks.seed(one["seed"])
            if one["progress"] is None and len(settings) > 1:
                one["progress"] = False
        self._x, self._y, self._threads = x, y, n_threads
        first = self._network(self._settings[0])
        self.classifies = first._classifies()
        self.lengths = self._settings[0]["lengths"]
        self._pairs = _pairs(first, self.samples(first, None).y, folds, drawn)
        self.epochs = max(checks.integer(one["epochs"], "epochs", 1) for one in self._settings)
        self.scores: dict[str, Array] = {}
        self.reached = np.zeros(len(settings), np.int64)

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
            for group in groups:
                group.begin(stack)
            for rung in rungs:
                for group in groups:
                    group.train(rung)
                self._take(groups, rung)
                self._halve(groups, monitor)
            for group in groups:
                group.train(None)
        self._take(groups, self.epochs)

    def _groups(self) -> list[_Group]:
        """Return populations of the settings that can be trained together."""
        found: dict[Any, list[int]] = {}
        for i, one in enumerate(self._settings):
            kind = one["optimizer"] if isinstance(one["optimizer"], str) else type(one["optimizer"])
            rest = [_shown(one[name]) for name in one if name not in (*EACH, "seed")]
            found.setdefault((_shown(kind).lower(), *rest), []).append(i)
        return [
            _Group([self._settings[i] for i in which], which, self._pairs, self)
            for which in found.values()
        ]

    def _take(self, groups: Sequence[_Group], epochs: int) -> None:
        """Note the scores of the settings that are still trained."""
        for group in groups:
            if not group.alive:
                continue
            for name, numbers in group.scores().items():
                if name not in self.scores:
                    shape = len(self._settings), len(self._pairs)
                    self.scores[name] = np.full(shape, np.nan)
                self.scores[name][group.alive] = numbers
            self.reached[group.alive] = np.minimum(epochs, group.epochs)

    def _halve(self, groups: Sequence[_Group], monitor: str) -> None:
        alive = np.array([i for group in groups for i in group.alive])
        means = self.scores[monitor][alive].mean(axis=1)
        signed = np.where(np.isnan(means), np.inf, means if monitor == "loss" else -means)
        worse = alive[np.argsort(signed, kind="stable")[(len(alive) + 1) // 2 :]]
        for group in groups:
            group.end(set(worse.tolist()))


class _Group:
    """Settings whose networks have the same layers: one population, setting by setting."""

    def __init__(
        self,
        settings: Sequence[Mapping[str, Any]],
        places: Sequence[int],
        pairs: Sequence[Pair],
        contest: _Contest,
    ) -> None:
        #: The places of the settings that are still trained.
        self.alive = list(places)
        self._places = list(places)
        self._pairs = pairs
        self._contest = contest
        self._settings = settings
        self.epochs = int(settings[0]["epochs"])
        self._loop: PopulationLoop | None = None

    def begin(self, stack: ExitStack) -> None:
        """Make the population, and check everything."""
        pairs, self._count = self._pairs, len(self._pairs)
        made = [self._contest._network(one) for one in self._settings]
        self._pop = pop = population([one for one in made for _ in pairs])
        pop.settings.n_threads = self._contest._threads
        told = {name: self._settings[0][name] for name in FitArguments._fields}
        told |= {name: [one[name] for one in self._settings for _ in pairs] for name in EACH}
        given = FitArguments(**told)
        rows = [train for _ in self._settings for train, _ in pairs]
        try:
            self._loop = begun(pop, self._contest._x, self._contest._y, given, rows)
        except (ValueError, TypeError) as error:
            raise self._named(error) from None
        self._weights = (
            None
            if given.sample_weight is None
            else self._contest.samples(pop._members[0], given.sample_weight).weights
        )
        self._tests = [test for _ in self._settings for _, test in pairs]
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
        setting = self._contest.grid[self._places[member // self._count]]
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
        assert self._loop is not None
        which = [
            self._places.index(place) * self._count + fold
            for place in self.alive
            for fold in range(self._count)
        ]
        samples = self._loop.data.samples
        weights: list[Any] | None = None if self._weights is None else [self._weights] * len(which)
        loss, correct, positions = self._pop._engine.evaluate(
            samples.x, samples.y, which, [self._tests[i] for i in which], weights,
            self._pop.settings.n_threads,
        )  # fmt: skip
        found = {"loss": loss}
        if self._pop._members[0]._classifies():
            found["accuracy"] = correct / positions
        has_diverged = np.array([i in self._loop.diverged for i in which], bool)
        for numbers in found.values():
            numbers[has_diverged] = np.nan
        return {name: numbers.reshape(-1, self._count) for name, numbers in found.items()}

    def end(self, worse: set[int]) -> None:
        """Let settings make no further steps."""
        assert self._loop is not None
        for place in [place for place in self.alive if place in worse]:
            self.alive.remove(place)
            first = self._places.index(place) * self._count
            for i in range(first, first + self._count):
                self._loop.end(i)


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
