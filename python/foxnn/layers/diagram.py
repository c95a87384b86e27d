"""A small diagram of a network's layers as SVG, for notebooks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from foxnn.layers.kind import Shape
from foxnn.layers.view import LayerView
from foxnn.support import svg

_COLUMN, _HEIGHT = 92, 104
_MIDDLE = 42
_GLYPH = 64

# More layers are drawn by the first and the last of them.
_MOST = 12
_DOTS, _MAPS, _STEPS = 6, 4, 6

_LOOK = f'fill="{svg.COLOURS[0]}" fill-opacity="0.25" stroke="{svg.COLOURS[0]}"'


def diagram(shape: Shape, layers: Sequence[LayerView]) -> str:
    """Return the inputs and layers from left to right: neurons, feature maps or steps."""
    given = [("input", shape), *((layer.kind, layer.output_shape) for layer in layers)]
    shown: list[tuple[str, Shape] | None] = list(given)
    if len(given) > _MOST:
        half = _MOST // 2
        shown = [*given[:half], None, *given[-half:]]
    parts = []
    for i, each in enumerate(shown):
        middle = (i + 0.5) * _COLUMN
        if each is None:
            parts.append(svg.text(middle, _MIDDLE + 4, f"... {len(given) - _MOST} more"))
        else:
            kind, own = each
            parts.append(_glyph(middle, own))
            parts.append(svg.text(middle, _HEIGHT - 16, kind))
            parts.append(svg.text(middle, _HEIGHT - 3, _in_words(own), size=10))
        if i > 0:
            left = middle - _COLUMN / 2
            parts.append(
                f'<path d="M{left - 8:g} {_MIDDLE}h14m-5 -4l5 4l-5 4" fill="none" '
                'stroke="currentColor" stroke-opacity="0.6"/>'
            )
    return svg.picture(len(shown) * _COLUMN, _HEIGHT, parts, f"{len(layers)} layers")


def _in_words(shape: Shape) -> str:
    return " x ".join("any" if length is None else f"{length:,}" for length in shape)


def _glyph(x: float, shape: Shape) -> str:
    if len(shape) == 1:
        return _neurons(x, shape[0])
    return _steps(x, shape) if len(shape) == 2 else _maps(x, shape)


def _size(count: int | None, most: float) -> float:
    """Return a length that grows with the logarithm of a count: 1,000 are the most."""
    share = math.log(1 + (30 if count is None else count)) / math.log(1001)
    return most * min(1.0, 0.3 + 0.7 * share)


def _neurons(x: float, count: int | None) -> str:
    """Return a column of neurons; that of many is longer and has dots in the middle."""
    shown = _DOTS if count is None else min(count, _DOTS)
    length = _size(count, _GLYPH) if shown > 1 else 0.0
    gap = length / (shown - 1) if shown > 1 else 0.0
    circles = []
    for i in range(shown):
        y = _MIDDLE - length / 2 + i * gap
        is_left_out = count != shown and i in (shown // 2 - 1, shown // 2)
        radius = 1.2 if is_left_out else max(2.5, min(5.0, gap / 2 - 0.7 if gap else 5.0))
        circles.append(f'<circle cx="{x:g}" cy="{y:.1f}" r="{radius:.1f}" {_LOOK}/>')
    return "".join(circles)


def _steps(x: float, shape: Shape) -> str:
    """Return a strip with a bar for each step."""
    height = _size(shape[1], _GLYPH)
    count = _STEPS if shape[0] is None else min(shape[0], _STEPS)
    left = x - count * 5
    return "".join(
        f'<rect x="{left + 10 * i:g}" y="{_MIDDLE - height / 2:.1f}" width="8" '
        f'height="{height:.1f}" rx="1" {_LOOK}/>'
        for i in range(count)
    )


def _maps(x: float, shape: Shape) -> str:
    """Return squares behind one another, as many as there are channels, up to four."""
    side = _size(max(n or 1 for n in shape[:-1]) ** 2, 0.75 * _GLYPH)
    count = min(shape[-1], _MAPS)
    first = -3 * (count - 1) - side / 2
    return "".join(
        f'<rect x="{x + first + 6 * i:.1f}" y="{_MIDDLE + first + 6 * i:.1f}" width="{side:.1f}" '
        f'height="{side:.1f}" rx="2" {_LOOK}/>'
        for i in range(count)
    )
