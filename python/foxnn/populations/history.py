"""The records of the training of a population: an array for each quantity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.support.html import escaped, table
from foxnn.training.history import History

Numbers = NDArray[np.float64]

# What notebooks draw, and how many members of each: enough to see their spread.
_DRAWN, _MOST_CURVES = ("loss", "val_loss", "accuracy", "val_accuracy"), 30


class PopulationHistory(Mapping[str, Numbers]):
    """Arrays by name, of shape (members, epochs): loss, val_loss, accuracy, learning_rate, ...

    Epochs are counted from 0. After the last epoch of a member that ended earlier than others, its
    numbers are NaN. "seconds" has shape (epochs,): an epoch of all members.

    Examples
    --------
    >>> import foxnn
    >>> pop = foxnn.population(3, [1, 4, 1], seed=0)
    >>> history = pop.fit([[0.0], [1.0]], [[0.0], [1.0]], epochs=5)
    >>> history["loss"].shape, len(history.of(2)["loss"])
    ((3, 5), 5)
    """

    def __init__(self, names: list[str], members: int) -> None:
        self._members = members
        self._values: dict[str, list[Any]] = {name: [] for name in names}

    @property
    def members(self) -> int:
        """The number of members."""
        return self._members

    def add(self, **values: Any) -> None:
        """Append the numbers of one epoch: an array for each name, with a number a member."""
        for name, numbers in values.items():
            self._values[name].append(numbers)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], members: int) -> PopulationHistory:
        """Return a history of plain values, a list a name with a list or a number an epoch."""
        history = cls(list(values), members)
        lengths = set()
        for name, epochs in values.items():
            checks.text(name, "a name of a history")
            for numbers in checks.items(epochs, f"history[{name!r}] must be a list"):
                array = np.array(numbers, np.float64)
                if array.shape != (() if name == "seconds" else (members,)):
                    raise ValueError(f"a history must hold {members} numbers an epoch as {name}")
                history._values[name].append(float(array) if name == "seconds" else array)
            lengths.add(len(history._values[name]))
        if len(lengths) > 1:
            raise ValueError("a history must hold as many epochs for each name")
        return history

    def plain(self) -> dict[str, list[Any]]:
        """Return the values as lists, for files; NaN is None."""
        return {
            name: [
                numbers
                if name == "seconds"
                else [None if math.isnan(number) else number for number in numbers.tolist()]
                for numbers in epochs
            ]
            for name, epochs in self._values.items()
        }

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(next(iter(self._values.values()), []))

    def of(self, i: int) -> History:
        """Return the history of one member, up to its last epoch.

        Parameters
        ----------
        i : int
            A negative one counts from the end.

        Returns
        -------
        History

        Raises
        ------
        IndexError
            If there is no such member.
        """
        member = checks.position(i, "i", self._members, "a member")
        trained = [not math.isnan(rates[member]) for rates in self._values["learning_rate"]]
        return History.of(
            {
                name: [
                    float(numbers if name == "seconds" else numbers[member])
                    for numbers, is_there in zip(epochs, trained, strict=True)
                    if is_there
                ]
                for name, epochs in self._values.items()
            }
        )

    def __getitem__(self, name: str) -> Numbers:
        epochs = self._values[name]
        if name == "seconds":
            return np.array(epochs, np.float64)
        numbers: Numbers = np.array(epochs, np.float64).reshape(-1, self._members).T.copy()
        return numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        epochs = f"{self.epochs} epoch{'s' * (self.epochs != 1)}"
        last = ", ".join(f"{name}={low:.4g} to {high:.4g}" for name, low, high in self._last())
        said = f"{self._members} members, {epochs}"
        return f"PopulationHistory({said}; last: {last})" if last else f"PopulationHistory({said})"

    def _last(self) -> list[tuple[str, float, float]]:
        """Return the least and the largest of the members' last numbers, by name."""
        found = []
        for name in self._values:
            if name in ("seconds", "learning_rate") or not self.epochs:
                continue
            numbers = self[name]
            ends = [row[~np.isnan(row)][-1:] for row in numbers]
            there = np.concatenate(ends)
            if there.size:
                found.append((name, float(there.min()), float(there.max())))
        return found

    def _repr_html_(self) -> str:
        """Return what notebooks show: the members' curves, and the ends of their last numbers."""
        from foxnn.support import svg  # late: for notebooks only

        rows = [[name, f"{low:.4g}", f"{high:.4g}"] for name, low, high in self._last()]
        if not rows:
            return escaped(repr(self))
        shown = table(["last", "least", "largest"], rows, range(1, 3))
        curves = {name: self._curves(name) for name in _DRAWN if name in self._values}
        return f"{svg.plots(curves)}\n{shown}\n<p>{escaped(repr(self))}</p>"

    def _curves(self, name: str) -> list[Any]:
        """Return the curves of members, spread over all, and above them that of their median."""
        from foxnn.support import svg

        values = self[name]
        which = sorted({round(i) for i in np.linspace(0, self._members - 1, _MOST_CURVES)})
        each = [svg.Curve(values[i].tolist(), is_faint=True) for i in which]
        with np.errstate(all="ignore"):
            ended = np.isnan(values).all(axis=0)  # of which nanmedian warns
            median = np.full(values.shape[1], np.nan)
            median[~ended] = np.nanmedian(values[:, ~ended], axis=0)
        return [svg.Curve(median.tolist(), "median", svg.COLOURS[1]), *each]
