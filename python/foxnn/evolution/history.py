"""The records of an evolution: a number for each generation and quantity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Numbers = NDArray[np.float64]

NAMES = ("best", "mean", "seconds")


class EvolutionHistory(Mapping[str, Numbers]):
    """Arrays of shape (generations,) by name: best and mean (of the scores), and seconds.

    Attributes
    ----------
    scores : ndarray of shape (members,), or None
        The scores of the last generation.

    Examples
    --------
    >>> import foxnn
    >>> pop = foxnn.population(10, [1, 1], seed=0)
    >>> history = pop.evolve(lambda pop: -abs(pop.parameters).sum(axis=1), generations=20)
    >>> history["best"].shape, len(history.scores), bool(history["best"][-1] > history["best"][0])
    ((20,), 10, True)
    """

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {name: [] for name in NAMES}
        self.scores: Numbers | None = None

    def _add(self, scores: Numbers, seconds: float) -> None:
        """Append the numbers of a generation."""
        numbers = {"best": scores.max(), "mean": scores.mean(), "seconds": seconds}
        for name, number in numbers.items():
            self._values[name].append(float(number))
        self.scores = scores

    @property
    def generations(self) -> int:
        """The number of generations."""
        return len(self._values["best"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the best and the mean score over the generations.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        matplotlib Axes
            As of `foxnn.plot.history`.
        """
        from foxnn import plot  # late: evolution does not need it

        return plot.history(self, ax)

    def _plain(self) -> dict[str, list[float]]:
        """Return the values as lists, for files."""
        return {name: list(values) for name, values in self._values.items()}

    def _set(self, values: Mapping[str, Any], scores: Numbers | None) -> None:
        """Take the place of a history with these lists; ValueError or TypeError for bad ones."""
        if set(values) != set(NAMES):
            raise ValueError(f"a history must hold {', '.join(NAMES)}")
        found = {
            name: [checks.real(one, name) for one in checks.items(values[name], "a list")]
            for name in NAMES
        }
        if len({len(numbers) for numbers in found.values()}) > 1:
            raise ValueError("a history must hold as many generations for each name")
        self._values, self.scores = found, scores

    def __getitem__(self, name: str) -> Numbers:
        return np.array(self._values[name], np.float64)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        said = f"{self.generations} generation{'s' * (self.generations != 1)}"
        if self.generations:
            last = (f"{name}={self._values[name][-1]:.4g}" for name in ("best", "mean"))
            said += f"; last: {', '.join(last)}"
        return f"EvolutionHistory({said})"


def took(history: EvolutionHistory, seconds: float) -> None:
    """Note how long the last generation took, where another process has measured it."""
    history._values["seconds"][-1] = seconds
