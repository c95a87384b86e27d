"""The types of the commands' arguments, and options that several commands share."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import csv
import math
import os
from collections.abc import Callable
from typing import Literal

from foxnn import neural_network
from foxnn.cli.missing import USUAL
from foxnn.cli.numerals import THOUSANDS
from foxnn.cli.tables import TableFormat


def whole(low: int, high: int = 2**63 - 1) -> Callable[[str], int]:
    """Return a function that parses integers within bounds."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            bounds = f"at least {low}" if high == 2**63 - 1 else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"must be a whole number {bounds}, got {text!r}")
        return number

    return parse


def epochs(text: str) -> int | Literal["auto"]:
    """Return a number of epochs, or "auto"."""
    if text.lower() == "auto":
        return "auto"
    with contextlib.suppress(argparse.ArgumentTypeError):
        return whole(1)(text)
    raise argparse.ArgumentTypeError(f"must be a whole number at least 1, or auto, got {text!r}")


def number(
    low: float = 0.0, below: float = math.inf, *, above: bool = False
) -> Callable[[str], float]:
    """Return a function that parses numbers from (or `above`) `low` to `below` another."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (value > low if above else value >= low) or not value < below:
            end = f" and below {below:g}" if below < math.inf else ""
            start = f"{'above' if above else 'at least'} {low:g}"
            raise argparse.ArgumentTypeError(f"must be a number {start}{end}, got {text!r}")
        return value

    return parse


def names(text: str) -> list[str]:
    """Return the names of a comma-separated list; a name with a comma is quoted."""
    try:
        found = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"must be names separated by commas: {error}") from None
    found = [name.strip() for name in found]
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"must be names separated by commas, got {text!r}")
    if twice := {name for name in found if found.count(name) > 1}:
        raise argparse.ArgumentTypeError(f"names {min(twice)!r} twice")
    return found


def texts(text: str) -> list[str]:
    """Return the texts of a comma-separated list, of which one may be empty."""
    try:
        return next(csv.reader([text], skipinitialspace=True, strict=True), [""])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"must be texts separated by commas: {error}") from None


def layers(text: str) -> list[int]:
    """Return the sizes of hidden layers: comma-separated numbers, or "none"."""
    if text == "none":
        return []
    return [whole(1, 2**31 - 1)(size) for size in text.split(",")]


def activation(text: str) -> str:
    """Return the name of an activation for hidden layers."""
    try:
        neural_network([1, 1, 1], text, "identity")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _delimiter(text: str) -> str:
    sign = {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)
    if len(sign) != 1 or sign in '"\r\n':
        raise argparse.ArgumentTypeError(f"must be one character, 'tab' or 'space', got {text!r}")
    return sign


def encoding_of(text: str) -> str | None:
    """Return the name of a text encoding, or None if Python has none of that name."""
    try:
        name = codecs.lookup(text).name
        "".encode(name)  # some codecs turn bytes into bytes
    except (LookupError, UnicodeError):
        return None
    return "utf-8-sig" if name == "utf-8" else name


def _encoding(text: str) -> str:
    if (found := encoding_of(text)) is None:
        raise argparse.ArgumentTypeError(f"is unknown: {text!r}")
    return found


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the format of a table."""
    group = parser.add_argument_group("format of the table")
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line holds the names of the columns "
        "(default: yes, unless one of its cells is a number)",
    )
    group.add_argument(
        "--delimiter",
        type=_delimiter,
        metavar="SIGN",
        help="what separates the cells: one character, 'tab' or 'space' "
        "(default: the one of tab ; | , that fits most lines)",
    )
    group.add_argument(
        "--decimal", choices=[".", ","], default=".", help="the decimal sign (default: %(default)s)"
    )
    group.add_argument(
        "--thousands",
        type=_thousands,
        metavar="SIGN",
        help="what separates thousands: a comma, a point, 'space', 'apostrophe' or _ "
        "(default: nothing)",
    )
    group.add_argument(
        "--units",
        type=names,
        default=[],
        metavar="LIST",
        help="texts before or after numbers that are left out, separated by commas, such as '$' "
        "or kg; 3%% is read as 3",
    )
    group.add_argument(
        "--missing",
        type=texts,
        metavar="LIST",
        help="what a missing cell may hold, separated by commas; an empty cell is missing, too "
        f"(default: {','.join(filter(None, USUAL))}, and for predict that of the training)",
    )
    group.add_argument(
        "--encoding",
        type=_encoding,
        default="utf-8-sig",
        help="the text encoding (default: UTF-8, with or without a byte order mark)",
    )


def _thousands(text: str) -> str:
    sign = {" ": "space", "'": "apostrophe"}.get(text, text)
    if sign not in THOUSANDS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(THOUSANDS)}; got {text!r}")
    return sign


def table_format(args: argparse.Namespace, missing: list[str] | None = None) -> TableFormat:
    """Return the format of the table that the options describe.

    Parameters
    ----------
    args : Namespace
    missing : list of str, optional
        What missing cells hold where the options do not say it.
    """
    if args.thousands == args.decimal:
        raise ValueError(f"--thousands and --decimal must differ, got {args.decimal} for both")
    if args.missing is not None:
        missing = args.missing
    return TableFormat(
        args.delimiter, args.header, args.decimal, args.encoding, args.thousands,
        tuple(args.units), USUAL if missing is None else tuple(missing),
    )  # fmt: skip


def check_apart(out: str | None, *inputs: str) -> None:
    """Refuse to overwrite an input file."""
    if out is None or not os.path.exists(out):
        return
    for path in inputs:
        if path != "-" and os.path.exists(path) and os.path.samefile(out, path):
            raise ValueError(f"--out {out} would replace an input file")


def add_threads(parser: argparse._ActionsContainer) -> None:
    """Add --threads."""
    parser.add_argument(
        "--threads",
        type=whole(0),
        default=0,
        metavar="N",
        help="the maximum number of threads; 0, the default: as many as make it faster",
    )
