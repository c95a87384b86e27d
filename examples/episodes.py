"""Episodes in Gymnasium's vector environments, for the examples that learn by reward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def environments(name: str, count: int) -> Any:
    """Return so many environments of a kind, side by side."""
    return gymnasium.make_vec(name, num_envs=count)


def threshold(name: str) -> float:
    """Return the mean reward of an episode from which on an environment counts as solved."""
    solved = gymnasium.spec(name).reward_threshold
    assert solved is not None
    return float(solved)


def rewards(side_by_side: Any, answer: Callable[[Array], Array], seed: int) -> Array:
    """Return the sum of the rewards of an episode in each environment.

    `answer` returns a number for each action, for states of shape (environments, numbers); the
    action with the largest is taken.
    """
    states, _ = side_by_side.reset(seed=seed)
    sums, is_on = np.zeros(len(states)), np.ones(len(states), bool)
    while is_on.any():
        actions = answer(states).argmax(axis=-1).reshape(-1)
        states, reward, ended, cut, _ = side_by_side.step(actions)
        # Whoever has ended begins again, which does not count.
        sums += np.where(is_on, reward, 0.0)
        is_on &= ~(ended | cut)
    return sums
