"""Checks of single values: numbers, flags, words, and lists of them."""

from __future__ import annotations

import itertools
import math
import operator
import os
import reprlib
from typing import Any

import numpy as np

_LARGEST_SIZE = 2**31 - 1
# More than any program needs; an endless iterator must end here.
_MOST_LAYERS = 1_000_000
# The largest number that the engine counts to.
_LARGEST_COUNT = 2**63 - 1


_short = reprlib.Repr()
_short.maxlevel = 4
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = _short.maxdeque = 30
_short.maxfrozenset = _short.maxarray = 30
_short.maxstring = _short.maxlong = _short.maxother = 100
# More characters than in any valid name that a user may pass to the engine.
_LONGEST_NAME = 100


def shown(value: object) -> str:
    """Return a short representation of any value, for a message, in a short time."""
    try:
        text = _short.repr(value)
    except Exception:  # an integer of too many digits, a representation that raises
        text = f"an object of type {type(value).__name__}"
    if "\n" in text:  # of arrays
        text = " ".join(map(str.strip, text.split("\n")))
    return text if len(text) <= 60 else text[:57] + "..."


def integer(value: object, name: str, low: int, high: int = _LARGEST_COUNT) -> int:
    """Return an integer within bounds, both of them allowed."""
    if type(value) is int and low <= value <= high:  # fast path: messages take longer
        return value
    allowed = f"at least {low}" if high == _LARGEST_COUNT else f"from {low} to {high}"
    number = _index(value, f"{name} must be an integer {allowed}, got {shown(value)}")
    if number < low or number > high:
        if number > high:
            allowed = f"from {low} to {high}"
        raise ValueError(f"{name} must be an integer {allowed}, got {shown(number)}")
    return number


def seed(value: object) -> int:
    """Return a seed; an unpredictable one if none is given."""
    # As `secrets` does; its import would take a quarter of the time of foxnn's.
    drawn = int.from_bytes(os.urandom(8), "little")
    return drawn if value is None else integer(value, "seed", 0, 2**64 - 1)


def position(value: object, name: str, length: int, what: str) -> int:
    """Return the position, from 0, of an index, which may count from the end if negative."""
    if type(value) is int and 0 <= value < length:  # fast path, here and below
        return value
    number = _index(value, f"{name} must be an integer, got {shown(value)}")
    if not -length <= number < length:
        there = f"from 0 to {length - 1}" if length else "but there is none"
        raise IndexError(f"{name} must be {what} {there}, got {shown(number)}")
    return number % length


def _index(value: object, message: str) -> int:
    if isinstance(value, bool | np.bool_):
        raise TypeError(message)
    try:
        return int.__index__(operator.index(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(message) from None


def real(
    value: object,
    name: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return a finite number within bounds."""
    takes_low = not open_low and low > -math.inf
    if type(value) is float and (low < value < high or (takes_low and value == low)):
        return value  # fast path: messages take longer
    allowed = _range_text(low, high, open_low, open_high)
    number = _float(value, f"{name} must be a number{allowed}")
    too_low = number <= low if open_low else number < low
    too_high = number >= high if open_high else number > high
    if not math.isfinite(number) or too_low or too_high:
        raise ValueError(f"{name} must be a finite number{allowed}, got {shown(value)}")
    return number


def memory(size: int) -> None:
    """Raise MemoryError if `size` bytes cannot be allocated.

    For use before calling a library that ends the process, or gives no clear message, when it runs
    out of memory.
    """
    import mmap  # late: few programs need it

    try:
        mmap.mmap(-1, size).close()
    except OSError:
        raise MemoryError(f"there are no {size} bytes of memory") from None


def number(value: object, name: str) -> float:
    """Return a number that may be infinite or NaN."""
    if type(value) is float:  # fast path
        return value
    return _float(value, f"{name} must be a number")


def _float(value: object, wanted: str) -> float:
    try:
        if isinstance(value, str | bytes | bytearray | bool | complex):
            raise TypeError
        if isinstance(value, np.generic | np.ndarray) and not (
            value.ndim == 0 and value.dtype.kind in "fiu"
        ):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, got {shown(value)}") from None
    except OverflowError:
        return math.inf


def _range_text(low: float, high: float, open_low: bool, open_high: bool) -> str:
    parts = []
    if low > -math.inf:
        parts.append(f"above {low:g}" if open_low else f"at least {low:g}")
    if high < math.inf:
        parts.append(f"below {high:g}" if open_high else f"at most {high:g}")
    return " " + " and ".join(parts) if parts else ""


def flag(value: object, name: str) -> bool:
    """Return True or False; 0 and 1 are allowed, too, since programs for FoxNN pass them."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {shown(value)}")


def text(value: object, name: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {shown(value)}")
    return str.__str__(value)


def word(value: object, name: str) -> str:
    """Return a string that can be passed to the engine as a name and shown in its messages."""
    found = text(value, name)
    if not found.isprintable() or len(found) > _LONGEST_NAME:
        raise ValueError(f"{name} must be a known name, got {shown(found)}")
    return found


def items(values: Any, wanted: str, most: int | None = None) -> list[Any]:
    """Return the items of an iterable as a list, at most `most` of them."""
    try:
        return list(values if most is None else itertools.islice(values, most))
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, got {shown(values)}") from None


def layer_sizes(sizes: Any) -> list[int]:
    """Return the sizes of a network: inputs first, then the neurons of each layer."""
    values = items(
        sizes, "sizes must be a list of layer sizes or the name of a file", _MOST_LAYERS + 2
    )
    if len(values) > _MOST_LAYERS + 1:
        raise ValueError(f"sizes must not list more than {_MOST_LAYERS} layers")
    if len(values) < 2:
        raise ValueError(
            "sizes must hold the number of inputs and at least one layer, "
            f"got {len(values)} value{'s' * (len(values) != 1)}"
        )
    return [_layer_size(v, i) for i, v in enumerate(values)]


def _layer_size(value: object, i: int) -> int:
    if i > 0 and not isinstance(value, int | float | complex | np.generic):
        try:
            operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"sizes[{i}] must be a number or a layer, got {shown(value)}") from None
    return integer(value, f"sizes[{i}]", 1, _LARGEST_SIZE)
