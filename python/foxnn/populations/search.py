"""Scores by cross-validation, of one setting or of many: all networks are trained at once."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.checks import Array, SamplesLike
from foxnn.checks.keywords import ARGUMENTS, telling
from foxnn.populations.contest import ALLOWED, Contest
from foxnn.populations.per_member import in_order, is_one_each
from foxnn.support.extras import library
from foxnn.training.agreement import refuse_different
from foxnn.training.joining import joined, refused_on

if TYPE_CHECKING:
    from pandas import DataFrame

Folds = int | Sequence[tuple[ArrayLike, ArrayLike]]


# Of an argument in a grid: more would never be tried.
_MOST_VALUES = 100_000
_MONITORS = ("loss", "accuracy")


@telling(refused_on)
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
    backend: Any = None,
    communicator: Any = None,
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
        The most threads to use, with a back end by each of its workers; 0: as many as are
        worthwhile, or a worker's share of them.
    backend : str, or object of joblib or Dask, optional
        Divides the networks over the workers of a back end of joblib: "loky" (processes),
        "threading", "multiprocessing", "dask" (the cluster of the current
        `dask.distributed.Client`) or another that joblib knows; such an object of joblib; or a
        client of Dask. There are as many workers as it has, or as `joblib.parallel_config(n_jobs=)`
        says. The scores are the same.
    communicator : mpi4py.MPI.Intracomm, optional
        Divides the networks between several processes, each of which calls the function alike, with
        the same samples (see the page Several machines of the wiki). All get the same scores.
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
    with joined(communicator) as ranks:
        contest = Contest("cross_validate", making, fit, [{}], x, y, folds, n_threads, ranks)
        contest.run([], "loss", backend)
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


@telling(refused_on)
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
    backend: Any = None,
    communicator: Any = None,
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
    activation, output_activation, loss, init, dtype, seed, n_threads, backend, communicator
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
    making = {
        "sizes": sizes, "activation": activation, "output_activation": output_activation,
        "loss": loss, "init": init, "dtype": dtype, "seed": seed,
    }  # fmt: skip
    with joined(communicator) as ranks:
        checks.choice(monitor, "monitor", _MONITORS)
        halves = checks.flag(halving, "halving")
        refuse_different(ranks, {"monitor": monitor, "halving": halves})
        settings = _settings(grid)
        contest = Contest("search", making, fit, settings, x, y, folds, n_threads, ranks)
        if monitor == "accuracy" and not contest.classifies:
            raise ValueError(
                "monitor must be 'loss' for networks that do not classify, got 'accuracy'"
            )
        rungs = _rungs(contest.epochs, len(settings)) if halves else []
        contest.run(rungs, monitor, backend)
    means = contest.scores[monitor].mean(axis=1)
    signed = means if monitor == "loss" else -means
    # Settings that were scored after more epochs have won against the others; NaN comes last.
    ranking = np.lexsort((np.where(np.isnan(signed), np.inf, signed), -contest.reached))
    return SearchResult(settings, contest.scores, contest.reached, ranking, monitor)


# Unknown keywords are answered by these and by what `fit` takes.
for _call in (cross_validate, search):
    _own = [name for name in inspect.signature(_call).parameters if name != "fit"]
    ARGUMENTS[_call.__name__] = [*_own, *ALLOWED]


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
        lists = [in_order(values) for values in grid.values()]
        each = [[values[i] for i in range(len(values))] for values in lists]
        return [dict(zip(names, one, strict=True)) for one in itertools.product(*each)]
    given = checks.items(grid, "grid must be a dict of lists, or a list of dicts")
    if not given or not all(isinstance(one, Mapping) for one in given):
        raise TypeError(
            f"grid must be a dict of lists, or a list of dicts, got {checks.shown(grid)}"
        )
    return [dict(one) for one in given]


def _rungs(epochs: int, settings: int) -> list[int]:
    """Return the numbers of epochs after which the worse half of the settings ends."""
    rounds = min(math.ceil(math.log2(settings)) if settings > 1 else 0, int(math.log2(epochs)))
    return [epochs >> k for k in range(rounds, 0, -1)]
