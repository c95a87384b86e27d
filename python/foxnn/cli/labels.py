"""Labels: the texts that name classes and categories, their order, and their look-up."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from decimal import Decimal, InvalidOperation

from foxnn.cli.numerals import Numerals

# Categories of columns that are true or false, however that is written.
BOOLEANS = ["false", "true"]
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def are_booleans(texts: Collection[str]) -> bool:
    """Return whether all texts are true or false."""
    return bool(texts) and all(text.casefold() in BOOLEANS for text in texts)


def is_whole(text: str) -> bool:
    """Return whether a text is a whole number, as 0.1.0 wrote the classes that are numbers."""
    return re.fullmatch(r"-?\d+", text) is not None


def in_order(texts: Collection[str], numerals: Numerals) -> list[str]:
    """Return different texts in order: whole numbers by their size, others by their letters.

    They stay texts: 007 and 7 are two labels, and 1.0 and 1, too.
    """
    if all((number := numerals.number(text)) is not None and number.is_integer() for text in texts):
        # A float would not tell numbers above 2^53 apart.
        return sorted(texts, key=lambda text: (_exact(text, numerals), text))
    return sorted(texts)


def same_number(texts: Collection[str], numerals: Numerals) -> tuple[str, str] | None:
    """Return the first two of different texts that are one number, such as 1 and 1.0, or None."""
    found: dict[Decimal, str] = {}
    for text in texts:
        if numerals.number(text) is not None:
            other = found.setdefault(_exact(text, numerals), text)
            if other != text:
                return other, text
    return None


def _exact(text: str, numerals: Numerals) -> Decimal:
    """Return the number that a text is, with all of its digits."""
    plain = numerals.plain(text)
    try:
        return Decimal(plain)
    except InvalidOperation:  # an exponent that no decimal has, though the float is 0
        return Decimal(float(plain))


class Labels:
    """Known labels, which are looked up by their texts.

    Parameters
    ----------
    texts : sequence of str
    numerals : Numerals or None
        How whole numbers are written, if these are labels of 0.1.0, which did not keep their
        texts: 007 and 7.0 are then found as 7.
    """

    def __init__(self, texts: Sequence[str], numerals: Numerals | None = None) -> None:
        self._places = {text: i for i, text in enumerate(texts)}
        self._numerals = numerals
        self._booleans = list(texts) == BOOLEANS

    def find(self, text: str) -> int | None:
        """Return the position of a label, or None.

        A whole number is also found if only one of the two texts ends with .0, as programs write
        it in a column with missing cells.
        """
        place = self._places.get(text)
        if place is None and self._booleans:
            place = self._places.get(text.casefold())
        if place is None and self._numerals is not None:
            number = self._numerals.number(text)
            if number is not None and number.is_integer():
                place = self._places.get(str(int(number)))
        if place is None:
            found = _WHOLE.fullmatch(text)
            place = self._places.get(found[1] if found else f"{text}.0")
        return place
