"""Tables in CSV files as samples to learn and to test with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foxnn import Scaler, checks
from foxnn.cli import wanted
from foxnn.cli.columns import Columns
from foxnn.cli.missing import USUAL
from foxnn.cli.numerals import THOUSANDS
from foxnn.cli.options import encoding_of
from foxnn.cli.tables import TableFormat, opened
from foxnn.cli.wanted import Wanted
from foxnn.formats.paths import path_of

Scalers = tuple[Scaler, Scaler | None]


class Read(NamedTuple):
    """A table that has been read: inputs, targets, and what its columns are."""

    x: NDArray[np.float64]
    y: NDArray[Any]
    columns: Columns


def read(path: str, what: Wanted, form: TableFormat) -> Read:
    """Read a table."""
    with opened(path, form) as given:
        found = wanted.read(given, what)
    return Read(found.x, found.target.y, found.columns)


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
    path: str | os.PathLike[str],
    target: str | Sequence[str],
    *,
    test: float = 0.5,
    seed: int = 1,
    inputs: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    categorical: str | Sequence[str] = (),
    classify: bool | None = None,
    drop_missing: bool = False,
    missing: str | Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    units: str | Sequence[str] = (),
    encoding: str = "utf-8",
) -> tuple[Any, Any, Any, Any, Scalers]:
    r"""Return the samples of a CSV file, those to learn and those to test with.

    Parameters
    ----------
    path : str or path
    target : str or sequence of str
        The column to predict, or several columns of numbers; all others are inputs.
    test : float, default=0.5
        The share of the samples to test with, from 0 to 0.9.
    seed : int, default=1
        Of the order of the samples.
    inputs, ignore : str or sequence of str, optional
        Only these columns, or all but these. At most one of both may be given.
    categorical : str or sequence of str, default=()
        Inputs of numbers that are categories; texts are categories anyway.
    classify : bool, optional
        Whether the targets are classes. By default texts and few different integers are.
    drop_missing : bool, default=False
        Whether lines with a missing cell are left out; otherwise they are refused.
    missing : str or sequence of str, optional
        What a missing cell may hold, if not "?", "NA", "N/A", "NaN" or "null"; an empty cell is
        missing, too.
    delimiter : str, optional
        The character between cells. By default the one of tab ; | , that fits most lines.
    header : bool, optional
        Whether the first line holds the names of the columns. By default it does unless one of its
        cells is a number.
    decimal : str, default="."
        The decimal sign, "." or ",".
    thousands : str, optional
        What separates thousands: ",", ".", "space", "apostrophe" or "_".
    units : str or sequence of str, default=()
        Texts before or after numbers that are left out.
    encoding : str, default="utf-8"

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

    Examples
    --------
    >>> import os, tempfile
    >>> from foxnn.playing import table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "fruit.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("grams;colour;kind\n120;red;apple\n5;red;cherry\n9;red;cherry")
    ...     x, y, x_test, y_test, scale = table(path, "kind", delimiter=";", test=0.0)
    >>> x.shape, sorted(y.tolist())
    ((3, 2), [0, 1, 1])
    """
    if inputs is not None and ignore is not None:
        raise ValueError("inputs and ignore must not be given together")
    targets = _texts(target, "target")
    if not targets:
        raise ValueError("target must name at least one column")
    lacking = None if missing is None else _texts(missing, "missing")
    what = Wanted(
        targets,
        None if inputs is None else _texts(inputs, "inputs"),
        None if ignore is None else _texts(ignore, "ignore"),
        _texts(categorical, "categorical"),
        None if classify is None else checks.flag(classify, "classify"),
        checks.flag(drop_missing, "drop_missing"),
        lacking,
    )
    form = TableFormat(
        None if delimiter is None else _delimiter(delimiter),
        None if header is None else checks.flag(header, "header"),
        checks.choice(decimal, "decimal", [".", ","]),
        _encoding(encoding),
        None if thousands is None else checks.choice(thousands, "thousands", THOUSANDS),
        tuple(_texts(units, "units")),
        USUAL if lacking is None else tuple(lacking),
    )
    if form.thousands == form.decimal:
        raise ValueError(f"thousands and decimal must differ, got {decimal!r} for both")
    return divided(read(path_of(path, "path"), what, form), test, seed)


def told(what: Wanted, form: TableFormat) -> dict[str, Any]:
    """Return the arguments of `table` that say this, but for those that are as by default."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value, usual in [
            *((name, getattr(what, name), getattr(_PLAIN, name)) for name in _OF_WANTED),
            *((name, getattr(form, name), getattr(TableFormat(), name)) for name in _OF_FORMAT),
        ]
        if value != usual and value != []
    }


_PLAIN = Wanted(())
_OF_WANTED = ("inputs", "ignore", "categorical", "classify", "drop_missing", "missing")
_OF_FORMAT = ("delimiter", "header", "decimal", "thousands", "units", "encoding")


def _texts(value: object, name: str) -> list[str]:
    """Return one text or several as a list."""
    if isinstance(value, str):
        return [value]
    found = checks.items(value, f"{name} must be a string or a sequence of strings")
    return [checks.text(each, f"{name}[{i}]") for i, each in enumerate(found)]


def _delimiter(value: object) -> str:
    sign = checks.text(value, "delimiter")
    if len(sign) != 1 or sign in '"\r\n':
        raise ValueError(f"delimiter must be one character, got {sign!r}")
    return sign


def _encoding(value: object) -> str:
    found = encoding_of(text := checks.text(value, "encoding"))
    if found is None:
        raise ValueError(f"encoding must be one that Python knows, got {text!r}")
    return found
