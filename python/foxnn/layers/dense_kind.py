"""The kind of dense layers, which a number in the list of layers stands for, too.

Apart from `Dense`, which describes one, so that networks of numbers need no description.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from foxnn import checks
from foxnn.layers.kind import Kind, Options, Shape

LARGEST = 2**31 - 1


def _checked(given: Mapping[str, Any]) -> Options:
    if "units" not in given:
        raise ValueError("lacks the option units")
    if others := sorted(set(given) - {"units", "bias", "each_position"}):
        raise ValueError(f"has no option {checks.shown(others[0])}")
    options: Options = {"units": checks.integer(given["units"], "units", 1, LARGEST)}
    for name in ("bias", "each_position"):
        if name in given:
            options[name] = checks.flag(given[name], name)
    return options


def _output_shape(shape: Shape, options: Options) -> Shape:
    return (*(shape[:-1] if options.get("each_position") else ()), options["units"])


def _arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    units = options["units"]
    if None in shape and not options.get("each_position"):
        raise ValueError(
            f"reads all steps at once, so that it needs a fixed number of them, but its input has "
            f"shape {shape}: Dense({units}) reads each step, and GlobalMaxPool or "
            "GlobalAveragePool before it makes one of all steps"
        )
    inputs = shape[-1] if options.get("each_position") else math.prod(shape)
    if inputs > LARGEST:
        raise ValueError(f"must have at most {LARGEST} inputs, got {inputs}")
    biases = {"bias": (units,)} if options.get("bias", True) else {}
    return {"weights": (inputs, units), **biases}


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    return [options["units"]], {} if options.get("bias", True) else {"bias": False}


DENSE = Kind(
    "dense", "Dense", _checked, _output_shape, _arrays, _shown, has_activation=True, has_init=True
)
