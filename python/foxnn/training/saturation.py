"""A warning for inputs so large that the first layer cannot learn."""

from __future__ import annotations

import warnings

import numpy as np

from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork

# Samples looked at: the share of flat outputs among these thousands of them is sure enough.
_SAMPLES = 64
# Beyond these preactivations the slope is under a hundredth of its largest.
_FLAT_BEYOND = {"sigmoid": 6.0, "tan_h": 3.0}
# Inputs of this size and less are no cause; scaled ones are near 1.
_USUAL_SIZE = 3.0


def warn_if_saturated(network: AnsweringNetwork, x: Array, stacklevel: int) -> None:
    """Warn where inputs are so large that most outputs of a bounded first layer are flat."""
    first = network[0]
    flat_beyond = _FLAT_BEYOND.get(first.get_name_activation_function())
    if flat_beyond is None:
        return
    some = np.asarray(x[:: max(1, len(x) // _SAMPLES)][:_SAMPLES], np.float64)
    size = float(np.sqrt(np.mean(some * some)))
    if size <= _USUAL_SIZE:
        return
    z = some @ first.weights.astype(np.float64) + first.bias
    flat = float((np.abs(z) > flat_beyond).mean())
    if flat > 0.5:
        warnings.warn(
            f"the inputs are large (root mean square {size:.3g}), and {flat:.0%} of the first "
            f"layer's {first.get_name_activation_function()} outputs are flat, where they hardly "
            "learn: scale the inputs, by scale='standard' in fit",
            UserWarning,
            stacklevel=stacklevel,
        )
