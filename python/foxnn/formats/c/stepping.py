"""Networks that take one step of a sequence at a time: which ones can, and their layers for a step.

Such a network has a state that goes from step to step. Its outputs after a step are those of the
steps so far, so all of its layers must do without the steps to come and, but for recurrent ones,
without the steps before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foxnn.formats.c.recurrent import RECURRENT

Part = Mapping[str, Any]

# Layers that compute each step from that step alone.
_EACH = ("dense", "activation", "dropout", "layer_norm", "batch_norm", "embedding")


class NoSteps(Exception):
    """A layer does not go step by step; `part` is that layer."""

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.part = part


def for_a_step(parts: Sequence[Part]) -> tuple[list[Part], bool]:
    """Return the layers as they are for a single step, and whether they give one for each step.

    Recurrent layers that go on with the next step have an item "goes_on". Those that follow the
    last state of another one read a whole sequence at each step, from its beginning.

    Raises
    ------
    NoSteps
        For the first layer that does not go step by step.
    """
    found: list[Part] = []
    has_steps = True
    for part in parts:
        if not has_steps:  # of the state after the last step
            found.append(part)
            continue
        one, has_steps = _of_a_step(part)
        found.append(one)
    return found, has_steps


def has_recurrent(parts: Sequence[Part]) -> bool:
    """Return whether any of the layers is recurrent."""
    return any(
        part["kind"] in RECURRENT or any(map(has_recurrent, part.get("branches", ())))
        for part in parts
    )


def _of_a_step(part: Part) -> tuple[Part, bool]:
    kind, options = part["kind"], part["options"]
    if kind in RECURRENT:
        if options.get("bidirectional", False) or options.get("reverse", False):
            raise NoSteps(part)
        has_steps = bool(options.get("return_sequences", False))
    elif kind in _EACH:
        if kind == "dense" and not options.get("each_position", False):
            raise NoSteps(part)
        has_steps = True
    elif "branches" in part:
        branches, ends = zip(*map(for_a_step, part["branches"]), strict=True)
        return {**part, "branches": branches, **_shapes(part, ends[0])}, ends[0]
    else:
        raise NoSteps(part)
    return {**part, **_shapes(part, has_steps), "goes_on": kind in RECURRENT}, has_steps


def _shapes(part: Part, has_steps: bool) -> dict[str, Any]:
    """Return the shapes for a step."""
    after = part["output_shape"]
    return {
        "input_shape": (1, *part["input_shape"][1:]),
        "output_shape": (1, *after[1:]) if has_steps else after,
    }
