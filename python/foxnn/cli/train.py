"""The command ``train``: trains a network to predict a column of a table, scores and saves it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import foxnn
from foxnn import neural_network
from foxnn.cli import options, wanted
from foxnn.cli.columns import Columns
from foxnn.cli.info import described, some
from foxnn.cli.network_files import check_out, keeps_notes, save
from foxnn.cli.tables import Rows, Table, opened
from foxnn.cli.targets import Target, score
from foxnn.model.losses import SCALABLE_LOSSES
from foxnn.training.samples import WeightedSamples, samples_of
from foxnn.training.validation import split

HELP = "train a network on a table"
EXAMPLES = """\
examples:
  python -m foxnn train iris.csv --target species --out net.safetensors
  python -m foxnn train data.csv --target class --layers 16,16 --dropout 0.1 --out net.safetensors
  python -m foxnn train houses.csv --target price --ignore id,street --epochs auto
  python -m foxnn train cars.csv --target price --units '$' --thousands , --categorical doors
  python -m foxnn train data.csv --no-header --target -1 --scale none --seed 1

The table holds one sample per line. The target is a column of classes (texts, or a few integers) or
of numbers; all other columns with a name are inputs: numbers, or texts and true or false, which
become an input for each text. Without a header, columns are numbered from 1, and -1 is the last.
"""

# The default fraction of the training samples that early stopping watches.
_WATCHED_SHARE = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("data", help="the table; - is standard input")
    parser.add_argument(
        "--target", required=True, type=options.names, metavar="COLUMN",
        help="the column to predict, or several columns of numbers, separated by commas",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="FILE", help="file for the network; the ending names the format"
    )
    wanted.add_options(parser)
    parser.add_argument(
        "--hold-out", type=options.number(0, 1), default=0.2, metavar="SHARE",
        help="fraction of the samples, equal for each class, held out for the final score; 0: none "
        "(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="show only errors")
    _add_network_options(parser)
    _add_fit_options(parser)
    options.add_table_options(parser)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the network")
    group.add_argument(
        "--layers", type=options.layers, default=[32], metavar="SIZES",
        help="neurons of the hidden layers, separated by commas, or none (default: 32)",
    )  # fmt: skip
    group.add_argument(
        "--activation", type=options.activation, default="relu",
        help="of the hidden layers (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--loss", choices=SCALABLE_LOSSES,
        help="for numbers (default: mse); classes always use cross_entropy",
    )  # fmt: skip
    group.add_argument(
        "--scale", choices=["standard", "minmax", "none"], default="standard",
        help="scale the columns; the network keeps the scaling (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    group.add_argument(
        "--seed", type=options.whole(0, 2**64 - 1), metavar="N",
        help="of all random numbers (default: a different one each time)",
    )  # fmt: skip


def _add_fit_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the training")
    above = options.number(0.0, above=True)
    for name, kind, default, text in [
        (
            "--epochs",
            options.epochs,
            200,
            "passes over the samples, or auto",
        ),
        ("--batch-size", options.whole(1), 32, "samples per step"),
        ("--learning-rate", above, 1e-3, "size of a step"),
        ("--l1", options.number(), 0.0, "penalty on the size of the weights"),
        ("--l2", options.number(), 0.0, "penalty on the squares of the weights"),
        ("--dropout", options.number(0, 1), 0.0, "fraction of hidden outputs dropped in a step"),
    ]:
        text += " (default: %(default)s)"
        group.add_argument(name, type=kind, default=default, metavar="N", help=text)
    group.add_argument(
        "--optimizer", choices=foxnn.optimizers(), default="adam", help="(default: %(default)s)"
    )
    group.add_argument(
        "--early-stopping", type=options.whole(1), metavar="EPOCHS",
        help="stop after this many epochs without a better loss on the validation samples, and "
        "restore the best weights",
    )  # fmt: skip
    group.add_argument(
        "--validation", type=options.number(0.0, 1.0, above=True), metavar="SHARE",
        help="fraction of the training samples for validation, apart from the held-out ones "
        f"(default: {_WATCHED_SHARE} with --early-stopping, else none)",
    )  # fmt: skip
    group.add_argument("--class-weight", choices=["balanced"], help="give all classes equal weight")
    group.add_argument("--clip-norm", type=above, metavar="N", help="largest norm of the gradient")
    group.add_argument("--time-limit", type=above, metavar="SECONDS", help="stop after this time")
    options.add_threads(group)
    group.add_argument(
        "--progress", action=argparse.BooleanOptionalAction,
        help="show a progress bar (default: on a terminal)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    """Train."""
    options.check_apart(args.out, args.data)
    with opened(args.data, options.table_format(args)) as table:
        columns, rows, x, target = wanted.read(table, wanted.wanted_of(args))
    nn = _network(args, columns)
    if args.out is not None:
        check_out(nn, args.out)
    tell = _silent if args.quiet else _tell
    _tell_what(tell, table, columns, rows)
    numbers = map(table.numerals.number, columns.classes or [""])
    if args.classify is None and None not in numbers:
        tell("", "(--regress treats them as numbers)")
    tell("network", f"{described(nn)}, {nn.loss}, seed {nn.seed}")
    training = samples_of(nn, x, target.y, None)
    held_out = None
    if args.hold_out:
        training, held_out = _split(nn, training, args.hold_out, target.classes)
    start = time.perf_counter()
    history = _fit(args, nn, training, columns)
    epochs = len(history["loss"])
    seconds = time.perf_counter() - start
    tell("training", f"{len(training)} samples, {epochs} epochs, {seconds:.2f} s")
    if held_out is not None:
        reached = score(nn.predict(held_out.x), Target(held_out.y, target.classes))
        tell("held out", f"{len(held_out)} samples, {reached}")
    nn.settings.n_threads = 0
    columns.note(nn)
    if args.out is not None:
        save(nn, args.out)
        tell("saved", args.out + ("" if keeps_notes(args.out) else ", without the names"))


def _network(args: argparse.Namespace, columns: Columns) -> neural_network:
    if columns.classes is None:
        last, loss, outputs = "identity", args.loss or "mse", len(columns.targets)
    else:
        if args.loss is not None:
            raise ValueError(f"--loss {args.loss} is for numbers, but the targets are classes")
        last, loss, outputs = "softmax", "cross_entropy", len(columns.classes)
    sizes = [len(columns.names()), *args.layers, outputs]
    nn = neural_network(sizes, args.activation, last, loss=loss, dtype=args.dtype, seed=args.seed)
    nn.settings.n_threads = args.threads
    return nn


def _split(
    nn: neural_network, samples: WeightedSamples, share: float, classes: list[str] | None
) -> tuple[WeightedSamples, WeightedSamples | None]:
    if not 0 < round(len(samples) * share) < len(samples):
        raise ValueError(
            f"--hold-out {share:g} of {len(samples)} samples leaves none to train on or none "
            "to score; 0 holds out none"
        )
    parts = split(nn, samples, share, nn._draw(), f"--hold-out {share:g}", classes)
    nn._next_draw()
    return parts


def _fit(
    args: argparse.Namespace, nn: neural_network, samples: WeightedSamples, columns: Columns
) -> foxnn.History:
    validation = args.validation
    if validation is None and args.early_stopping is not None:
        validation = _WATCHED_SHARE
    return nn.fit(
        samples.x,
        samples.y,
        args.epochs,
        args.batch_size,
        args.optimizer,
        args.learning_rate,
        validation,
        args.early_stopping,
        l1=args.l1,
        l2=args.l2,
        dropout=args.dropout,
        class_weight=args.class_weight,
        progress=False if args.quiet else args.progress,
        time_limit=args.time_limit,
        scale=None if args.scale == "none" else columns.scaling(args.scale, samples.x),
        clip_norm=args.clip_norm,
    )


def _tell(name: str, text: str) -> None:
    print(f"{name:<10}{text}", flush=True)


def _silent(name: str, text: str) -> None:
    pass


def _tell_what(
    tell: Callable[[str, str], None], table: Table, columns: Columns, rows: Rows
) -> None:
    dropped = f" ({len(rows.dropped)} more have missing cells)" if rows.dropped else ""
    tell("table", f"{table.name}, {len(rows.lines)} samples{dropped}")
    tell("inputs", f"{len(columns.inputs)}: {some(columns.inputs)}")
    if columns.categories:
        counts = [f"{name} ({len(texts)})" for name, texts in columns.categories.items()]
        tell("", f"as categories: {some(counts)}")
    if nameless := columns.width - len([name for name in table.columns if name]):
        tell("", f"left out: {nameless} without a name")
    if columns.classes is None:
        tell("target", f"{some(columns.targets)}, as numbers")
    else:
        count = len(columns.classes)
        tell("target", f"{columns.targets[0]}, {count} classes: {some(columns.classes)}")
