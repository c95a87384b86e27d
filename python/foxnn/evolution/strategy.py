"""OpenAI's evolution strategy: steps of a center along mirrored perturbations, shaped by rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.keywords import answering
from foxnn.evolution.rule import Rule, array_of, text_of

OPTIMIZERS = ("adam", "sgd")

# Of Adam, as Kingma and Ba advise.
_BETAS = 0.9, 0.999
_EPSILON = 1e-8

# The normal numbers of a generation that are kept until its scores come (8 MB). Drawing them again
# takes half of the rule's time.
_MOST_KEPT = 1 << 20


@answering()
class EvolutionStrategy(Rule):
    """Steps of a center along perturbations, weighted by the ranks of their scores.

    The center begins as the population's first member. Of each generation, members 2i and 2i + 1
    are the center plus and minus `sigma` times the same standard normal numbers. Their scores are
    replaced by their ranks, from -1/2 to 1/2 (equal scores share their mean rank), so that only
    their order counts; the sum of the perturbations, weighted by them, estimates the gradient of
    the score, along which the center takes a step.

    Parameters
    ----------
    sigma : float, default=0.1
    learning_rate : float, default=0.05
    optimizer : {"adam", "sgd"}, default="adam"
    l2 : float, default=0.0
        What is subtracted from the gradient, times the weights.
    seed : int, optional
        By default that of the population's first member.

    Raises
    ------
    ValueError, TypeError
        For values that are not positive (`l2` may be 0), and for populations with an odd number of
        members.

    References
    ----------
    Salimans et al., "Evolution strategies as a scalable alternative to reinforcement learning",
    2017.

    Examples
    --------
    >>> import foxnn
    >>> pop = foxnn.population(50, [3, 1], seed=1)
    >>> rule = foxnn.evolution.EvolutionStrategy(sigma=0.05)
    >>> history = pop.evolve(lambda pop: -((pop.parameters - 2) ** 2).sum(axis=1), 150, rule)
    >>> rule.center.round(1).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """

    _has_exact_bits = True

    def __init__(
        self,
        sigma: float = 0.1,
        learning_rate: float = 0.05,
        optimizer: str = "adam",
        l2: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self._sigma = checks.real(sigma, "sigma", 0.0, open_low=True)
        self._learning_rate = checks.real(learning_rate, "learning_rate", 0.0, open_low=True)
        self._method = checks.choice(optimizer, "optimizer", OPTIMIZERS)
        self._l2 = checks.real(l2, "l2", 0.0)
        super().__init__(seed)
        # The center, and Adam's two moments.
        self._memory: tuple[Array, Array, Array] | None = None
        self._threads = 0
        # What the generation is made of, if it is small enough to be kept.
        self._normals: Array | None = None

    @property
    def center(self) -> Array | None:
        """The parameters in the middle of the generation, of shape (n,); None before the first."""
        return None if self._memory is None else self._memory[0].copy()

    def _check_members(self, members: int) -> None:
        if members % 2:
            raise ValueError(
                "pop must have an even number of members for EvolutionStrategy, which takes them "
                f"in pairs, got {members}"
            )

    def _advice(self) -> str:
        assert self._memory is not None
        is_far = not checks.all_finite(self._memory[0], self._single)
        name, value = ("learning_rate", self._learning_rate) if is_far else ("sigma", self._sigma)
        return f"{name} must be smaller, got {value}"

    def _begin(self, values: Array) -> None:
        center = values[0].astype(np.float64)
        self._memory = center, np.zeros_like(center), np.zeros_like(center)

    def _next(self, values: Array, threads: int) -> Array:
        assert self._memory is not None
        assert self._seed is not None
        self._threads = threads
        single = values.dtype == np.float32
        pairs, count = len(values) // 2, values.shape[1]
        normals = np.empty((pairs, count)) if pairs * count <= _MOST_KEPT else None
        self._normals = None
        made = _core.perturbed(
            self._memory[0], pairs, self._sigma, single, self._seed, self.generation, threads,
            normals,
        )  # fmt: skip
        self._normals = normals
        return made

    def _learn(self, candidates: Array, scores: Array) -> None:
        assert self._memory is not None
        assert self._seed is not None
        shaped = centered_ranks(scores)
        center, first, second = self._memory
        gradient = _core.summed_perturbations(
            shaped[0::2] - shaped[1::2], len(center), self._seed, self.generation, self._threads,
            self._normals,
        ) / (len(scores) * self._sigma)  # fmt: skip
        gradient -= self._l2 * center
        if self._method == "adam":
            step, (b1, b2) = self.generation + 1, _BETAS
            first = b1 * first + (1 - b1) * gradient
            second = b2 * second + (1 - b2) * gradient**2
            gradient = first / (1 - b1**step) / (np.sqrt(second / (1 - b2**step)) + _EPSILON)
        self._memory = center + self._learning_rate * gradient, first, second
        self._normals = None

    def _found(self) -> Array:
        assert self._memory is not None
        return self._memory[0]

    def _options(self) -> dict[str, Any]:
        return {
            "sigma": self._sigma, "learning_rate": self._learning_rate, "optimizer": self._method,
            "l2": self._l2,
        }  # fmt: skip

    def _state(self) -> dict[str, Any]:
        assert self._memory is not None
        return {"memory": [text_of(one) for one in self._memory]}

    def _set_state(self, state: Mapping[str, Any], candidates: Array, scores: Array) -> None:
        center, first, second = (array_of(one, candidates.shape[1]) for one in state["memory"])
        self._memory = center, first, second


def centered_ranks(scores: Array) -> Array:
    """Return ranks from -1/2 (the worst) to 1/2; equal scores share the mean of their ranks."""
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = (ends - (counts + 1) / 2)[which.reshape(-1)]
    return ranks / max(len(scores) - 1, 1) - 0.5
