"""The cells of one column as they are read: as numbers, as texts, or as categories."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.cli.labels import BOOLEANS, Labels, are_booleans, in_order, same_number
from foxnn.cli.numerals import Numerals, options_for, way_of
from foxnn.cli.table_files import TableError

# Texts are categories if there are at most this many different ones; each makes an input.
_MOST_CATEGORIES = 200
# If there are more than this, each must occur twice on average: others are names.
_FEW_CATEGORIES = 10
# In messages, which are lines.
_LONGEST_ARGUMENT = 40


def quoted(text: str) -> str:
    """Return a text as an argument for a shell; shortened if it is too long for a message."""
    short = len(text) <= _LONGEST_ARGUMENT and text.isprintable()
    return shlex.quote(text) if short else checks.shown(text)


class Cells:
    """The cells of a column, which a table adds in parts.

    Parameters
    ----------
    position : int
        That of the column in the table.
    """

    # Whether the table converts the cells to numbers as far as it can.
    may_be_numbers = False
    # Whether lines in which the cell is missing are reported and left out.
    are_needed = True

    def __init__(self, position: int) -> None:
        self.position = position
        self.table = ""
        self.name = ""
        self.numerals = Numerals()

    def belong_to(self, table: str, name: str, numerals: Numerals) -> None:
        """Set the table, the name of the column, and how numbers are written."""
        self.table, self.name, self.numerals = table, name, numerals

    def add(
        self, lines: Sequence[int], texts: Sequence[str], numbers: NDArray[np.float64] | None
    ) -> None:
        """Add cells and the numbers of their lines; `numbers` if all of them are numbers."""
        raise NotImplementedError

    def values(self) -> NDArray[np.float64]:
        """Return the cells as inputs of a network: an array with a row for each line."""
        raise NotImplementedError

    def refusal(self, line: int, text: str, texts: Sequence[str], more: str = "") -> TableError:
        """Return the error for a cell that is no number, with the options that read all texts."""
        ways = options_for(text, set(texts), self.numerals) if texts else []
        hints = ", ".join(ways), more
        tail = "".join(f"; {hint}" for hint in hints if hint)
        return self._error(line, text, f"which is not a finite number{tail}")

    def mixture(self, line: int, text: str, remedy: str) -> TableError:
        """Return the error for a text among numbers."""
        missing = f"--missing {quoted(text)} takes it as missing"
        return self._error(line, text, f"while other cells of it are numbers; {missing}, {remedy}")

    def written_twice(self, line: int, same: tuple[str, str], remedy: str) -> TableError:
        """Return the error for a cell whose number is written in another way in other cells."""
        message = f"which is also written {checks.shown(same[0])}; {remedy}"
        return self._error(line, same[1], message)

    def told_twice(self, same: tuple[str, str], kind: str) -> str:
        """Return the warning about two labels that are one number; `kind` is what they are."""
        first, other = map(checks.shown, same)
        return (
            f"{self.table}: column {checks.shown(self.name)} holds {first} and {other}, the same "
            f"number, as two {kind}; write it in one way if they are one"
        )

    def _error(self, line: int, text: str, message: str) -> TableError:
        return TableError(
            f"{self.table}, line {line}: column {checks.shown(self.name)} holds "
            f"{checks.shown(text)}, {message}"
        )


class TextCells(Cells):
    """Cells as texts."""

    def __init__(self, position: int, *, are_needed: bool = True) -> None:
        super().__init__(position)
        self.texts: list[str] = []
        self.are_needed = are_needed
        self._known: dict[str, str] = {}

    def add(
        self, lines: Sequence[int], texts: Sequence[str], numbers: NDArray[np.float64] | None
    ) -> None:
        """Add cells; equal ones share their memory."""
        self.texts.extend(self._known.setdefault(text, text) for text in texts)


class NumberCells(Cells):
    """Cells as numbers; others are refused."""

    may_be_numbers = True

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self._parts: list[NDArray[np.float64]] = []

    def add(
        self, lines: Sequence[int], texts: Sequence[str], numbers: NDArray[np.float64] | None
    ) -> None:
        """Add numbers."""
        self._parts.append(self._converted(lines, texts) if numbers is None else numbers)

    def _converted(self, lines: Sequence[int], texts: Sequence[str]) -> NDArray[np.float64]:
        found = np.empty(len(texts))
        for i, text in enumerate(texts):
            if (number := self.numerals.number(text)) is None:
                raise self.refusal(lines[i], text, texts)
            found[i] = number
        return found

    def values(self) -> NDArray[np.float64]:
        """Return the numbers, of shape (lines, 1)."""
        return np.concatenate([np.empty(0), *self._parts])[:, None]


class CategoryCells(Cells):
    """Cells as known categories; others are counted, and are none of them.

    Attributes
    ----------
    unseen : dict
        From texts that are no category to the line of the first and their count.
    """

    def __init__(self, position: int, categories: Sequence[str]) -> None:
        super().__init__(position)
        self.categories = list(categories)
        self.unseen: dict[str, tuple[int, int]] = {}
        self._labels = Labels(categories)
        self._parts: list[NDArray[np.int64]] = []

    def add(
        self, lines: Sequence[int], texts: Sequence[str], numbers: NDArray[np.float64] | None
    ) -> None:
        """Add cells."""
        places = {text: self._labels.find(text) for text in set(texts)}
        if None in places.values():
            for line, text in zip(lines, texts, strict=True):
                if places[text] is None:
                    first, count = self.unseen.get(text, (line, 0))
                    self.unseen[text] = first, count + 1
        codes = {text: -1 if place is None else place for text, place in places.items()}
        self._parts.append(np.array([codes[text] for text in texts], np.int64))

    def values(self) -> NDArray[np.float64]:
        """Return a column for each category: 1 in its lines, else 0."""
        return one_hot(np.concatenate([np.empty(0, np.int64), *self._parts]), len(self.categories))


class InputCells(NumberCells):
    """Cells that are numbers or categories, which is decided by their content.

    Parameters
    ----------
    position : int
    as_categories : bool
        Whether they are categories, even if they hold numbers.

    Attributes
    ----------
    categories : list of str or None
        Known when all cells have been added.
    """

    def __init__(self, position: int, as_categories: bool) -> None:
        super().__init__(position)
        self.may_be_numbers = not as_categories
        self._as_categories = as_categories
        self._codes: dict[str, int] = {}
        self._coded: list[NDArray[np.int64]] = []
        self._first: tuple[int, str] | None = None
        self.categories: list[str] | None = None

    def add(
        self, lines: Sequence[int], texts: Sequence[str], numbers: NDArray[np.float64] | None
    ) -> None:
        """Add cells."""
        if not texts:
            return
        if not self._as_categories:
            numbers = self._as_numbers(lines, texts, numbers)
            if numbers is not None:
                self._parts.append(numbers)
                return
        for text in texts:
            self._codes.setdefault(text, len(self._codes))
        self._coded.append(np.array([self._codes[text] for text in texts], np.int64))

    def _as_numbers(
        self, lines: Sequence[int], texts: Sequence[str], numbers: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        """Return cells as numbers, None if all of them are texts; a mixture is refused."""
        if numbers is not None and self._first is None:
            return numbers
        is_number = (
            dict.fromkeys(texts, True)
            if numbers is not None
            else {text: self.numerals.number(text) is not None for text in set(texts)}
        )
        others = {text for text, is_one in is_number.items() if not is_one}
        if others and self._first is None:
            in_others = (i for i, text in enumerate(texts) if text in others)
            first = next(in_others)
            self._first = lines[first], texts[first]
        ordered = [text for text in texts if text in others] if others else []
        if (way := way_of(dict.fromkeys(ordered), self.numerals) if ordered else None) is not None:
            raise self.refusal(lines[texts.index(way)], way, texts, self._remedy())
        if self._first is not None and (self._parts or len(others) < len(is_number)):
            raise self.mixture(*self._first, self._remedy())
        if others:
            return None
        return self._converted(lines, texts) if numbers is None else numbers

    def _remedy(self) -> str:
        return f"--categorical {quoted(self.name)} takes all cells as categories"

    def decide(self) -> None:
        """Decide what the cells are.

        Raises
        ------
        TableError
            If there are too many different texts.
        """
        if not self._coded:
            return
        texts, count = list(self._codes), sum(map(len, self._coded))
        if not self._as_categories:
            if self._first is not None and way_of(texts, self.numerals) is not None:
                raise self.refusal(*self._first, texts, self._remedy())
            self._check_count(len(texts), count)
        codes = np.concatenate(self._coded)
        if are_booleans(texts):
            self.categories = BOOLEANS
            places = [BOOLEANS.index(text.casefold()) for text in texts]
        else:
            self.categories = in_order(texts, self.numerals)
            if (same := same_number(self.categories, self.numerals)) is not None:
                warnings.warn(self.told_twice(same, "categories"), stacklevel=2)
            order = {text: i for i, text in enumerate(self.categories)}
            places = [order[text] for text in texts]
        self._coded = [np.array(places, np.int64)[codes]]

    def _check_count(self, different: int, count: int) -> None:
        if different == count:
            what = "a different text on every line"
        elif different > _MOST_CATEGORIES or different > max(_FEW_CATEGORIES, count / 2):
            what = f"{different} different texts on {count} lines"
        else:
            return
        assert self._first is not None
        remedy = f"--ignore {quoted(self.name)} leaves it out, {self._remedy()}"
        raise self.refusal(*self._first, [], f"the column has {what}: {remedy}")

    def values(self) -> NDArray[np.float64]:
        """Return the numbers, of shape (lines, 1), or a column for each category."""
        if self.categories is None:
            return super().values()
        return one_hot(self._coded[0], len(self.categories))


def one_hot(codes: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Return a row for each code with 1 in its column, else 0; none for a negative code."""
    found = np.zeros((len(codes), width))
    known = np.flatnonzero(codes >= 0)
    found[known, codes[known]] = 1.0
    return found
