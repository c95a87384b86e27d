"""Operations on sequences whose steps come before their samples, as those with samples first.

tf2onnx moves a Transpose from before an operation that is alike for every step to behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.formats.onnx.constants import Attributes
from foxnn.formats.onnx.functions import FUNCTIONS
from foxnn.formats.onnx.recurrent_shapes import Turned


def with_samples_first(
    kind: str, given: Attributes, values: list[Any]
) -> tuple[Attributes, list[Any]] | None:
    """Return the attributes and inputs that do the same to samples first; None if none do.

    Functions may have constants of the features; means and maxima are over all steps.
    """
    turned = [value for value in values if isinstance(value, Turned)]
    if any(value.axes != "tnc" or value.is_backward for value in turned):
        return None
    if kind in FUNCTIONS:
        inputs = [v.reshape(-1) if _is_of_features(v) else v for v in values]
        is_right = all(isinstance(v, Turned) or _is_of_features(v) for v in inputs)
        return (given, inputs) if is_right else None
    if kind not in ("ReduceMean", "ReduceMax") or not isinstance(values[0], Turned):
        return None
    axes = given.get("axes")
    if len(values) == 2 and _is_of_features(values[1]):
        axes = values[1].reshape(-1).tolist()
    is_over_steps = axes == [0] and given.get("keepdims", 1) == 0
    return ({"axes": [1], "keepdims": 0}, values[:1]) if is_over_steps else None


def _is_of_features(value: Any) -> bool:
    """Return whether a value is a constant that is the same for every step and sample."""
    return isinstance(value, np.ndarray) and value.shape[-1:] in ((value.size,), ())
