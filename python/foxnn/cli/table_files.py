"""The text of a table's file: opened, unpacked if it is gzip, and refused if it is not text."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, cast

from foxnn.formats import endings, foreign

# How a file of another kind becomes a table; for kinds that are left out, as `foreign` says.
_REMEDIES = {
    "excel": "save it as CSV",
    "parquet": "pandas.read_parquet(name).to_csv(new_name, index=False) writes it as CSV",
    "numpy": "numpy.savetxt(new_name, array, delimiter=',') writes it as CSV",
    "json": "pandas.read_json(name).to_csv(new_name, index=False) may write it as CSV",
    "sqlite": "export a table of it as CSV",
    "pickle": "write the table as CSV",
}
_NO_TABLE = "it holds no table"
_NETWORKS = {"hdf5", "keras", "pytorch", "gguf", "skops", "tensorflow", "coreml", "picture", "xml"}

# Candidates in order of preference: a comma may also be the decimal sign with another delimiter.
_DELIMITERS = ("\t", ";", "|", ",")

# Errors of a gzip file that is cut off or broken.
_BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)


class TableError(ValueError):
    """A table is malformed; the message names the file, the line and the fault."""


@contextlib.contextmanager
def opened_text(path: str, encoding: str) -> Iterator[tuple[str, Iterator[str]]]:
    """Open the file of a table; yield its name for messages, and its lines.

    Parameters
    ----------
    path : str
        "-" is standard input.
    encoding : str
        That of the text, within gzip too.

    Raises
    ------
    OSError
        If the file cannot be read.
    TableError
        If it is not text. Its lines raise this, too.
    """
    if path == "-":
        name = "standard input"
        binary = getattr(sys.stdin, "buffer", None)
        if binary is None:  # replaced by a program that runs a command
            yield name, _decoded(name, sys.stdin, encoding)
            return
        name, text = _text(name, binary, encoding)
        try:
            yield name, _decoded(name, text, encoding)
        finally:
            text.detach()  # else standard input would be closed
        return
    with open(path, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not file.isatty()):  # it may never end
            raise TableError(f"{path}: expected a file, got a device")
        name, text = _text(path, file, encoding)
        with text:
            yield name, _decoded(name, text, encoding)


def _text(name: str, file: BinaryIO, encoding: str) -> tuple[str, io.TextIOWrapper]:
    """Return a binary file as text, if its first bytes do not say that it is something else.

    The name for messages says that it was unpacked.
    """
    head = _head(file)
    if foreign.kind_of(head) == "gzip":
        name = f"{name} (gzip)"
        file = cast(BinaryIO, gzip.GzipFile(fileobj=file))
        try:
            head = _head(file)
        except _BROKEN_GZIP as error:
            raise _broken(name, error) from None
    _check(name, head, encoding)
    return name, io.TextIOWrapper(file, encoding=encoding, newline="")


def _head(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, which is then still at its beginning."""
    return file.peek(foreign.HEAD)[: foreign.HEAD]  # type: ignore[attr-defined, no-any-return]


def _check(name: str, head: bytes, encoding: str) -> None:
    if endings.own_format(head) in (".safetensors", ".onnx"):
        raise TableError(f"{name}: expected a table in a text file (CSV), got a network")
    kind = foreign.kind_of(head, name) or _utf_16_without_mark(head)
    if kind is None:
        return
    if kind.startswith("utf-"):
        if not encoding.replace("_", "-").startswith(kind[:6]):
            raise TableError(f"{name}: this is {kind[:6].upper()} text; --encoding {kind} reads it")
        return
    found = foreign.KINDS[kind]
    remedy = _REMEDIES.get(kind, found.remedy)
    if kind in _NETWORKS:
        remedy = _NO_TABLE
    raise TableError(f"{name}: expected a table in a text file (CSV), got {found.what}; {remedy}")


def _utf_16_without_mark(head: bytes) -> str | None:
    """Return the encoding of bytes of which every second is null, as for ASCII in UTF-16."""
    pairs = len(head) // 2
    if pairs >= 2:  # one could be anything
        for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if head[first::2].count(0) > 0.9 * pairs and not head[1 - first :: 2].count(0):
                return name
    return None


def _broken(name: str, error: Exception) -> TableError:
    return TableError(f"{name}: the compressed data is broken or cut off ({error})")


def _decoded(name: str, lines: Iterable[str], encoding: str) -> Iterator[str]:
    try:
        yield from lines
    except _BROKEN_GZIP as error:
        raise _broken(name, error) from None
    except UnicodeError as error:
        encoding = getattr(error, "encoding", encoding)  # not in UTF-16 without a mark
        raise TableError(
            f"{name}: this is not {encoding.upper()} text; --encoding names another encoding"
        ) from None


def guessed_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits the most lines into the same number of cells."""
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            continue
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        if width > 1 and count > most:
            best, most = delimiter, count
    return best
