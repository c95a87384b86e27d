"""What the libraries of the comparison of evolutions are given, and what they give back.

A side is made by a factory, which takes the task and the number of threads. It is a function from
the parameters of the first members, in foxnn's order, and a seed to what the run found. Where the
members have no say (strategies), the first one is the center.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import foxnn

# The module to import to check whether a library is installed, and the package with its version.
LIBRARIES = {
    "foxnn": ("foxnn", "foxnn"),
    "PyGAD": ("pygad", "pygad"),
    "neat-python": ("neat", "neat-python"),
    "EvoTorch": ("evotorch", "evotorch"),
    "evosax": ("evosax", "evosax"),
}
# What they compute with.
_BELOW = ("numpy", "cma", "torch", "jax")

ELITE = 5
TOURNAMENT = 3


class Evolved(NamedTuple):
    """What a run found: the least mean squared error of all members of all generations."""

    error: float
    generations: int
    seconds: float = math.nan


Evolver = Callable[[Any, int], Evolved]


@dataclass(frozen=True)
class Setting:
    """The constants of the rules for a task."""

    speed: float  # of mutations, uniform from [-speed, speed]
    sigma: float  # of a strategy's perturbations
    learning_rate: float  # of a strategy's Adam
    spread: float  # CMA's first standard deviation

    @property
    def deviation(self) -> float:
        """The standard deviation of the mutations, for libraries with normal ones."""
        return self.speed / math.sqrt(3)


@dataclass(frozen=True)
class Task:
    """Networks with a tanh layer, and samples whose mean squared error is to be small."""

    title: str
    sizes: tuple[int, int, int]
    output_activation: str  # sigmoid or identity
    x: Any
    y: Any
    members: int
    generations: int
    setting: Setting
    target: float | None = None  # an error that ends the run

    def shortened(self) -> Task:
        """Return a task that only shows that everything runs."""
        return replace(self, members=20, generations=3)

    def population(self, seed: int) -> foxnn.population:
        """Return the first members."""
        return foxnn.population(
            self.members, list(self.sizes), "tanh", self.output_activation, seed=seed
        )

    def answers(self, parameters: Any, library: Any) -> Any:
        """Return the answers of all members (members, samples, outputs), by NumPy or the like."""
        inputs, hidden, outputs = self.sizes
        first, second = inputs * hidden, (inputs + 1) * hidden
        third = second + hidden * outputs
        w = parameters[:, :first].reshape(-1, inputs, hidden)
        v = parameters[:, second:third].reshape(-1, hidden, outputs)
        x = library.asarray(self.x)
        z = library.tanh(x @ w + parameters[:, None, first:second]) @ v
        z = z + parameters[:, None, third:]
        return (1 + library.tanh(z / 2)) / 2 if self.output_activation == "sigmoid" else z

    def errors(self, parameters: Any, library: Any) -> Any:
        """Return the mean squared error of each member."""
        away = self.answers(parameters, library) - library.asarray(self.y)
        return (away**2).reshape(len(parameters), -1).mean(1)


def versions() -> dict[str, str]:
    """Return the versions of the libraries that are installed."""
    found = {}
    for package in (*(package for _, package in LIBRARIES.values()), *_BELOW):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
