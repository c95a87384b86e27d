"""What all rules share: whose generation it is, the scores that they are told, and their state."""

from __future__ import annotations

import abc
import base64
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.evolution.history import EvolutionHistory

# Generations number the streams of random numbers, in 32 bits.
_MOST_GENERATIONS = 2**32 - 1


class Rule(abc.ABC):
    """How the next generation follows from the scores of the last: the class of all rules.

    A rule serves one population, from its first `ask` on: later calls go on from the generation
    that the rule has reached.

    Parameters
    ----------
    seed : int, optional
        Of all that the rule draws. By default the seed of the population's first member.

    Examples
    --------
    >>> import foxnn
    >>> isinstance(foxnn.evolution.Genetic(), Rule)
    True
    """

    # Whether its candidates have the same bits on every machine.
    _has_exact_bits = False

    def __init__(self, seed: int | None = None) -> None:
        self._seed = None if seed is None else checks.seed(seed)
        self._shape: tuple[int, int] | None = None
        self._single = True
        self._candidates: Array | None = None  # asked for and not yet scored
        self._asked_at = 0.0
        self._history = EvolutionHistory()

    @property
    def seed(self) -> int | None:
        """The seed; None if it is that of a population and there has been none."""
        return self._seed

    @property
    def generation(self) -> int:
        """The number of generations that have been scored."""
        return self._history.generations

    @property
    def history(self) -> EvolutionHistory:
        """The best score, the mean and the seconds of each generation.

        Examples
        --------
        >>> import foxnn
        >>> foxnn.evolution.Genetic().history
        EvolutionHistory(0 generations)
        """
        return self._history

    def ask(self, pop: Any) -> None:
        """Make the members the candidates of the next generation.

        Until they are scored, asking again gives the same ones.

        Parameters
        ----------
        pop : foxnn.population
            The same number of members with as many parameters each time.

        Raises
        ------
        ValueError, TypeError
            For a population that the rule cannot serve; the population is as before.

        Examples
        --------
        >>> import foxnn
        >>> pop, rule = foxnn.population(6, [1, 1], seed=0), foxnn.evolution.Genetic()
        >>> for _ in range(10):
        ...     rule.ask(pop)
        ...     rule.tell(-abs(pop.parameters).sum(axis=1))
        >>> rule.generation
        10
        """
        started = time.perf_counter()
        if not all(hasattr(type(pop), name) for name in ("evolve", "parameters", "seeds")):
            raise TypeError(f"pop must be a foxnn.population, got {checks.shown(pop)}")
        values = pop.parameters
        shape, single = values.shape, values.dtype == np.float32
        if self._shape is None:
            self._check_members(shape[0])
        elif (shape, single) != (self._shape, self._single):
            members, count = self._shape
            raise ValueError(
                f"pop must have the {members} members of {count} parameters, of type "
                f"{'float32' if self._single else 'float64'}, that the rule began with, got "
                f"{shape[0]} of {shape[1]}, of type {pop.dtype}"
            )
        if self.generation >= _MOST_GENERATIONS:
            raise ValueError(f"a rule makes at most {_MOST_GENERATIONS} generations")
        if self._seed is None:
            self._seed = pop.seeds[0]
        if self._shape is None:
            self._begin(values)
            self._shape, self._single = shape, single
        if self._candidates is None or self.generation == 0:
            made = self._next(values, pop.settings.n_threads)
            if not checks.all_finite(made, single):
                raise ValueError(
                    f"the weights of generation {self.generation} are no longer finite: "
                    f"{self._advice()}"
                )
            self._candidates = made
        pop.parameters = self._candidates
        self._asked_at = started

    def tell(self, scores: Any) -> None:
        """Take the scores of the members, as they were asked for.

        Parameters
        ----------
        scores : array-like of shape (members,)
            Finite numbers, of which larger are better.

        Raises
        ------
        ValueError, TypeError
            For scores of another shape, NaN or an infinity; the rule is as before.
        RuntimeError
            If no candidates have been asked for.

        Examples
        --------
        >>> import foxnn
        >>> pop, rule = foxnn.population(4, [1, 1], seed=0), foxnn.evolution.EvolutionStrategy()
        >>> rule.ask(pop)
        >>> rule.tell([0.0, 1.0, 0.5, -1.0])
        >>> rule.history["best"].tolist()
        [1.0]
        """
        if self._candidates is None or self._shape is None:
            raise RuntimeError("tell must follow ask: there are no candidates to score")
        found = checked_scores(scores, self._shape[0], "scores must be")
        seconds = time.perf_counter() - self._asked_at
        self._learn(self._candidates, found)
        self._history._add(found, seconds)
        self._candidates = None

    def best(self, pop: Any) -> Any:
        """Return what the rule has found as a network, made from the population's first member.

        Parameters
        ----------
        pop : foxnn.population
            That of `ask`.

        Returns
        -------
        neural_network
            The best member of the last generation; of rules with a center, the center.

        Raises
        ------
        RuntimeError
            If no generation has been scored.

        Examples
        --------
        >>> import foxnn
        >>> pop, rule = foxnn.population(8, [1, 1], seed=0), foxnn.evolution.Genetic(elite=2)
        >>> history = pop.evolve(lambda pop: -abs(pop.parameters).sum(axis=1), 5, rule)
        >>> nn = rule.best(pop)
        >>> bool(abs(nn[0].weights) + abs(nn[0].bias) == -history["best"][-1])
        True
        """
        if not self.generation:
            raise RuntimeError("best must follow tell: no generation has been scored")
        if not hasattr(type(pop), "evolve") or pop.parameters.shape != self._shape:
            raise ValueError(f"pop must be the population of ask, got {checks.shown(pop)}")
        one = pop[:1]
        one.parameters = self._found()[None]
        return one[0]

    # What a rule is made of. A generation is numbered by those scored before it.

    @abc.abstractmethod
    def _check_members(self, members: int) -> None:
        """Refuse a number of members that the rule cannot serve."""

    @abc.abstractmethod
    def _advice(self) -> str:
        """Return what to do about weights that are not finite."""

    def _begin(self, values: Array) -> None:  # noqa: B027
        """Begin with a population of these parameters."""

    @abc.abstractmethod
    def _next(self, values: Array, threads: int) -> Array:
        """Return the candidates of this generation; `values` has the members as they are."""

    @abc.abstractmethod
    def _learn(self, candidates: Array, scores: Array) -> None:
        """Take the scores, all of them or (on an exception) none."""

    @abc.abstractmethod
    def _found(self) -> Array:
        """Return the parameters of the answer."""

    @abc.abstractmethod
    def _options(self) -> dict[str, Any]:
        """Return the arguments of the constructor but the seed."""

    @abc.abstractmethod
    def _state(self) -> dict[str, Any]:
        """Return what the rule has learnt, as plain values, beside the last generation."""

    @abc.abstractmethod
    def _set_state(self, state: Mapping[str, Any], candidates: Array, scores: Array) -> None:
        """Take up what `_state` has given; ValueError, TypeError or LookupError for bad values."""

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self._options().items())
        return f"{type(self).__name__}({told}, seed={self._seed})"


def checked_scores(scores: Any, members: int, wanted: str) -> Array:
    """Return scores as float64; `wanted` says who must give them."""
    wanted = f"{wanted} a finite number for each of the {members} members"
    try:
        given = np.asarray(scores)
        if given.dtype.kind not in "fiub":
            raise TypeError
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, got {checks.shown(scores)}") from None
    if isinstance(scores, np.ma.MaskedArray) and (hidden := np.ma.getmaskarray(scores)).any():
        raise ValueError(f"{wanted}, got {int(hidden.sum())} masked numbers")
    if given.shape != (members,):
        raise ValueError(f"{wanted}, got an array of shape {given.shape}")
    with np.errstate(over="ignore"):  # too large a number becomes infinite
        found: Array = np.array(given, np.float64)
    if not np.isfinite(found).all():
        i = int(np.flatnonzero(~np.isfinite(found))[0])
        raise ValueError(f"{wanted}, got {found[i]} for member {i}")
    return found


def seconds_of(rule: Rule) -> float:
    """Return how long ago the candidates of this generation were asked for."""
    return time.perf_counter() - rule._asked_at


def has_exact_bits(rule: Rule) -> bool:
    """Return whether the candidates of a rule have the same bits on every machine."""
    return rule._has_exact_bits


def learnt(rule: Rule) -> dict[str, Any]:
    """Return what must be alike of two rules that are to make the same generations."""
    return {
        "rule": type(rule).__name__,
        "the options of rule": rule._options() | {"seed": rule._seed},
        "the generation of rule": rule.generation,
        "what rule has learnt": [rule._history.scores, rule._state()] if rule.generation else None,
    }


def plain(rule: Rule) -> dict[str, Any]:
    """Return a rule that is between two generations as plain values, for a checkpoint."""
    return {
        "kind": type(rule).__name__,
        "options": rule._options() | {"seed": rule._seed},
        "history": rule._history._plain(),
        "scores": text_of(rule._history.scores),
        "state": rule._state(),
    }


def restore(rule: Rule, given: Mapping[str, Any], values: Array) -> None:
    """Bring a new rule to where `plain` found it; `values` has the last generation."""
    scores = array_of(given["scores"])
    if scores.shape != values.shape[:1]:
        raise ValueError("scores must be one for each member")
    rule._history._set(given["history"], scores)
    rule._shape, rule._single = values.shape, values.dtype == np.float32
    rule._set_state(given["state"], values, scores)


def text_of(numbers: Array | None) -> str:
    """Return float64 numbers as text, to the bit."""
    array = np.ascontiguousarray([] if numbers is None else numbers, "<f8")
    return base64.b64encode(array.tobytes()).decode()


def array_of(text: object, count: int | None = None) -> Array:
    """Return the numbers of `text_of`; ValueError or TypeError for a bad text."""
    found = np.frombuffer(base64.b64decode(checks.text(text, "numbers"), validate=True), "<f8")
    if not np.isfinite(found).all() or (count is not None and len(found) != count):
        raise ValueError(f"expected {count or 'finite'} numbers, got {len(found)}")
    return found.astype(np.float64)
