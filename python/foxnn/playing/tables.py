"""Tables in CSV files as samples to learn and to test with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foxnn import Scaler, checks
from foxnn.cli.cells import InputCells, TextCells
from foxnn.cli.columns import Columns
from foxnn.cli.tables import TableError, TableFormat, opened
from foxnn.cli.targets import target_of
from foxnn.formats.paths import path_of

Scalers = tuple[Scaler, Scaler | None]


class Read(NamedTuple):
    """A table that has been read: inputs, targets, and what its columns are."""

    x: NDArray[np.float64]
    y: NDArray[Any]
    columns: Columns


def read(path: str, targets: Sequence[str]) -> Read:
    """Read a table: all columns with a name but the targets are inputs."""
    with opened(path, TableFormat()) as given:
        wanted = [TextCells(given.find(name)) for name in targets]
        positions = {given.find(name) for name in targets}
        cells = [InputCells(i, False) for i in given.named_columns() if i not in positions]
        if not cells:
            raise TableError(f"{given.name}: there is no column left as input")
        rows = given.fill([*cells, *wanted], drop_missing=False)
        for column in cells:
            column.decide()
        target = target_of(wanted, rows.lines, None)
        columns = Columns(
            [column.name for column in cells],
            [column.name for column in wanted],
            target.classes,
            given.has_header,
            len(given.columns),
            {column.name: column.categories for column in cells if column.categories is not None},
        )
        x = np.concatenate([column.values() for column in cells], axis=1)
    return Read(x, target.y, columns)


def divided(given: Read, test: float, seed: int) -> tuple[Any, Any, Any, Any, Scalers]:
    """Return what `table` returns."""
    count = len(given.x)
    order = np.random.default_rng(checks.seed(seed)).permutation(count)
    cut = count - round(count * checks.real(test, "test", 0.0, 0.9))
    if cut == 0:
        raise ValueError(f"test must leave a sample to learn, got {test} of {count}")
    x, y = given.x[order].astype(np.float32), given.y[order]
    scale: Any = given.columns.scaling("standard", x[:cut])
    inputs = scale[0] if isinstance(scale, tuple) else Scaler().fit(x[:cut])
    outputs = Scaler().fit(y[:cut]) if given.columns.classes is None else None
    return x[:cut], y[:cut], x[cut:], y[cut:], (inputs, outputs)


def table(
    path: str | os.PathLike[str], target: str | Sequence[str], *, test: float = 0.5, seed: int = 1
) -> tuple[Any, Any, Any, Any, Scalers]:
    """Return the samples of a CSV file, those to learn and those to test with.

    Parameters
    ----------
    path : str or path
    target : str or sequence of str
        The column to predict, or several columns of numbers; all others are inputs.
    test : float, default=0.5
        The share of the samples to test with, from 0 to 0.9.
    seed : int, default=1
        Of the order of the samples.

    Returns
    -------
    x, y, x_test, y_test : arrays
        Inputs of shape (count, inputs), and classes from 0 on, or numbers (count, targets).
    scale : pair of foxnn.Scaler
        Those of the inputs, and of the outputs if they are numbers, for `fit`.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is not such a table.
    """
    names = [target] if isinstance(target, str) else list(target)
    return divided(read(path_of(path), names), test, seed)
