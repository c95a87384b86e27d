"""Convolutions, pools and Resize of ONNX as the options of foxnn's layers.

foxnn knows windows within the sample, "same", and as many positions at both ends of an axis; ONNX
any number at either. Where a convolution has others, zeros around its filter can make them foxnn's;
a pool is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.constants import Attributes, NotRead
from foxnn.layers.padding import same_pads

Shape = tuple[int, ...]

POOLS = {"MaxPool": "max_pool", "AveragePool": "average_pool"}
GLOBAL_POOLS = {"GlobalMaxPool": "global_max_pool", "GlobalAveragePool": "global_average_pool"}
RESIZES = ("Resize", "Upsample")
#: What takes channels first.
WINDOWED = ("Conv", *POOLS, *GLOBAL_POOLS, *RESIZES)

#: Beside the attributes of a node: whether its positions are steps, of any number.
VARIES = "varies"

_MOST_AXES = 3
# How a place of the output is one of the input, where factors are whole: all of these agree.
_NEAREST = {
    (b"asymmetric", b"floor"),
    (b"half_pixel", b"round_prefer_floor"),
    (b"half_pixel", b"round_prefer_ceil"),
    (b"pytorch_half_pixel", b"round_prefer_floor"),
    (b"pytorch_half_pixel", b"round_prefer_ceil"),
    (b"tf_half_pixel_for_nn", b"floor"),
}


class Window(NamedTuple):
    """A window as foxnn's options, the zeros around its filter, and the shape of what it gives."""

    options: dict[str, Any]
    zeros: list[tuple[int, int]]
    positions: Shape


class _Axis(NamedTuple):
    length: int
    kernel: int
    stride: int
    dilation: int
    before: int  # positions added before the first
    windows: int


def window_of(kind: str, given: Attributes, values: Sequence[Any], shape: Shape) -> Window:
    """Return the window of a convolution or pool over a sample of a shape."""
    axes = len(shape) - 1
    if not 1 <= axes <= _MOST_AXES:
        raise NotRead(f"expected 1 to {_MOST_AXES} axes of positions, got {axes}")
    kernel = given.get("kernel_shape")
    if kind == "Conv":
        weights = _weights(given, values, shape)
        if kernel not in (None, list(weights.shape[2:])):
            raise NotRead(f"expected a kernel of shape {weights.shape[2:]}, got {kernel}")
        kernel = list(weights.shape[2:])
    lengths = [_lengths(each, axes) for each in (kernel, given.get("strides", [1] * axes))]
    dilations = _lengths(given.get("dilations", [1] * axes), axes)
    if kind != "Conv" and set(dilations) != {1}:
        raise NotRead("expected a pool without dilations")
    pads = _pads(given, axes)
    found = [
        _axis(n, k, s, d, (pads[i], pads[axes + i]) if pads else None, given)
        for i, (n, k, s, d) in enumerate(zip(shape[:-1], *lengths, dilations, strict=True))
    ]
    if kind == "AveragePool" and given.get("count_include_pad", 0) and (pads is None or any(pads)):
        raise NotRead("expected averages that do not count padding (count_include_pad=0)")
    # foxnn's own "same", even where it adds nothing to this length: another may need it.
    is_same = given.get("auto_pad") == b"SAME_UPPER"
    fitting = ("same", [(0, 0)] * axes) if is_same else _fitting(found, kind, given)
    if fitting is None:
        raise NotRead(
            "expected pads that foxnn has (none, those of 'same', or as many at both ends of an "
            f"axis, fewer than the window is long), got {pads}"
        )
    padding, zeros = fitting
    options: dict[str, Any] = {
        "kernel": [float(a.kernel + sum(z)) for a, z in zip(found, zeros, strict=True)],
        "stride": [float(a.stride) for a in found],
        "padding": padding,
    }
    return Window(options, zeros, tuple(a.windows for a in found))


def _weights(given: Attributes, values: Sequence[Any], shape: Shape) -> Array:
    weights: Array | None = values[1] if len(values) > 1 else None
    is_right = isinstance(weights, np.ndarray) and weights.dtype.kind == "f" and weights.size
    if not is_right or weights is None or weights.ndim != len(shape) + 1:
        raise NotRead("expected constant weights for its axes")
    groups = given.get("group", 1)
    if groups < 1 or weights.shape[1] * groups != shape[-1] or weights.shape[0] % groups:
        raise NotRead(
            f"expected weights for {shape[-1]} channels in {groups} groups, "
            f"got shape {weights.shape}"
        )
    if len(values) > 2 and values[2] is not None:
        bias = values[2]
        is_float = isinstance(bias, np.ndarray) and bias.dtype.kind == "f"
        if not is_float or bias.shape != weights.shape[:1]:
            raise NotRead(f"expected a bias of shape {weights.shape[:1]}")
    return weights


def _lengths(given: Any, axes: int) -> list[int]:
    if given is None or len(given) != axes or min(given) < 1 or max(given) >= 2**31:
        raise NotRead(f"expected {axes} numbers above 0 for its window, got {given}")
    return list(given)


def _pads(given: Attributes, axes: int) -> list[int] | None:
    """Return the pads that are given, or None if `auto_pad` is "same"."""
    auto = given.get("auto_pad", b"NOTSET")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        return None
    pads = given.get("pads", [0] * 2 * axes) if auto == b"NOTSET" else [0] * 2 * axes
    if auto not in (b"NOTSET", b"VALID") or len(pads) != 2 * axes or min(pads) < 0:
        raise NotRead(f"expected {2 * axes} pads of at least 0, got {pads}")
    return list(pads)


def _axis(
    length: int,
    kernel: int,
    stride: int,
    dilation: int,
    pads: tuple[int, int] | None,
    given: Attributes,
) -> _Axis:
    span = (kernel - 1) * dilation + 1
    if pads is None:
        before, after = same_pads(length, span, stride)
        if given["auto_pad"] == b"SAME_LOWER":
            before = after
        return _Axis(length, kernel, stride, dilation, before, -(-length // stride))
    room = length + sum(pads) - span
    if room < 0:
        raise NotRead(f"expected a window of at most {length + sum(pads)} positions, got {span}")
    count = room // stride + 1
    if given.get("ceil_mode", 0):
        count = -(-room // stride) + 1
        count -= (count - 1) * stride >= length + pads[0]  # a window must begin in the sample
    return _Axis(length, kernel, stride, dilation, pads[0], count)


def _fitting(
    found: list[_Axis], kind: str, given: Attributes
) -> tuple[str | list[float], list[tuple[int, int]]] | None:
    """Return a padding of foxnn and zeros around the filter that give the same windows.

    Filters grow only where there is no other way: their zeros are learnt on.
    """
    # Windows are the same where they begin at the same place and are as many.
    spans = [(a.kernel - 1) * a.dilation + 1 for a in found]
    if all(
        a.before == 0 and a.windows == (a.length - span) // a.stride + 1 and span <= a.length
        for a, span in zip(found, spans, strict=True)
    ):
        return "valid", [(0, 0)] * len(found)
    none = [(0, 0)] * len(found)
    is_same = all(_zeros(axis, False) for axis in found)
    # With a stride above 1, "same" is another padding for other numbers of positions.
    if is_same and (not given.get(VARIES) or all(axis.stride == 1 for axis in found)):
        return "same", none
    if all(_is_even(axis, span) for axis, span in zip(found, spans, strict=True)):
        return [float(axis.before) for axis in found], none
    if is_same:
        return "same", none
    zeros = [_zeros(axis, kind == "Conv") for axis in found]
    known = [each for each in zeros if each is not None]
    return ("same", known) if len(known) == len(zeros) else None


def _is_even(axis: _Axis, span: int) -> bool:
    """Return whether as many positions at both ends as there are before give its windows."""
    padded = axis.length + 2 * axis.before
    return axis.before < span <= padded and axis.windows == (padded - span) // axis.stride + 1


def _zeros(axis: _Axis, may_grow: bool) -> tuple[int, int] | None:
    """Return the zeros at both ends of the filter with which "same" gives an axis's windows."""
    if axis.windows != -(-axis.length // axis.stride):
        return None
    most = axis.kernel if may_grow else 0
    for more in range(most + 1):
        span = (axis.kernel + more - 1) * axis.dilation + 1
        before, _ = same_pads(axis.length, span, axis.stride)
        # A zero before the filter lets its window begin earlier by the dilation.
        first, rest = divmod(before - axis.before, axis.dilation)
        if rest == 0 and 0 <= first <= more:
            return first, more - first
    return None


def factors_of(kind: str, given: Attributes, values: Sequence[Any], shape: Shape) -> list[int]:
    """Return how often a Resize or Tile gives each position of a sample."""
    if kind == "Tile":
        return list(given["factors"])  # as the graph has found them
    if given.get("mode", b"nearest") != b"nearest":
        raise NotRead("expected the nearest position (mode='nearest')")
    usual = b"asymmetric" if kind == "Upsample" else b"half_pixel"
    rounding = b"floor" if kind == "Upsample" else b"round_prefer_floor"
    way = (
        given.get("coordinate_transformation_mode", usual),
        given.get("nearest_mode", rounding),
    )
    is_old = kind == "Resize" and len(values) == 2  # of operator set 10, which had no other way
    if way not in _NEAREST and not is_old:
        raise NotRead(f"expected whole repetitions of positions, got {way[0]!r}, {way[1]!r}")
    whole = (shape[-1], *shape[:-1])
    constants = [value for value in values[1:] if isinstance(value, np.ndarray) and value.size]
    given_scales = given.get("scales")
    numbers = constants[-1].reshape(-1) if constants else np.array(given_scales or [], np.float64)
    if len(numbers) != len(whole) + 1:
        raise NotRead(f"expected {len(whole) + 1} constant scales, got {len(numbers)}")
    numbers = numbers.astype(np.float64)
    scales = numbers[1:] / whole if constants and constants[-1].dtype.kind == "i" else numbers[1:]
    is_sizes = bool(constants) and constants[-1].dtype.kind == "i"
    if not (is_sizes or numbers[0] == 1) or scales[0] != 1:
        raise NotRead("expected a scale of 1 for samples and channels")
    if any(not 1 <= s < 2**31 or s != int(s) for s in scales):
        raise NotRead(f"expected whole factors of at least 1, got {scales[1:].tolist()}")
    return [int(s) for s in scales[1:]]
