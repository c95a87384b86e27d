"""The command ``predict``: the predictions of a network for the lines of a table, as a table."""

from __future__ import annotations

import argparse
import codecs
import csv
import itertools
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from foxnn import neural_network
from foxnn.cli import options
from foxnn.cli.columns import Columns, columns_of
from foxnn.cli.tables import Table, TableError, opened
from foxnn.cli.targets import Target, labels_of, numbers_of, score
from foxnn.formats import whole_files

HELP = "predict the targets of the lines of a table"
EXAMPLES = """\
examples:
  python -m foxnn predict net.safetensors new.csv
  python -m foxnn predict net.safetensors new.csv --probabilities --out answers.csv
  python -m foxnn predict net.safetensors test.csv --score --out answers.csv
  cat new.csv | python -m foxnn predict net.safetensors -

The table holds the columns that the network was trained on; if it has a header, in any order and
among others. The predictions are in the order of its lines: the class, or the numbers.
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
    options.add_threads(parser)
    options.add_table_options(parser)


def run(args: argparse.Namespace) -> None:
    """Predict."""
    nn = neural_network(args.network)
    nn.settings.n_threads = args.threads
    columns = columns_of(nn)
    if columns is None and (args.score or args.probabilities):
        raise ValueError(f"{args.network} does not say what its outputs are")
    if columns is not None and args.probabilities and columns.classes is None:
        raise ValueError(f"{args.network} predicts numbers, not classes")
    options.check_apart(args.out, args.data, args.network)
    if args.out is not None:
        whole_files.check_place(args.out)
    with opened(args.data, options.table_format(args)) as table:
        found = _positions(table, columns, nn)
        target = None
        if columns is not None and args.score:
            samples = table.read(found, columns.target_positions(table))
            if columns.classes is None:
                target = Target(numbers_of(table, samples, columns.targets), None)
            else:
                labels = labels_of(table, samples, columns.targets[0], columns.classes)
                target = Target(labels, columns.classes)
        else:
            samples = table.read(found)
    outputs = nn.predict(samples.numbers)
    _write(args, table, columns, outputs)
    if target is not None:
        print(f"{score(outputs, target)} on {len(samples)} samples", file=sys.stderr)


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
    args: argparse.Namespace, table: Table, columns: Columns | None, outputs: NDArray[Any]
) -> None:
    rows: Iterable[list[str]] = _rows(columns, outputs, args.probabilities, args.decimal)
    if table.has_header:
        header = _header(columns, outputs.shape[1], args.probabilities)
        rows = itertools.chain([header], rows)
    if args.out is None:
        csv.writer(sys.stdout, delimiter=table.delimiter, lineterminator="\n").writerows(rows)
        sys.stdout.flush()
        return
    with whole_files.replacing(args.out) as file:
        text = codecs.getwriter("utf-8")(file)
        csv.writer(text, delimiter=table.delimiter, lineterminator="\n").writerows(rows)


def _header(columns: Columns | None, outputs: int, probabilities: bool) -> list[str]:
    if columns is None:
        return [f"output {i + 1}" for i in range(outputs)]
    if columns.classes is None or not probabilities:
        return columns.targets
    return columns.targets + [f"{columns.targets[0]}={name}" for name in columns.classes]


def _rows(
    columns: Columns | None, outputs: NDArray[Any], probabilities: bool, decimal: str
) -> Iterator[list[str]]:
    classes = None if columns is None else columns.classes
    best = outputs.argmax(axis=1)
    for row, place in zip(outputs, best, strict=True):
        cells = [] if classes is None else [classes[place]]
        if classes is None or probabilities:
            # The shortest text that reads back exactly.
            cells += [str(value).replace(".", decimal) for value in row]
        yield cells
