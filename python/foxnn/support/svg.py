"""Curves as SVG, for notebooks: they need no library, and are as dark or as light as the text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from foxnn.support.html import escaped

# Readable on white and on black.
COLOURS = ("#1f77b4", "#d95f02", "#2a9d5c")

_WIDTH, _HEIGHT = 330, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 10, 24, 24

# Of longer curves, each of so many parts is drawn by its smallest and its largest number: a part is
# about a pixel wide.
_PARTS = 250


class Curve(NamedTuple):
    """Numbers by epoch; what is not finite is left out. A faint one is without a name."""

    values: Sequence[float]
    name: str = ""
    colour: str = COLOURS[0]
    is_dashed: bool = False
    is_faint: bool = False


def plots(of: Mapping[str, Sequence[Curve]]) -> str:
    """Return plots side by side, by their titles; "" if there is nothing to draw."""
    drawn = [_plot(title, curves) for title, curves in of.items() if _ends(curves) is not None]
    if not drawn:
        return ""
    return f'<div style="display: flex; flex-wrap: wrap">{"".join(drawn)}</div>'


def text(x: float, y: float, words: str, anchor: str = "middle", size: int = 11) -> str:
    """Return a text in the colour of the page's text."""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="currentColor">{escaped(words)}</text>'
    )


def picture(width: float, height: float, parts: Sequence[str], label: str) -> str:
    """Return an SVG of these parts, which shrinks where there is less room."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" style="max-width: 100%; height: auto" role="img" '
        f'aria-label="{escaped(label)}" font-family="sans-serif">{"".join(parts)}</svg>'
    )


def _ends(curves: Sequence[Curve]) -> tuple[float, float, int] | None:
    """Return the smallest and the largest finite number, and the number of epochs."""
    finite = [v for curve in curves for v in curve.values if math.isfinite(v)]
    if not finite:
        return None
    return min(finite), max(finite), max(len(curve.values) for curve in curves)


def _plot(title: str, curves: Sequence[Curve]) -> str:
    low, high, count = _ends(curves) or (0.0, 0.0, 0)
    room = high - low if high > low else abs(high) or 1.0
    least = low if high > low else low - room / 2
    inner = _HEIGHT - _TOP - _BOTTOM

    def place(epoch: int, value: float) -> tuple[float, float]:
        across = epoch / (count - 1) if count > 1 else 0.5
        # Divided first: the range of numbers may be beyond a float.
        up = value / room - least / room if math.isfinite(room) else value / high * 0.5 + 0.5
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _TOP + inner * (1 - up)

    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    top = _TOP if low < high else _TOP + inner / 2
    parts = [
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="currentColor" '
        'stroke-opacity="0.5"/>',
        text(_LEFT - 5, top + 4, f"{high:.3g}", "end"),
        text(_LEFT - 5, bottom + 4, f"{low:.3g}", "end") if low < high else "",
        text(_LEFT, bottom + 16, "0") if count > 1 else "",
        text(right, bottom + 16, f"{count - 1}", "end") if count > 1 else "",
        text((_LEFT + right) / 2, bottom + 16, "epoch" if count > 1 else "epoch 0"),
        text(_LEFT, 14, title, "start", 12),
    ]
    end = float(right)
    for curve in reversed(curves):
        parts += _line(curve, place)
        if curve.name:
            dashes = ' stroke-dasharray="4 3"' if curve.is_dashed else ""
            width = 6.0 * len(curve.name) + 22
            parts.append(text(end, 14, curve.name, "end", 10))
            parts.append(
                f'<path d="M{end - width:g} 10h16" stroke="{curve.colour}" stroke-width="2"'
                f"{dashes}/>"
            )
            end -= width + 8
    return picture(_WIDTH, _HEIGHT, parts, f"{title} over {count} epochs")


def _line(curve: Curve, place: Callable[[int, float], tuple[float, float]]) -> Iterator[str]:
    """Yield the path of a curve; a number between others that are not finite is a dot."""
    paths: list[list[str]] = [[]]
    for epoch in _drawn(curve.values):
        if math.isfinite(curve.values[epoch]):
            x, y = place(epoch, curve.values[epoch])
            paths[-1].append(f"{x:.1f} {y:.1f}")
        elif paths[-1]:
            paths.append([])
    look = f'stroke="{curve.colour}" stroke-width="{1 if curve.is_faint else 2}"'
    look += ' stroke-opacity="0.35"' if curve.is_faint else ""
    look += ' stroke-dasharray="4 3"' if curve.is_dashed else ""
    for points in filter(None, paths):
        if len(points) == 1:
            across, down = points[0].split()
            yield f'<circle cx="{across}" cy="{down}" r="3" fill="{curve.colour}"/>'
        else:
            yield f'<path d="M{"L".join(points)}" fill="none" {look}/>'


def _drawn(values: Sequence[float]) -> Sequence[int]:
    """Return the epochs that are drawn: all, or the lowest and the highest of each part."""
    count = len(values)
    if count <= 2 * _PARTS:
        return range(count)
    found = {0, count - 1}
    for i in range(_PARTS):
        part = range(i * count // _PARTS, (i + 1) * count // _PARTS)
        found |= {min(part, key=values.__getitem__), max(part, key=values.__getitem__)}
    return sorted(found)
