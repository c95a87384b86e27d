"""Operations of ONNX over windows as layers: convolutions, pools and `UpSample`."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.window_shapes import GLOBAL_POOLS, POOLS, factors_of, window_of

Shape = tuple[int, ...]
Made = tuple[str, dict[str, Any], dict[str, Array]]


def conv(given: Any, values: Any, shape: Shape) -> Made:
    """Return kind, options and arrays of a convolution."""
    axes = len(shape) - 1
    window = window_of("Conv", given, values, shape)
    weights = values[1].transpose(*range(2, axes + 2), 1, 0)
    if any(map(any, window.zeros)):
        weights = np.pad(weights, [*window.zeros, (0, 0), (0, 0)])
    options = window.options | {
        "filters": weights.shape[-1],
        "dilation": [float(d) for d in given.get("dilations", [1] * axes)],
        "groups": int(given.get("group", 1)),
        "activation": "identity_x",
        "parameters": [],
    }
    arrays = {"weights": weights}
    if len(values) > 2 and values[2] is not None:
        arrays["bias"] = values[2]
    return f"conv{axes}d", options if "bias" in arrays else options | {"bias": False}, arrays


def pool(kind: str, given: Any, values: Any, shape: Shape) -> Made:
    """Return kind, options and arrays of a pool."""
    return f"{POOLS[kind]}{len(shape) - 1}d", window_of(kind, given, values, shape).options, {}


def global_pool(kind: str) -> Made:
    """Return kind, options and arrays of a global pool."""
    return GLOBAL_POOLS[kind], {}, {}


def up_sample(kind: str, given: Any, values: Any, shape: Shape) -> Made:
    """Return kind, options and arrays of an `UpSample`."""
    factors = factors_of(kind, given, values, shape)
    single = factors[:1] if len(set(factors)) == 1 else factors
    return "up_sample", {"factor": [float(factor) for factor in single]}, {}
