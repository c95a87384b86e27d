"""Positions of zeros that a Pad adds before a convolution, which takes them into its own pads."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.formats.onnx.constants import Attributes, NotRead
from foxnn.formats.onnx.layout import Value, channels_first

_INTO_CONV = "expected zeros at positions alone, which go into a Conv"


def padded(given: Attributes, values: list[Any]) -> Value:
    """Return a value that a Pad gives: with its zeros noted, but not in its shape."""
    value, *inputs = values
    pads, filling, axes = [*inputs, None, None, None][:3]
    if isinstance(pads, np.ndarray) and pads.dtype.kind == "i":
        numbers = pads.reshape(-1).tolist()
    else:
        numbers = given.get("pads") if pads is None else None
    count = len(value.order) + 1
    if axes is not None or not numbers or len(numbers) != 2 * count or min(numbers) < 0:
        raise NotRead(f"expected {2 * count} constant pads of at least 0")
    is_zero = filling is None or (isinstance(filling, np.ndarray) and not filling.any())
    if given.get("mode", b"constant") != b"constant" or not is_zero:
        raise NotRead(_INTO_CONV)
    found = [(0, 0)] * len(value.shape)
    for axis, place in enumerate(value.order, 1):
        found[place] = numbers[axis], numbers[count + axis]
    if value.flat_of is not None or value.pads or any((numbers[0], numbers[count], *found[-1])):
        raise NotRead(_INTO_CONV)
    noted: Value = value._replace(pads=tuple(found[:-1])) if any(map(any, found)) else value
    return noted


def with_pads(given: Attributes, value: Value) -> Attributes:
    """Return the attributes of a Conv, with the zeros of a Pad before it."""
    if not value.pads:
        return given
    own = given.get("pads", [0] * 2 * len(value.pads))
    is_right = given.get("auto_pad", b"NOTSET") in (b"NOTSET", b"VALID")
    if not is_right or len(own) != 2 * len(value.pads):
        raise NotRead("expected pads as numbers, behind a Pad")
    if value.order != channels_first(len(value.order)):
        raise NotRead(_INTO_CONV)
    further = [before for before, _ in value.pads] + [after for _, after in value.pads]
    return {
        **given,
        "auto_pad": b"NOTSET",
        "pads": [a + b for a, b in zip(own, further, strict=True)],
    }


def check_pads(kind: str, passing: tuple[str, ...], data: list[Value]) -> None:
    """Refuse zeros that a Pad has added where they do not go into a Conv."""
    if kind not in ("Conv", "Transpose", *passing) and any(value.pads for value in data):
        raise NotRead("expected a Conv behind a Pad")
