"""The argument `truncate` of `fit`: which networks can learn sequences in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foxnn import checks
from foxnn.layers.kinds import KINDS, placed
from foxnn.model.answers import AnsweringNetwork


def checked_truncate(network: AnsweringNetwork, truncate: object) -> int | None:
    """Return the steps of a piece, or None; refuse networks that cannot be trained with pieces."""
    if truncate is None:
        return None
    steps = checks.integer(truncate, "truncate", 1)
    shape = network._input_shape()
    if network._own_loss is not None:
        raise ValueError(
            f"truncate must be None, got {steps}: the loss is a function, and gets whole samples"
        )
    for where, part in placed(network._layers(), "layer {}".format):
        if part["kind"] in KINDS and not part["goes_step_by_step"]:
            raise ValueError(f"truncate must be None, got {steps}: {where} {_why_not(part)}")
    if len(shape) > 2 or len(network._output_shape()) != 2:
        raise ValueError(
            f"truncate must be None, got {steps}: it is for networks that read and answer "
            f"sequences, of input shape (steps, features), not {shape}"
        )
    return steps


def _why_not(part: Mapping[str, Any]) -> str:
    """Return why a layer does not answer each step by the steps so far."""
    options = part["options"]
    if "recurrent_weights" in part["arrays"]:
        for name in ("bidirectional", "reverse"):
            if options.get(name, False):
                return f"has {name}=True, and begins at the last step"
        return (
            "gives its last state only, so that there is no loss before the last step; "
            "return_sequences=True gives all"
        )
    if "kernel" in options:
        return "reads windows of steps, which reach from one piece into another"
    if KINDS[part["kind"]].reads_indices:
        return "reads several whole numbers a step"
    if "factor" in options:
        return "gives more steps than it reads"
    return "needs all steps at once"
