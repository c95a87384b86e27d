"""What the pictures of layers consist of: tables of numbers, frames, arrows, boxes and paths."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from foxnn.plot.drawing import COLOURS, DARK

matplotlib.use("Agg")  # pictures are written, not shown

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

SIZE, DPI = (4.4, 2.0), 110
# White to a blue on which dark digits can be read.
PALE = "#9cc7ec"
SHADES = LinearSegmentedColormap.from_list("blue", ["#ffffff", PALE])
MARK, OTHER, QUIET, THIRD = COLOURS[1:5]


def panel() -> Any:
    """Return the Axes of a new picture, from 0 to 22 and from 0 to 10."""
    ax = plt.subplots(figsize=SIZE)[1]
    ax.set(xlim=(0, 22), ylim=(10, 0), aspect="equal")
    ax.axis("off")
    ax.figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    return ax


def save(ax: Any, path: Path) -> None:
    """Write a picture, and forget it."""
    ax.figure.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(ax.figure)


def text(ax: Any, x: float, y: float, shown: str, **more: Any) -> None:
    """Write in the middle of a place."""
    ax.text(x, y, shown, **{"ha": "center", "va": "center", "color": DARK, "size": 8, **more})


def grid(ax: Any, x: float, y: float, values: Any, side: float = 1.5, *, digits: int = 0) -> None:
    """Draw a table of numbers, shaded by their size, with its corner at (x, y)."""
    values = np.atleast_2d(values)
    largest = max(float(np.abs(values).max()), 1e-9)
    for (row, column), value in np.ndenumerate(values):
        corner = x + column * side, y + row * side
        shade = SHADES(min(abs(float(value)) / largest, 1.0))
        ax.add_patch(Rectangle(corner, side, side, facecolor=shade, edgecolor=QUIET, lw=0.6))
        shown = f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
        text(ax, corner[0] + side / 2, corner[1] + side / 2, shown, size=7 if digits else 8)


def frame(ax: Any, x: float, y: float, width: float, height: float, colour: str = MARK) -> None:
    """Frame a part of a table."""
    given = {"fill": False, "edgecolor": colour, "lw": 2.2, "zorder": 5}
    ax.add_patch(Rectangle((x, y), width, height, **given))


def arrow(ax: Any, start: tuple[float, float], end: tuple[float, float], **more: Any) -> None:
    """Draw an arrow."""
    style = {"arrowstyle": "-|>", "color": DARK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0, **more}
    ax.annotate("", end, start, arrowprops=style)


def box(ax: Any, x: float, y: float, shown: str, width: float = 3.4) -> None:
    """Draw a layer as a box around a place."""
    corner = x - width / 2, y - 0.9
    ax.add_patch(Rectangle(corner, width, 1.8, facecolor="#dcebf8", edgecolor=DARK, lw=1, zorder=3))
    text(ax, x, y, shown, zorder=4)


def paths(ax: Any, ends: Iterable[str], joined: str, low: float, high: float) -> None:
    """Draw two paths from x, with what they have on them, to a place where they are joined."""
    ax.plot(3, 5, "o", color=DARK, ms=4, zorder=4)
    text(ax, 1.4, 5, "x", size=10)
    ax.plot([1.9, 3], [5, 5], color=DARK, lw=1.1)
    for y, shown in zip((low, high), ends, strict=True):
        ax.plot([3, 3, 15.8], [5, y, y], color=DARK, lw=1.1)
        arrow(ax, (15.8, y), (15.8, 4.2 if y < 5 else 5.8))
        if shown:
            box(ax, 9.4, y, shown, 6.4)
    ax.plot(15.8, 5, "o", ms=17, mfc="#ffffff", mec=DARK, zorder=3)
    text(ax, 15.8, 5, joined, size=11, zorder=4)
    arrow(ax, (16.7, 5), (19.4, 5))
