"""Which columns of a table are inputs and targets: the options that say it, and what is read."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foxnn.cli import options
from foxnn.cli.cells import InputCells, TextCells
from foxnn.cli.columns import Columns
from foxnn.cli.tables import Rows, Table, TableError
from foxnn.cli.targets import Target, target_of


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a table.

    Attributes
    ----------
    targets : sequence of str
        Columns, by name or number.
    inputs, ignore : sequence of str or None
        Only these columns, or all but these and the targets.
    categorical : sequence of str
        Inputs of numbers that are categories.
    classify : bool or None
        Whether targets are classes; None: what they look like.
    drop_missing : bool
        Whether lines with an empty cell are left out.
    missing : list of str or None
        What a missing cell may hold, if it is not the usual.
    """

    targets: Sequence[str]
    inputs: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    categorical: Sequence[str] = ()
    classify: bool | None = None
    drop_missing: bool = False
    missing: list[str] | None = None


class Found(NamedTuple):
    """The samples of a table, and its columns."""

    columns: Columns
    rows: Rows
    x: NDArray[np.float64]
    target: Target


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which columns are what, but for --target."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--inputs", type=options.names, metavar="COLUMNS", help="only these")
    chosen.add_argument("--ignore", type=options.names, metavar="COLUMNS", help="all but these")
    task = parser.add_mutually_exclusive_group()
    task.add_argument(
        "--classify", action="store_const", const=True, default=None,
        help="treat the target as classes, even if it holds numbers",
    )  # fmt: skip
    task.add_argument(
        "--regress", dest="classify", action="store_const", const=False,
        help="treat the target as numbers",
    )  # fmt: skip
    parser.add_argument(
        "--categorical", type=options.names, default=[], metavar="COLUMNS",
        help="inputs of numbers that are categories; texts are categories anyway",
    )  # fmt: skip
    parser.add_argument(
        "--drop-missing", action="store_true", help="leave out lines with an empty cell"
    )


def wanted_of(args: argparse.Namespace) -> Wanted:
    """Return what the options say."""
    return Wanted(
        args.target, args.inputs, args.ignore, args.categorical, args.classify, args.drop_missing,
        args.missing,
    )  # fmt: skip


def read(table: Table, wanted: Wanted) -> Found:
    """Read the samples of a table; TableError if it lacks what is wanted."""
    targets = [table.find(name) for name in wanted.targets]
    if len(set(targets)) < len(targets):
        raise TableError(f"{table.name}: --target names a column twice")
    if wanted.inputs is not None:
        inputs = [table.find(name) for name in wanted.inputs]
        if both := set(inputs) & set(targets):
            raise TableError(f"{table.name}: {table.columns[both.pop()]!r} is input and target")
    else:
        without = {*targets, *(table.find(name) for name in wanted.ignore or [])}
        inputs = [i for i in table.named_columns() if i not in without]
    if not inputs:
        raise TableError(f"{table.name}: there is no column left as input")
    forced = {table.find(name) for name in wanted.categorical}
    if others := forced - set(inputs):
        name = table.columns[others.pop()]
        raise TableError(f"{table.name}: --categorical names {name!r}, which is not an input")
    cells = [InputCells(i, i in forced) for i in inputs]
    answers = [TextCells(i) for i in targets]
    rows = table.fill([*cells, *answers], drop_missing=wanted.drop_missing)
    for column in cells:
        column.decide()
    target = target_of(answers, rows.lines, wanted.classify)
    columns = Columns(
        [column.name for column in cells],
        [column.name for column in answers],
        target.classes,
        table.has_header,
        len(table.columns),
        {column.name: column.categories for column in cells if column.categories is not None},
        wanted.missing,
    )
    x = np.concatenate([column.values() for column in cells], axis=1)
    return Found(columns, rows, x, target)
