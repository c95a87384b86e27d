"""The command ``predict``: the predictions of a network for the lines of a table, as a table."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import csv
import gzip
import itertools
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from foxnn import checks, neural_network
from foxnn.cli import options
from foxnn.cli.cells import CategoryCells, Cells, NumberCells, TextCells
from foxnn.cli.columns import Columns, class_names, columns_of
from foxnn.cli.info import some
from foxnn.cli.tables import Rows, Table, TableError, opened
from foxnn.cli.targets import Target, labels_of, numbers_of, score
from foxnn.formats import endings, foreign, whole_files

HELP = "predict the targets of the lines of a table"
EXAMPLES = """\
examples:
  python -m foxnn predict net.safetensors new.csv
  python -m foxnn predict net.safetensors new.csv --probabilities --out answers.csv
  python -m foxnn predict net.safetensors test.csv --score --out answers.csv
  python -m foxnn predict net.safetensors new.csv.gz --keep id,name --drop-missing
  cat new.csv | python -m foxnn predict net.safetensors -

The table must hold the columns that the network was trained on; with a header, in any order and
among others. The predictions are in the order of its lines: the class, or the numbers. A category
that did not occur in the training is reported, and treated as none of the known ones.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("network", help="network file")
    parser.add_argument("data", help="the table; - is standard input")
    parser.add_argument(
        "--out", metavar="FILE", help="file for predictions (default: standard output)"
    )
    parser.add_argument(
        "--probabilities", action="store_true", help="also the probability of each class"
    )
    parser.add_argument(
        "--score",
        action="store_true",
        help="compare with the targets in the table, and write the score to standard error",
    )
    parser.add_argument(
        "--keep", type=options.names, default=[], metavar="COLUMNS",
        help="columns of the table to write before the predictions",
    )  # fmt: skip
    parser.add_argument(
        "--drop-missing", action="store_true",
        help="leave out lines with an empty cell, and say which",
    )  # fmt: skip
    options.add_threads(parser)
    options.add_table_options(parser)


def run(args: argparse.Namespace) -> None:
    """Predict."""
    nn = neural_network(args.network)
    nn.settings.n_threads = args.threads
    columns = columns_of(nn)
    classes = class_names(nn) if columns is None else columns.classes
    if columns is None and (args.score or (args.probabilities and classes is None)):
        raise ValueError(f"{args.network} does not say what its outputs are")
    if args.probabilities and classes is None:
        raise ValueError(f"{args.network} predicts numbers, not classes")
    options.check_apart(args.out, args.data, args.network)
    if args.out is not None:
        _check_out(args.out)
    form = options.table_format(args, None if columns is None else columns.missing)
    with opened(args.data, form) as table:
        positions = _positions(table, columns, nn)
        inputs: list[Cells] = list(map(NumberCells, positions))
        wanted: list[TextCells] = []
        if columns is not None:
            inputs = columns.cells(positions)
            if args.score:
                wanted = [TextCells(i) for i in columns.target_positions(table)]
        kept = [TextCells(table.find(name), are_needed=False) for name in args.keep]
        rows = table.fill([*inputs, *wanted, *kept], drop_missing=args.drop_missing)
    target = None
    if columns is not None and wanted:
        target = _target(columns, wanted, rows)
    if rows.dropped:
        warnings.warn(f"{table.name}: left out, with missing cells: {rows.places}", stacklevel=2)
    for column in inputs:
        if isinstance(column, CategoryCells) and column.unseen:
            warnings.warn(_unseen(column), stacklevel=2)
    outputs = nn.predict(np.concatenate([column.values() for column in inputs], axis=1))
    names = [f"output {i + 1}" for i in range(outputs.shape[1])]
    if columns is not None:
        names = columns.targets
    elif classes is not None:
        names = ["class"]
    if classes is not None and outputs.shape[1] < len(classes):  # that of the second of two
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    _write(args, table, names, classes, kept, outputs)
    if target is not None:
        print(f"{score(outputs, target)} on {len(rows.lines)} samples", file=sys.stderr)


def _check_out(path: str) -> None:
    """Raise the error that writing predictions would: they are text, perhaps in gzip."""
    if foreign.kind_of_name(path) not in ("table", "gzip"):
        allowed = "the name of a text table (.csv, .csv.gz)"
        foreign.refuse_name(path, "--out", allowed)
        if endings.ending_of(path) != ".txt":
            raise ValueError(f"--out must be {allowed}, got {path!r}, that of a network")
    whole_files.check_place(path)


def _target(columns: Columns, wanted: list[TextCells], rows: Rows) -> Target:
    if columns.classes is None:
        return Target(numbers_of(wanted, rows.lines), None)
    known = columns.labels(wanted[0].numerals)
    return Target(labels_of(wanted[0], rows.lines, known), columns.classes)


def _unseen(column: CategoryCells) -> str:
    count = sum(number for _, number in column.unseen.values())
    text, (line, _) = next(iter(column.unseen.items()))
    others = f", and {len(column.unseen) - 1} others" if len(column.unseen) > 1 else ""
    return (
        f"{column.table}, line {line}: column {checks.shown(column.name)} holds "
        f"{checks.shown(text)}{others}, which the training has not seen; {count} "
        f"cell{'s' * (count != 1)} treated as none of its categories ({some(column.categories)})"
    )


def _positions(table: Table, columns: Columns | None, nn: neural_network) -> list[int]:
    if columns is not None:
        return columns.positions(table)
    if nn.input_names is not None and table.has_header:
        return [table.find(name) for name in nn.input_names]
    if len(table.columns) != nn.sizes[0]:
        raise TableError(
            f"{table.name}: it must hold the {nn.sizes[0]} inputs of the network and nothing else, "
            f"got {len(table.columns)} columns"
        )
    return list(range(nn.sizes[0]))


def _write(
    args: argparse.Namespace,
    table: Table,
    names: list[str],
    classes: list[str] | None,
    kept: list[TextCells],
    outputs: NDArray[Any],
) -> None:
    rows: Iterable[list[str]] = _rows(classes, outputs, args.probabilities, args.decimal)
    if kept:
        beside = zip(*(column.texts for column in kept), strict=True)
        rows = ([*cells, *row] for cells, row in zip(beside, rows, strict=True))
    if table.has_header:
        others = [column.name for column in kept]
        if classes is not None and args.probabilities:
            names = [*names, *(f"{names[0]}={label}" for label in classes)]
        # A target that is kept would otherwise have the name of its prediction.
        header = [f"predicted {name}" if name in others else name for name in names]
        rows = itertools.chain([[*others, *header]], rows)
    if args.out is None:
        csv.writer(sys.stdout, delimiter=table.delimiter, lineterminator="\n").writerows(rows)
        sys.stdout.flush()
        return
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(whole_files.replacing(args.out))
        if args.out.lower().endswith(".gz"):  # without the time, so that equal answers are equal
            packed = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
            file = cast(IO[bytes], packed)
        text = codecs.getwriter("utf-8")(file)
        csv.writer(text, delimiter=table.delimiter, lineterminator="\n").writerows(rows)


def _rows(
    classes: list[str] | None, outputs: NDArray[Any], probabilities: bool, decimal: str
) -> Iterator[list[str]]:
    best = outputs.argmax(axis=1)
    for row, place in zip(outputs, best, strict=True):
        cells = [] if classes is None else [classes[place]]
        if classes is None or probabilities:
            # The shortest text that reads back exactly.
            cells += [str(value).replace(".", decimal) for value in row]
        yield cells
