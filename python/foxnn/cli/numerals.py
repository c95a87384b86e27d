"""How the numbers of a table are written, and which options read those written in another way."""

from __future__ import annotations

import functools
import itertools
import math
import re
import shlex
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

# What separates thousands, and the signs that mean the same. The names are those of the option.
THOUSANDS = {
    ",": ",",
    ".": ".",
    "space": " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}",
    "apostrophe": "'\N{RIGHT SINGLE QUOTATION MARK}",
    "_": "_",
}
_ANY_SEPARATOR = "".join(THOUSANDS.values())

# Integers are taken as classes if there are at most this many different ones.
MOST_CLASSES = 10

# The number of cells by which options are chosen: others are hardly written differently.
_CELLS_COMPARED = 1000
_LONGEST_UNIT = 12
_LONGEST_NUMBER = 60
_SYMBOLS = "%\N{PER MILLE SIGN}\N{DEGREE SIGN}"
_CURRENCIES = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY",
        "KRW", "MXN", "NOK", "NZD", "PLN", "RUB", "SEK", "SGD", "TRY", "UAH", "USD", "ZAR",
    }
)  # fmt: skip
_MINUS = "\N{MINUS SIGN}"
_DATE = re.compile(
    r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?([-/.])\d\d?\1(?:\d{4}|\d\d))"
    r"(?:[ T]\d\d?:\d\d(?::\d\d)?.*)?|\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?"
)
# Negative numbers as accountants write them: in parentheses, or with the sign at the end.
_ACCOUNTED = re.compile(rf"\((.+)\)|(.+\d)[-{_MINUS}]")


@dataclass(frozen=True)
class Numerals:
    """How numbers are written.

    Attributes
    ----------
    decimal : str
        The decimal sign.
    thousands : str or None
        What separates thousands: a key of `THOUSANDS`.
    units : tuple of str
        Texts before or after a number that are left out.
    """

    decimal: str = "."
    thousands: str | None = None
    units: tuple[str, ...] = ()

    @property
    def are_plain(self) -> bool:
        """Whether numbers are written as in Python."""
        return self.decimal == "." and self.thousands is None and not self.units

    def plain(self, cell: str) -> str:
        """Return a number as Python writes it; "" if it is written in another way."""
        if _MINUS in cell:
            cell = cell.replace(_MINUS, "-")
        if self.units:
            cell = self._without_units(cell)
        if self.thousands is not None:
            cell = _without_thousands(self.thousands, self.decimal, cell)
        if self.decimal == ".":
            return cell
        # A point would separate thousands: it is refused, not taken for the decimal sign.
        return "" if "." in cell else cell.replace(self.decimal, ".", 1)

    def number(self, cell: str) -> float | None:
        """Return a cell as a finite number, or None."""
        text = self.plain(cell)
        try:
            value = float(text)
        except ValueError:
            return None
        # Python allows underscores between digits, but tables do not have them.
        return value if math.isfinite(value) and "_" not in text else None

    def _without_units(self, cell: str) -> str:
        sign, rest = (cell[0], cell[1:].lstrip()) if cell[:1] in ("+", "-") else ("", cell)
        units = sorted(self.units, key=len, reverse=True)
        before = next((unit for unit in units if rest.startswith(unit)), "")
        rest = rest[len(before) :].lstrip()
        behind = next((unit for unit in units if rest.endswith(unit)), "")
        return sign + rest[: len(rest) - len(behind)].rstrip()


def _without_thousands(thousands: str, decimal: str, cell: str) -> str:
    """Return a number without separators of thousands; "" if there are any in other places."""
    signs = THOUSANDS[thousands]
    if not any(sign in cell for sign in signs):
        return cell
    if not _groups(signs, decimal).match(cell):
        return ""
    return cell.translate(dict.fromkeys(map(ord, signs)))


@functools.cache
def _groups(signs: str, decimal: str) -> re.Pattern[str]:
    # Groups of two digits are those of India.
    sign, point = f"[{re.escape(signs)}]", re.escape(decimal)
    return re.compile(
        rf"[+-]?\d{{1,3}}(?:{sign}\d{{2,3}})*{sign}\d{{3}}(?:{point}\d*)?(?:[eE][+-]?\d+)?\Z"
    )


# Numbers that are written in another way


def way_of(cells: Collection[str], numerals: Numerals) -> str | None:
    """Return the first of some cells that is a number written in another way, or None.

    Such are numbers with another decimal sign, separators of thousands, a currency or a percent
    sign, or negative ones in accounting style; dates and times; infinities. Numbers with a
    unit such as "12 kg" are, if all cells have that unit, and are not as few whole ones as classes
    are.

    Parameters
    ----------
    cells : collection of str
        Those of a column, without missing ones.
    """
    for cell in cells:
        if numerals.number(cell) is None and _is_another_way(cell):
            return cell
    return next(iter(cells)) if _have_one_unit(cells) else None


def _is_another_way(cell: str) -> bool:
    try:
        float(cell)
        return True
    except ValueError:
        pass
    if len(cell) > _LONGEST_NUMBER or not any(map(str.isdigit, cell)):
        return False
    if _DATE.fullmatch(cell):
        return True
    if negative := _ACCOUNTED.fullmatch(cell):
        cell = negative[1] or negative[2]
    before, behind = _units_of(cell)
    units = tuple(unit for unit in (before, behind) if unit)
    return all(map(_is_symbol, units)) and bool(_readings(cell, units))


def _is_symbol(unit: str) -> bool:
    """Return whether a text is a sign or a code of a currency, or a percent sign."""
    return unit.upper() in _CURRENCIES or all(
        sign in _SYMBOLS or unicodedata.category(sign) == "Sc" for sign in unit
    )


def _units_of(cell: str) -> tuple[str, str]:
    """Return the texts before and after the number in a cell."""
    if len(cell) > _LONGEST_NUMBER:  # the search takes the square of the length
        return "", ""
    found = re.match(rf"[+\-{_MINUS}]?\s*([^\d\s.,+\-{_MINUS}]*)", cell)
    before = found[1] if found else ""
    found = re.search(r"([^\d\s.,']*)\s*\Z", cell)
    behind = found[1] if found else ""
    return before[:_LONGEST_UNIT], behind[-_LONGEST_UNIT:]


def _readings(cell: str, units: tuple[str, ...]) -> list[Numerals]:
    """Return the ways of writing numbers in which a cell is one."""
    ways = itertools.product(".,", (None, *THOUSANDS))
    every = [Numerals(point, group, units) for point, group in ways if point != group]
    return [way for way in every if way.number(cell) is not None]


def _have_one_unit(cells: Collection[str]) -> bool:
    """Return whether all cells are numbers with one unit, too many different ones for classes."""
    first = next(iter(cells), "")
    before, unit = _units_of(first)
    if before or not unit or not all(cell.endswith(unit) for cell in cells):
        return False
    for way in _readings(first, (unit,)):
        numbers = set(map(way.number, cells))
        if None not in numbers:
            whole = all(number is not None and number.is_integer() for number in numbers)
            if len(numbers) > MOST_CLASSES or not whole:
                return True
    return False


def options_for(cell: str, cells: Iterable[str], numerals: Numerals) -> list[str]:
    """Return the options that read a cell, and all others that are numbers, in words.

    They are tried, so that they do what they promise; the simplest come first.
    """
    if _ACCOUNTED.fullmatch(cell):  # without what is around it, the number would be positive
        return []
    before, behind = _units_of(cell)
    if before and not _is_symbol(before):  # a name with a number, such as "car 5"
        return []
    units = tuple(unit for unit in (before, behind) if unit)
    ways = [replace(way, units=(*numerals.units, *units)) for way in _readings(cell, units)]
    others = [
        text
        for text in itertools.islice(cells, _CELLS_COMPARED)
        if numerals.number(text) is not None or _is_another_way(text)
    ]
    ways = [way for way in ways if all(way.number(text) is not None for text in others)]
    found: dict[float, str] = {}
    for way in sorted(ways, key=lambda way: _changes(way, numerals).count("--")):
        number = way.number(cell)
        if number is not None and (changes := _changes(way, numerals)):
            found.setdefault(number, changes)
    if len(found) < 2:
        return [f"{option} reads it" for option in found.values()]
    return [f"{option} reads it as {number:.15g}" for number, option in found.items()]


def _changes(way: Numerals, numerals: Numerals) -> str:
    """Return the options with which numbers are read in another way."""
    found = []
    if way.decimal != numerals.decimal:
        found.append(f"--decimal {way.decimal}")
    if way.thousands is not None and way.thousands != numerals.thousands:
        found.append(f"--thousands {way.thousands}")
    if set(way.units) - set(numerals.units):
        found.append(f"--units {shlex.quote(','.join(dict.fromkeys(way.units)))}")
    return " ".join(found)
