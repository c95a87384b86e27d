"""CMA-ES, as the library cma has it: a normal distribution that learns its own shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.keywords import answering
from foxnn.evolution.rule import Rule, array_of, text_of
from foxnn.support.extras import library

# With fewer, the better half of a generation is one member, and there is no shape to learn.
_LEAST_MEMBERS = 4


def _library() -> Any:
    return library("cma", "evolution", "foxnn.evolution.CMA")


@answering()
class CMA(Rule):
    """Draws from a normal distribution, whose mean and covariance follow the better members.

    The mean begins as the population's first member. It is the strongest rule for some hundred
    parameters; its memory is quadratic in their number, unless `diagonal`. It needs the library
    cma: ``pip install "foxnn[evolution]"``. Unlike those of other rules, its bits depend on NumPy's
    linear algebra, and so on the machine.

    Parameters
    ----------
    sigma : float, default=0.5
        The first standard deviation.
    diagonal : bool, default=False
        Keep only the variances of the parameters, for networks of many thousands.
    seed : int, optional
        By default that of the population's first member.

    Raises
    ------
    ValueError, TypeError
        For values out of range, and for populations with fewer than 4 members.
    ImportError
        If cma is missing.

    References
    ----------
    Hansen and Ostermeier, "Completely derandomized self-adaptation in evolution strategies", 2001.

    Examples
    --------
    >>> import foxnn
    >>> pop = foxnn.population(16, [3, 1], seed=1)
    >>> rule = foxnn.evolution.CMA()
    >>> history = pop.evolve(lambda pop: -((pop.parameters - 2) ** 2).sum(axis=1), 60, rule)
    >>> rule.center.round(2).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """

    def __init__(self, sigma: float = 0.5, diagonal: bool = False, seed: int | None = None) -> None:
        self._sigma = checks.real(sigma, "sigma", 0.0, open_low=True)
        self._diagonal = checks.flag(diagonal, "diagonal")
        super().__init__(seed)
        _library()
        self._members = 0
        self._first: Array | None = None  # the mean of the first generation
        self._told: list[Array] = []  # the scores of all generations
        # The library's strategy, after `_told`; None: it must be made and told them again, since a
        # call that was interrupted may have left it half changed.
        self._strategy: Any = None
        self._drawn: list[Any] = []  # what it has been asked for

    def __getstate__(self) -> dict[str, Any]:
        # Without the library's strategy, which holds functions: it is made and told again.
        return self.__dict__ | {"_strategy": None, "_drawn": []}

    @property
    def center(self) -> Array | None:
        """The mean of the distribution, of shape (n,); None before the first generation."""
        if self._first is None:
            return None
        return np.array(self._ready().mean, np.float64)

    def _check_members(self, members: int) -> None:
        if members < _LEAST_MEMBERS:
            raise ValueError(
                f"pop must have at least {_LEAST_MEMBERS} members for CMA, got {members}"
            )

    def _advice(self) -> str:
        return f"sigma must be smaller, got {self._sigma}"

    def _begin(self, values: Array) -> None:
        self._first, self._members = values[0].astype(np.float64), len(values)

    def _ready(self) -> Any:
        """Return the library's strategy, told all scores."""
        if self._strategy is None:
            assert self._first is not None
            strategy = self._made()
            for scores in self._told:
                strategy.tell(strategy.ask(), (-scores).tolist())
            self._strategy, self._drawn = strategy, []
        return self._strategy

    def _made(self) -> Any:
        assert self._first is not None
        numbers = np.random.Generator(np.random.Philox(self._seed))
        options = {
            "popsize": self._members, "CMA_diagonal": self._diagonal, "verbose": -9,
            "verb_log": 0, "verb_disp": 0,
            # Not a number: the library then leaves NumPy's own generator alone.
            "seed": math.nan, "randn": lambda *shape: numbers.standard_normal(shape),
        }  # fmt: skip
        return _library().CMAEvolutionStrategy(self._first.tolist(), self._sigma, options)

    def _next(self, values: Array, threads: int) -> Array:
        strategy = self._ready()
        if not self._drawn:
            self._strategy = None  # until the call is over
            drawn = strategy.ask()
            self._strategy, self._drawn = strategy, drawn
        with np.errstate(over="ignore"):
            return np.array(self._drawn).astype(values.dtype)

    def _learn(self, candidates: Array, scores: Array) -> None:
        strategy, drawn = self._ready(), self._drawn
        self._strategy, self._drawn = None, []
        strategy.tell(drawn or strategy.ask(), (-scores).tolist())
        self._told.append(scores)
        self._strategy = strategy

    def _found(self) -> Array:
        center = self.center
        assert center is not None
        return center

    def _options(self) -> dict[str, Any]:
        return {"sigma": self._sigma, "diagonal": self._diagonal}

    def _state(self) -> dict[str, Any]:
        assert self._first is not None
        return {"first": text_of(self._first), "told": [text_of(one) for one in self._told]}

    def _set_state(self, state: Mapping[str, Any], candidates: Array, scores: Array) -> None:
        members, count = candidates.shape
        self._first = array_of(state["first"], count)
        self._told = [array_of(one, members) for one in checks.items(state["told"], "a list")]
        if len(self._told) != self.generation:
            raise ValueError("there must be the scores of each generation")
        self._members, self._strategy = members, None
