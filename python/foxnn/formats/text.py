"""Numbers as text, read word by word and written by rows; `paths` opens the files.

The content of each format is described where it is read and written; this is what they share.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import IO

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.formats import foreign
from foxnn.formats.paths import FileFormatError, reading
from foxnn.support import pieces

# Numbers that are read or written in one call of the engine: about 10 ms, after which Ctrl-C is
# handled.
_AT_ONCE = 200_000

# Bytes read at once: a small file must not take much memory.
_PIECE = 1 << 18

# No word is longer than a path may be; an unbounded pattern would match all of a broken file.
_LONGEST_WORD = 4095
_WORD = re.compile(rb"[^ \t-\r]{1,%d}" % (_LONGEST_WORD + 1))
_LINE = re.compile(rb"[^ \t-\r][^\n\r]{0,%d}" % _LONGEST_WORD)


def is_word(text: str) -> bool:
    """Return whether the reader takes a text as one word."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return _WORD.fullmatch(data) is not None and len(data) <= _LONGEST_WORD


def write_rows(file: IO[bytes], *matrices: Array) -> None:
    """Write matrices with equally many rows side by side, one number per line."""
    views = [checks.contiguous_rows(checks.engine_type(matrix)) for matrix in matrices]
    rows = len(views[0])
    step = max(1, _AT_ONCE // sum(view.shape[1] for view in views))
    for first in range(0, rows, step):
        file.write(_core.rows_as_text(views, first, min(first + step, rows)))


class TextReader:
    """Reads the words of a text file in order; unexpected words raise FileFormatError."""

    def __init__(
        self,
        path: str,
        expected: str = "FoxNN's text",
        remedies: Mapping[str, str] | None = None,
    ) -> None:
        """Read a file; `expected` and `remedies` are for those of other programs."""
        self.path = path
        self._at = 0
        self._start = self._table_start = 0
        self._text = bytearray()
        with reading(path, pipes=True) as file:
            head = file.read(foreign.HEAD)
            foreign.refuse(path, head, expected, remedies)
            self._text += head
            while some := file.read(_PIECE):
                self._text += some

    def first_line(self) -> bytes:
        """Return the beginning of the first line that is not empty."""
        found = _LINE.search(self._text)
        return b"" if found is None else found[0]

    def word(self, expected: str) -> str:
        """Return the next word."""
        found = _WORD.search(self._text, self._at)
        if found is None:
            raise self.error(expected, len(self._text))
        self._start, self._at = found.span()
        if len(found[0]) > _LONGEST_WORD:
            raise self.error(f"{expected}, in at most {_LONGEST_WORD} bytes")
        return found[0].decode("utf-8", "surrogateescape")

    def count(self, expected: str, low: int, high: int = 2**31 - 1, *, ahead: bool = False) -> int:
        """Return the next word as an integer within bounds; with `ahead` it is not consumed."""
        place = self._at
        word = self.word(expected)
        if not re.fullmatch(r"\+?[0-9]{1,20}", word) or not low <= int(word) <= high:
            raise self.error(f"{expected}, a whole number from {low} to {high}")
        if ahead:
            self._at = place
        return int(word)

    def real(self, expected: str) -> float:
        """Return the next word as a finite number."""
        self.word(expected)
        table = np.empty((1, 1))
        if not _core.read_table(self._text, self._start, 1, [table], 0)[1]:
            raise self.error(f"a finite number ({expected})")
        return float(table[0, 0])

    def tables(self, rows: int, widths: list[int], expected: str) -> list[Array]:
        """Return tables that are side by side, row by row.

        A table is float32 if every number is written as foxnn writes a float32, else float64.
        """
        # A number takes at least one character, and another separates it from the next.
        if 2 * rows * sum(widths) - 1 > len(self._text) - self._at:
            end = len(self._text)
            raise self.error(f"{rows * sum(widths)} numbers ({expected})", end)
        self._table_start = self._at
        tables = [np.empty((rows, width)) for width in widths]
        as_float = self._table(rows, tables, expected)
        return [
            pieces.converted(table, np.float32) if short else table
            for table, short in zip(tables, as_float, strict=True)
        ]

    def _table(self, rows: int, tables: list[Array], expected: str) -> list[bool]:
        step = max(1, _AT_ONCE // sum(table.shape[1] for table in tables))
        as_float = [True] * len(tables)
        for first in range(0, rows, step):
            count = min(step, rows - first)
            stop, complete, short = _core.read_table(self._text, self._at, count, tables, first)
            if not complete:
                self._start = self._at = stop
                self._fail_at_word(expected)
            as_float = [a and b for a, b in zip(as_float, short, strict=True)]
            self._at = stop
        return as_float

    def _fail_at_word(self, expected: str) -> None:
        found = _WORD.search(self._text, self._at)
        raise self.error(
            f"a finite number ({expected})", found.start() if found else len(self._text)
        )

    def error_in_table(self, expected: str, number: int) -> FileFormatError:
        """Return the error for a number of the last table that was read, counted from 0."""
        words = itertools.islice(_WORD.finditer(self._text, self._table_start), number, None)
        return self.error(expected, next(words).start())

    def end(self) -> None:
        """Check that the file ends here."""
        if _WORD.search(self._text, self._at):
            self.word("")
            raise self.error("the end of the file")

    def error(self, expected: str, at: int | None = None) -> FileFormatError:
        """Return the error for the last word, or for a position in the text."""
        place = self._start if at is None else at
        found = _WORD.search(self._text, place)
        got = checks.shown(found[0].decode("utf-8", "backslashreplace")) if found else "the end"
        line = self._text.count(b"\n", 0, place) + 1
        return FileFormatError(f"{self.path}, line {line}: expected {expected}, got {got}")
