"""How many positions a window adds around a sample, for formats that must state it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foxnn.layers.windows import added_to


def pads_of(shape: Sequence[int], options: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return how many positions a layer's window adds before and after each axis of a shape."""
    found = []
    for axis, length in enumerate(shape[:-1]):
        kernel, stride = (int(options[name][axis]) for name in ("kernel", "stride"))
        dilation = int(options["dilation"][axis]) if "dilation" in options else 1
        if options["padding"] == "same":
            found.append(same_pads(length, (kernel - 1) * dilation + 1, stride))
        else:
            found.append((added_to(options, axis),) * 2)
    return found


def same_pads(length: int, span: int, stride: int) -> tuple[int, int]:
    """Return what "same" adds before and after an axis for a window over `span` positions."""
    count = -(-length // stride)
    total = max((count - 1) * stride + span - length, 0)
    return total // 2, total - total // 2
