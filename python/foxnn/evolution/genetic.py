"""A genetic algorithm: tournaments, an elite, crossover, and FoxNN's two mutations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.keywords import answering
from foxnn.evolution.rule import Rule
from foxnn.support.streams import SELECTION

MUTATIONS = ("random", "smart")

# More entrants than members of any population only make the best one win.
_MOST_ENTRANTS = 10_000_000


@answering()
class Genetic(Rule):
    """Children of the winners of tournaments, mutated.

    The first generation are the members as they are. Of each later one, the first `elite` members
    are the best of the last generation, unchanged. Every other is the child of the winner of a
    tournament: the best of some members drawn at random, perhaps several times the same. With
    probability `crossover`, a second tournament gives it another parent, of whom it has each weight
    with probability 1/2. Then its weights are mutated.

    Parameters
    ----------
    tournament : int, default=3
        The entrants of a tournament; 1 draws parents whatever their scores.
    elite : int, default=1
    crossover : float, default=0.5
        From 0 to 1.
    mutation : {"random", "smart"}, default="random"
        FoxNN's: "random" adds a number drawn uniformly from [-speed, speed] to a weight w; "smart"
        redraws it from [w - speed |w|, w + speed |w|], so that zeros stay.
    speed : float, default=0.1
    share : float, default=1.0
        The probability, above 0, that a weight is mutated.
    seed : int, optional
        By default that of the population's first member.

    Raises
    ------
    ValueError, TypeError
        For values out of these ranges.

    References
    ----------
    Goldberg and Deb, "A comparative analysis of selection schemes used in genetic algorithms",
    1991; Syswerda, "Uniform crossover in genetic algorithms", 1989.

    Examples
    --------
    >>> import numpy as np, foxnn
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> pop = foxnn.population(100, [2, 4, 1], "tanh", "sigmoid", seed=1)
    >>> rule = foxnn.evolution.Genetic(elite=5, speed=0.5)
    >>> fitness = lambda pop: -((pop.get_out(x)[:, :, 0] - y) ** 2).mean(axis=1)
    >>> history = pop.evolve(fitness, 60, rule)
    >>> rule.best(pop).predict(x).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    _has_exact_bits = True

    def __init__(
        self,
        tournament: int = 3,
        elite: int = 1,
        crossover: float = 0.5,
        mutation: str = "random",
        speed: float = 0.1,
        share: float = 1.0,
        seed: int | None = None,
    ) -> None:
        self._tournament = checks.integer(tournament, "tournament", 1, _MOST_ENTRANTS)
        self._elite = checks.integer(elite, "elite", 0)
        self._crossover = checks.real(crossover, "crossover", 0.0, 1.0)
        self._mutation = checks.choice(mutation, "mutation", MUTATIONS)
        self._speed = checks.real(speed, "speed", 0.0)
        self._share = checks.real(share, "share", 0.0, 1.0, open_low=True)
        super().__init__(seed)
        self._parents: tuple[Array, Array] | None = None  # and their scores

    def _check_members(self, members: int) -> None:
        if self._elite >= members:
            raise ValueError(
                f"elite must be below the {members} members of the population, got {self._elite}"
            )

    def _advice(self) -> str:
        return f"speed must be smaller, got {self._speed}"

    def _next(self, values: Array, threads: int) -> Array:
        if self._parents is None:
            return values
        parents, scores = self._parents
        members, drawn = len(scores), 2 * self._tournament + 1
        assert self._seed is not None
        numbers = _core.uniform(
            self._seed, SELECTION, members * drawn, self.generation, threads
        ).reshape(members, drawn)
        entrants = (numbers[:, :-1] * members).astype(np.int64)
        entrants = entrants.reshape(members, 2, self._tournament)
        winners = scores[entrants].argmax(axis=2)  # of equal ones the first drawn
        mothers, fathers = np.take_along_axis(entrants, winners[:, :, None], 2)[:, :, 0].T
        fathers = np.where(numbers[:, -1] < self._crossover, fathers, mothers)
        mothers[: self._elite] = np.argsort(-scores, kind="stable")[: self._elite]
        return _core.bred(
            parents, mothers.astype(np.uint32), fathers.astype(np.uint32), self._elite, self._share,
            self._speed, self._mutation == "smart", self._seed, self.generation, threads,
        )  # fmt: skip

    def _learn(self, candidates: Array, scores: Array) -> None:
        self._parents = candidates, scores

    def _found(self) -> Array:
        assert self._parents is not None
        parents, scores = self._parents
        best: Array = parents[int(scores.argmax())]
        return best

    def _options(self) -> dict[str, Any]:
        names = ("tournament", "elite", "crossover", "mutation", "speed", "share")
        return {name: getattr(self, f"_{name}") for name in names}

    def _state(self) -> dict[str, Any]:
        return {}

    def _set_state(self, state: Mapping[str, Any], candidates: Array, scores: Array) -> None:
        self._parents = candidates, scores
