"""Missing cells of a table: how they are written, and where they were found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.cli.numerals import Numerals

# How a missing cell is written, in upper or lower case; an empty one is always missing.
USUAL = ("", "?", "NA", "N/A", "NaN", "null")

# Lines with missing cells that a message names.
_LINES_SHOWN = 8


class Missing:
    """The texts that mark a cell as missing.

    Parameters
    ----------
    texts : sequence of str
        A number also means equal ones: -999 is -999.0, too.
    numerals : Numerals
        How numbers are written.
    """

    def __init__(self, texts: Sequence[str], numerals: Numerals) -> None:
        self._texts = {"", *(text.casefold() for text in texts)}
        self._numerals = numerals
        found = [numerals.number(text) for text in texts]
        self._numbers = [number for number in found if number is not None]

    def means(self, cell: str) -> bool:
        """Return whether a cell is missing."""
        if cell.casefold() in self._texts:
            return True
        return bool(self._numbers) and self._numerals.number(cell) in self._numbers

    def rows(self, cells: Sequence[str]) -> Iterator[int]:
        """Yield the positions of the missing ones among some cells."""
        missing = {cell for cell in set(cells) if self.means(cell)}
        if missing:
            yield from (row for row, cell in enumerate(cells) if cell in missing)

    def are_among(self, numbers: NDArray[np.float64]) -> bool:
        """Return whether some numbers mean missing cells."""
        return bool(self._numbers) and bool(np.isin(numbers, self._numbers).any())


class Lacking:
    """The missing cells of a table.

    Attributes
    ----------
    cells : dict
        From the number of a line to the columns and texts of its missing cells.
    """

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self._table, self._columns = table, columns
        self.cells: dict[int, list[tuple[str, str]]] = {}

    def add(self, line: int, position: int, text: str) -> bool:
        """Note a missing cell; return True."""
        self.cells.setdefault(line, []).append((checks.shown(self._columns[position]), text))
        return True

    @property
    def message(self) -> str:
        """Which cells are missing, in words."""
        lines = sorted(self.cells)
        (column, text), *_ = self.cells[lines[0]]
        if len(lines) == len(self.cells[lines[0]]) == 1:
            found = f", line {lines[0]}: column {column} is missing{f' ({text!r})' if text else ''}"
        else:
            found = f": cells are missing in {self.places}"
        return f"{self._table}{found}; --drop-missing leaves out such lines"

    @property
    def places(self) -> str:
        """The lines and columns of the missing cells, in words."""
        lines = sorted(self.cells)
        shown = [
            f"line {line} ({', '.join(dict.fromkeys(name for name, _ in self.cells[line]))})"
            for line in lines[:_LINES_SHOWN]
        ]
        more = len(lines) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")
