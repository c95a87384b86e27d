"""The table that `summary` prints: layers, shapes, parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from foxnn.layers.kind import Shape
from foxnn.layers.kinds import leaves
from foxnn.layers.view import LayerView


def summary_lines(shape: Shape, layers: Sequence[LayerView]) -> list[str]:
    """Return the lines for the layers of a network, whose samples have this shape."""
    rows = [("layer", "output", "parameters", ""), ("input", str(shape), "", "")]
    for layer in layers:
        rows += _rows(layer, 0)
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        f"{name:{widths[0]}}  {output:{widths[1]}}  {count:>{widths[2]}}{frozen}".rstrip()
        for name, output, count, frozen in rows
    ]
    trained = sum(_count(layer, trained=True) for layer in layers)
    total = sum(_count(layer) for layer in layers)
    share = f", of which {trained:,} are trained" if trained != total else ""
    return [*lines, f"parameters: {total:,}{share}"]


def _rows(layer: LayerView, depth: int) -> Iterator[tuple[str, str, str, str]]:
    frozen = " (frozen)" if _count(layer) and not layer.trainable else ""
    yield "  " * depth + layer.name, str(layer.output_shape), f"{_count(layer):,}", frozen
    for inner in layer.layers:
        for one in inner if isinstance(inner, tuple) else (inner,):
            yield from _rows(one, depth + 1)


def _count(layer: LayerView, trained: bool = False) -> int:
    return sum(
        math.prod(shape)
        for leaf in leaves([layer._part()])
        if leaf["trained"] or not trained
        for name, shape in leaf["arrays"].items()
        if name not in leaf["running"] or not trained
    )
