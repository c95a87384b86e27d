"""Notes that users keep with a network, such as column names: plain values as in JSON."""

from __future__ import annotations

import math
from typing import Any

from foxnn import checks

_LONGEST_PLACE = 200
# By default Python does not convert integers of more than 4300 digits.
_MOST_BITS = 10_000


def notes_of(value: object) -> dict[str, Any]:
    """Return a copy of notes, checked.

    Raises
    ------
    TypeError
        For anything but a dict from strings to None, bools, numbers, strings, lists and dicts.
    ValueError
        For an infinity, NaN or notes that contain themselves.
    """
    if not isinstance(value, dict):
        raise TypeError(f"notes must be a dict, got {checks.shown(value)}")
    try:
        found: dict[str, Any] = _plain(value, ("notes",))
    except RecursionError:
        raise ValueError("notes must not be nested without end") from None
    return found


# The place of a value in the notes; put into words only for messages, since keys may be long.
Place = tuple[Any, ...]


def _said(place: Place) -> str:
    words: list[str] = []
    while len(place) == 2:
        place, key = place
        words.append(f"[{checks.shown(key)}]")
    text = "notes" + "".join(words[::-1])
    return text if len(text) <= _LONGEST_PLACE else text[: _LONGEST_PLACE - 3] + "..."


def _plain(value: object, place: Place) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        number = int(value)
        if number.bit_length() > _MOST_BITS:
            raise ValueError(f"{_said(place)} must be an integer of at most {_MOST_BITS} bits")
        return number
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{_said(place)} must be finite, got {value}")
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(part, (place, i)) for i, part in enumerate(value)]
    if not isinstance(value, dict):
        raise TypeError(
            f"{_said(place)} must be None, True, False, a number, a string, a list or a dict, "
            f"got {checks.shown(value)}"
        )
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{_said(place)} must have strings as keys, got {checks.shown(key)}")
    return {str(key): _plain(part, (place, key)) for key, part in value.items()}
