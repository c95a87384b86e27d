"""Tables in text files (CSV): their columns by name or number, and the cells of their lines.

Every error names the file, and the line if there is one.
"""

from __future__ import annotations

import contextlib
import csv
import difflib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.cli.cells import Cells, NumberCells, TextCells
from foxnn.cli.missing import USUAL, Lacking, Missing
from foxnn.cli.numerals import Numerals, way_of
from foxnn.cli.table_files import TableError, guessed_delimiter, opened_text

__all__ = ["Rows", "Table", "TableError", "TableFormat", "TableRows", "opened"]

# Lines from which the delimiter is guessed.
_GUESSED_FROM = 20
# Cells converted to numbers at once: as Python's strings they stay in the second-level cache,
# which takes a fifth less time than 500,000; but enough lines for calls for each column to pay off.
_CELLS_IN_CACHE = 20_000
_FEW_LINES = 256
# As strings they take ten times the memory.
_CELLS_AT_ONCE = 500_000
# Column names shown in a message.
_NAMES_SHOWN = 12
# Names that an unknown name is compared with, and the length of each: about 50 ms.
_NAMES_COMPARED = 1000
_LONGEST_COMPARED = 60

Line = tuple[int, list[str]]


@dataclass(frozen=True)
class TableFormat:
    """The format of a table; None: guessed from the file."""

    delimiter: str | None = None
    header: bool | None = None
    decimal: str = "."
    encoding: str = "utf-8-sig"
    thousands: str | None = None
    units: tuple[str, ...] = ()
    missing: tuple[str, ...] = USUAL

    @property
    def numerals(self) -> Numerals:
        """How numbers are written."""
        return Numerals(self.decimal, self.thousands, self.units)


class Table:
    """An open table: its columns, and its cells, which can be read once.

    Attributes
    ----------
    has_header : bool
    columns : list of str
        The names in the header, "" for a column without one; or "1", "2", ...
    """

    def __init__(self, name: str, lines: Iterator[str], form: TableFormat) -> None:
        self.name = name
        self.numerals = form.numerals
        self._missing = Missing(form.missing, self.numerals)
        start = list(itertools.islice(lines, _GUESSED_FROM))
        self.delimiter = form.delimiter or guessed_delimiter(start)
        self._records = self._read(itertools.chain(start, lines))
        first = next(self._records, None)
        if first is None:
            raise TableError(f"{name}: the file is empty")
        cells = first[1]
        self.has_header = self._is_header(cells) if form.header is None else form.header
        self._width = len(cells)
        if self.has_header:
            self.columns = cells
            self._places = {name: i for i, name in enumerate(cells)}
            self._counts = Counter(cells)
        else:
            self.columns = [str(i + 1) for i in range(len(cells))]
            self._records = itertools.chain([first], self._records)

    def _is_header(self, cells: list[str]) -> bool:
        """Return whether the first line holds names: no numbers, however they are written."""
        if any(self.numerals.number(cell) is not None for cell in cells):
            return False
        # Names such as 50% or 2020-01-05 are possible, but not 3,50.
        others = [cell for cell in cells if cell and way_of([cell], self.numerals) is not None]
        return not (
            any("," in cell and cell[-1:].isdigit() for cell in others)
            or (others and len(others) == len([cell for cell in cells if cell]))
        )

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
            if any(cells := list(map(str.strip, cells))) or len(cells) > 1:
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
            f"from 1 to {count} (--header takes the first line as names)"
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
        values = [NumberCells(i) for i in numbers]
        words = [TextCells(i) for i in texts]
        rows = self.fill([*values, *words], drop_missing=drop_missing)
        columns = [column.values() for column in values]
        found = np.concatenate([np.empty((len(rows.lines), 0)), *columns], axis=1)
        return TableRows(
            self.name, found, [column.texts for column in words], rows.lines, len(rows.dropped)
        )

    def fill(self, columns: Sequence[Cells], *, drop_missing: bool = False) -> Rows:
        """Add the cells of all lines to their columns; see `read`."""
        for column in columns:
            column.belong_to(self.name, self.columns[column.position], self.numerals)
        rows, lacking = Rows(), Lacking(self.name, self.columns)
        width = max(1, self._width)
        at_once = max(1, min(_CELLS_AT_ONCE // width, max(_FEW_LINES, _CELLS_IN_CACHE // width)))
        while chunk := list(itertools.islice(self._records, at_once)):
            if {len(cells) for _, cells in chunk} != {self._width}:
                self._refuse_widths(chunk)
            rows.lines.extend(self._fill(chunk, columns, lacking))
        rows.dropped, rows.places = sorted(lacking.cells), lacking.places
        if lacking.cells and not drop_missing:
            raise TableError(lacking.message)
        if not rows.lines:
            why = f"; {len(rows.dropped)} lines have missing cells" if rows.dropped else ""
            raise TableError(f"{self.name}: there are no samples{why}")
        return rows

    def _fill(self, chunk: list[Line], columns: Sequence[Cells], lacking: Lacking) -> list[int]:
        """Add the cells of some lines, and return the numbers of those that lack none."""
        by_column = list(zip(*(cells for _, cells in chunk), strict=True))
        texts = [by_column[column.position] for column in columns]
        numbers = self._numbers(columns, texts)
        lines = [line for line, _ in chunk]
        empty = {
            row
            for column, cells, found in zip(columns, texts, numbers, strict=True)
            if column.are_needed and found is None
            for row in self._missing.rows(cells)
            if lacking.add(lines[row], column.position, cells[row])
        }
        whole = [row for row in range(len(chunk)) if row not in empty] if empty else None
        if whole is not None:
            lines = [lines[row] for row in whole]
        for column, cells, found in zip(columns, texts, numbers, strict=True):
            if whole is None:
                column.add(lines, cells, found)
            else:
                some = [cells[row] for row in whole]
                column.add(lines, some, None if found is None else found[whole])
        return lines

    def _refuse_widths(self, chunk: list[Line]) -> None:
        line, cells = next(pair for pair in chunk if len(pair[1]) != self._width)
        before = "the header has" if self.has_header else "the first line has"
        raise TableError(
            f"{self.name}, line {line}: {len(cells)} cells, but {before} {self._width} "
            f"(separated by {self.delimiter!r})"
        )

    def _numbers(
        self, columns: Sequence[Cells], texts: Sequence[Sequence[str]]
    ) -> list[NDArray[np.float64] | None]:
        """Return the cells of each column as numbers, or None if some need a closer look."""
        found: list[NDArray[np.float64] | None] = []
        for column, cells in zip(columns, texts, strict=True):
            numbers = None
            if column.may_be_numbers:
                if not self.numerals.are_plain:
                    cells = [self.numerals.plain(cell) for cell in cells]
                # Python allows underscores between digits, but tables do not have them.
                if "_" not in "".join(cells):
                    with contextlib.suppress(ValueError):
                        numbers = np.array(cells, np.float64)
            found.append(numbers)
        # One check of all: there may be many columns, of a few lines each.
        there = [(i, numbers) for i, numbers in enumerate(found) if numbers is not None]
        if there:
            finite = np.isfinite(np.stack([numbers for _, numbers in there]))
            whole: list[bool] = np.all(finite, axis=1).tolist()
            for (i, numbers), is_whole in zip(there, whole, strict=True):
                if not is_whole or self._missing.are_among(numbers):
                    found[i] = None
        return found


@dataclass
class Rows:
    """The numbers of lines that were read, and of those left out, whose `places` are in words."""

    lines: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    places: str = ""


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
    with opened_text(path, form.encoding) as (name, lines):
        yield Table(name, lines, form)
