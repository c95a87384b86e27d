"""The table that `summary` prints and notebooks show: layers, kinds, shapes, parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from foxnn.layers.kind import Shape
from foxnn.layers.kinds import leaves
from foxnn.layers.view import LayerView
from foxnn.support import html

_HEADER = ("layer", "kind", "output", "parameters", "trainable")
_NUMBERS = (3,)


def summary_lines(shape: Shape, layers: Sequence[LayerView], item_size: int) -> list[str]:
    """Return the lines for the layers of a network, whose samples have this shape.

    A parameter takes `item_size` bytes.
    """
    rows = [_HEADER, *_table(shape, layers)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = [
        "  ".join(
            cell.rjust(width) if i in _NUMBERS else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [*lines, *_totals(layers, item_size)]


def summary_html(shape: Shape, layers: Sequence[LayerView], item_size: int) -> str:
    """Return the same as HTML."""
    table = html.table(_HEADER, _table(shape, layers), _NUMBERS)
    return f"{table}\n<p>{'<br>'.join(_totals(layers, item_size))}</p>"


def _table(shape: Shape, layers: Sequence[LayerView]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("input", "", str(shape), "", "")]
    for layer in layers:
        rows += _rows(layer, 0)
    return rows


def _totals(layers: Sequence[LayerView], item_size: int) -> list[str]:
    trained = sum(_count(layer, trained=True) for layer in layers)
    total = sum(_count(layer) for layer in layers)
    return [
        f"parameters: {total:,} ({size_in_words(total * item_size)})",
        f"trainable: {trained:,}",
        f"not trainable: {total - trained:,}",
    ]


def size_in_words(count: int) -> str:
    """Return a number of bytes in words."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if unit != "bytes" else f"{count} bytes"


def _rows(layer: LayerView, depth: int) -> Iterator[tuple[str, ...]]:
    function = layer._part()["options"].get("activation")
    kind = layer.kind if function is None else f"{layer.kind}, {function}"
    yield (
        "  " * depth + layer.name,
        kind,
        str(layer.output_shape),
        f"{_count(layer):,}",
        _trained(layer),
    )
    for inner in layer.layers:
        for one in inner if isinstance(inner, tuple) else (inner,):
            yield from _rows(one, depth + 1)


def _trained(layer: LayerView) -> str:
    """Return whether training changes the layer's parameters; empty if it has none."""
    total, trained = _count(layer), _count(layer, trained=True)
    if total == 0:
        return ""
    return "no" if trained == 0 else "yes" if trained == total else "in part"


def _count(layer: LayerView, trained: bool = False) -> int:
    return sum(
        math.prod(shape)
        for leaf in leaves([layer._part()])
        if leaf["trained"] or not trained
        for name, shape in leaf["arrays"].items()
        if name not in leaf["running"] or not trained
    )
