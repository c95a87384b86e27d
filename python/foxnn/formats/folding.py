"""Layers that a file holds as one: what follows a convolution or a dense layer, taken into it.

A `BatchNorm` multiplies and shifts each channel by constants once it is trained, so it goes into
the weights and the bias of the layer before it. An `Activation` becomes that of the layer, and
`Dropout` does nothing. A layer that cannot take in the next one is written as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn.checks import Array

Part = Mapping[str, Any]

_TAKING = ("dense", "conv1d", "conv2d", "conv3d")

#: The kinds that can be taken in.
TAKEN = ("batch_norm", "activation", "dropout")

# How many standard deviations a channel's mean may be away from its bias. Beyond that the weighted
# inputs and the shift cancel each other so far that the rounding of the folded weights shows: each
# is rounded by up to 2^-24 of itself, which is then 64 * 2^-24 = 4e-6 of a standard deviation.
_FARTHEST = 64.0


def folded(
    parts: Sequence[Part], read: Callable[[int, str], Array], taken: Container[str] = TAKEN
) -> list[Part]:
    """Return the layers of a list, each with what it takes in of those that follow.

    Arrays that are not the network's own are in the item "values" of a layer, by name; `array_of`
    reads either.

    Parameters
    ----------
    parts : list of dict
        As the engine shows them.
    read : callable
        From the engine's number of a layer and a name to an array.
    taken : container of str, default=TAKEN
        The kinds that are taken in.
    """
    found: list[Part] = []
    for part in parts:
        both = _together(found[-1], part, read) if found and part["kind"] in taken else None
        if both is None:
            found.append(part)
        else:
            found[-1] = both
    return found


def array_of(part: Part, name: str, read: Callable[[int, str], Array]) -> Array:
    """Return an array of a layer that may have taken in others."""
    given: Array | None = part.get("values", {}).get(name)
    return read(part["index"], name) if given is None else given


def _together(layer: Part, part: Part, read: Callable[[int, str], Array]) -> Part | None:
    """Return a layer that computes what two do; None if there is none."""
    if layer["kind"] not in _TAKING or layer["options"]["activation"] != "identity_x":
        return None
    if part["kind"] == "dropout":
        return layer
    if part["kind"] == "activation":
        own = {key: part["options"][key] for key in ("activation", "parameters")}
        return {**layer, "options": {**layer["options"], **own}}
    if part["kind"] != "batch_norm":
        return None

    # In float64, and rounded once.
    names = "weights", "bias", "running_mean", "running_variance"
    gain, shift, mean, variance = (read(part["index"], name).astype(np.float64) for name in names)
    weights = array_of(layer, "weights", read)
    bias = np.zeros(len(mean))
    if "bias" in layer["arrays"]:
        bias = array_of(layer, "bias", read).astype(np.float64)
    with np.errstate(all="ignore"):  # what is not finite is not taken
        deviation = np.sqrt(variance + part["options"]["epsilon"])
        is_near = (np.abs(mean - bias) <= _FARTHEST * deviation).all()
        values = {
            "weights": (weights * (gain / deviation)).astype(weights.dtype),
            "bias": ((bias - mean) / deviation * gain + shift).astype(weights.dtype),
        }
    if not is_near or not all(np.isfinite(array).all() for array in values.values()):
        return None
    arrays = {**layer["arrays"], "bias": mean.shape}
    return {**layer, "arrays": arrays, "values": values}
