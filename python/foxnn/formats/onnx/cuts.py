"""Which parts of an array the outputs of Split and Slice are."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.formats.onnx.constants import Attributes, NotRead

_PARTS = "expected constant parts of an array, of every number in a row"
# What exporters write as the end of an axis of unknown length.
_LARGEST = 2**31 - 1


def cuts_of(
    kind: str, given: Attributes, values: list[Any], count: int, shape: tuple[int | None, ...]
) -> list[tuple[slice, ...]]:
    """Return which parts of an array of a shape each output of a Split or Slice is.

    A length that is not known stays whole.
    """
    numbers = [_whole(value) for value in values[1:]]
    whole = [slice(None)] * len(shape)
    if kind == "Slice":
        if not 2 <= len(numbers) <= 4 or len({len(each) for each in numbers}) != 1:
            raise NotRead(_PARTS)
        axes = numbers[2] if numbers[2:] else range(len(numbers[0]))
        for start, end, axis in zip(*numbers[:2], axes, strict=True):
            length = shape[_axis(axis, shape)]
            is_whole = start == 0 and end >= _LARGEST
            if length is None and not is_whole:
                raise NotRead(_PARTS)
            whole[axis] = slice(start, end)
        if any(step != 1 for step in (numbers[3] if numbers[3:] else ())):
            raise NotRead(_PARTS)
        return [tuple(whole)]
    axis = _axis(given.get("axis", 0), shape)
    length = shape[axis]
    if length is None or len(numbers) > 1 or not 0 < count <= length:
        raise NotRead(_PARTS)
    sizes = numbers[0] if numbers else given.get("split", [length // count] * count)
    if sum(sizes) != length or len(sizes) != count or min(sizes) < 1:
        raise NotRead(_PARTS)
    ends = np.cumsum(sizes).tolist()
    parts = zip([0, *ends[:-1]], ends, strict=True)
    return [(*whole[:axis], slice(*part), *whole[axis + 1 :]) for part in parts]


def _whole(value: Any) -> list[int]:
    if isinstance(value, np.ndarray) and value.dtype.kind == "i" and value.ndim == 1:
        return list(value.tolist())
    raise NotRead(_PARTS)


def _axis(axis: int, shape: tuple[int | None, ...]) -> int:
    if not -len(shape) <= axis < len(shape):
        raise NotRead(_PARTS)
    return axis % len(shape)
