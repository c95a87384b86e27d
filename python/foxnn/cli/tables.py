"""Tables in text files (CSV): their columns by name or number, and cells as numbers.

Every error names the file, and the line if there is one.
"""

from __future__ import annotations

import contextlib
import csv
import difflib
import itertools
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from foxnn import checks

# Candidates in order of preference: a comma may also be the decimal sign with another delimiter.
_DELIMITERS = ("\t", ";", "|", ",")
# Lines from which the delimiter is guessed.
_GUESSED_FROM = 20
# Cells converted to numbers at once: as Python's strings they take ten times the memory.
_CELLS_AT_ONCE = 500_000
# How an empty cell is written, in lower case.
_MISSING = frozenset({"", "?", "na", "n/a", "nan", "null"})
# Column names shown in a message.
_NAMES_SHOWN = 12
# Names that an unknown name is compared with, and the length of each: about 50 ms.
_NAMES_COMPARED = 1000
_LONGEST_COMPARED = 60

Line = tuple[int, list[str]]


class TableError(ValueError):
    """A table is malformed; the message names the file, the line and the fault."""


@dataclass(frozen=True)
class TableFormat:
    """The format of a table; None: guessed from the file."""

    delimiter: str | None = None
    header: bool | None = None
    decimal: str = "."
    encoding: str = "utf-8-sig"


class Table:
    """An open table: its columns, and its cells, which can be read once.

    Attributes
    ----------
    has_header : bool
    columns : list of str
        The names in the header, "" for a column without one; or "1", "2", ...
    """

    def __init__(self, name: str, file: TextIO, form: TableFormat) -> None:
        self.name = name
        self._decimal = form.decimal
        lines = _decoded(name, file, form.encoding)
        start = list(itertools.islice(lines, _GUESSED_FROM))
        self.delimiter = form.delimiter or _guessed_delimiter(start)
        self._records = self._read(itertools.chain(start, lines))
        first = next(self._records, None)
        if first is None:
            raise TableError(f"{name}: the file is empty")
        cells = first[1]
        numbers = any(self.number(cell) is not None for cell in cells)
        self.has_header = not numbers if form.header is None else form.header
        self._width = len(cells)
        if self.has_header:
            self.columns = cells
            self._places = {name: i for i, name in enumerate(cells)}
            self._counts = Counter(cells)
        else:
            self.columns = [str(i + 1) for i in range(len(cells))]
            self._records = itertools.chain([first], self._records)

    def _read(self, lines: Iterable[str]) -> Iterator[Line]:
        """Yield the cells of each line that is not blank, with its number from 1."""
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise TableError(f"{self.name}, line {line}: {error}") from None
            if cells is None:
                return
            if any(cells := [cell.strip() for cell in cells]) or len(cells) > 1:
                yield line, cells

    def find(self, column: str) -> int:
        """Return the position of a column: by name if there is a header, else by number.

        Numbers count from 1, negative ones from the end.
        """
        if self.has_header:
            if (count := self._counts[column]) == 1:
                return self._places[column]
            if count:
                raise TableError(
                    f"{self.name}: the header has {checks.shown(column)} {count} times"
                )
            near = self._nearest(column)
            hint = f"did you mean {near!r}?" if near else f"the columns are {self._shown_names()}"
            raise TableError(f"{self.name}: there is no column {column!r}; {hint}")
        count = len(self.columns)
        with contextlib.suppress(ValueError):
            number = int(column)
            if 1 <= abs(number) <= count:
                return number - 1 if number > 0 else count + number
        raise TableError(
            f"{self.name}: there is no column {column!r}; without a header columns are numbered "
            f"from 1 to {count}"
        )

    def _nearest(self, column: str) -> str | None:
        """Return the most similar name; the comparison is limited, since it is slow."""
        some = [name for name in self.columns[:_NAMES_COMPARED] if len(name) <= _LONGEST_COMPARED]
        near = difflib.get_close_matches(column[:_LONGEST_COMPARED], some, 1)
        return near[0] if near else None

    def _shown_names(self) -> str:
        names = [checks.shown(name) for name in self.columns if name]
        more = len(names) - _NAMES_SHOWN
        return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def named_columns(self) -> list[int]:
        """Return the positions of the columns that have a name; names must be unique."""
        named = [i for i, name in enumerate(self.columns) if name]
        for i in named:
            self.find(self.columns[i])
        return named

    def read(
        self, numbers: Sequence[int], texts: Sequence[int] = (), *, drop_missing: bool = False
    ) -> TableRows:
        """Return columns of all lines as numbers, and others as texts.

        Parameters
        ----------
        numbers, texts : sequence of int
            Positions of the columns.
        drop_missing : bool
            Whether lines with an empty cell in one of them are left out, instead of refused.
        """
        parts: list[NDArray[np.float64]] = []
        samples = TableRows(self.name, np.empty((0, len(numbers))), [[] for _ in texts], [])
        at_once = max(1, _CELLS_AT_ONCE // max(1, self._width))
        while chunk := list(itertools.islice(self._records, at_once)):
            for line, cells in chunk:
                self._check_width(line, cells)
            if drop_missing:
                whole = [c for c in chunk if not self._lacks(c[1], (*numbers, *texts))]
                samples.dropped += len(chunk) - len(whole)
                chunk = whole
            parts.append(self._numbers(chunk, numbers))
            for column, position in zip(samples.texts, texts, strict=True):
                column.extend(self._texts(chunk, position))
            samples.lines.extend(line for line, _ in chunk)
        if not samples.lines:
            why = f"; {samples.dropped} lines have missing cells" if samples.dropped else ""
            raise TableError(f"{self.name}: there are no samples{why}")
        samples.numbers = np.concatenate(parts)
        return samples

    def _check_width(self, line: int, cells: list[str]) -> None:
        if len(cells) != self._width:
            before = "the header has" if self.has_header else "the first line has"
            raise TableError(
                f"{self.name}, line {line}: {len(cells)} cells, but {before} {self._width} "
                f"(separated by {self.delimiter!r})"
            )

    def _lacks(self, cells: list[str], positions: Iterable[int]) -> bool:
        return any(is_missing(cells[i]) for i in positions)

    def _texts(self, chunk: list[Line], position: int) -> list[str]:
        for line, cells in chunk:
            if is_missing(cells[position]):
                raise self._error_in_cell(line, position, cells[position])
        return [cells[position] for _, cells in chunk]

    def _numbers(self, chunk: list[Line], positions: Sequence[int]) -> NDArray[np.float64]:
        rows = [[cells[i] for i in positions] for _, cells in chunk]
        if self._decimal != ".":
            rows = [[self._with_point(cell) for cell in row] for row in rows]
        try:
            found = np.array(rows, np.float64).reshape(len(rows), len(positions))
        except ValueError:
            found = None
        # Python allows underscores between digits, but tables do not have them.
        if found is None or not np.isfinite(found).all() or "_" in "".join(map("".join, rows)):
            self._refuse(chunk, positions)
        assert found is not None
        return found

    def _refuse(self, chunk: list[Line], positions: Sequence[int]) -> None:
        for line, cells in chunk:
            for i in positions:
                if self.number(cells[i]) is None:
                    raise self._error_in_cell(line, i, cells[i])

    def _error_in_cell(self, line: int, position: int, cell: str) -> TableError:
        where = f"{self.name}, line {line}: column {checks.shown(self.columns[position])}"
        if is_missing(cell):
            return TableError(f"{where} is missing{f' ({cell!r})' if cell else ''}")
        return TableError(f"{where} holds {checks.shown(cell)}, which is not a finite number")

    def number(self, cell: str) -> float | None:
        """Return a cell as a finite number, or None."""
        try:
            value = float(self._with_point(cell))
        except ValueError:
            return None
        return value if np.isfinite(value) and "_" not in cell else None

    def _with_point(self, cell: str) -> str:
        if self._decimal == ".":
            return cell
        # A point would separate thousands: it is refused, not taken for the decimal sign.
        return "" if "." in cell else cell.replace(self._decimal, ".", 1)


@dataclass
class TableRows:
    """The content of a table: one row of numbers per line, columns of texts, and line numbers."""

    table: str
    numbers: NDArray[np.float64]
    texts: list[list[str]]
    lines: list[int]
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.lines)


def is_missing(cell: str) -> bool:
    """Return whether a cell is empty or says that a value is missing."""
    return cell.casefold() in _MISSING


@contextlib.contextmanager
def opened(path: str, form: TableFormat) -> Iterator[Table]:
    """Open a table; "-" is standard input.

    Raises
    ------
    OSError
        If the file cannot be read.
    TableError
        If it is not a table.
    """
    if path == "-":
        reconfigure = getattr(sys.stdin, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding=form.encoding, newline="")
        yield Table("standard input", sys.stdin, form)
        return
    with open(path, encoding=form.encoding, newline="") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not file.isatty()):  # it may never end
            raise TableError(f"{path}: expected a file, got a device")
        yield Table(path, file, form)


def _decoded(name: str, lines: Iterable[str], encoding: str) -> Iterator[str]:
    try:
        yield from lines
    except UnicodeError as error:
        encoding = getattr(error, "encoding", encoding)  # not in UTF-16 without a mark
        raise TableError(
            f"{name}: this is not {encoding.upper()} text; --encoding names another encoding"
        ) from None


def _guessed_delimiter(lines: Sequence[str]) -> str:
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
