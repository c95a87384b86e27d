"""The records of a training run: one number per epoch for each quantity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from foxnn import checks
from foxnn.checks.unpickling import attributes
from foxnn.support.extras import library
from foxnn.support.html import escaped, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

# A table of more epochs than this is abbreviated to some rows at either end.
_LONGEST_TABLE = 12
_ROWS_AT_AN_END = 5


class History(Mapping[str, list[float]]):
    """Lists by name, with one value per epoch: loss, val_loss, accuracy, val_accuracy, ...

    Epochs are counted from 0. A history prints as a table, and equals any mapping with the same
    values.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([1, 1], seed=0)
    >>> history = nn.fit([[0.0], [1.0]], [[0.0], [1.0]], epochs=3)
    >>> sorted(history)
    ['learning_rate', 'loss', 'seconds']
    >>> len(history["loss"])
    3
    """

    # For objects made without the constructor.
    _values: dict[str, list[float]] = MappingProxyType({})  # type: ignore[assignment]

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, **values: float) -> None:
        """Append the values of one epoch.

        Raises
        ------
        ValueError
            If their names are not those of earlier epochs.
        """
        if self._values and values.keys() != self._values.keys():
            raise ValueError(
                f"values must be those of earlier epochs, {', '.join(self._values)}; "
                f"got {', '.join(values) or 'none'}"
            )
        numbers = {name: checks.number(value, name) for name, value in values.items()}
        for name, number in numbers.items():
            self._values.setdefault(name, []).append(number)

    @classmethod
    def of(cls, values: Mapping[str, list[float]]) -> History:
        """Return a history with these values, the same number for each name."""
        if not isinstance(values, Mapping):
            raise TypeError(f"values must be a mapping of lists, got {checks.shown(values)}")
        history, lengths = cls(), set()
        for name in values:
            checks.text(name, "a name of values")
            numbers = history._values[name] = _numbers(values[name], name)
            lengths.add(len(numbers))
        if len(lengths) > 1:
            raise ValueError("values must be lists of one length, one number an epoch")
        return history

    @classmethod
    def _empty(cls, names: Iterable[str]) -> History:
        """Return a history of no epochs yet."""
        history = cls()
        history._values = {name: [] for name in names}
        return history

    def __setstate__(self, state: object) -> None:
        given = attributes(state, type(self), "_values")
        self.__dict__.update(given | {"_values": checked(given["_values"])})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw loss and accuracy over the epochs, as `foxnn.plot.history` does.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from foxnn import plot  # late: training does not need it

        return plot.history(self, ax)

    def to_pandas(self) -> DataFrame:
        """Return a DataFrame with a row per epoch and a column per quantity.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import foxnn
        >>> history = foxnn.History()
        >>> history.add(loss=0.5, accuracy=0.75)
        >>> history.add(loss=0.25, accuracy=1.0)
        >>> history.to_pandas()["loss"].tolist()
        [0.5, 0.25]
        """
        pandas = library("pandas", "pandas", "History.to_pandas")
        index = pandas.RangeIndex(self._epochs(), name="epoch")
        frame: DataFrame = pandas.DataFrame(self._values, index=index)
        return frame

    def __getitem__(self, name: str) -> list[float]:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        last = ", ".join(
            f"{name}={values[-1]:.4g}" for name, values in self._values.items() if values
        )
        return f"History({self._size()}; last: {last})" if last else f"History({self._size()})"

    def __str__(self) -> str:
        if not self._epochs():
            return repr(self)
        columns = list(zip(*self._table(), strict=True))
        widths = [max(map(len, column)) for column in columns]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in self._table()
        )

    def _repr_html_(self) -> str:
        """Return what notebooks show: the curves of `plot`, and the table of `print`."""
        from foxnn.support import svg  # late: for notebooks only

        header, *rows = self._table()
        if not rows:
            return escaped(repr(self))
        curves: dict[str, list[svg.Curve]] = {"loss": [], "accuracy": []}
        for name, own in curves.items():
            for key, side, colour in ((name, "training", 0), (f"val_{name}", "validation", 1)):
                if key in self._values:
                    look = svg.COLOURS[colour], colour > 0
                    own.append(svg.Curve(self._values[key], side, *look))
        shown = f"{svg.plots(curves)}\n{table(header, rows, range(len(header)))}"
        return f"{shown}\n<p>{escaped(repr(self))}</p>"

    def _table(self) -> list[list[str]]:
        """Return the rows of a table, its header first; of many epochs those at either end."""
        numbers = list(range(self._epochs()))
        is_long = len(numbers) > _LONGEST_TABLE
        if is_long:
            numbers = numbers[:_ROWS_AT_AN_END] + numbers[-_ROWS_AT_AN_END:]
        rows = [["epoch", *self._values]]
        for number in numbers:
            rows.append([str(number), *(f"{v[number]:.4g}" for v in self._values.values())])
        if is_long:
            rows.insert(1 + _ROWS_AT_AN_END, ["..."] * len(rows[0]))
        return rows

    def _epochs(self) -> int:
        return len(next(iter(self._values.values()), []))

    def _size(self) -> str:
        epochs = self._epochs()
        return f"{epochs} epoch{'s' * (epochs != 1)}"


def _numbers(values: list[float], name: str) -> list[float]:
    """Return the numbers of a list of a history, checked."""
    if type(values) is list and all(type(value) is float for value in values):
        return list(values)  # fast path: messages take longer
    where = f"values[{checks.shown(name)}]"
    return [checks.number(v, where) for v in checks.items(values, f"{where} must be a list")]


def checked(values: Any) -> dict[str, list[float]]:
    """Return the values of a history, checked: the same number for each name.

    Raises
    ------
    ValueError
        For anything else.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"a history must be a dict of lists, got {checks.shown(values)}")
    found: dict[str, list[float]] = {}
    for name, numbers in values.items():
        if not isinstance(name, str) or not isinstance(numbers, list | tuple):
            raise ValueError(f"a history must hold lists by names, got {checks.shown(name)}")
        try:
            found[name] = [_number(value) for value in numbers]
        except (TypeError, OverflowError):
            raise ValueError(f"a history must hold numbers as {checks.shown(name)}") from None
    if len({len(numbers) for numbers in found.values()}) > 1:
        raise ValueError("a history must hold as many numbers for each name")
    return found


def _number(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError
    return float(value)
