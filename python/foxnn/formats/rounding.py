"""A warning in exports with float32 inputs, about columns for which float32 is too coarse.

The engine scales inputs in float64, even if the weights are float32. The program that reads an
export passes float32, in which a number is rounded by up to 2^-24 of itself: timestamps, of 1.7e9
seconds, by a minute.
"""

from __future__ import annotations

import numpy as np

from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import shift_and_scale
from foxnn.support.warn import warn

# Rounding may move a scaled input by so much: noise of a hundredth of its standard deviation is
# less than most data have, and outputs hardly change.
_SHARE = 1e-2
_UNIT = 2.0**-24
_MOST_NAMED = 3


def warn_if_coarse(network: AnsweringNetwork, path: str) -> None:
    """Warn of input columns whose mean is so large that float32 loses their differences."""
    scaler = network.input_scaler
    if scaler is None or network.dtype != "float32":
        return
    shift, scale = shift_and_scale(scaler)
    error = np.abs(shift) * _UNIT / scale
    coarse = np.flatnonzero(error > _SHARE)
    if coarse.size == 0:
        return
    names = network.input_names  # of all inputs, or of the channels of steps
    named = [repr(names[i % len(names)]) if names else str(i) for i in coarse[:_MOST_NAMED]]
    more = coarse.size - len(named)
    worst = coarse[error[coarse].argmax()]
    warn(
        f"{path}: its inputs are float32, which is too coarse for column{'s' * (coarse.size > 1)} "
        f"{', '.join(named)}{f' and {more} more' if more > 0 else ''}: numbers near "
        f"{shift[worst]:.6g} are rounded by up to {error[worst]:.2g} of the scale "
        f"{scale[worst]:.6g}. Subtract a constant from the column before training, or save the "
        "network and export it as neural_network(file, dtype='float64')",
        UserWarning,
    )
